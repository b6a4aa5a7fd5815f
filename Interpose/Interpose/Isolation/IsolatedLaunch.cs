using System;
using System.Collections.Generic;
using System.Globalization;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Namespaces;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Isolation;

/// <summary>
/// The part of a launch that gives the run its own namespaces, files and privileges.
/// </summary>
/// <remarks>
/// There are two ways. With the privileges for it, everything but the user namespace is made
/// first and belongs to the supervisor's own user namespace; the command goes into one without
/// power over it at last. Without them the user namespace comes first, all the others are made by
/// the same clone, and what guests could do to them the dropped capabilities keep them from.
/// With a pid namespace the first task forks the command at once and becomes its init process.
/// Where guests keep capabilities over the network and would not have them over the one that was
/// made so, the command gets another at last, which belongs to its own user namespace.
/// </remarks>
internal sealed class IsolatedLaunch : IDisposable
{
    /// <summary>That the host's mounts changed while the run's were made.</summary>
    public static readonly Failure Outdated =
        ("mount", "what the host has mounted just now", Errno.EAGAIN);

    private const string Command = "the command";
    private const int Patience = 10_000;
    private const int LinkSize = 32;
    private const ulong OverNetworks = 1UL << CAP_NET_ADMIN | 1UL << CAP_NET_RAW
        | 1UL << CAP_NET_BIND_SERVICE | 1UL << CAP_NET_BROADCAST;

    private readonly LaunchPlan _plan;
    private readonly IsolationSpec _spec;
    private readonly bool _privileged;
    private readonly SealedProgram? _init;
    private readonly int _fork;
    private readonly Slot _self;
    private readonly nint _link;
    private readonly CountingNamespaces? _counting;
    private readonly IdMap? _map;
    private readonly MountCalls? _calls;
    private uint _lastWait;

    /// <summary>Adds the steps up to the one at which the command waits to be traced.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="spec">What the run gets.</param>
    /// <param name="most">How many namespaces guests may make; empty for no limit.</param>
    /// <param name="hasGroup">Whether the task stands in the run's own cgroup by now.</param>
    public IsolatedLaunch(
        LaunchPlan plan, IsolationSpec spec, IReadOnlyList<NamespaceLimit> most, bool hasGroup)
    {
        (_plan, _spec, _privileged) = (plan, spec, Privileges.CanIsolate());
        if ((spec.Namespaces & CLONE_NEWPID) != 0)
        {
            Unprepared = InitProcess.Prepare(out _init);
        }

        PlanFirst(hasGroup);
        if (_init is not null)
        {
            plan.Part = "pid";
            _fork = plan.AddFork(Command);
            GuestLaunch.PlanDeathWithSupervisor(plan);
            _link = plan.Allocate(LinkSize);
            _self = plan.AddKeeping(
                "readlink", "/proc/self", __NR_readlink, plan.Text("/proc/self"u8), _link,
                LinkSize - 1);
        }

        bool counts = most.Count > 0;
        bool second = !_privileged && HasUser && (counts || HasMounts);
        bool another = NeedsNetwork && (_privileged || second);
        PlanNamespaces(another);
        if (spec.Files is not null)
        {
            plan.Part = "files";
            _calls = MountCalls.Of(plan, spec.WithOlderMounts);
            _calls.Begin();
        }

        Slot? proc = second ? KeepProc() : null;
        if (spec.Files is { } files)
        {
            new MountSteps(
                plan, _calls!, files, _privileged ? spec.User : null, _privileged).Plan();
        }

        _map = PlanUser(proc, most, another, out _counting);
        if (another)
        {
            plan.Part = "net";
            plan.Add("unshare(CLONE_NEWNET) of", Command, __NR_unshare, (nint)CLONE_NEWNET);
            NamespaceSteps.PlanLoopback(plan);
        }

        if (spec is { Files: { } fenced, Landlock: > 0 })
        {
            plan.Part = "landlock";
            LandlockSteps.Plan(plan, _calls!, fenced, spec.Landlock);
        }

        plan.Part = string.Empty;
    }

    /// <summary>What failed in advance; null when all is well.</summary>
    public Failure? Unprepared { get; }

    private bool HasUser => (_spec.Namespaces & CLONE_NEWUSER) != 0;

    /// <summary>
    /// Whether guests would have power over what the first task mounts, were they in its user
    /// namespace.
    /// </summary>
    private bool HasMounts => (_spec.Capabilities & (1UL << CAP_SYS_ADMIN)) != 0;

    /// <summary>
    /// Whether guests shall have power over their network, which only that of their own user
    /// namespace gives them: network_namespaces(7), user_namespaces(7).
    /// </summary>
    private bool NeedsNetwork => HasUser && (_spec.Namespaces & CLONE_NEWNET) != 0
        && (_spec.Capabilities & OverNetworks) is > 0;

    private GuestIds Ids
    {
        get
        {
            (int user, int group) = (Posix.GetEffectiveUser(), Posix.GetEffectiveGroup());
            return _spec.User ?? new(user, user, group, group);
        }
    }

    /// <summary>
    /// The namespaces that the first task is made in, and its ids where it gives them to itself.
    /// </summary>
    private void PlanFirst(bool hasGroup)
    {
        // Its root is the group in which its maker stood when it was made.
        ulong later = CLONE_NEWTIME | (hasGroup ? CLONE_NEWCGROUP : 0);
        ulong first = _spec.Namespaces & ~later;
        _plan.Namespaces = _privileged ? first & ~CLONE_NEWUSER : first;
        if ((_spec.Namespaces & later & CLONE_NEWCGROUP) != 0)
        {
            _plan.Part = "cgroup";
            _plan.Add(
                "unshare(CLONE_NEWCGROUP) of", Command, __NR_unshare, (nint)CLONE_NEWCGROUP);
        }

        _plan.Part = "user";
        if (!_privileged && HasUser)
        {
            IdMap.One(Ids, deniesGroups: true).PlanOwn(_plan, AT_FDCWD);

            // New credentials cancelled it.
            GuestLaunch.PlanDeathWithSupervisor(_plan);
        }
    }

    /// <summary>
    /// Adds the wait at which the supervisor attaches to the command, and what follows it.
    /// </summary>
    public void PlanAttach()
    {
        _lastWait = _plan.AddWait();
        if (_privileged && _spec.User is { } ids)
        {
            Privileges.PlanIds(
                _plan, HasUser ? ids.Uid : ids.HostUid, HasUser ? ids.Gid : ids.HostGid);
        }
    }

    /// <summary>
    /// Adds the last steps before the filter: nothing that needs a privilege may follow.
    /// </summary>
    public void PlanPrivileges()
    {
        bool may = _privileged || HasUser
            || (Privileges.Effective() & (1UL << CAP_SETPCAP)) != 0;
        if (_spec.Capabilities is { } capabilities && may)
        {
            Privileges.PlanLimit(_plan, capabilities);
        }
    }

    /// <summary>Adds the steps of the init process, behind all of the command's.</summary>
    public void PlanInit()
    {
        if (_init is null)
        {
            return;
        }

        _plan.Part = "pid";
        _plan.GoOnAfter(_fork);
        _plan.Add("chdir to", "/", __NR_chdir, _plan.Text("/"u8));
        if (_privileged && _spec.User is { } ids)
        {
            Privileges.PlanIds(_plan, ids.HostUid, ids.HostGid);
        }

        Privileges.PlanNone(_plan, "the init process");
        GuestLaunch.PlanDeathWithSupervisor(_plan);
        InitProcess.Plan(_plan, _init);
    }

    /// <summary>The supervisor's part: maps are written, the command is found.</summary>
    /// <param name="first">The task that was created.</param>
    /// <param name="command">The task that will be the command.</param>
    /// <returns>What failed; null when the command waits to be traced.</returns>
    public Failure? Enter(HostTid first, out HostTid command)
    {
        command = first;
        if (!_plan.AwaitReached(1, Patience))
        {
            return Failed();
        }

        command = _init is null ? first : Found();
        if (_map is not null)
        {
            if (_map.Write(command) is { } failure)
            {
                return failure;
            }

            _plan.LetGo();
        }
        else if (_counting?.Enter(command) is { } failure)
        {
            return failure;
        }

        // Until then the first task is in this process's memory, beside guests that could trace
        // it.
        bool stands = _plan.AwaitReached(_lastWait, Patience)
            && (_init is null || _plan.AwaitLeft(Patience));
        return !stands ? Failed()
            : _plan.Failure is { } told ? told
            : _calls is { IsOutdated: true } ? Outdated : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _calls?.Dispose();
        _init?.Dispose();
    }

    /// <summary>
    /// The /proc of now, for maps and limits; where there is a file view a copy, for what stands
    /// in the tree may become read-only.
    /// </summary>
    private Slot KeepProc() => _calls is not null ? _calls.Copy("/proc", isDirectory: true)
        : _plan.AddKeeping(
            "open", "/proc", __NR_open, _plan.Text("/proc"u8), O_PATH | O_CLOEXEC);

    /// <summary>The user namespace of the command, where it is not the one of all else.</summary>
    /// <param name="proc">The /proc by which the task sets it up itself; null for not so.</param>
    /// <param name="most">How many namespaces guests may make.</param>
    /// <param name="another">Whether a second network follows, which is counted as well.</param>
    /// <param name="counting">What counts them, with the supervisor's help.</param>
    /// <returns>The map that the supervisor writes; null for none.</returns>
    private IdMap? PlanUser(
        Slot? proc, IReadOnlyList<NamespaceLimit> most, bool another,
        out CountingNamespaces? counting)
    {
        counting = null;
        _plan.Part = "user";
        ulong network = another ? CLONE_NEWNET : 0;
        if (proc is { } old)
        {
            (int uid, int gid) = (Ids.Uid, Ids.Gid);
            CountingNamespaces.PlanOwn(
                _plan, old, most, [_spec.Namespaces | CLONE_NEWUSER, network],
                IdMap.One(new(uid, uid, gid, gid), deniesGroups: true));
            GuestLaunch.PlanDeathWithSupervisor(_plan);
        }
        else if (most.Count > 0)
        {
            IdMap inner = HasUser ? IdMap.One(Ids, deniesGroups: false) : IdMap.Same();
            counting = new(_plan, most, IdMap.Same(), inner, network);
        }
        else if (_privileged && HasUser)
        {
            IdMap map = IdMap.One(Ids, deniesGroups: false);
            _plan.Add("unshare(CLONE_NEWUSER) of", Command, __NR_unshare, (nint)CLONE_NEWUSER);
            GuestLaunch.PlanDeathWithSupervisor(_plan);
            _plan.AddWait();
            return map;
        }

        return null;
    }

    /// <param name="another">Whether the network of now is not the command's.</param>
    private void PlanNamespaces(bool another)
    {
        ulong types = _spec.Namespaces;
        if (_spec.Hostname is { } name)
        {
            _plan.Part = "uts";
            NamespaceSteps.PlanHostname(_plan, name);
        }

        if ((types & CLONE_NEWNET) != 0 && !another)
        {
            _plan.Part = "net";
            NamespaceSteps.PlanLoopback(_plan);
        }

        if ((types & CLONE_NEWTIME) != 0)
        {
            _plan.Part = "time";
            NamespaceSteps.PlanTime(_plan, _spec.TimeOffsets ?? default);
        }

        if (_spec.Keyring)
        {
            _plan.Part = "keyring";
            NamespaceSteps.PlanKeyring(_plan);
        }
    }

    private unsafe HostTid Found()
    {
        int length = (int)LaunchPlan.ResultOf(_self);
        return new(int.Parse(
            new ReadOnlySpan<byte>((void*)_link, length), CultureInfo.InvariantCulture));
    }

    private Failure Failed() => _plan.Failure ?? ("wait for", Command, Errno.ETIMEDOUT);
}
