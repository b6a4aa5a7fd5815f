// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Default =
        """
        {3:1
        p3:1 version
        p3:10 1
        p4:1 extends
        p4:10 processes
        p5:1 description
        p5:14 an untrusted program
        p6:1 isolation
        {7:3
        p7:3 namespaces
        [7:15
        p7:16 user
        p7:22 mount
        p7:29 pid
        p7:34 net
        p7:39 ipc
        p7:44 uts
        p7:49 cgroup
        ]
        p8:3 hostname
        p8:13 sandbox
        p9:3 user
        {10:5
        p10:5 host_uid
        p10:15 65534
        p11:5 host_gid
        p11:15 65534
        }
        p12:3 capabilities
        [12:17
        ]
        p13:3 keyring
        p13:12 on
        p14:3 syscalls
        {15:5
        p15:5 deny
        [15:11
        q15:12 @mount
        q15:22 @module
        q15:33 @reboot
        q15:44 @clock
        q15:54 @swap
        q15:63 @rawio
        q15:73 @keyring
        q15:85 @debug
        q16:7 @numa
        q16:16 @admin
        q16:26 @obsolete
        ]
        }
        }
        p17:1 filesystem
        {18:3
        p18:3 default
        p18:12 ro
        p19:3 paths
        {20:5
        p20:5 .
        p20:8 ro
        q21:5 ~
        p21:10 hide
        p22:5 /tmp
        {22:11
        p22:12 access
        p22:20 tmpfs
        p22:27 size
        p22:33 1G
        }
        p23:5 /var/tmp
        {23:15
        p23:16 access
        p23:24 tmpfs
        p23:31 size
        p23:37 1G
        }
        p24:5 /run
        {24:11
        p24:12 access
        p24:20 tmpfs
        p24:27 size
        p24:33 64M
        }
        p25:5 /dev
        p25:11 dev
        p26:5 /dev/shm
        {26:15
        p26:16 access
        p26:24 tmpfs
        p26:31 size
        p26:37 256M
        }
        p27:5 /proc
        p27:12 proc
        }
        }
        }
        """;
}
