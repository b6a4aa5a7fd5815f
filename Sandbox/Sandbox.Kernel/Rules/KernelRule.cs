using System.Collections.Immutable;
using Interpose.Abi;
using Policies;

namespace Sandbox.Kernel.Rules;

/// <summary>All that a rule looks at.</summary>
/// <param name="Request">The request.</param>
/// <param name="Caller">What is known of the caller.</param>
/// <param name="Host">What is known of the kernel.</param>
public readonly record struct RuleInput(CloneRequest Request, CallerFacts Caller, HostFacts Host);

/// <summary>
/// A rule's condition, a pure function: true when the request breaks it, null when that depends
/// on something that is not known.
/// </summary>
public delegate bool? RuleTest(in RuleInput input);

/// <summary>One check that the kernel makes of a request, in its own words and place.</summary>
/// <param name="Name">Short name for reports.</param>
/// <param name="Function">The kernel function that makes it (v6.18).</param>
/// <param name="Errno">What it answers.</param>
/// <param name="Test">When it is broken.</param>
/// <param name="Flags">The same condition as data, where it is one of flags alone.</param>
/// <param name="Since">The version that brought it; null for one before 5.15.</param>
/// <param name="Until">The version that took it away; null for none so far.</param>
/// <param name="Backported">What brought it, where stable series have it as well.</param>
public sealed record KernelRule(
    string Name,
    string Function,
    Errno Errno,
    RuleTest Test,
    FlagTest? Flags = null,
    KernelVersion? Since = null,
    KernelVersion? Until = null,
    StableChange? Backported = null)
{
    /// <summary>The function and what it checks, for reports.</summary>
    public string Label { get; } = $"{Function}: {Name}";

    /// <summary>A rule of flags alone.</summary>
    public static KernelRule Of(string name, string function, Errno errno, FlagTest flags) =>
        new(name, function, errno, (in i) => flags.Holds(i.Request.Flags), flags);

    /// <summary>Whether a kernel has it; null when that is not known.</summary>
    public bool? IsIn(KernelVersion version) =>
        (Since is { } since && !version.IsAtLeast(since))
            || (Until is { } until && version.IsAtLeast(until)) ? false
            : Backported is null ? true : Backported.IsIn(version);

    /// <summary>Whether a request breaks it; null when that is not known.</summary>
    public bool? IsBroken(in RuleInput input)
    {
        bool? there = IsIn(input.Host.Version);
        bool? broken = there == false ? false : Test(input);
        return there is null && broken == true ? null : broken;
    }
}

/// <summary>A condition on flags.</summary>
/// <param name="All">All of these are there,</param>
/// <param name="None">none of these is,</param>
/// <param name="Any">and one of these at least; 0 for no such demand.</param>
public readonly record struct FlagTest(ulong All, ulong None = 0, ulong Any = 0)
{
    /// <summary>Whether it holds.</summary>
    public bool Holds(ulong flags) =>
        (flags & (All | None)) == All && (Any == 0 || (flags & Any) != 0);
}

/// <summary>What the rules say of a request.</summary>
/// <param name="Broken">The first rule that it breaks; null for none.</param>
/// <param name="Unknown">
/// The rule at which the facts ended: whether it or a later one is broken the kernel must say.
/// </param>
public readonly record struct RuleVerdict(KernelRule? Broken, KernelRule? Unknown)
{
    /// <summary>Asks rules in order, until one is broken or cannot be answered.</summary>
    public static RuleVerdict Of(ImmutableArray<KernelRule> rules, in RuleInput input)
    {
        for (int i = 0; i < rules.Length; i++)
        {
            bool? broken = rules[i].IsBroken(input);
            if (broken != false)
            {
                return broken is null ? new(null, rules[i]) : new(rules[i], null);
            }
        }

        return default;
    }
}

/// <summary>
/// The kernel's checks of a request to create a task, in its own order. What only it can know
/// (memory, limits of user namespaces, security modules) is left to it: its refusal is seen and
/// unwound.
/// </summary>
public static class KernelRules
{
    /// <summary>The rules for a call, after it was decoded.</summary>
    public static ImmutableArray<KernelRule> Of(EntryPoint entry) => entry switch
    {
        EntryPoint.Clone3 => Clone3,
        EntryPoint.Unshare => UnshareRules.All,
        EntryPoint.Setns => SetnsRules.All,
        _ => Clone,
    };

    /// <summary>For fork, vfork and clone.</summary>
    public static ImmutableArray<KernelRule> Clone { get; } =
        [.. CloneFlagRules.KernelClone, .. CloneFlagRules.CopyProcess, .. CloneStateRules.All];

    /// <summary>For clone3.</summary>
    public static ImmutableArray<KernelRule> Clone3 { get; } =
        [.. CloneFlagRules.Clone3Args, .. Clone];

    /// <summary>
    /// What the rules make of a request. Stage 1 asks no further than the facts go.
    /// </summary>
    public static RuleVerdict Judge(in RuleInput input) =>
        RuleVerdict.Of(Of(input.Request.Entry), input);
}
