using System.Collections.Generic;
using System.Collections.Immutable;
using System.Numerics;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>What a policy does with one flag or one shape.</summary>
public enum FlagAction
{
    /// <summary>
    /// It is not named: <c>otherwise</c> applies, or the shape that it belongs to.
    /// </summary>
    Unnamed,

    /// <summary>It may be asked for.</summary>
    Allow,

    /// <summary>It is taken out of the call.</summary>
    Strip,

    /// <summary>A call with it gets an errno.</summary>
    Deny,
}

/// <summary>The rule for one flag or one shape.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Errno">For <see cref="FlagAction.Deny"/>.</param>
/// <param name="Origin">Where it was set; null when it is unnamed.</param>
public readonly record struct FlagRule(FlagAction Action, Errno Errno, Origin? Origin);

/// <summary>What happens to a run in which a guest asks for what the policy denies.</summary>
public enum OnViolation
{
    /// <summary>The guest gets the errno and goes on.</summary>
    Errno,

    /// <summary>The run is ended.</summary>
    Kill,
}

/// <summary>
/// The section <c>creation</c>, resolved: immutable, and each rule knows where it was set.
/// </summary>
public sealed class CreationPolicy
{
    /// <summary>How many flags a call can carry.</summary>
    public const int Bits = 64;

    private const string DenyKey = "creation.deny";
    private const string OtherwiseKey = "creation.otherwise";
    /// <summary>The key of flags that are added.</summary>
    public const string RequireKey = "creation.require";
    private readonly ImmutableArray<FlagRule> _flags;
    private readonly ImmutableArray<FlagRule> _shapes;
    private readonly ImmutableArray<Sourced<Errno>> _entries;
    private readonly ImmutableArray<Origin?> _required;

    internal CreationPolicy(PolicyDraft draft)
    {
        _flags = [.. draft.Flags];
        _shapes = [.. draft.Shapes];
        _entries = [.. draft.Entries];
        _required = [.. draft.Required];
        (Otherwise, OnViolation) = (draft.Otherwise, draft.OnViolation);
        (Limits, Namespaces, SetUp) = (draft.Limits, draft.Namespaces, draft.SetUp);
        for (int i = 0; i < Bits; i++)
        {
            ulong bit = 1UL << i;
            Allow |= _flags[i].Action == FlagAction.Allow ? bit : 0;
            Strip |= _flags[i].Action == FlagAction.Strip ? bit : 0;
            Denied |= _flags[i].Action == FlagAction.Deny ? bit : 0;
            Require |= _required[i] is not null ? bit : 0;
        }
    }

    /// <summary>Flags that are allowed by name.</summary>
    public ulong Allow { get; }

    /// <summary>Flags that are taken out of a call.</summary>
    public ulong Strip { get; }

    /// <summary>Flags that get an errno of their own.</summary>
    public ulong Denied { get; }

    /// <summary>Flags that are added to each new process.</summary>
    public ulong Require { get; }

    /// <summary>What a call gets for a flag or shape that is not named.</summary>
    public Sourced<Errno> Otherwise { get; }

    /// <summary>How many tasks there may be.</summary>
    public CreationLimits Limits { get; }

    /// <summary>How many namespaces guests may make.</summary>
    public NamespaceBudgets Namespaces { get; }

    /// <summary>What is done to namespaces that guests make.</summary>
    public NamespaceSetUp SetUp { get; }

    /// <summary>
    /// Types of namespaces of which none is made unseen, as CLONE_NEW flags: they are counted, or
    /// set up.
    /// </summary>
    public ulong Supervised => Namespaces.Limited | SetUp.Types;

    /// <summary>Every limit that is set, by key: of tasks, then of namespaces.</summary>
    public IEnumerable<(string Key, Sourced<int> Limit)> AllLimits() =>
        [.. Limits.Set(), .. Namespaces.Set()];

    /// <summary>What a denied request does to the run.</summary>
    public Sourced<OnViolation> OnViolation { get; }

    /// <summary>The rule for a flag.</summary>
    public FlagRule Flag(ulong bit) => _flags[BitOperations.TrailingZeroCount(bit)];

    /// <summary>Where a required flag was set; null for one that is not required.</summary>
    public Origin? RequiredAt(ulong bit) => _required[BitOperations.TrailingZeroCount(bit)];

    /// <summary>
    /// The rule for a shape. A shape that is not named is allowed with the flag that makes it
    /// one: CLONE_VFORK, CLONE_THREAD.
    /// </summary>
    public FlagRule ShapeRule(Shape shape)
    {
        FlagRule rule = _shapes[(int)shape];
        ulong key = shape.KeyFlag();
        return rule.Action == FlagAction.Unnamed && (Allow & key) != 0 ? Flag(key) : rule;
    }

    /// <summary>The rule for a shape as it was named, whatever its flags allow.</summary>
    internal FlagRule NamedShape(Shape shape) => _shapes[(int)shape];

    /// <summary>Whether a call is open; None, or the errno that it always gets.</summary>
    public Sourced<Errno> Entry(EntryPoint entry) => _entries[(int)entry];

    /// <summary>The key that closes a call.</summary>
    public static string EntryKey(EntryPoint entry) => "creation.entry." + entry.Name();

    /// <summary>
    /// Decides a call by its name alone, before anything else is looked at: a closed call gives
    /// its errno whatever its arguments are.
    /// </summary>
    /// <returns>A denial; null when the call is open.</returns>
    public CreationDecision? DecideEntry(EntryPoint entry) => Entry(entry) is var gate
        && gate.Value != Errno.None
        ? CreationDecision.Deny(gate, EntryKey(entry)) : null;

    /// <summary>Decides one request to create a task: a pure function.</summary>
    /// <param name="flags">The flags without the exit signal.</param>
    public CreationDecision Decide(ulong flags)
    {
        Shape shape = Shapes.Of(flags);
        FlagRule rule = ShapeRule(shape);
        if (rule.Action == FlagAction.Deny)
        {
            return CreationDecision.Deny(new(rule.Errno, rule.Origin!), DenyKey, shape.KeyFlag());
        }

        if ((flags & Denied) is var denied and not 0)
        {
            return DenyLowest(denied);
        }

        if (rule.Action != FlagAction.Allow)
        {
            return CreationDecision.Deny(Otherwise, OtherwiseKey, shape.KeyFlag());
        }

        ulong stripped = flags & (Strip | CloneFlags.AlwaysStripped);
        ulong left = flags & ~stripped;
        if ((left & ~(Allow | shape.OwnFlags())) is var unnamed and not 0)
        {
            return CreationDecision.Deny(Otherwise, OtherwiseKey, unnamed);
        }

        ulong added = Added(left);
        return Clash(added, left) is var clash and not 0
            ? new(Otherwise.Value, 0, 0, RequireKey, RequiredAt(clash)!, clash)
            : new(Errno.None, stripped, added, "creation.allow", rule.Origin!, 0);
    }

    /// <summary>
    /// The required flag that a request would be refused for even if all that it asks for were
    /// allowed; 0 for none.
    /// </summary>
    public ulong ClashOf(ulong flags)
    {
        ulong left = flags & ~(Strip | CloneFlags.AlwaysStripped);
        return Clash(Added(left), left);
    }

    /// <summary>Decides which namespaces a caller may give itself: unshare(2).</summary>
    /// <param name="flags">Its argument; only flags of namespaces are judged.</param>
    public CreationDecision DecideUnshare(ulong flags)
    {
        ulong asked = flags & CloneFlags.Namespaces;
        if ((asked & Denied) is var denied and not 0)
        {
            return DenyLowest(denied);
        }

        ulong stripped = asked & Strip;
        ulong unnamed = asked & ~stripped & ~Allow;
        ulong first = CloneFlags.Lowest(asked & Allow);
        return unnamed != 0 ? CreationDecision.Deny(Otherwise, OtherwiseKey, unnamed)
            : new(Errno.None, stripped, 0, "creation.allow",
                first == 0 ? Entry(EntryPoint.Unshare).Origin : Flag(first).Origin!, 0);
    }

    /// <summary>
    /// Decides which namespaces a caller may enter: setns(2). Nothing can be stripped of it: a
    /// stripped type is not allowed.
    /// </summary>
    /// <param name="types">The types that it would change, as CLONE_NEW flags.</param>
    public CreationDecision DecideSetns(ulong types)
    {
        CreationDecision decision = DecideUnshare(types);
        return decision.Stripped != 0
            ? CreationDecision.Deny(Otherwise, OtherwiseKey, decision.Stripped)
            : !decision.Allowed ? decision
            : decision with
            {
                Key = EntryKey(EntryPoint.Setns),
                Origin = Entry(EntryPoint.Setns).Origin,
            };
    }

    /// <summary>
    /// The added flag that the kernel would refuse together with what the call shares: "CLONE_NEWNS
    /// and CLONE_FS [...] together" - clone(2), and CLONE_NEWIPC with CLONE_SYSVSEM.
    /// </summary>
    private static ulong Clash(ulong added, ulong left) => CloneFlags.Lowest(
        ((left & CLONE_FS) != 0 ? added & (CLONE_NEWNS | CLONE_NEWUSER) : 0)
        | ((left & CLONE_SYSVSEM) != 0 ? added & CLONE_NEWIPC : 0));

    private ulong Added(ulong left) => Shapes.Of(left) == Shape.Thread ? 0 : Require & ~left;

    private CreationDecision DenyLowest(ulong denied)
    {
        ulong bit = CloneFlags.Lowest(denied);
        FlagRule rule = Flag(bit);
        return CreationDecision.Deny(new(rule.Errno, rule.Origin!), DenyKey, denied);
    }
}
