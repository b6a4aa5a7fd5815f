// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Strict =
        """
        {3:1
        p3:1 version
        p3:10 1
        p4:1 description
        p4:14 one task and no other, with its input and output
        p5:1 creation
        {6:3
        p6:3 allow
        [6:10
        ]
        p7:3 otherwise
        p7:14 EPERM
        p8:3 entry
        {9:5
        p9:5 fork
        p9:11 EPERM
        p10:5 vfork
        p10:12 EPERM
        p11:5 clone
        p11:12 EPERM
        p12:5 clone3
        p12:13 EPERM
        p13:5 unshare
        p13:14 EPERM
        p14:5 setns
        p14:12 EPERM
        }
        }
        p15:1 resources
        {16:3
        p16:3 core
        p16:9 0
        }
        p17:1 isolation
        {18:3
        p18:3 namespaces
        [18:15
        p18:16 user
        p18:22 mount
        p18:29 pid
        p18:34 net
        p18:39 ipc
        p18:44 uts
        p18:49 cgroup
        ]
        p19:3 hostname
        p19:13 sandbox
        p20:3 user
        {21:5
        p21:5 host_uid
        p21:15 65534
        p22:5 host_gid
        p22:15 65534
        }
        p23:3 capabilities
        [23:17
        ]
        p24:3 keyring
        p24:12 on
        p25:3 syscalls
        {26:5
        p26:5 deny
        [26:11
        q26:12 @mount
        q26:22 @module
        q26:33 @reboot
        q26:44 @clock
        q26:54 @swap
        q26:63 @rawio
        q26:73 @keyring
        q26:85 @debug
        q27:7 @numa
        q27:16 @admin
        q27:26 @obsolete
        q27:39 @network
        q27:51 @trace
        q27:61 @ipc
        ]
        }
        }
        p28:1 filesystem
        {29:3
        p29:3 default
        p29:12 hide
        p30:3 paths
        {31:5
        p31:5 /usr
        p31:11 ro
        p32:5 /bin
        p32:11 ro
        p33:5 /sbin
        p33:12 ro
        p34:5 /lib
        p34:11 ro
        p35:5 /lib32
        p35:13 ro
        p36:5 /lib64
        p36:13 ro
        p37:5 /libx32
        p37:14 ro
        p38:5 /opt
        p38:11 ro
        p39:5 /etc/alternatives
        p39:24 ro
        p40:5 /etc/ld.so.cache
        p40:23 ro
        p41:5 /etc/localtime
        p41:21 ro
        p42:5 /etc/locale.alias
        p42:24 ro
        p43:5 /etc/passwd
        p43:18 ro
        p44:5 /etc/group
        p44:17 ro
        p45:5 /etc/nsswitch.conf
        p45:25 ro
        p46:5 .
        p46:8 ro
        q47:5 ~
        p47:10 hide
        p48:5 /tmp
        {48:11
        p48:12 access
        p48:20 tmpfs
        p48:27 size
        p48:33 64M
        }
        p49:5 /dev
        p49:11 dev
        p50:5 /dev/shm
        {50:15
        p50:16 access
        p50:24 tmpfs
        p50:31 size
        p50:37 64M
        }
        p51:5 /proc
        p51:12 proc
        }
        }
        }
        """;
}
