using System.Collections.Generic;
using System.Collections.Immutable;
using Interpose.Abi;
using Policies.Files;

namespace Policies;

/// <summary>
/// A policy while its layers are laid over one another; <see cref="Policy"/> when that is done.
/// </summary>
internal sealed class PolicyDraft
{
    private readonly List<(FlagName Name, FlagRule Rule)> _named = [];

    public FlagRule[] Flags { get; } = new FlagRule[CreationPolicy.Bits];

    public FlagRule[] Shapes { get; } = new FlagRule[global::Policies.Shapes.Count];

    /// <summary>By <see cref="EntryPoint"/>; setns is closed until a policy opens it.</summary>
    public Sourced<Errno>[] Entries { get; } = NewEntries();

    public Origin?[] Required { get; } = new Origin?[CreationPolicy.Bits];

    public Sourced<Errno> Otherwise { get; set; } = new(Errno.EPERM, Origin.Default);

    public CreationLimits Limits { get; set; } = CreationLimits.None;

    public NamespaceBudgets Namespaces { get; set; } = NamespaceBudgets.None;

    public NamespaceSetUp SetUp { get; set; } = NamespaceSetUp.None;

    public Sourced<OnViolation> OnViolation { get; set; } =
        new(global::Policies.OnViolation.Errno, Origin.Default);

    public ResourcePolicy Resources { get; set; } = ResourcePolicy.None;

    public IsolationDraft Isolation { get; } = new();

    /// <summary>Every single value that was set, as text, by its key: for listings.</summary>
    public SortedDictionary<string, Sourced<string>> Values { get; } =
        new(System.StringComparer.Ordinal);

    /// <summary>A flag or group is named by the layer that is being laid over.</summary>
    public void Name(FlagName name, in FlagRule rule) => _named.Add((name, rule));

    /// <summary>
    /// The layer is read. The last layer that names a flag decides; within one layer a flag's own
    /// name goes before a group, then deny before strip and strip before allow.
    /// </summary>
    public void EndLayer()
    {
        foreach (bool group in new[] { true, false })
        {
            foreach (FlagAction action in
                new[] { FlagAction.Allow, FlagAction.Strip, FlagAction.Deny })
            {
                foreach ((FlagName name, FlagRule rule) in _named)
                {
                    if (name.IsGroup == group && rule.Action == action)
                    {
                        Set(name, rule);
                    }
                }
            }
        }

        _named.Clear();
        Isolation.EndLayer();
    }

    /// <summary>Makes the policy.</summary>
    public Policy Finish(string name) =>
        new(
            name, new CreationPolicy(this), Resources, Isolation.Isolation(),
            Isolation.Filesystem(), Isolation.Degrade, Values.ToImmutableSortedDictionary());

    private void Set(FlagName name, in FlagRule rule)
    {
        for (int i = 0; i < CreationPolicy.Bits; i++)
        {
            if ((name.Flags & (1UL << i)) != 0)
            {
                Flags[i] = rule;
            }
        }

        foreach (Shape shape in name.Shapes)
        {
            Shapes[(int)shape] = rule;
        }
    }

    private static Sourced<Errno>[] NewEntries()
    {
        var entries = new Sourced<Errno>[EntryPointNames.Count];
        System.Array.Fill(entries, new(Errno.None, Origin.Default));
        entries[(int)EntryPoint.Setns] = new(Errno.EPERM, Origin.Default);
        return entries;
    }
}
