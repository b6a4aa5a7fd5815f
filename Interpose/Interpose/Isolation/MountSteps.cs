using System.Collections.Generic;
using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// The file view of a run as steps of a plan: mount_namespaces(7).
/// </summary>
/// <remarks>
/// First everything of the host that is to be seen as it is gets copied, as mounts that stand
/// nowhere yet. Then the whole tree is made read-only where it stands, or is replaced by an empty
/// one; and the copies and new file systems go over it, from the root downwards. Nothing is
/// unmounted in between, which would wait for every processor (synchronize_rcu).
/// </remarks>
internal sealed partial class MountSteps
{
    private const string Null = "/dev/null";
    private const ulong SharedMemory = 64 << 20;
    private const ulong Small = 1 << 20;
    private const ulong BytesPerFile = 4096;
    private const ulong FewestFiles = 1024;
    private static readonly string[] Settings =
        ["sys", "irq", "fs", "bus", "acpi", "scsi", "sysrq-trigger"];

    private readonly LaunchPlan _plan;
    private readonly MountCalls _calls;
    private readonly FileTree _tree;
    private readonly GuestIds? _owner;
    private readonly bool _isPrivileged;
    private readonly Dictionary<string, Slot> _copies = [];
    private readonly Dictionary<string, FileMount> _byPath = [];

    /// <summary>Remembers what is to be planned.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="calls">The calls, begun.</param>
    /// <param name="tree">The files.</param>
    /// <param name="owner">
    /// Whom a tmpfs belongs to, as the task that mounts has ids; null for that task's user.
    /// </param>
    /// <param name="isPrivileged">Whether that task may give files to anybody.</param>
    public MountSteps(
        LaunchPlan plan, MountCalls calls, FileTree tree, GuestIds? owner, bool isPrivileged)
    {
        (_plan, _calls, _tree, _owner, _isPrivileged) =
            (plan, calls, tree, owner, isPrivileged);
        foreach (FileMount mount in tree.Mounts)
        {
            _byPath.Add(mount.Path, mount);
        }
    }

    /// <summary>Adds all steps.</summary>
    public void Plan()
    {
        const string mask = "the mask of file modes";
        Slot umask = _plan.AddKeeping("umask of", mask, __NR_umask, 0);
        CopyHost();
        PlanRoot();
        foreach (FileMount mount in _tree.Mounts)
        {
            Mount(mount);
        }

        _calls.End();
        _plan.Add("umask of", mask, __NR_umask, umask);
    }

    /// <summary>What is taken from the host as it stands, before anything covers it.</summary>
    private void CopyHost()
    {
        foreach (FileMount mount in _tree.Mounts)
        {
            bool isCover = mount.Kind is MountKind.Hide or MountKind.Deny && !mount.IsDirectory;
            if (mount.Kind == MountKind.Proc)
            {
                // While the host's own is not covered: mount_too_revealing.
                _copies[mount.Path] = _calls.New(
                    "proc", mount.Path, MountCalls.Harmless | MOUNT_ATTR_NOEXEC);
            }
            else if (mount.Kind == MountKind.Dev)
            {
                foreach (string device in MinimalDev.Devices)
                {
                    _copies[$"{mount.Path}/{device}"] = _calls.Copy(
                        $"/dev/{device}", isDirectory: false);
                }
            }
            else if (isCover)
            {
                _copies[mount.Path] = _calls.Copy(Null, isDirectory: false);
            }
            else if (NeedsCopy(mount))
            {
                _copies[mount.Path] =
                    _calls.Copy(mount.Source ?? mount.Path, mount.IsDirectory);
            }

            if (mount.Kept is { } kept)
            {
                _copies[kept] = _calls.Copy(kept, isDirectory: true);
            }
        }
    }

    private bool NeedsCopy(FileMount mount) => mount.Kind switch
    {
        _ when mount.Source is not null => true,
        MountKind.ReadOnly or MountKind.ReadWrite =>
            Around(mount.Path)?.Kind is not { } kind
                ? mount.Kind != _tree.Default : kind != mount.Kind,
        MountKind.CopyOnWrite => true,
        _ => false,
    };

    private void PlanRoot()
    {
        const string root = "/";
        if (_tree.Default is MountKind.Hide or MountKind.Deny)
        {
            string mode = _tree.Default == MountKind.Hide ? "0755" : "0111";
            Slot empty = NewCover(root, mode, Small);
            MakePoints(empty, root);
            _calls.Restrict(empty, root, MOUNT_ATTR_RDONLY);
            Slot host = _calls.Open(root);
            _calls.Restrict(host, root, 0);
            _calls.Close(host, root);
            _calls.ReplaceRoot(empty);
            _calls.Close(empty, root);
        }
        else
        {
            Slot host = _calls.Open(root);
            uint only = _tree.Default == MountKind.ReadOnly ? MOUNT_ATTR_RDONLY : 0;
            _calls.Restrict(host, root, MountCalls.Harmless | only);
            _calls.Close(host, root);
        }

        _plan.Add("chdir to", root, __NR_chdir, _plan.Text("/"u8));
    }

    private void Mount(FileMount mount)
    {
        switch (mount.Kind)
        {
            case MountKind.ReadOnly or MountKind.ReadWrite:
                if (_copies.TryGetValue(mount.Path, out Slot copy))
                {
                    // The caller's own devices are there for who asks for the host's /dev.
                    uint devices = mount.Path == "/dev" ? 0 : MOUNT_ATTR_NODEV;
                    uint only = mount.Kind == MountKind.ReadOnly ? MOUNT_ATTR_RDONLY : 0;
                    Put(copy, mount.Path, MOUNT_ATTR_NOSUID | devices | only);
                }

                break;
            case MountKind.Hide or MountKind.Deny when !mount.IsDirectory:
                // An open of a device on such a mount is EACCES; without it, it is empty.
                Put(
                    _copies[mount.Path], mount.Path,
                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID
                        | (mount.Kind == MountKind.Deny ? MOUNT_ATTR_NODEV : 0));
                break;
            case MountKind.Hide or MountKind.Deny:
                Slot cover = NewCover(mount.Path, ModeOf(mount), Small);
                MakePoints(cover, mount.Path);
                Put(cover, mount.Path, MOUNT_ATTR_RDONLY);
                break;
            case MountKind.Tmpfs:
                Slot memory = NewMemory(mount.Path, mount.Size);
                MakePoints(memory, mount.Path);
                Put(memory, mount.Path, MountCalls.Harmless);
                break;
            case MountKind.CopyOnWrite:
                PutCopyOnWrite(mount);
                break;
            case MountKind.Proc:
                Put(_copies[mount.Path], mount.Path, MountCalls.Harmless | MOUNT_ATTR_NOEXEC);
                KeepSettings(mount.Path);
                break;
            case MountKind.MessageQueues:
                const uint attributes = MountCalls.Harmless | MOUNT_ATTR_NOEXEC;
                Put(_calls.New("mqueue", mount.Path, attributes), mount.Path, attributes);
                break;
            default:
                PutDev(mount.Path);
                break;
        }
    }

    private void Put(Slot mount, string path, uint attributes)
    {
        _calls.Restrict(mount, path, attributes);
        _calls.Attach(mount, path);
        _calls.Close(mount, path);
    }

    /// <summary>
    /// Who has user 0 of the host owns the kernel's settings, whatever capabilities it lacks:
    /// sysctl(9), <c>test_perm</c>. They become read-only.
    /// </summary>
    private void KeepSettings(string proc)
    {
        bool isRoot = _owner is { } ids ? ids.HostUid == 0 : LibC.Posix.GetEffectiveUser() == 0;
        foreach (string name in isRoot ? Settings : [])
        {
            string path = $"{proc}/{name}";
            if (!System.IO.Path.Exists($"/proc/{name}"))
            {
                continue;
            }

            Slot copy = _calls.Copy(
                path, System.IO.Directory.Exists($"/proc/{name}"), isOfHost: false);
            Put(copy, path, MountCalls.Harmless | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);
        }
    }

    private void PutDev(string path)
    {
        Slot dev = NewCover(path, "0755", Small);
        foreach (string device in MinimalDev.Devices)
        {
            _calls.MakeFile(dev, device);
        }

        foreach ((string name, string target) in MinimalDev.Links)
        {
            _calls.MakeLink(dev, name, target);
        }

        _calls.MakeDirectory(dev, "pts", 0x1ed);
        _calls.MakeDirectory(dev, "shm", 0x1ed);
        MakePoints(dev, path, ["pts", "shm"]);
        Put(dev, path, MOUNT_ATTR_RDONLY);
        foreach (string device in MinimalDev.Devices)
        {
            string at = $"{path}/{device}";
            Put(_copies[at], at, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        }

        string terminals = $"{path}/pts";
        Slot pts = _calls.New(
            "devpts", terminals, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, ("ptmxmode", "0666"),
            ("mode", "0620"));
        Put(pts, terminals, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        string shared = $"{path}/shm";
        if (!_byPath.ContainsKey(shared))
        {
            Put(NewMemory(shared, SharedMemory), shared, MountCalls.Harmless);
        }
    }

    /// <summary>A tmpfs that no guest writes to.</summary>
    private Slot NewCover(string path, string mode, ulong size) => _calls.New(
        "tmpfs", path, MountCalls.Harmless, ("mode", mode), ("size", MountCalls.Bytes(size)));

    /// <summary>A tmpfs of the guest's.</summary>
    private Slot NewMemory(string path, ulong? size)
    {
        List<(string, string?)> options =
            [("mode", path is "/tmp" or "/var/tmp" or "/dev/shm" ? "1777" : "0755")];
        if (size is { } bytes)
        {
            // Names and empty files take no size, and memory all the same.
            ulong files = System.Math.Max(bytes / BytesPerFile, FewestFiles);
            options.Add(("size", MountCalls.Bytes(bytes)));
            options.Add(("nr_inodes", MountCalls.Bytes(files)));
        }

        if (_owner is { } ids)
        {
            options.Add(("uid", $"{ids.HostUid}"));
            options.Add(("gid", $"{ids.HostGid}"));
        }

        return _calls.New("tmpfs", path, MountCalls.Harmless, [.. options]);
    }

    /// <summary>One that holds the way to others can be passed through, and not read.</summary>
    private string ModeOf(FileMount mount)
    {
        bool leadsOn = false;
        foreach (FileMount other in _tree.Mounts)
        {
            leadsOn |= IsBelow(other.Path, mount.Path);
        }

        return mount.Kind == MountKind.Hide ? "0555" : leadsOn ? "0111" : "0000";
    }
}
