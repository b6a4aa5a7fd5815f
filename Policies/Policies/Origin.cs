namespace Policies;

/// <summary>A text that policy settings come from.</summary>
/// <param name="Name">
/// The file as it was named; <c>builtin:NAME.yaml</c> for a profile that ships; <c>--set</c>.
/// </param>
/// <param name="ExtendedBy">The <c>extends</c> that brought it in; null when it was named.</param>
public sealed record PolicySource(string Name, Origin? ExtendedBy = null);

/// <summary>Where a setting stands.</summary>
/// <param name="Source">The text.</param>
/// <param name="Line">From 1; for <c>--set</c>, which of them. 0 is a default of the model.</param>
/// <param name="Column">From 1, in characters.</param>
public sealed record Origin(PolicySource Source, int Line, int Column)
{
    /// <summary>What holds when no text says otherwise.</summary>
    public static Origin Default { get; } = new(new PolicySource("default of the model"), 0, 0);

    /// <summary>The text's name.</summary>
    public string File => Source.Name;

    /// <summary><c>file:line:column</c>, as compilers write it, in one line.</summary>
    public override string ToString() =>
        Line == 0 ? OneLine.Of(File) : $"{OneLine.Of(File)}:{Line}:{Column}";
}

/// <summary>A value and where it stands.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Value">The value.</param>
/// <param name="Origin">Where it was set.</param>
public readonly record struct Sourced<T>(T Value, Origin Origin);

/// <summary>Something wrong in a policy, or worth a second look.</summary>
/// <param name="Origin">Where; null for what stands in no text, such as a missing file.</param>
/// <param name="Message">What is wrong, the offending text, and what would be right.</param>
public sealed record PolicyProblem(Origin? Origin, string Message)
{
    /// <summary><c>file:line:column: message</c>.</summary>
    public override string ToString() => Origin is null ? Message : $"{Origin}: {Message}";
}
