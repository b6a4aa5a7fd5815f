using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Seccomp;

/// <summary>
/// Compiles a policy into the seccomp filter of every guest task: seccomp(2). The kernel answers
/// what registers settle, and the system calls that the policy denies by number; the rest of
/// creation stops for the supervisor.
/// </summary>
/// <remarks>
/// The architecture is looked at first, then the x32 range, for a number means nothing before
/// both are known. Then numbers are searched by halves. A call that the kernel's own rules refuse
/// is never answered with a policy's errno here: it goes to the supervisor, whose stage 1 asks
/// those rules first.
/// </remarks>
public sealed partial class CreationFilter
{
    /// <summary>Tells our stops from those that a filter of the guest's asks for.</summary>
    public const ushort Mark = 0x5342;

    private const uint X32Bit = 0x4000_0000;
    private const uint Trace = SECCOMP_RET_TRACE | Mark;
    private const int FewNumbers = 3;
    private readonly CreationPolicy _policy;
    private readonly ImmutableArray<DeniedSyscall> _denied;
    private readonly bool _maySetId;
    private readonly FilterOptions _options;
    private readonly FilterAssembler _code = new();

    private CreationFilter(Policy policy, FilterOptions options)
    {
        (_policy, _denied, _maySetId) =
            (policy.Creation, policy.Isolation.Denied, policy.MaySetId);
        bool tells = options.TellsDenials || _policy.OnViolation.Value == OnViolation.Kill;
        _options = options with { TellsDenials = tells };
    }

    /// <summary>The program, ready for SECCOMP_SET_MODE_FILTER.</summary>
    public static sock_filter[] Compile(Policy policy, FilterOptions options) =>
        new CreationFilter(policy, options).Compile();

    private sock_filter[] Compile()
    {
        var known = new FilterLabel();
        _code.LoadArchitecture();
        _code.Jump(BPF_JEQ, AUDIT_ARCH_X86_64, known);
        _code.Return(SECCOMP_RET_KILL_PROCESS);
        _code.Bind(known);
        _code.LoadNumber();
        _code.Jump(BPF_JGE, X32Bit, Error(Errno.ENOSYS));

        SortedDictionary<int, Action> calls = Calls();
        var targets = new SortedDictionary<int, FilterLabel>();
        foreach (DeniedSyscall call in _denied)
        {
            targets.Add(call.Number, Error(call.Errno));
        }

        AddSetId(calls, targets);
        foreach (int number in calls.Keys)
        {
            // What is looked at here no policy denies by number: the reader refuses it.
            targets.Add(number, new FilterLabel());
        }

        var ordered = new List<(uint Number, FilterLabel Label)>(targets.Count);
        foreach ((int number, FilterLabel label) in targets)
        {
            ordered.Add(((uint)number, label));
        }

        Search(ordered, 0, ordered.Count);
        foreach ((int number, Action emit) in calls)
        {
            _code.Bind(targets[number]);
            emit();
        }

        return _code.Finish();
    }

    private SortedDictionary<int, Action> Calls() => new()
    {
        [__NR_fork] = () => Entry(EntryPoint.Fork, () => Plain(0)),
        [__NR_vfork] = () => Entry(EntryPoint.Vfork, () => Plain(CLONE_VFORK | CLONE_VM)),
        [__NR_clone] = () => Entry(EntryPoint.Clone, Clone),
        [__NR_clone3] = () => Entry(EntryPoint.Clone3, () => _code.Return(Trace)),
        [__NR_unshare] = () => Entry(EntryPoint.Unshare, Unshare),

        // What a descriptor is the filter cannot see.
        [__NR_setns] = () => Entry(
            EntryPoint.Setns,
            () => _code.Return(_options.TellsDenials || !MayEnterAny ? Trace : SECCOMP_RET_ALLOW)),

        // Kernel threads of io_uring are seen by no tracer and no filter.
        [__NR_io_uring_setup] = () => _code.Return(ErrorAction(Errno.EPERM)),
        [__NR_io_uring_enter] = () => _code.Return(ErrorAction(Errno.EPERM)),
        [__NR_io_uring_register] = () => _code.Return(ErrorAction(Errno.EPERM)),

        // A listener of the guest's own would outrank our stops: it gets what a second one gets.
        [__NR_seccomp] = () =>
        {
            _code.LoadArgument(1);
            _code.Jump(BPF_JSET, SECCOMP_FILTER_FLAG_NEW_LISTENER, Error(Errno.EBUSY));
            _code.Return(SECCOMP_RET_ALLOW);
        },
        [__NR_ioctl] = () =>
        {
            _code.LoadArgument(1);
            _code.Jump(BPF_JEQ, TIOCSTI, Error(Errno.EPERM));
            _code.Jump(BPF_JEQ, TIOCLINUX, Error(Errno.EPERM));
            _code.Return(SECCOMP_RET_ALLOW);
        },
    };

    private static uint ErrorAction(Errno errno) => SECCOMP_RET_ERRNO | (uint)errno;

    private FilterLabel Error(Errno errno) => _code.Answer(ErrorAction(errno));

    /// <summary>Goes to the label of the number that is loaded, by halves.</summary>
    private void Search(List<(uint Number, FilterLabel Label)> blocks, int from, int to)
    {
        if (to - from <= FewNumbers)
        {
            for (int i = from; i < to; i++)
            {
                _code.Jump(BPF_JEQ, blocks[i].Number, blocks[i].Label);
            }

            _code.Return(SECCOMP_RET_ALLOW);
            return;
        }

        int middle = (from + to) / 2;
        var upper = new FilterLabel();
        _code.Jump(BPF_JGE, blocks[middle].Number, upper);
        Search(blocks, from, middle);
        _code.Bind(upper);
        Search(blocks, middle, to);
    }

    /// <summary>A closed call gives its errno; what an open one asks is looked at.</summary>
    private void Entry(EntryPoint entry, Action open)
    {
        Sourced<Errno> gate = _policy.Entry(entry);
        if (gate.Value == Errno.None)
        {
            open();
        }
        else
        {
            bool asks = _options.TellsDenials || (entry == EntryPoint.Clone && RunsOthersAsClone);
            _code.Return(asks ? Trace : ErrorAction(gate.Value));
        }
    }

    /// <summary>
    /// Whether an open call runs as clone. The filter sees such a call a second time, as it
    /// runs, and may not answer it: only "before Linux 4.8, the seccomp check will not be run
    /// again after the tracer is notified" - seccomp(2).
    /// </summary>
    private bool RunsOthersAsClone => IsOpen(EntryPoint.Clone3)
        || (_policy.Require != 0 && (IsOpen(EntryPoint.Fork) || IsOpen(EntryPoint.Vfork)));

    private bool MayEnterAny => _policy.Namespaces.Limited == 0
        && _policy.DecideSetns(CloneFlags.Namespaces).Allowed;

    private bool IsOpen(EntryPoint entry) => _policy.Entry(entry).Value == Errno.None;

    /// <summary>A call whose flags are always the same.</summary>
    private void Plain(ulong flags)
    {
        CreationDecision decision = _policy.Decide(flags);
        bool clash = decision.Key == CreationPolicy.RequireKey;
        _code.Return(decision.Allowed || _options.TellsDenials || clash
            ? Trace : ErrorAction(decision.Errno));
    }

    /// <summary>clone(2): the lower half of its first argument, but for the exit signal.</summary>
    private void Clone()
    {
        if (_options.TellsDenials && !_options.LetsThreadsThrough)
        {
            _code.Return(Trace);
            return;
        }

        _code.LoadArgument(0);
        if (_options.LetsThreadsThrough)
        {
            Threads();
        }

        if (_options.TellsDenials)
        {
            _code.Return(Trace);
            return;
        }

        KernelsOwnRules();
        var thread = new FilterLabel();
        var vfork = new FilterLabel();
        _code.Jump(BPF_JSET, (uint)CLONE_THREAD, thread);
        _code.Jump(BPF_JSET, (uint)CLONE_VFORK, vfork);
        Flags(Shape.Fork);
        _code.Bind(vfork);
        Flags(Shape.Vfork);
        _code.Bind(thread);
        Flags(Shape.Thread);
    }

    /// <summary>
    /// Threads as C libraries make them, where the policy lets all of it through.
    /// </summary>
    private void Threads()
    {
        const ulong kernelWants = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
        ulong own = Shape.Thread.OwnFlags() & 0xffff_ffff
            & ~(_policy.Denied | _policy.Strip | CloneFlags.AlwaysStripped);
        if (_policy.ShapeRule(Shape.Thread).Action != FlagAction.Allow
            || (own & kernelWants) != kernelWants)
        {
            return;
        }

        var other = new FilterLabel();
        _code.Jump(BPF_JSET, (uint)~(own | CSIGNAL), other);
        _code.And((uint)kernelWants);
        _code.Jump(BPF_JEQ, (uint)kernelWants, _code.Answer(SECCOMP_RET_ALLOW));
        _code.Bind(other);
        _code.LoadArgument(0);
    }

    /// <summary>Leaves to the supervisor what the kernel itself would refuse.</summary>
    private void KernelsOwnRules()
    {
        // clone has one pointer for both, so they are always at one address.
        Refused(new FlagTest(CLONE_PIDFD | CLONE_PARENT_SETTID));
        foreach (KernelRule rule in KernelRules.Clone)
        {
            if (rule.Flags is { } test)
            {
                Refused(test);
            }
        }
    }

    private void Refused(in FlagTest test)
    {
        var passed = new FilterLabel();
        _code.And((uint)(test.All | test.None));
        _code.Jump(
            BPF_JEQ, (uint)test.All, test.Any == 0 ? _code.Answer(Trace) : null, passed);
        if (test.Any != 0)
        {
            _code.LoadArgument(0);
            _code.Jump(BPF_JSET, (uint)test.Any, _code.Answer(Trace), passed);
        }

        _code.Bind(passed);
        _code.LoadArgument(0);
    }

    /// <summary>The flags of a call of one shape are loaded.</summary>
    private void Flags(Shape shape)
    {
        FlagRule rule = _policy.ShapeRule(shape);
        if (rule.Action == FlagAction.Deny)
        {
            _code.Return(ErrorAction(rule.Errno));
            return;
        }

        if (shape != Shape.Thread)
        {
            // May be an allowed call as it runs, with what the policy puts in.
            JumpIfAny(_policy.Require & ~_policy.Allow, _code.Answer(Trace));
        }

        Denied(_policy.Denied & 0xffff_ffff & ~CSIGNAL);
        if (rule.Action != FlagAction.Allow)
        {
            _code.Return(ErrorAction(_policy.Otherwise.Value));
            return;
        }

        ulong settled = _policy.Allow | shape.OwnFlags() | _policy.Strip | _policy.Denied
            | CloneFlags.AlwaysStripped | CSIGNAL;
        JumpIfAny(~settled & 0xffff_ffff, Error(_policy.Otherwise.Value));
        _code.Return(Trace);
    }

    private void JumpIfAny(ulong flags, FilterLabel target)
    {
        if (flags != 0)
        {
            _code.Jump(BPF_JSET, (uint)flags, target);
        }
    }

    /// <summary>Denied flags from the lowest; neighbours with one errno are one test.</summary>
    private void Denied(ulong denied)
    {
        while (denied != 0)
        {
            Errno errno = _policy.Flag(CloneFlags.Lowest(denied)).Errno;
            ulong run = 0;
            while (denied != 0 && _policy.Flag(CloneFlags.Lowest(denied)).Errno == errno)
            {
                run |= CloneFlags.Lowest(denied);
                denied &= denied - 1;
            }

            _code.Jump(BPF_JSET, (uint)run, Error(errno));
        }
    }

    /// <summary>unshare(2): its whole argument, of which namespaces are judged.</summary>
    private void Unshare()
    {
        if (_options.TellsDenials)
        {
            _code.Return(Trace);
            return;
        }

        var low = new FilterLabel();
        _code.LoadArgument(0, high: true);
        _code.Jump(BPF_JEQ, 0, low, Error(Errno.EINVAL));
        _code.Bind(low);
        _code.LoadArgument(0);
        _code.Jump(BPF_JSET, unchecked((uint)~UnshareRules.Valid), Error(Errno.EINVAL));
        Denied(_policy.Denied & CloneFlags.Namespaces);
        ulong stripped = _policy.Strip & CloneFlags.Namespaces;
        ulong unnamed = CloneFlags.Namespaces & ~(_policy.Allow | stripped | _policy.Denied);
        JumpIfAny(unnamed, Error(_policy.Otherwise.Value));
        JumpIfAny(stripped | _policy.Supervised, _code.Answer(Trace));
        _code.Return(SECCOMP_RET_ALLOW);
    }
}
