using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// The file view once more, by landlock(7): what is read-only by its mount cannot be written
/// either where a mount should be missing or undone.
/// </summary>
/// <remarks>
/// Rules only add, so what is hidden below something that can be read is left to its mount. Ports
/// are not restricted: a network of the run's own reaches nobody. Signals and abstract sockets
/// stay within the run, where the kernel knows such scopes.
/// </remarks>
internal sealed class LandlockSteps
{
    private const int AttributeSize = 24;
    private const int RuleSize = 16;
    private const int WithScopes = 6;
    private const ulong Read = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE
        | LANDLOCK_ACCESS_FS_READ_DIR;

    /// <summary>Rights that a file can have; the others are those of directories.</summary>
    private const ulong OfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE
        | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

    private readonly LaunchPlan _plan;
    private readonly MountCalls _calls;
    private readonly ulong _handled;
    private readonly Slot _rules;

    private LandlockSteps(LaunchPlan plan, MountCalls calls, int version)
    {
        (_plan, _calls) = (plan, calls);
        _handled = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
            | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0)
            | (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
        _rules = plan.AddKeeping(
            "landlock_create_ruleset for", "the files of the run", __NR_landlock_create_ruleset,
            Attributes(version), version >= WithScopes ? AttributeSize : sizeof(ulong), 0);
    }

    /// <summary>Adds all steps.</summary>
    /// <param name="plan">The plan, with the file view.</param>
    /// <param name="calls">What opens paths, with the file view made.</param>
    /// <param name="tree">The files.</param>
    /// <param name="version">The kernel's version of Landlock, from 1.</param>
    public static void Plan(LaunchPlan plan, MountCalls calls, FileTree tree, int version)
    {
        var steps = new LandlockSteps(plan, calls, version);
        steps.Allow("/", tree.Default switch
        {
            MountKind.ReadOnly => Read,
            MountKind.ReadWrite => ulong.MaxValue,
            _ => LANDLOCK_ACCESS_FS_READ_DIR,
        });
        foreach (FileMount mount in tree.Mounts)
        {
            steps.Allow(mount);
        }

        plan.Add(
            "prctl(PR_SET_NO_NEW_PRIVS)", "the command", __NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0,
            0, 0);
        plan.Add(
            "landlock_restrict_self of", "the command", __NR_landlock_restrict_self,
            steps._rules, 0);
    }

    private void Allow(FileMount mount)
    {
        switch (mount.Kind)
        {
            case MountKind.ReadOnly:
                Allow(mount.Path, mount.IsDirectory ? Read : Read & OfFiles);
                break;
            case MountKind.ReadWrite:
                Allow(mount.Path, mount.IsDirectory ? ulong.MaxValue : OfFiles);
                break;
            case MountKind.Hide when !mount.IsDirectory:
                Allow(mount.Path, OfFiles);
                break;
            case MountKind.Tmpfs or MountKind.CopyOnWrite or MountKind.MessageQueues:
                // mq_open(2) needs no path, yet its files are those of this mount's directory.
                Allow(mount.Path, ulong.MaxValue);
                break;
            case MountKind.Proc:
                Allow(mount.Path, Read | LANDLOCK_ACCESS_FS_WRITE_FILE);
                break;
            case MountKind.Dev:
                Allow(mount.Path, Read | OfFiles);
                Allow($"{mount.Path}/shm", ulong.MaxValue);
                break;
            default:
                break;
        }
    }

    /// <summary>struct landlock_path_beneath_attr: rights, then the descriptor of a path.</summary>
    private unsafe void Allow(string path, ulong rights)
    {
        var rule = (ulong*)_plan.Allocate(RuleSize);
        rule[0] = rights & _handled;
        var parent = new Slot((nint)(rule + 1));
        _calls.OpenIn(parent, path);
        _plan.Add(
            "landlock_add_rule for", path, __NR_landlock_add_rule, _rules,
            LANDLOCK_RULE_PATH_BENEATH, (nint)rule, 0);
        _calls.Close(parent, path);
    }

    /// <summary>struct landlock_ruleset_attr: file rights, ports, scopes.</summary>
    private unsafe nint Attributes(int version)
    {
        var attributes = (ulong*)_plan.Allocate(AttributeSize);
        attributes[0] = _handled;
        attributes[2] = version >= WithScopes
            ? LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL : 0;
        return (nint)attributes;
    }
}
