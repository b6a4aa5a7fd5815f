using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using Interpose.Abi;
using Interpose.Cgroups;
using Interpose.Isolation;
using Interpose.LibC;
using Interpose.Namespaces;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>What the first task of a run is to become.</summary>
/// <param name="Path">The program.</param>
/// <param name="Arguments">Its arguments, the command's name first.</param>
/// <param name="Environment">Its environment.</param>
/// <param name="Directory">A descriptor of the directory it starts in; null for ours.</param>
/// <param name="Descriptors">What it gets besides 0 to 2.</param>
/// <param name="KeepsOpenFiles">
/// Whether RLIMIT_NOFILE is restored; not when a policy sets it.
/// </param>
/// <param name="Filter">The seccomp filter that it and all its children live under.</param>
/// <param name="NamespacesMost">
/// How many namespaces of which types the run may have; empty when they are not counted.
/// </param>
/// <param name="Isolation">What the run gets for itself; null for nothing.</param>
/// <param name="Fault">For tests: which step of the child fails, from 1, and how.</param>
public sealed record LaunchSpec(
    byte[] Path,
    IReadOnlyList<byte[]> Arguments,
    IReadOnlyList<byte[]> Environment,
    int? Directory,
    IReadOnlyList<int> Descriptors,
    bool KeepsOpenFiles,
    sock_filter[] Filter,
    IReadOnlyList<NamespaceLimit> NamespacesMost,
    IsolationSpec? Isolation = null,
    (int Step, Errno Errno)? Fault = null)
{
    /// <summary>The entrances to the run's cgroup; none without.</summary>
    public IReadOnlyList<CgroupEntrance> Groups { get; init; } = [];

    /// <summary>What stands in the place of its standard output and error; null for ours.</summary>
    public OutputRelay? Output { get; init; }
}

/// <summary>A step of the launch that failed in the child.</summary>
/// <param name="Step">What was tried.</param>
/// <param name="Object">On what.</param>
/// <param name="Errno">How it failed.</param>
/// <param name="Part">What the step was for, such as <c>files</c>; empty for the command.</param>
/// <param name="IsExec">Whether it was the program itself that would not start.</param>
public readonly record struct LaunchFailure(
    string Step, string Object, Errno Errno, string Part, bool IsExec)
{
    /// <summary>Whether it was a call of the mount API, or openat2(2).</summary>
    public bool IsMount => Step is "openat2" or "open_tree of" or "mount_setattr of"
        or "fsopen of" or "fsmount of" or "move_mount to" or "move_mount of"
        || Step.StartsWith("fsconfig", StringComparison.Ordinal);

    /// <summary>Whether the host's mounts changed meanwhile.</summary>
    public bool IsOutdated => (Step, Object, Errno) == IsolatedLaunch.Outdated;
}

/// <summary>The first task of a run, from clone to exec.</summary>
public sealed class GuestLaunch : IDisposable
{
    /// <summary>The part of a launch that places the run in its cgroup.</summary>
    public const string GroupPart = "placement";

    private const string Exec = "execve";
    private const int SignalSetSize = 8;
    private const long IgnoreSignal = 1;
    private readonly LaunchPlan _plan = new();
    private readonly CountingNamespaces? _counting;
    private readonly IsolatedLaunch? _isolated;
    private readonly bool _hasGroup;
    private HostTid _first;

    /// <summary>Writes down every call that the child will make.</summary>
    public GuestLaunch(LaunchSpec spec)
    {
        _plan.Part = "clone";
        PlanDeathWithSupervisor(_plan);
        _hasGroup = spec.Groups.Count > 0;
        _plan.Part = GroupPart;
        foreach (CgroupEntrance entrance in spec.Groups)
        {
            _plan.AddPlacement(entrance);
        }

        _plan.Part = string.Empty;
        if (spec.Isolation is { } isolation)
        {
            _isolated = new(
                _plan, isolation, spec.NamespacesMost, _hasGroup);
            _isolated.PlanAttach();
        }
        else
        {
            IdMap? ids = spec.NamespacesMost.Count == 0 ? null : IdMap.Same();
            _counting = ids is null ? null : new(_plan, spec.NamespacesMost, ids, ids, network: 0);
            _plan.AddWait();
        }

        _plan.Add("prctl(PR_SET_PDEATHSIG)", "supervisor", __NR_prctl, PR_SET_PDEATHSIG, 0);
        PlanSignals();
        PlanDirectory(spec);
        PlanDescriptors(spec.Descriptors, spec.Output);
        if (spec.KeepsOpenFiles)
        {
            PlanOpenFiles();
        }

        _isolated?.PlanPrivileges();
        _plan.AddFilter("filter", spec.Filter);
        PlanMask();
        PlanExec(spec);
        _isolated?.PlanInit();
        if (spec.Fault is { } fault)
        {
            _plan.Fail(fault.Step, fault.Errno);
        }
    }

    /// <summary>The step that failed, if one did.</summary>
    public LaunchFailure? Failure => Told(_plan.Failure, _plan.FailedPart);

    /// <summary>What the launch took, by what it was for, in nanoseconds.</summary>
    public IReadOnlyList<(string Part, long Nanoseconds)> Times => _plan.Times();

    /// <summary>The init process of the run's own pids; null without.</summary>
    public HostTid? Init { get; private set; }

    /// <summary>
    /// Creates the task that will be the command. It has its namespaces and files, and waits to
    /// be let go.
    /// </summary>
    /// <param name="command">The task.</param>
    /// <param name="meanwhile">What is done while the task makes them.</param>
    /// <returns>What failed; nothing is left then.</returns>
    public LaunchFailure? Create(out HostTid command, Action? meanwhile = null)
    {
        command = default;
        if (Told(_isolated?.Unprepared, "pid") is { } unprepared)
        {
            return unprepared;
        }

        Errno errno = _plan.Start(out _first);
        if (errno != Errno.None)
        {
            return new("clone of", "the command", errno, string.Empty, IsExec: false);
        }

        meanwhile?.Invoke();
        command = _first;
        LaunchFailure? failed = _isolated is not null
            ? Told(_isolated.Enter(_first, out command), _plan.FailedPart)
            : Told(_counting is not null ? _counting.Enter(_first) : Placed(), _plan.FailedPart);
        Init = command != _first ? _first : null;
        if (failed is not null)
        {
            Abandon(command);
        }

        return failed;
    }

    /// <summary>Ends the task, which has run nothing yet, and its init process.</summary>
    public void Abandon(HostTid command)
    {
        HostProcess.Kill(_first.Value, SIGKILL);
        if (command != _first)
        {
            // The init process does not end before what is traced is taken.
            Waiting.Reap(command.Value);
        }

        Waiting.Reap(_first.Value);
    }

    /// <summary>The child dies with the supervisor, until it is traced.</summary>
    internal static void PlanDeathWithSupervisor(LaunchPlan plan) => plan.Add(
        "prctl(PR_SET_PDEATHSIG)", "supervisor", __NR_prctl, PR_SET_PDEATHSIG, SIGKILL);

    /// <summary>Lets the child go on to its program.</summary>
    public void LetGo() => _plan.LetGo();

    /// <inheritdoc/>
    public void Dispose()
    {
        _isolated?.Dispose();
        _plan.Dispose();
    }

    /// <summary>What kept the first task from its group; nothing where there is none.</summary>
    private (string What, string Object, Errno Errno)? Placed()
    {
        const int patience = 10_000;
        return !_hasGroup || _plan.AwaitReached(1, patience) ? null
            : _plan.Failure ?? ("wait for", "the command", Errno.ETIMEDOUT);
    }

    private static LaunchFailure? Told(
        (string What, string Object, Errno Errno)? failure, string part) =>
        failure is not { } told ? null
            : new(told.What, told.Object, told.Errno, part, told.What == Exec);

    private void PlanDirectory(LaunchSpec spec)
    {
        if (spec.Isolation?.Files is { } files)
        {
            // By its path, for a descriptor would lead below what covers it.
            _plan.Add(
                "chdir to", files.Directory, __NR_chdir,
                _plan.Text(Encoding.UTF8.GetBytes(files.Directory)));
        }
        else if (spec.Directory is { } directory)
        {
            _plan.Add("fchdir", "the directory of --chdir", __NR_fchdir, directory);
        }
    }

    /// <summary>Handlers become default; what we were started to ignore stays ignored.</summary>
    private void PlanSignals()
    {
        ulong ignored = StartState.Ignored;
        nint byDefault = _plan.Allocate(32);
        nint ignore = _plan.Allocate(32);
        Marshal.WriteInt64(ignore, IgnoreSignal);
        for (int signal = 1; signal <= _NSIG; signal++)
        {
            if (signal is SIGKILL or SIGSTOP)
            {
                continue;
            }

            nint action = (ignored & (1UL << (signal - 1))) != 0 ? ignore : byDefault;
            _plan.Add(
                "rt_sigaction", SignalNames.Of(signal), __NR_rt_sigaction, signal, action, 0,
                SignalSetSize);
        }
    }

    private void PlanDescriptors(IReadOnlyList<int> descriptors, OutputRelay? output)
    {
        foreach ((int pipe, int fd) in output?.Descriptors ?? [])
        {
            _plan.Add("dup2 to", $"descriptor {fd}", __NR_dup2, pipe, fd);
        }

        for (int fd = 0; fd < 3; fd++)
        {
            if ((StartState.Closed & (1UL << fd)) != 0)
            {
                _plan.Add("close", $"descriptor {fd}", __NR_close, fd);
            }
        }

        int first = 3;
        foreach (int kept in new SortedSet<int>(descriptors))
        {
            if (kept > first)
            {
                _plan.Add("close_range", "descriptors", __NR_close_range, first, kept - 1, 0);
            }

            first = Math.Max(first, kept + 1);
        }

        _plan.Add(
            "close_range", "descriptors", __NR_close_range, first,
            unchecked((nint)uint.MaxValue), 0);
    }

    private unsafe void PlanOpenFiles()
    {
        var limit = (rlimit64*)_plan.Allocate(sizeof(rlimit64));
        *limit = StartState.OpenFiles;
        _plan.Add("prlimit64", "RLIMIT_NOFILE", __NR_prlimit64, 0, RLIMIT_NOFILE, (nint)limit);
    }

    private void PlanMask()
    {
        nint mask = _plan.Allocate(SignalSetSize);
        Marshal.WriteInt64(mask, unchecked((long)StartState.Blocked));
        _plan.Add(
            "rt_sigprocmask", "mask", __NR_rt_sigprocmask, SIG_SETMASK, mask, 0, SignalSetSize);
    }

    /// <summary>
    /// The program itself; a file that is no program is given to the shell, as exec(3) says of
    /// execvp.
    /// </summary>
    private void PlanExec(LaunchSpec spec)
    {
        string name = Encoding.UTF8.GetString(spec.Path);
        nint path = _plan.Text(spec.Path);
        var arguments = new List<nint>();
        foreach (byte[] argument in spec.Arguments)
        {
            arguments.Add(_plan.Text(argument));
        }

        var variables = new List<nint>();
        foreach (byte[] variable in spec.Environment)
        {
            variables.Add(_plan.Text(variable));
        }

        nint environment = _plan.Vector(variables);
        _plan.AddPassing(
            Errno.ENOEXEC, Exec, name, __NR_execve, path, _plan.Vector(arguments), environment);

        nint shell = _plan.Text("/bin/sh"u8);
        List<nint> script = [shell, path, .. arguments.GetRange(1, arguments.Count - 1)];
        _plan.Add(Exec, "/bin/sh", __NR_execve, shell, _plan.Vector(script), environment);
    }
}
