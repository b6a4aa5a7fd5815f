using System;
using System.Linq;

namespace Conformance.Harness;

/// <summary>Runs a command natively, then sandboxed, and compares what a user sees.</summary>
internal static class Twice
{
    public static readonly string[] Permissive = ["-q", "-p", "permissive"];

    /// <summary>The native outcome, after the sandboxed one was found equal.</summary>
    /// <param name="sorted">Whether the order of lines is left open.</param>
    /// <param name="command">The command.</param>
    public static Outcome Same(bool sorted, params string[] command) =>
        Same(Permissive, sorted, null, command);

    public static Outcome Same(
        string[] options, bool sorted, Action<Workplace>? prepare, params string[] command)
    {
        Outcome native = In(prepare, place => Shell.Run(place.Path, null, command));
        Outcome sandboxed = In(prepare, place => Product.Run(place, options, command));
        Assert.Equal(Shape(native, sorted), Shape(sandboxed, sorted));
        return native;
    }

    private static Outcome In(Action<Workplace>? prepare, Func<Workplace, Outcome> run)
    {
        using var place = new Workplace();
        prepare?.Invoke(place);
        Outcome outcome = run(place);
        return outcome with
        {
            Out = outcome.Out.Replace(place.Path, "DIR", StringComparison.Ordinal),
            Err = outcome.Err.Replace(place.Path, "DIR", StringComparison.Ordinal),
        };
    }

    private static string Shape(Outcome outcome, bool sorted) => !sorted ? outcome.ToString()
        : $"status {outcome.Status}\n" + string.Join('\n', outcome.Out.Split('\n').Order());
}
