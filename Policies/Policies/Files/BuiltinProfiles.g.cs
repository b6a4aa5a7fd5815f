// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static class BuiltinProfiles
{
    public static string? Compiled(string name) => name switch
    {
        "default" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 description
            p3:14 an untrusted program
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
        "build" =>
            """
            {2:1
            p2:1 version
            p2:10 1
            p3:1 extends
            p3:10 default
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
