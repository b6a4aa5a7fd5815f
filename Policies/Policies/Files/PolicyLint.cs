using System.Collections.Generic;
using static Interpose.Abi.Uapi;

namespace Policies.Files;

/// <summary>Finds what a policy allows that deserves a second look, and what cannot work.</summary>
public static class PolicyLint
{
    /// <summary>Warnings on a policy that is otherwise right, in the order of its keys.</summary>
    public static IReadOnlyList<PolicyProblem> Check(Policy policy)
    {
        var warnings = new List<PolicyProblem>();
        CreationPolicy creation = policy.Creation;
        foreach (Shape shape in Shapes.All)
        {
            if (creation.ShapeRule(shape) is { Action: FlagAction.Allow } rule)
            {
                CheckShape(creation, shape, rule.Origin!, warnings);
            }
        }

        if (!policy.Values.ContainsKey("creation.because"))
        {
            CheckGrants(creation, warnings);
        }

        IsolationLint.Check(policy, warnings);
        return warnings;
    }

    /// <summary>Each of these is a reason that somebody should have written down.</summary>
    private static void CheckGrants(CreationPolicy creation, List<PolicyProblem> warnings)
    {
        const string why = "; say in 'creation.because' why it is needed";
        foreach (string name in CloneFlags.Of(creation.Allow & CloneFlags.Namespaces))
        {
            if (CloneFlags.TryParse(name, out ulong bit))
            {
                warnings.Add(new(
                    creation.Flag(bit).Origin,
                    $"{name} opens much of the kernel to the guest{why}"));
            }
        }

        Sourced<Interpose.Abi.Errno> setns = creation.Entry(EntryPoint.Setns);
        if (setns.Value == Interpose.Abi.Errno.None)
        {
            warnings.Add(new(setns.Origin, $"setns lets a guest enter other namespaces{why}"));
        }
    }

    private static void CheckShape(
        CreationPolicy creation, Shape shape, Origin allowed, List<PolicyProblem> warnings)
    {
        // What fork(3) carries differs from one library to another; of the rest it is the same.
        ulong needed = shape switch
        {
            Shape.Fork => 0,
            Shape.Vfork => CLONE_VM | CLONE_VFORK,
            _ => CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
                | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        };
        if ((needed & creation.Denied) is var denied and not 0)
        {
            ulong bit = CloneFlags.Lowest(denied);
            warnings.Add(new(
                creation.Flag(bit).Origin, $"this denies {CloneFlags.Of(bit)[0]}, without which "
                    + $"C libraries cannot use {shape.Group()}, allowed at {allowed}"));
        }
    }
}
