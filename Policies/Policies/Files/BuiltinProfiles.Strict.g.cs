// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    private const string Strict =
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
        """;
}
