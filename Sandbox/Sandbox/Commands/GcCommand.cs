using System.Collections.Generic;
using System.CommandLine;
using System.Text;
using Interpose.Abi;
using Interpose.Cgroups;
using Interpose.Launch;
using Policies;
using Sandbox.Changes;

namespace Sandbox.Commands;

/// <summary><c>sandbox gc</c>: takes away what killed supervisors left.</summary>
internal sealed class GcCommand
{
    private readonly Option<bool> _dryRun = new("--dry-run", "-n")
    {
        Description = "Say what would be removed, and leave it",
    };

    public GcCommand()
    {
        Command = new Command(
            "gc",
            "Remove what killed supervisors left: their cgroups, with whatever is in them, and "
                + "what runs with --commit kept in TMPDIR, /var/tmp or /tmp. Mounts and guests "
                + "end with a supervisor, however that ends; exit status 0 when nothing of the "
                + "caller's is left, 1 when something is")
        {
            _dryRun,
        };
        Command.SetAction(Invoke);
    }

    public Command Command { get; }

    private int Invoke(ParseResult parsed)
    {
        IReadOnlyList<DeadGroup> found =
            DeadGroups.Collect(CgroupTree.Read(), parsed.GetValue(_dryRun));
        var done = new StringBuilder();
        var problems = new StringBuilder();
        bool left = false;
        foreach (DeadGroup group in found)
        {
            string name = OneLine.Of(group.Directory);
            (StringBuilder text, string line) = group.Fate switch
            {
                DeadGroupFate.Removed => (done, $"removed {name}"),
                DeadGroupFate.Found => (done, $"would remove {name}"),
                DeadGroupFate.Foreign => (problems, $"sandbox: left {name}: it belongs to user "
                    + $"{group.User}, as whom 'sandbox gc' removes it"),
                DeadGroupFate.InUse => (problems, $"sandbox: left {name}: a process holds its "
                    + "lock, one that is just ending or of another pid namespace"),
                _ => (problems, $"sandbox: cannot remove {name}: {group.Errno.Describe()}"),
            };
            text.Append(line).Append('\n');
            left |= group.Fate == DeadGroupFate.Kept;
        }

        foreach ((string path, LeftFate fate, string why) in LeftPlaces.Collect(
            parsed.GetValue(_dryRun)))
        {
            string name = OneLine.Of(path);
            (StringBuilder text, string line) = fate switch
            {
                LeftFate.Removed => (
                    done, $"{(parsed.GetValue(_dryRun) ? "would remove" : "removed")} {name}"),
                LeftFate.Unfinished => (problems, $"sandbox: left {name}: a commit of it was "
                    + "killed, which 'sandbox commit' finishes, if it was yours"),
                _ => (problems, $"sandbox: cannot remove {name}: {why}"),
            };
            text.Append(line).Append('\n');
            left |= fate != LeftFate.Removed;
        }

        HostProcess.WriteError(problems.ToString());
        string told = done.Length > 0 ? done.ToString() : "nothing to remove\n";
        return !HostProcess.WriteOut(told) ? ExitStatus.Setup : left ? 1 : 0;
    }
}
