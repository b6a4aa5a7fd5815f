using Interpose.Abi;
using Policies;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;
using static Interpose.Abi.Uapi;

namespace Sandbox.Kernel.Fork;

/// <summary>Whose child a new task becomes.</summary>
public enum Lineage
{
    /// <summary>The caller's.</summary>
    Child,

    /// <summary>The caller's parent's: CLONE_PARENT.</summary>
    Sibling,

    /// <summary>Nobody's: a thread of the caller's process.</summary>
    Thread,
}

/// <summary>
/// Stage 1: a request that the kernel's rules and the policy let through.
/// </summary>
/// <remarks>
/// Holds: the request, what it shares, what it makes new, and the call that will really run.
/// Took: nothing.
/// Can fail with: the errno of a closed call, else of the kernel's first violated rule, then the
/// policy's, then ENOSYS for what the register form of clone(2) cannot carry.
/// Kernel counterpart: <c>copy_clone_args_from_user</c>, <c>clone3_args_valid</c>, the checks at
/// the top of <c>copy_process</c>, <c>security_task_alloc</c>.
/// Next: <see cref="UnpublishedTask"/>. From here on no code looks at a CLONE_ bit.
/// </remarks>
public sealed class ValidatedClone : Stage
{
    private CloneRequest _request;
    private HostCall _runs;
    private CreationDecision _decision;

    private ValidatedClone()
    {
    }

    /// <summary>What the guest asked for.</summary>
    public ref readonly CloneRequest Request => ref _request;

    /// <summary>The flags that will run, without the exit signal.</summary>
    public ulong Flags { get; private set; }

    /// <summary>The namespaces that it makes, as CLONE_NEW flags.</summary>
    public ulong NewNamespaces => Flags & CloneFlags.Namespaces;

    /// <summary>Which rule of the policy let it through.</summary>
    public ref readonly CreationDecision Decision => ref _decision;

    /// <summary>The call that the kernel will run.</summary>
    public ref readonly HostCall Runs => ref _runs;

    /// <summary>Whose child it becomes.</summary>
    public Lineage Lineage => (Flags & CLONE_THREAD) != 0 ? Lineage.Thread
        : (Flags & CLONE_PARENT) != 0 ? Lineage.Sibling : Lineage.Child;

    /// <summary>Whether the caller sleeps until the child execs or ends: vfork(2).</summary>
    public bool SuspendsCaller => (Flags & CLONE_VFORK) != 0;

    internal UnpublishedTask Next { get; } = UnpublishedTask.Unreached();

    /// <summary>Whether a resource is shared with the caller; otherwise it is copied.</summary>
    public bool Shares(ResourceKind kind) =>
        ((Flags & FlagOf(kind)) != 0) != ResourceGroup.IsNamespace(kind);

    /// <summary>The stages of one creation at a time, none of them reached.</summary>
    internal static ValidatedClone Unreached() => new();

    internal static Result<ValidatedClone> Validate(
        ValidatedClone stages,
        in CloneCall call,
        CreationPolicy policy,
        DecisionCache decisions,
        IGuestMemory memory,
        IHostFacts facts,
        out CloneRequest request)
    {
        request = default;
        if (policy.DecideEntry(call.Entry) is { } closed)
        {
            return Refusal.Of(closed);
        }

        if (CloneDecoder.Decode(call, memory, out request) is { } undecodable)
        {
            return undecodable;
        }

        if (KernelRules.Judge(new(request, facts.CallerOf(call.Caller), facts.Host)).Broken is
            { } rule)
        {
            return new Refusal(
                rule.Errno, RefusedBy.KernelRule, rule.Label);
        }

        CreationDecision decision = call.Entry == EntryPoint.Launch ? Launched
            : decisions.Decide(new Domain(0), call.Entry, request.Flags);
        if (!decision.Allowed)
        {
            return Refusal.Of(decision);
        }

        ulong flags = (request.Flags & ~decision.Stripped) | decision.Added;
        if (CannotCarry(request, flags) is { } what)
        {
            return new Refusal(Errno.ENOSYS, RefusedBy.Engine, what);
        }

        stages.Reach();
        (stages._request, stages.Flags, stages._decision) = (request, flags, decision);
        stages._runs = RegisterForm(call, request, flags);
        return stages;
    }

    internal override void Clear()
    {
        base.Clear();
        (_request, _decision) = (default, default);
        Next.Clear();
    }

    /// <summary>The first task of a run is the supervisor's own wish.</summary>
    private static CreationDecision Launched { get; } =
        new(Errno.None, 0, 0, "launch", Origin.Default, 0);

    /// <summary>What clone3 can say and clone(2) cannot; libcs fall back on ENOSYS.</summary>
    private static string? CannotCarry(in CloneRequest request, ulong flags)
    {
        if (request.Entry != EntryPoint.Clone3)
        {
            return null;
        }

        const ulong both = CLONE_PIDFD | CLONE_PARENT_SETTID;
        return (flags & CLONE_CLEAR_SIGHAND) != 0 ? "CLONE_CLEAR_SIGHAND needs clone3"
            : (flags & CLONE_INTO_CGROUP) != 0 ? "CLONE_INTO_CGROUP needs clone3"
            : (flags & CLONE_NEWTIME) != 0 ? "CLONE_NEWTIME needs clone3"
            : request.SetTid.Length != 0 ? "set_tid needs clone3"
            : (flags & both) == both ? "CLONE_PIDFD with CLONE_PARENT_SETTID needs clone3"
            : null;
    }

    private static HostCall RegisterForm(in CloneCall call, in CloneRequest request, ulong flags)
    {
        if (request.Entry == EntryPoint.Clone3)
        {
            ulong pointer = (flags & CLONE_PIDFD) != 0 ? request.PidFd : request.ParentTid;
            return new(
                EntryPoint.Clone, true, flags | request.ExitSignal,
                unchecked(request.Stack + request.StackSize), pointer, request.ChildTid,
                request.Tls);
        }

        if (flags == request.Flags)
        {
            return new(
                request.Entry, false, call.A0, call.A1, call.A2, call.A3, call.A4);
        }

        // fork and vfork have no flags of their own to change: clone says the same with flags.
        ulong first = flags | request.ExitSignal;
        return request.Entry == EntryPoint.Clone
            ? new(EntryPoint.Clone, true, first, call.A1, call.A2, call.A3, call.A4)
            : new(EntryPoint.Clone, true, first, 0, 0, 0, 0);
    }

    private static ulong FlagOf(ResourceKind kind) => kind switch
    {
        ResourceKind.Mm => CLONE_VM,
        ResourceKind.Files => CLONE_FILES,
        ResourceKind.Fs => CLONE_FS,
        ResourceKind.Sighand => CLONE_SIGHAND,
        ResourceKind.Signal => CLONE_THREAD,
        ResourceKind.Io => CLONE_IO,
        ResourceKind.SemUndo => CLONE_SYSVSEM,
        _ => ((NamespaceType)(kind - ResourceGroup.FirstNamespace)).Flag(),
    };
}
