using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.Isolation;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Probes;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Namespaces;

/// <summary>How many namespaces of a type guests may have.</summary>
/// <param name="Type">The kernel's name of the type, such as <c>mnt</c>.</param>
/// <param name="Flag">Its CLONE_NEW* flag.</param>
/// <param name="Most">How many.</param>
public readonly record struct NamespaceLimit(string Type, ulong Flag, int Most);

/// <summary>
/// Two user namespaces round a run, by which the kernel counts the namespaces that it makes.
/// </summary>
/// <remarks>
/// The limits of /proc/sys/user are of one user namespace each, and a namespace is charged to its
/// maker in every user namespace up to the first: namespaces(7), <c>inc_ucount</c>. In the inner
/// one guests may be many users, and one that is privileged there can raise its limits. In the
/// outer one all that they make is charged to one user, the maker of the inner, and no guest can
/// come into it to change the limits. The kernel frees a place when it frees the namespace.
/// </remarks>
internal sealed class CountingNamespaces
{
    private const int Patience = 10_000;
    private readonly LaunchPlan _plan;
    private readonly IReadOnlyList<NamespaceLimit> _most;
    private readonly IdMap _outer;
    private readonly IdMap _inner;
    private readonly ulong _network;
    private readonly uint[] _waits = new uint[2];

    /// <summary>Adds the child's part to its plan.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="most">How many namespaces of which types.</param>
    /// <param name="outer">The ids of the outer namespace.</param>
    /// <param name="inner">The ids of the inner one.</param>
    /// <param name="network">CLONE_NEWNET where the run makes one in the inner; else 0.</param>
    public CountingNamespaces(
        LaunchPlan plan, IReadOnlyList<NamespaceLimit> most, IdMap outer, IdMap inner,
        ulong network)
    {
        (_plan, _most, _outer, _inner, _network) = (plan, most, outer, inner, network);
        string[] which = ["the counting namespace", "the run's namespace"];
        for (int i = 0; i < which.Length; i++)
        {
            plan.Add("unshare(CLONE_NEWUSER) of", which[i], __NR_unshare, (nint)CLONE_NEWUSER);

            // New credentials cancel it: commit_creds.
            GuestLaunch.PlanDeathWithSupervisor(plan);
            _waits[i] = plan.AddWait();
        }
    }

    /// <summary>
    /// As much for a run that stands in a user namespace of its own already: that one is the
    /// outer, and the task does all itself.
    /// </summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="proc">A descriptor of a /proc.</param>
    /// <param name="most">How many namespaces of which types.</param>
    /// <param name="own">
    /// CLONE_NEW* flags of what the run itself has, the inner namespace included; in several
    /// words what it has several of. All of it is charged to the outer one.
    /// </param>
    /// <param name="inner">The ids of the inner namespace, one each.</param>
    public static void PlanOwn(
        LaunchPlan plan, Slot proc, IReadOnlyList<NamespaceLimit> most,
        ReadOnlySpan<ulong> own, IdMap inner)
    {
        foreach ((string file, string text) in Limits(most, own))
        {
            plan.AddWrite(proc, file, text);
        }

        plan.Add(
            "unshare(CLONE_NEWUSER) of", "the run's namespace", __NR_unshare,
            (nint)CLONE_NEWUSER);
        inner.PlanOwn(plan, proc);
    }

    /// <summary>What is written where, for guests to have as many beside the run's own.</summary>
    private static List<(string File, string Text)> Limits(
        IReadOnlyList<NamespaceLimit> most, params ReadOnlySpan<ulong> own)
    {
        var limits = new List<(string File, string Text)>();
        foreach (NamespaceLimit limit in most)
        {
            int all = limit.Most;
            foreach (ulong flags in own)
            {
                all += (flags & limit.Flag) != 0 ? 1 : 0;
            }

            limits.Add((
                $"/proc/sys/user/max_{limit.Type}_namespaces",
                all.ToString(CultureInfo.InvariantCulture)));
        }

        return limits;
    }

    /// <summary>The supervisor's part: ids and limits.</summary>
    /// <returns>What failed; null when the child stands in the inner namespace.</returns>
    public Failure? Enter(HostTid child)
    {
        if (!_plan.AwaitReached(_waits[0], Patience))
        {
            return Failed(_plan, "the counting namespace");
        }

        if (_outer.Write(child) is { } unwritten)
        {
            return unwritten;
        }

        string outer = $"/proc/{child}/ns/user";
        if (Posix.Open(outer, O_RDONLY | O_CLOEXEC, out int fd) is var unopened and not Errno.None)
        {
            return ("open", outer, unopened);
        }

        try
        {
            _plan.LetGo();
            return !_plan.AwaitReached(_waits[1], Patience) ? Failed(_plan, "the run's namespace")
                : FromOutside(child, fd) is { } failure ? failure
                : LetGo();
        }
        finally
        {
            Posix.Close(fd);
        }
    }

    private Failure? LetGo()
    {
        _plan.LetGo();
        return null;
    }

    /// <summary>
    /// What only a process in the outer namespace may do: a short-lived one goes there.
    /// </summary>
    private Failure? FromOutside(HostTid child, int outer)
    {
        const int first = 3;
        using var plan = new LaunchPlan();
        plan.Add("setns to", "the counting namespace", __NR_setns, outer, (nint)CLONE_NEWUSER);
        plan.Add(
            "close_range", "descriptors", __NR_close_range, first,
            unchecked((nint)uint.MaxValue), 0);
        var files = new List<(string File, string Text)>(_inner.Files(child.ToString()));

        // What the run itself has in there is charged as well.
        files.AddRange(Limits(_most, CLONE_NEWUSER | _network));

        foreach ((string file, string text) in files)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            plan.Add(
                "open", file, __NR_open, plan.Text(Encoding.ASCII.GetBytes(file)), O_WRONLY);
            plan.Add("write to", file, __NR_write, first, plan.Text(bytes), bytes.Length);
            plan.Add("close", file, __NR_close, first);
        }

        Errno errno = plan.Start(out HostTid helper);
        if (errno != Errno.None)
        {
            return ("clone of", "a helper for user namespaces", errno);
        }

        return Waiting.End(helper) == TrialWait.TooLong
            ? ("wait for", "a helper for user namespaces", Errno.ETIMEDOUT) : plan.Failure;
    }

    private static Failure Failed(LaunchPlan plan, string what) =>
        plan.Failure ?? ("wait for", what, Errno.ETIMEDOUT);
}
