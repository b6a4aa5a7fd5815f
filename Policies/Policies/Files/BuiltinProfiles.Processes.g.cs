// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Processes =
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
        """;
}
