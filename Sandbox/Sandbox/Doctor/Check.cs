namespace Sandbox.Doctor;

/// <summary>Whether a feature of the host works.</summary>
internal enum CheckState
{
    /// <summary>It was tried and works.</summary>
    Ok,

    /// <summary>It works, but not as well as it could.</summary>
    Partial,

    /// <summary>It was tried and does not work.</summary>
    Missing,
}

/// <summary>What was found of one feature.</summary>
/// <param name="Group">Which part of the host it belongs to.</param>
/// <param name="Name">Its name in that group; both names are part of the contract.</param>
/// <param name="Required">Whether no run is possible without it.</param>
/// <param name="State">Whether it works.</param>
/// <param name="Found">What was seen: a version, a number, a list.</param>
/// <param name="Why">Why it does not work, or not as well; empty when it does.</param>
/// <param name="Mend">The command that mends it; empty when there is none.</param>
internal sealed record Check(
    string Group, string Name, bool Required, CheckState State, string Found = "",
    string Why = "", string Mend = "")
{
    /// <summary>Whether it alone makes a run impossible.</summary>
    public bool Forbids => Required && State == CheckState.Missing;
}
