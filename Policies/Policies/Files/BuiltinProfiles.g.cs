// Made from Policies/profiles by 'make generate'.
#nullable enable
namespace Policies.Files;

internal static partial class BuiltinProfiles
{
    public static string? Compiled(string name) => name switch
    {
        "default" => Default,
        "build" => Build,
        "processes" => Processes,
        "strict" => Strict,
        "permissive" => Permissive,
        _ => null,
    };
}
