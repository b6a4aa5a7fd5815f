using System;
using System.Globalization;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Launch;
using Interpose.Placement;
using Policies;
using Sandbox.Kernel;
using Sandbox.Kernel.Rules;
using static Interpose.Abi.Uapi;

namespace Sandbox.Supervisor;

/// <summary>
/// What /proc tells of the kernel and of a stopped caller. Most rules ask for nothing; a fact is
/// read when one does.
/// </summary>
/// <param name="policy">
/// The policy: where it lets nobody make a namespace, none can be pending, and nothing is read.
/// </param>
internal sealed class HostFactsReader(CreationPolicy policy) : IHostFacts
{
    private const string DebianSwitch = "/proc/sys/kernel/unprivileged_userns_clone";
    private readonly ProcCaller _caller = new(policy.Allow);

    /// <inheritdoc/>
    public HostFacts Host { get; } = new(
        Version(HostProcess.KernelRelease), TextFile.Number(DebianSwitch) is not 0,
        HostProcess.HasFiveLevelPages);

    /// <inheritdoc/>
    public CallerFacts CallerOf(HostTid task)
    {
        _caller.Task = task;
        return _caller;
    }

    /// <summary>
    /// The version in a release such as <c>6.18.44-cloud</c> or <c>6.12.117+deb12</c>.
    /// </summary>
    internal static KernelVersion Version(string release)
    {
        string[] parts = release.Split('.', '-', '+');
        return new(Number(parts, 0), Number(parts, 1), Number(parts, 2));
    }

    private static int Number(string[] parts, int index) => index < parts.Length
        && int.TryParse(parts[index], NumberStyles.None, CultureInfo.InvariantCulture, out int n)
        ? n : 0;

    /// <summary>One caller, read on demand.</summary>
    private sealed class ProcCaller : CallerFacts
    {
        private static readonly HostTid Self = new(Environment.ProcessId);
        private readonly bool _mayMovePid;
        private readonly bool _mayMoveTime;

        public ProcCaller(ulong allowed)
        {
            _mayMovePid = (allowed & CLONE_NEWPID) != 0
                || Differ(Self, "pid", "pid_for_children") != false;
            _mayMoveTime = (allowed & CLONE_NEWTIME) != 0
                || Differ(Self, "time", "time_for_children") != false;
        }

        public HostTid Task { get; set; }

        public override bool? IsInit =>
            TaskAttributes.InnermostPid(Task) is { } pid ? pid == 1 : null;

        public override bool? PidNamespacePending =>
            _mayMovePid ? Differ(Task, "pid", "pid_for_children") : false;

        public override bool? TimeNamespacePending =>
            _mayMoveTime ? Differ(Task, "time", "time_for_children") : false;

        private static bool? Differ(HostTid task, string own, string ofChildren)
        {
            if (TaskAttributes.SameNamespace(task, own, ofChildren) is { } same)
            {
                return !same;
            }

            // That of a namespace without an init cannot be read. Of a task that was killed just
            // now its own pid namespace still can, but none of the others.
            return TaskAttributes.HasNamespace(task, own)
                && TaskAttributes.HasNamespace(task, "uts") ? true : null;
        }
    }
}
