// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static class BuiltinProfiles
{
    public static string? Compiled(string name) => name switch
    {
        "default" =>
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
            """,
        "build" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 extends
            p3:10 processes
            p4:1 description
            p4:14 a build in CI
            p5:1 creation
            {6:3
            p6:3 allow
            [7:5
            q7:7 @share
            p8:7 CLONE_PARENT
            ]
            p9:3 limits
            {10:5
            p10:5 tasks
            p10:12 16384
            p11:5 threads
            p11:14 8192
            p12:5 depth
            p12:12 1024
            p13:5 per_second
            p13:17 50000
            }
            }
            p14:1 resources
            {15:3
            p15:3 core
            p15:9 0
            }
            p16:1 isolation
            {17:3
            p17:3 namespaces
            [17:15
            p17:16 user
            p17:22 mount
            p17:29 pid
            p17:34 net
            p17:39 ipc
            p17:44 uts
            p17:49 cgroup
            ]
            p18:3 hostname
            p18:13 sandbox
            p19:3 capabilities
            [19:17
            ]
            p20:3 keyring
            p20:12 on
            p21:3 syscalls
            {22:5
            p22:5 deny
            [22:11
            q22:12 @mount
            q22:22 @module
            q22:33 @reboot
            q22:44 @clock
            q22:54 @swap
            q22:63 @rawio
            q22:73 @keyring
            q22:85 @debug
            q23:7 @numa
            q23:16 @admin
            q23:26 @obsolete
            ]
            }
            }
            p24:1 filesystem
            {25:3
            p25:3 default
            p25:12 ro
            p26:3 paths
            {27:5
            q27:5 ~/.ssh
            p27:15 hide
            q28:5 ~/.gnupg
            p28:17 hide
            q29:5 ~/.aws
            p29:15 hide
            q30:5 ~/.azure
            p30:17 hide
            q31:5 ~/.config/gcloud
            p31:25 hide
            q32:5 ~/.config/gh
            p32:21 hide
            q33:5 ~/.kube
            p33:16 hide
            q34:5 ~/.docker
            p34:18 hide
            q35:5 ~/.netrc
            p35:17 hide
            q36:5 ~/.git-credentials
            p36:27 hide
            q37:5 ~/.npmrc
            p37:17 hide
            q38:5 ~/.pypirc
            p38:18 hide
            q39:5 ~/.cargo/credentials*
            p39:30 hide
            q40:5 ~/.password-store
            p40:26 hide
            q41:5 ~/.local/share/keyrings
            p41:32 hide
            q42:5 ~/.mozilla
            p42:19 hide
            q43:5 ~/.config/google-chrome
            p43:32 hide
            q44:5 ~/.config/chromium
            p44:27 hide
            q45:5 ~/.*_history
            p45:21 hide
            p46:5 .
            p46:8 rw
            p47:5 /tmp
            {47:11
            p47:12 access
            p47:20 tmpfs
            p47:27 size
            p47:33 8G
            }
            p48:5 /var/tmp
            {48:15
            p48:16 access
            p48:24 tmpfs
            p48:31 size
            p48:37 8G
            }
            p49:5 /run
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
            p51:37 1G
            }
            p52:5 /proc
            p52:12 proc
            }
            }
            }
            """,
        "processes" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 description
            p3:14 processes and threads, and no isolation
            p4:1 creation
            {5:3
            p5:3 allow
            [6:5
            q6:7 @fork
            q7:7 @vfork
            q8:7 @thread
            p9:7 CLONE_PIDFD
            ]
            p10:3 strip
            [11:5
            p11:7 CLONE_UNTRACED
            p12:7 CLONE_PTRACE
            ]
            p13:3 deny
            {16:5
            q16:5 @namespaces
            p16:20 EPERM
            }
            p17:3 otherwise
            p17:14 EPERM
            p18:3 entry
            {19:5
            p19:5 setns
            p19:12 EPERM
            }
            p20:3 limits
            {21:5
            p21:5 tasks
            p21:12 4096
            p22:5 threads
            p22:14 2048
            p23:5 depth
            p23:12 256
            p24:5 per_second
            p24:17 10000
            }
            p25:3 on_violation
            p25:17 errno
            }
            }
            """,
        "strict" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 description
            p3:14 one task and no other
            p4:1 creation
            {5:3
            p5:3 allow
            [5:10
            ]
            p6:3 otherwise
            p6:14 EPERM
            p7:3 entry
            {8:5
            p8:5 fork
            p8:11 EPERM
            p9:5 vfork
            p9:12 EPERM
            p10:5 clone
            p10:12 EPERM
            p11:5 clone3
            p11:13 EPERM
            p12:5 unshare
            p12:14 EPERM
            p13:5 setns
            p13:12 EPERM
            }
            }
            }
            """,
        "permissive" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 description
            p3:14 all allowed, all observed
            p4:1 creation
            {5:3
            p5:3 because
            p5:12 it observes and forbids nothing
            p6:3 allow
            [6:10
            q6:11 @all
            ]
            p7:3 strip
            [8:5
            p8:7 CLONE_UNTRACED
            p9:7 CLONE_PTRACE
            ]
            p10:3 entry
            {11:5
            p11:5 setns
            p11:12 allow
            }
            }
            }
            """,
        _ => null,
    };
}
