using Interpose.Abi;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Fork;
using Sandbox.Kernel.Rules;
using Sandbox.Kernel.Tasks;

namespace RuleFuzz;

/// <summary>
/// What the sandbox itself refuses under <c>permissive</c>: the real stages 1 to 4, with the
/// facts that a supervisor can read.
/// </summary>
internal sealed class Pipeline : IHostFacts, IClock
{
    private static readonly HostTid Launcher = new(1);
    private readonly Policy _policy = BuiltinPolicies.Get("permissive");
    private readonly Machine _machine;
    private readonly CopyProcess _stages;
    private CallerFacts _caller = CallerFacts.Unknown;

    public Pipeline(Machine machine, HostFacts host)
    {
        (_machine, Host) = (machine, host);
        _stages = new CopyProcess(_policy, new TaskTable(), machine, this, this, [], null);
        PendingClone launch = _stages.Begin(new(EntryPoint.Launch, Launcher, 0, 0, 0, 0, 0));
        _stages.Run(launch, CloneMoment.Asked);
        _stages.Run(launch, CloneMoment.Made, Launcher);
    }

    /// <inheritdoc/>
    public HostFacts Host { get; }

    /// <inheritdoc/>
    public long Now => 0;

    /// <inheritdoc/>
    public CallerFacts CallerOf(HostTid task) => _caller;

    /// <summary>The refusal that a guest gets without the kernel; null when the call runs.</summary>
    public Refusal? Refuses(in Record record, CallerFacts facts)
    {
        _caller = new Readable(facts);
        if (record.EntryPoint is EntryPoint.Unshare or EntryPoint.Setns)
        {
            var request = new NamespaceRequest(
                record.EntryPoint, Launcher, record.Flags, record.Flags);
            return request.Judge(_policy.Creation, _stages.Decisions, out _, out _);
        }

        PendingClone clone = _stages.Begin(_machine.Lay());
        if (_stages.Run(clone, CloneMoment.Asked) != Errno.None)
        {
            return clone.Refusal;
        }

        _stages.Run(clone, CloneMoment.Refused, errno: Errno.ECANCELED);
        return null;
    }

    /// <summary>Of all facts those that /proc tells a supervisor.</summary>
    private sealed class Readable(CallerFacts all) : CallerFacts
    {
        public override bool? IsInit => all.IsInit;

        public override bool? PidNamespacePending => all.PidNamespacePending;

        public override bool? TimeNamespacePending => all.TimeNamespacePending;
    }
}
