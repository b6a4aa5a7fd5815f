using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;

namespace Sandbox.Commands;

/// <summary>
/// Options and arguments of several values. The parser's own ways make each array by reflection,
/// which a run does without.
/// </summary>
internal static class SeveralValues
{
    /// <summary>All values of an option; none when it is not given.</summary>
    public static T[] GetAll<T>(this ParseResult parsed, Option<T[]> option) =>
        parsed.GetResult(option)?.GetValueOrDefault<T[]>() ?? [];

    /// <summary>Reads words as they are: for <see cref="Argument{T}.CustomParser"/>.</summary>
    public static string[] Words(ArgumentResult result) =>
        [.. result.Tokens.Select(static token => token.Value)];
}
