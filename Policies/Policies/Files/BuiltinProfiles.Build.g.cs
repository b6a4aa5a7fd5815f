// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Build =
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
        """;
}
