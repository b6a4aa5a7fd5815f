using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Seccomp;
using Sandbox.Kernel.Tasks;
using Sandbox.Supervisor;
using static Interpose.Abi.Uapi;

namespace Sandbox.Explain;

/// <summary>
/// What happens to one call under one policy, stage by stage. It runs the real stages 1 to 4 for
/// the first task of a run and unwinds them; nothing is created.
/// </summary>
internal sealed class Explanation : IHostFacts
{
    private static readonly HostTid Launcher = new(1);
    private static readonly HostTid Caller = new(2);
    private readonly StringBuilder _text = new();
    private readonly CallText _call;
    private readonly Policy _policy;

    private Explanation(CallText call, Policy policy) => (_call, _policy) = (call, policy);

    /// <summary>Whether stage 1 and the limits let the call through.</summary>
    public bool Allowed { get; private set; }

    /// <inheritdoc/>
    public HostFacts Host => new HostFactsReader(_policy.Creation).Host;

    /// <summary>An ordinary task; what depends on more the kernel is left to judge.</summary>
    public CallerFacts CallerOf(HostTid task) => CallerFacts.Ordinary;

    /// <summary>Explains a call.</summary>
    public static Explanation Of(CallText call, Policy policy)
    {
        var explanation = new Explanation(call, policy);
        if (call.Entry is EntryPoint.Unshare or EntryPoint.Setns)
        {
            explanation.ExplainNamespaces();
        }
        else
        {
            explanation.ExplainCreation();
        }

        return explanation;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void ExplainCreation()
    {
        CopyProcess pipeline = NewRun(out _);
        ulong[] a = _call.Arguments;
        PendingClone clone = pipeline.Begin(new(_call.Entry, Caller, a[0], a[1], a[2], a[3], a[4]));
        Errno errno = pipeline.Run(clone, CloneMoment.Asked);
        Allowed = errno == Errno.None;
        Line("stage 1", "ValidatedClone");
        bool open = TellEntry();
        bool decoded = open && TellDecoding(clone);
        bool passed = decoded && TellRules(clone.Request);
        if (passed)
        {
            TellFlags(clone.Request.Flags);
        }

        if (Allowed)
        {
            TellRest(clone);
            pipeline.Run(clone, CloneMoment.Refused, errno: Errno.ECANCELED);
        }

        // A closed call is refused undecoded, but what opens it has to let its flags pass as well.
        bool known = CloneDecoder.Decode(clone.Call, _call, out CloneRequest request) is null;
        TellVerdict(Allowed ? null : clone.Refusal, known ? request.Flags : null);
        TellFilter();
    }

    /// <summary>A run in which only its first task lives.</summary>
    private CopyProcess NewRun(out GuestTask first)
    {
        var table = new TaskTable();
        var pipeline = new CopyProcess(
            _policy, table, _call, this, new MonotonicClock(), [], null);
        PendingClone launch = pipeline.Begin(
            new(EntryPoint.Launch, Launcher, 0, 0, 0, 0, 0));
        pipeline.Run(launch, CloneMoment.Asked);
        pipeline.Run(launch, CloneMoment.Made, Caller);
        bool found = table.TryFind(Caller, out GuestTask? task);
        Invariant.Check(found, "a run has its first task");
        first = task!;
        return pipeline;
    }

    private void ExplainNamespaces()
    {
        ulong[] a = _call.Arguments;
        bool enters = _call.Entry == EntryPoint.Setns;
        var request = new NamespaceRequest(
            _call.Entry, Caller, a[0], a[1], enters ? (uint)a[1] & CloneFlags.Namespaces : 0);
        CopyProcess pipeline = NewRun(out GuestTask caller);
        Refusal? refusal = request.Judge(
            _policy.Creation, pipeline.Decisions, out ulong runs, out _);
        refusal ??= enters ? null : pipeline.Namespaces.Exceeded(runs, caller);
        Allowed = refusal is null;
        bool open = TellEntry();
        bool known = enters || (a[0] & ~UnshareRules.Valid) == 0;
        if (open && !enters)
        {
            Rule("check_unshare_flags: unknown flags", known, Errno.EINVAL);
        }

        if (open && known)
        {
            TellEach(request.Asked & CloneFlags.Namespaces, 0);
            TellEach(request.Asked & ~CloneFlags.Namespaces, ulong.MaxValue);
        }

        if (Allowed)
        {
            string flags = string.Join('|', CloneFlags.Of(
                _call.Entry == EntryPoint.Unshare ? runs : request.Flags));
            Line("runs", $"{_call.Entry.Name()}({flags})");
            TellBudgets(enters ? 0 : runs);
        }

        TellVerdict(refusal, request.Asked);
        TellFilter();
    }

    private bool TellEntry()
    {
        Sourced<Errno> gate = _policy.Creation.Entry(_call.Entry);
        bool open = gate.Value == Errno.None;
        Line("  entry", $"{_call.Entry.Name()} is {(open ? "open" : "closed: " + gate.Value)}",
            gate.Origin);
        return open;
    }

    private bool TellDecoding(PendingClone clone)
    {
        Refusal? wrong = CloneDecoder.Decode(clone.Call, _call, out CloneRequest request);
        if (wrong is { } no)
        {
            Rule(no.Rule, false, no.Errno);
            return false;
        }

        string flags = request.Flags == 0 ? "no flag"
            : string.Join('|', CloneFlags.Of(request.Flags));
        Line("  decoded", $"{flags}, exit signal {(request.ExitSignal == 0 ? "none"
            : SignalNames.Of((int)request.ExitSignal))}");
        return true;
    }

    private bool TellRules(in CloneRequest request)
    {
        var input = new RuleInput(request, CallerOf(Caller), Host);
        bool known = true;
        foreach (KernelRule rule in KernelRules.Of(_call.Entry))
        {
            bool? broken = rule.IsBroken(input);
            known &= broken is not null;
            if (known)
            {
                Rule($"{rule.Function}: {rule.Name}", broken != true, rule.Errno);
            }
            else if (broken != false)
            {
                Line("  rule", $"{"kernel",-7} {rule.Function}: {rule.Name} ({rule.Errno})");
            }

            if (known && broken == true)
            {
                return false;
            }
        }

        return true;
    }

    private void TellFlags(ulong flags)
    {
        Shape shape = Shapes.Of(flags);
        FlagRule rule = _policy.Creation.ShapeRule(shape);
        Line("  shape", $"{shape.Group()}: {Words(rule, own: false)}", rule.Origin);
        TellEach(flags, shape.OwnFlags());
        if (shape != Shape.Thread)
        {
            foreach (string name in CloneFlags.Of(_policy.Creation.Require & ~flags))
            {
                Origin? at = CloneFlags.TryParse(name, out ulong bit)
                    ? _policy.Creation.RequiredAt(bit) : null;
                Line("  flag", $"{name}: required, put in", at);
            }
        }
    }

    private void TellEach(ulong flags, ulong own)
    {
        foreach (string name in CloneFlags.Of(flags))
        {
            if (CloneFlags.TryParse(name, out ulong bit))
            {
                FlagRule rule = (bit & CloneFlags.AlwaysStripped) != 0
                    && _policy.Creation.Flag(bit).Action is FlagAction.Unnamed or FlagAction.Allow
                    ? new(FlagAction.Strip, Errno.None, null) : _policy.Creation.Flag(bit);
                Line("  flag", $"{name}: {Words(rule, (bit & own) != 0)}", rule.Origin);
            }
        }
    }

    private string Words(in FlagRule rule, bool own) => rule.Action switch
    {
        FlagAction.Allow => "allowed",
        FlagAction.Strip => "stripped, taken out",
        FlagAction.Deny => "denied: " + rule.Errno,
        _ => own ? "comes with the shape"
            : $"not named, so otherwise: {_policy.Creation.Otherwise.Value}",
    };

    private void TellRest(PendingClone clone)
    {
        HostCall runs = clone.Runs;
        ulong flags = runs.Entry == EntryPoint.Clone ? runs.A0 & ~CSIGNAL : clone.Request.Flags;
        string form = runs.Rewritten
            ? $"clone({string.Join('|', CloneFlags.Of(flags))}), from registers"
            : "as it was asked";
        Line("  runs", form);
        Line("stage 2", "UnpublishedTask: charged against");
        foreach ((string key, Sourced<int> limit) in _policy.Creation.Limits.Set())
        {
            Line("  limit", $"{key}: {limit.Value}", limit.Origin);
        }

        TellBudgets(flags);

        Line("stage 3", "PopulatedTask: shared or copied");
        Line("stage 4", $"ReservedTask: {_policy.Resources.Limits.Length} resource limits planned");
        foreach ((string key, string value, Origin origin) in _policy.Creation.SetUp.Of(flags))
        {
            Line("  set up", $"{key}: {value}", origin);
        }

        Line("kernel", "runs the call; memory, user limits and security modules are its own to "
            + "refuse, which unwinds all of the above");
        Line("stage 5", "PublishedTask: stopped, placed, in the task table; no failure after this");
        Line("stage 6", "RunningTask");
    }

    private void TellBudgets(ulong flags)
    {
        foreach (NamespaceType type in NamespaceTypes.All)
        {
            NamespaceBudget budget = _policy.Creation.Namespaces.Of(type);
            if ((flags & type.Flag()) != 0 && budget.Max is { } max)
            {
                Line("  budget", $"{NamespaceBudgets.MaxKey(type)}: {max.Value}", max.Origin);
            }

            if ((flags & type.Flag()) != 0 && budget.Depth is { } depth)
            {
                Line("  budget", $"{NamespaceBudgets.DepthKey(type)}: {depth.Value}", depth.Origin);
            }
        }
    }

    private void TellVerdict(Refusal? refusal, ulong? flags)
    {
        if (refusal is not { } no)
        {
            Line("verdict", "allowed");
            return;
        }

        Line("verdict", $"{no.Errno.Describe()}, by {Who(no.By)}: {no.Rule}", no.Origin);
        if (no.By is not RefusedBy.Policy)
        {
            return;
        }

        Sourced<OnViolation> violation = _policy.Creation.OnViolation;
        if (violation.Value == OnViolation.Kill)
        {
            Line("violation", "ends the run", violation.Origin);
        }

        // Where no addition helps, something that is required clashes with what was asked.
        IReadOnlyList<string>? edit = PolicyEdit.ToAllow(_policy.Creation, _call.Entry, flags);
        IReadOnlyList<string> clash = CloneFlags.Of(_policy.Creation.ClashOf(flags ?? 0));
        Line("to allow", edit is null ? $"take {string.Join('|', clash)} out of creation.require"
            : "--set " + string.Join(" --set ", edit));
    }

    private static string Who(RefusedBy by) => by switch
    {
        RefusedBy.KernelRule => "the kernel's rule",
        RefusedBy.Policy => "the policy",
        RefusedBy.Limit => "a limit",
        _ => "the engine, which runs clone3 as clone",
    };

    /// <summary>What the filter of a run says in which nobody is told of denials.</summary>
    private void TellFilter()
    {
        int number = _call.Entry switch
        {
            EntryPoint.Fork => __NR_fork,
            EntryPoint.Vfork => __NR_vfork,
            EntryPoint.Clone => __NR_clone,
            EntryPoint.Clone3 => __NR_clone3,
            EntryPoint.Unshare => __NR_unshare,
            _ => __NR_setns,
        };
        var data = new seccomp_data
        {
            nr = number,
            arch = AUDIT_ARCH_X86_64,
            arg0 = _call.Arguments[0],
            arg1 = _call.Arguments[1],
        };
        sock_filter[] filter = CreationFilter.Compile(_policy, default);
        uint action = FilterEvaluator.Run(filter, data, out _);
        bool stops = (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE;
        Line("filter", (stops ? "with -q as without: " : "with -q the kernel answers by itself: ")
            + FilterListing.Describe(action));
    }

    private void Rule(string rule, bool passed, Errno errno) =>
        Line("  rule", $"{(passed ? "passed" : errno),-7} {rule}");

    private void Line(string label, string words, Origin? origin = null)
    {
        string place = origin is { Line: > 0 } ? $"   [{origin}]" : string.Empty;
        _text.Append(CultureInfo.InvariantCulture, $"{label,-10}{words}{place}\n");
    }
}
