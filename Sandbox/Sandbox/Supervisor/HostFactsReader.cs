using System.Globalization;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.Placement;
using Sandbox.Kernel;
using Sandbox.Kernel.Rules;

namespace Sandbox.Supervisor;

/// <summary>
/// What /proc tells of the kernel and of a stopped caller. Most rules ask for nothing; a fact is
/// read when one does.
/// </summary>
internal sealed class HostFactsReader : IHostFacts
{
    private const string DebianSwitch = "/proc/sys/kernel/unprivileged_userns_clone";
    private readonly ProcCaller _caller = new();

    /// <inheritdoc/>
    public HostFacts Host { get; } = new(
        Version(HostProcess.KernelRelease), HostProcess.ReadNumber(DebianSwitch) is not 0);

    /// <inheritdoc/>
    public CallerFacts CallerOf(HostTid task)
    {
        _caller.Task = task;
        return _caller;
    }

    /// <summary>The version in a release such as <c>6.18.44-cloud</c>.</summary>
    internal static KernelVersion Version(string release)
    {
        string[] parts = release.Split('.', '-');
        int major = Number(parts, 0);
        return new(major, Number(parts, 1));
    }

    private static int Number(string[] parts, int index) => index < parts.Length
        && int.TryParse(parts[index], NumberStyles.None, CultureInfo.InvariantCulture, out int n)
        ? n : 0;

    /// <summary>One caller, read on demand.</summary>
    private sealed class ProcCaller : CallerFacts
    {
        public HostTid Task { get; set; }

        public override bool? IsInit =>
            TaskAttributes.InnermostPid(Task) is { } pid ? pid == 1 : null;

        public override bool? PidNamespacePending => Differ("pid", "pid_for_children");

        public override bool? TimeNamespacePending => Differ("time", "time_for_children");

        private bool? Differ(string own, string ofChildren)
        {
            string? a = TaskAttributes.Namespace(Task, own);
            string? b = TaskAttributes.Namespace(Task, ofChildren);
            // The link of a namespace that has no init yet cannot be read.
            return a is null ? null : a != b;
        }
    }
}
