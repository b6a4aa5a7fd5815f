using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Probes;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Namespaces;

/// <summary>
/// Two user namespaces round a run, by which the kernel counts the namespaces that it makes.
/// </summary>
/// <remarks>
/// The limits of /proc/sys/user are of one user namespace each, and a namespace is charged to its
/// maker in every user namespace up to the first: namespaces(7), <c>inc_ucount</c>. In the inner
/// one guests may be many users, and one that is privileged there can raise its limits. In the
/// outer one all that they make is charged to one user, the maker of the inner, and no guest can
/// come into it to change the limits. The kernel frees a place when it frees the namespace.
/// Ids are the same inside as outside.
/// </remarks>
internal sealed class CountingNamespaces
{
    private const int Patience = 10_000;
    private readonly LaunchPlan _plan;
    private readonly IReadOnlyList<(string Type, int Most)> _most;

    /// <summary>Adds the child's part to its plan.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="most">How many namespaces of which types.</param>
    public CountingNamespaces(LaunchPlan plan, IReadOnlyList<(string Type, int Most)> most)
    {
        (_plan, _most) = (plan, most);
        foreach (string which in new[] { "the counting namespace", "the run's namespace" })
        {
            plan.Add("unshare(CLONE_NEWUSER) of", which, __NR_unshare, (nint)CLONE_NEWUSER);

            // New credentials cancel it: commit_creds.
            GuestLaunch.PlanDeathWithSupervisor(plan);
            plan.AddWait();
        }
    }

    /// <summary>The supervisor's part: ids and limits.</summary>
    /// <returns>What failed; null when the child stands in the inner namespace.</returns>
    public Failure? Enter(HostTid child)
    {
        if (!_plan.AwaitReached(1, Patience))
        {
            return Failed(_plan, "the counting namespace");
        }

        Ids ids = Ids.OfThisProcess();
        foreach ((string file, string text) in ids.Files(child))
        {
            if (Write(file, text) is var errno and not Errno.None)
            {
                return ("write to", file, errno);
            }
        }

        string outer = $"/proc/{child}/ns/user";
        if (Posix.Open(outer, O_RDONLY | O_CLOEXEC, out int fd) is var unopened and not Errno.None)
        {
            return ("open", outer, unopened);
        }

        try
        {
            _plan.LetGo();
            return !_plan.AwaitReached(2, Patience) ? Failed(_plan, "the run's namespace")
                : FromOutside(child, fd, ids) is { } failure ? failure
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
    private Failure? FromOutside(
        HostTid child, int outer, Ids ids)
    {
        const int first = 3;
        using var plan = new LaunchPlan();
        plan.Add("setns to", "the counting namespace", __NR_setns, outer, (nint)CLONE_NEWUSER);
        plan.Add(
            "close_range", "descriptors", __NR_close_range, first,
            unchecked((nint)uint.MaxValue), 0);
        var files = new List<(string File, string Text)>(ids.Files(child));
        foreach ((string type, int most) in _most)
        {
            // The run's own user namespace is one of those that are charged.
            int limit = most + (type == "user" ? 1 : 0);
            files.Add((
                $"/proc/sys/user/max_{type}_namespaces",
                limit.ToString(CultureInfo.InvariantCulture)));
        }

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

    private static Errno Write(string file, string text)
    {
        Errno errno = Posix.Open(file, O_WRONLY | O_CLOEXEC, out int fd);
        if (errno != Errno.None)
        {
            return errno;
        }

        errno = Posix.Write(fd, Encoding.ASCII.GetBytes(text), out _);
        Posix.Close(fd);
        return errno;
    }

    /// <summary>Which ids a namespace has: those of this process's own namespace.</summary>
    /// <param name="Users">Text for uid_map.</param>
    /// <param name="Groups">Text for gid_map.</param>
    /// <param name="Alone">Whether it is one id each: all that an unprivileged one may map.</param>
    private sealed record Ids(string Users, string Groups, bool Alone)
    {
        public static Ids OfThisProcess()
        {
            Span<ulong> effective = stackalloc ulong[1];
            const ulong needed = (1UL << CAP_SETUID) | (1UL << CAP_SETGID);
            bool all = ProcStatus.TryRead(
                    new HostTid(Posix.GetPid()), 16, ["CapEff:"], effective)
                && (effective[0] & needed) == needed;
            return all ? new(Same("uid_map"), Same("gid_map"), Alone: false)
                : new(One(Posix.GetEffectiveUser()), One(Posix.GetEffectiveGroup()), Alone: true);
        }

        /// <summary>In the order in which they are written: user_namespaces(7).</summary>
        public IEnumerable<(string File, string Text)> Files(HostTid task)
        {
            if (Alone)
            {
                yield return ($"/proc/{task}/setgroups", "deny");
            }

            yield return ($"/proc/{task}/uid_map", Users);
            yield return ($"/proc/{task}/gid_map", Groups);
        }

        private static string One(int id) => $"{id} {id} 1\n";

        /// <summary>Every id that this namespace has, as itself.</summary>
        private static string Same(string map)
        {
            var text = new StringBuilder();
            string own = HostProcess.ReadText($"/proc/self/{map}");
            foreach (string line in own.Split('\n'))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length == 3)
                {
                    text.Append($"{words[0]} {words[0]} {words[2]}\n");
                }
            }

            return text.ToString();
        }
    }
}
