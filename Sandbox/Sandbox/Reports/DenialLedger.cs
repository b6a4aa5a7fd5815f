using System.Collections.Generic;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel;

namespace Sandbox.Reports;

/// <summary>What a guest was denied, as often as it asked.</summary>
/// <param name="Entry">The call.</param>
/// <param name="Program">The program that asked.</param>
/// <param name="Refusal">What decided.</param>
internal readonly record struct DenialCause(EntryPoint Entry, string? Program, Refusal Refusal);

/// <summary>A cause and how often it was met.</summary>
/// <param name="Cause">Who asked for what, and what decided.</param>
/// <param name="Count">How often.</param>
/// <param name="Flags">What the first of these calls asked for.</param>
/// <param name="Edit">
/// Settings that would allow it; null when only taking something out of the policy would.
/// </param>
internal sealed record Denial(
    DenialCause Cause, long Count, ulong Flags, IReadOnlyList<string>? Edit)
{
    /// <summary>What was asked for, as a person would write it.</summary>
    public string What => Flags == 0 ? Cause.Entry.Name()
        : $"{Cause.Entry.Name()}({string.Join('|', CloneFlags.Of(Flags))})";
}

/// <summary>Sums up denials by cause; a guest cannot make it grow without end.</summary>
internal sealed class DenialLedger(CreationPolicy policy)
{
    private const int MostCauses = 256;
    private readonly Dictionary<DenialCause, (long Count, ulong Flags)> _causes = [];

    /// <summary>Denials of causes that came when the ledger was full.</summary>
    public long Others { get; private set; }

    /// <summary>Notes one denial; true for the first of its cause.</summary>
    public bool Add(EntryPoint entry, string? program, in Refusal refusal, ulong flags)
    {
        var cause = new DenialCause(entry, program, refusal);
        if (_causes.TryGetValue(cause, out (long Count, ulong Flags) known))
        {
            _causes[cause] = (known.Count + 1, known.Flags);
            return false;
        }

        if (_causes.Count == MostCauses)
        {
            Others++;
            return false;
        }

        _causes.Add(cause, (1, flags));
        return true;
    }

    /// <summary>All denials, the most frequent first.</summary>
    public IReadOnlyList<Denial> Sum()
    {
        var denials = new List<Denial>(_causes.Count);
        foreach ((DenialCause cause, (long count, ulong flags)) in _causes)
        {
            denials.Add(new(cause, count, flags, EditFor(cause, flags)));
        }

        denials.Sort(static (a, b) => b.Count.CompareTo(a.Count));
        return denials;
    }

    private IReadOnlyList<string>? EditFor(DenialCause cause, ulong flags)
    {
        if (cause.Refusal.By != RefusedBy.Limit)
        {
            // Only clone3 keeps its flags in memory, which nobody reads for a closed call.
            bool unread = cause.Entry == EntryPoint.Clone3 && flags == 0
                && policy.Entry(cause.Entry).Value != Errno.None;
            return PolicyEdit.ToAllow(policy, cause.Entry, unread ? null : flags);
        }

        return PolicyEdit.ToRaise(policy, cause.Refusal.Rule) is { } edit ? [edit] : null;
    }
}
