// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Permissive =
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
        """;
}
