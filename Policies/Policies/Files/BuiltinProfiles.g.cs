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
            {3:1
            p3:1 version
            p3:10 1
            p4:1 extends
            p4:10 processes
            p5:1 description
            p5:14 a build in CI
            p6:1 creation
            {7:3
            p7:3 allow
            [8:5
            q8:7 @share
            p9:7 CLONE_PARENT
            ]
            p10:3 limits
            {11:5
            p11:5 tasks
            p11:12 16384
            p12:5 threads
            p12:14 8192
            p13:5 depth
            p13:12 1024
            p14:5 per_second
            p14:17 50000
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
            p20:3 capabilities
            [20:17
            ]
            p21:3 keyring
            p21:12 on
            p22:3 syscalls
            {23:5
            p23:5 deny
            [23:11
            q23:12 @mount
            q23:22 @module
            q23:33 @reboot
            q23:44 @clock
            q23:54 @swap
            q23:63 @rawio
            q23:73 @keyring
            q23:85 @debug
            q24:7 @numa
            q24:16 @admin
            q24:26 @obsolete
            ]
            }
            }
            p25:1 filesystem
            {26:3
            p26:3 default
            p26:12 ro
            p27:3 paths
            {28:5
            q28:5 ~/.ssh
            p28:15 hide
            q29:5 ~/.gnupg
            p29:17 hide
            q30:5 ~/.aws
            p30:15 hide
            q31:5 ~/.azure
            p31:17 hide
            q32:5 ~/.config/gcloud
            p32:25 hide
            q33:5 ~/.config/gh
            p33:21 hide
            q34:5 ~/.kube
            p34:16 hide
            q35:5 ~/.docker
            p35:18 hide
            q36:5 ~/.netrc
            p36:17 hide
            q37:5 ~/.git-credentials
            p37:27 hide
            q38:5 ~/.npmrc
            p38:17 hide
            q39:5 ~/.pypirc
            p39:18 hide
            q40:5 ~/.cargo/credentials*
            p40:30 hide
            q41:5 ~/.password-store
            p41:26 hide
            q42:5 ~/.local/share/keyrings
            p42:32 hide
            q43:5 ~/.mozilla
            p43:19 hide
            q44:5 ~/.config/google-chrome
            p44:32 hide
            q45:5 ~/.config/chromium
            p45:27 hide
            q46:5 ~/.*_history
            p46:21 hide
            p47:5 .
            p47:8 rw
            p48:5 /tmp
            {48:11
            p48:12 access
            p48:20 tmpfs
            p48:27 size
            p48:33 8G
            }
            p49:5 /var/tmp
            {49:15
            p49:16 access
            p49:24 tmpfs
            p49:31 size
            p49:37 8G
            }
            p50:5 /run
            {50:11
            p50:12 access
            p50:20 tmpfs
            p50:27 size
            p50:33 64M
            }
            p51:5 /dev
            p51:11 dev
            p52:5 /dev/shm
            {52:15
            p52:16 access
            p52:24 tmpfs
            p52:31 size
            p52:37 1G
            }
            p53:5 /proc
            p53:12 proc
            }
            }
            }
            """,
        "processes" =>
            """
            {3:1
            p3:1 version
            p3:10 1
            p4:1 description
            p4:14 processes and threads, and no isolation
            p5:1 creation
            {6:3
            p6:3 allow
            [7:5
            q7:7 @fork
            q8:7 @vfork
            q9:7 @thread
            p10:7 CLONE_PIDFD
            ]
            p11:3 strip
            [12:5
            p12:7 CLONE_UNTRACED
            p13:7 CLONE_PTRACE
            ]
            p14:3 deny
            {17:5
            q17:5 @namespaces
            p17:20 EPERM
            }
            p18:3 otherwise
            p18:14 EPERM
            p19:3 entry
            {20:5
            p20:5 setns
            p20:12 EPERM
            }
            p21:3 limits
            {22:5
            p22:5 tasks
            p22:12 4096
            p23:5 threads
            p23:14 2048
            p24:5 depth
            p24:12 256
            p25:5 per_second
            p25:17 10000
            }
            p26:3 on_violation
            p26:17 errno
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
