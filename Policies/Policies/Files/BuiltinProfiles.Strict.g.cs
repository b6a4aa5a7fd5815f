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
        p25:3 landlock
        p25:13 on
        p26:3 syscalls
        {27:5
        p27:5 deny
        [27:11
        q27:12 @mount
        q27:22 @module
        q27:33 @reboot
        q27:44 @clock
        q27:54 @swap
        q27:63 @rawio
        q27:73 @keyring
        q27:85 @debug
        q28:7 @numa
        q28:16 @admin
        q28:26 @obsolete
        q28:39 @network
        q28:51 @trace
        q28:61 @ipc
        ]
        }
        }
        p29:1 filesystem
        {30:3
        p30:3 default
        p30:12 hide
        p31:3 paths
        {32:5
        p32:5 /usr
        p32:11 ro
        p33:5 /bin
        p33:11 ro
        p34:5 /sbin
        p34:12 ro
        p35:5 /lib
        p35:11 ro
        p36:5 /lib32
        p36:13 ro
        p37:5 /lib64
        p37:13 ro
        p38:5 /libx32
        p38:14 ro
        p39:5 /opt
        p39:11 ro
        p40:5 /etc/alternatives
        p40:24 ro
        p41:5 /etc/ld.so.cache
        p41:23 ro
        p42:5 /etc/localtime
        p42:21 ro
        p43:5 /etc/locale.alias
        p43:24 ro
        p44:5 /etc/passwd
        p44:18 ro
        p45:5 /etc/group
        p45:17 ro
        p46:5 /etc/nsswitch.conf
        p46:25 ro
        p47:5 .
        p47:8 ro
        q48:5 ~
        p48:10 hide
        p49:5 /tmp
        {49:11
        p49:12 access
        p49:20 tmpfs
        p49:27 size
        p49:33 64M
        }
        p50:5 /dev
        p50:11 dev
        p51:5 /dev/shm
        {51:15
        p51:16 access
        p51:24 tmpfs
        p51:31 size
        p51:37 64M
        }
        p52:5 /proc
        p52:12 proc
        }
        }
        }
        """;
}
