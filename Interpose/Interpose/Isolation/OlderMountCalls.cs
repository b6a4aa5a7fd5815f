using System;
using System.Collections.Generic;
using System.Text;
using Interpose.Abi;
using Interpose.Launch;
using Interpose.LibC;
using Interpose.Probes;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// The same by mount(2), for where a filter around the sandbox knows nothing newer or refuses it.
/// </summary>
/// <remarks>
/// mount(2) has no mounts that stand nowhere. So a small file system becomes the root meanwhile,
/// with the host's root in one of its directories; there mounts are made in others, and moved
/// from. At the end the host's root, or what has replaced it, is the root again, and the small one
/// is gone with all that is left in it.
/// Paths are walked component by component without following a link, and given to mount(2) as
/// those of a descriptor below a /proc. What is set of a tree is set of each of its mounts; they
/// are those of the moment in which the plan was made, and the launch fails where others were
/// made since (proc_pid_mountinfo(5), poll).
/// </remarks>
internal sealed class OlderMountCalls : MountCalls
{
    private const string Staging = "the staging root";
    private const string Host = "/host";
    private const string Places = "/places";
    private const string Proc = "/proc";
    private const int Way = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    private const int MostDescriptors = 1024;
    private readonly int _watch;
    private readonly IReadOnlyList<MountPoint> _mounts;
    private readonly Dictionary<Slot, (string At, string? Host, int Flags)> _places = [];
    private readonly int _link;
    private readonly nint _linkPath;
    private string _top = Host;

    public OlderMountCalls(LaunchPlan plan)
        : base(plan)
    {
        // Before it is read, so that no change is missed.
        Posix.Open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, out _watch);
        _mounts = MountPoint.Visible(MountPoint.All());
        _link = (int)Math.Min(StartState.OpenFiles.rlim_cur, MostDescriptors) - 1;
        while (_link > 0 && Posix.IsOpen(_link))
        {
            _link--;
        }

        _linkPath = Text($"{Proc}/self/fd/{_link}");
    }

    /// <inheritdoc/>
    public override bool IsOutdated => _watch < 0 || FileCalls.HasFailed(_watch);

    /// <inheritdoc/>
    public override void Begin()
    {
        Mount("mount(MS_PRIVATE) of", "/", 0, Text("/"), 0, MS_REC | MS_PRIVATE, 0);

        // /proc is there, and nobody puts a link in its place.
        Mount(
            "mount of tmpfs for", Staging, Text("tmpfs"), Text(Proc), Text("tmpfs"),
            MS_NOSUID | MS_NODEV, Text("mode=0700,size=4M"));
        Plan.Add("chdir to", Staging, __NR_chdir, Text(Proc));
        foreach (string name in new[] { Host, Places, Proc })
        {
            Plan.Add("mkdir", name, __NR_mkdir, Text(name[1..]), 0x1c0);
        }

        Plan.Add("pivot_root to", Staging, __NR_pivot_root, Text("."), Text(Host[1..]));
        Plan.Add("chdir to", Staging, __NR_chdir, Text("/"));
        Mount("mount(MS_BIND) of", Proc, Text(Host + Proc), Text(Proc), 0, MS_BIND | MS_REC, 0);

        // Its number is taken from now on.
        Slot root = Plan.AddKeeping("open", Staging, __NR_open, Text("/"), O_PATH | O_CLOEXEC);
        Name(root, Staging);
    }

    /// <inheritdoc/>
    public override void End()
    {
        Plan.Add("close", Staging, __NR_close, _link);
        Plan.Add("chdir to", "the new root", __NR_chdir, Text(Host));
        PivotHere();
        Plan.Add("chdir to", "/", __NR_chdir, Text("/"));
        _top = "/";
    }

    /// <inheritdoc/>
    public override void OpenIn(Slot slot, string path) => Walk(slot, _top, path, path);

    /// <inheritdoc/>
    public override Slot Copy(string path, bool isDirectory, bool isOfHost = true)
    {
        (string place, nint at) = NewPlace(isDirectory, path);
        Name(Open(path), path);
        Mount("mount(MS_BIND) of", path, _linkPath, at, 0, MS_BIND | MS_REC, 0);
        return Placed((place, isOfHost ? path : null, FlagsAt(path)), path);
    }

    /// <inheritdoc/>
    public override void Restrict(Slot mount, string path, uint attributes)
    {
        if (attributes == 0)
        {
            return;
        }

        // The host's root has not been put to a place: it is opened as it stands.
        (string at, string? host, int flags) = _places.TryGetValue(
            mount, out (string, string?, int) place) ? place : (Host, "/", FlagsAt("/"));
        Remount(at, "", path, (int)attributes | flags);
        var covered = new HashSet<string>();
        foreach (MountPoint below in host is null ? [] : _mounts)
        {
            string start = host == "/" ? host! : host + "/";
            if (below.Target.Length <= start.Length
                || !below.Target.StartsWith(start, StringComparison.Ordinal))
            {
                continue;
            }

            if (ClosedWay(below.Target) is not { } closed)
            {
                Remount(
                    at, below.Target[(start.Length - 1)..], below.Target,
                    (int)attributes | below.Flags);
            }
            else if (covered.Add(closed) && closed.Length >= start.Length)
            {
                Cover(at, closed[(start.Length - 1)..], closed);
            }
        }
    }

    /// <inheritdoc/>
    public override Slot New(
        string type, string path, uint attributes,
        params ReadOnlySpan<(string Key, string? Value)> options)
    {
        string what = $"{type} for {path}";
        (string place, nint at) = NewPlace(isDirectory: true, what);
        var data = new StringBuilder();
        foreach ((string key, string? value) in options)
        {
            data.Append(data.Length == 0 ? "" : ",").Append(key);
            data.Append(value is null ? "" : $"={value}");
        }

        Mount(
            "mount of", what, Text(type), at, Text(type), (int)attributes, Text(data.ToString()));
        return Placed((place, null, (int)attributes), what);
    }

    /// <inheritdoc/>
    public override void Attach(Slot mount, string path)
    {
        Name(Open(path), path);
        Move(mount, _linkPath, "to", path);
    }

    /// <inheritdoc/>
    public override void AttachBelow(Slot mount, Slot other, string name, string path)
    {
        Plan.Add("fchdir to", path, __NR_fchdir, other);
        Move(mount, Text(name), "of", path);
        Plan.Add("chdir to", "/", __NR_chdir, Text("/"));
        Close(mount, path);
    }

    /// <inheritdoc/>
    public override void ReplaceRoot(Slot mount) => Attach(mount, "/");

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_watch >= 0)
        {
            Posix.Close(_watch);
        }

        base.Dispose();
    }

    private void Mount(
        string what, string @object, nint source, nint target, nint type, int flags, nint data) =>
        Plan.Add(what, @object, __NR_mount, source, target, type, flags, data);

    private void Move(Slot mount, nint target, string preposition, string path) => Mount(
        $"mount(MS_MOVE) {preposition}", path, Text(_places[mount].At), target, 0, MS_MOVE, 0);

    /// <summary>A place where a mount can be made, and its path as calls take it.</summary>
    private (string Place, nint Text) NewPlace(bool isDirectory, string path)
    {
        string place = $"{Places}/{_places.Count}";
        nint text = Text(place);
        if (isDirectory)
        {
            Plan.Add("mkdir for", path, __NR_mkdir, text, 0x1c0);
        }
        else
        {
            Plan.Add("mknodat for", path, __NR_mknodat, AT_FDCWD, text, S_IFREG | 0x180, 0);
        }

        return (place, text);
    }

    /// <param name="place">Where a mount is, of what of the host, and its flags.</param>
    /// <param name="path">What it is for.</param>
    private Slot Placed((string At, string? Host, int Flags) place, string path)
    {
        Slot slot = Plan.AddKeeping(
            "open", path, __NR_open, Text(place.At), O_PATH | O_NOFOLLOW | O_CLOEXEC);
        _places.Add(slot, place);
        return slot;
    }

    /// <summary>Makes a descriptor that which <c>_linkPath</c> leads to, and closes it.</summary>
    private void Name(Slot slot, string path)
    {
        Plan.Add("dup3 of", path, __NR_dup3, slot, _link, O_CLOEXEC);
        Close(slot, path);
    }

    /// <summary>Opens a path below another, which is the sandbox's own.</summary>
    private void Walk(Slot slot, string top, string path, string told)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
        {
            Plan.AddKeepingIn(
                slot, "open", told, __NR_open, Text(top), Way & ~O_DIRECTORY);
            return;
        }

        Slot at = Plan.AddKeeping("open", told, __NR_open, Text(top), Way);
        foreach (string part in parts.AsSpan(0, parts.Length - 1))
        {
            Slot next = Plan.AddKeeping("openat", told, __NR_openat, at, Text(part), Way);
            Close(at, told);
            at = next;
        }

        Plan.AddKeepingIn(
            slot, "openat", told, __NR_openat, at, Text(parts[^1]), Way & ~O_DIRECTORY);
        Close(at, told);

        // A link would be opened itself; of all else there is none to be read.
        Plan.AddRefused(
            Errno.ENOENT, "openat", told, __NR_readlinkat, slot, Text(string.Empty),
            Plan.Allocate(sizeof(long)), sizeof(long));
    }

    private void Remount(string at, string below, string told, int flags)
    {
        var slot = new Slot(Plan.Allocate(sizeof(long)));
        Walk(slot, at, below, told);
        Name(slot, told);
        Mount("mount(MS_REMOUNT) of", told, 0, _linkPath, 0, MS_REMOUNT | MS_BIND | flags, 0);
    }

    /// <summary>
    /// A directory that the caller may not search stays one. Guests cannot reach what is mounted
    /// below it either, now; and shall not when its owner opens it.
    /// </summary>
    private void Cover(string at, string below, string told)
    {
        const int flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        var slot = new Slot(Plan.Allocate(sizeof(long)));
        Walk(slot, at, below, told);
        Name(slot, told);
        Mount(
            "mount of tmpfs for", told, Text("tmpfs"), _linkPath, Text("tmpfs"), flags,
            Text("mode=0000,size=4k"));
    }

    /// <summary>The flags of the mount that a path of the host is on.</summary>
    private int FlagsAt(string path)
    {
        MountPoint? nearest = null;
        foreach (MountPoint mount in _mounts)
        {
            string target = mount.Target;
            bool isAbove = target == "/" || target == path
                || path.StartsWith(target + "/", StringComparison.Ordinal);
            nearest = isAbove && target.Length >= (nearest?.Target.Length ?? 0) ? mount : nearest;
        }

        return nearest?.Flags ?? 0;
    }

    /// <summary>The first directory to a path that may not be searched; null for none.</summary>
    private static string? ClosedWay(string path)
    {
        for (int at = path.IndexOf('/', 1); ; at = path.IndexOf('/', at + 1))
        {
            string part = at < 0 ? path : path[..at];
            if (Posix.Stat(part, out _) == Errno.EACCES)
            {
                int slash = part.LastIndexOf('/');
                return slash > 0 ? part[..slash] : "/";
            }

            if (at < 0)
            {
                return null;
            }
        }
    }
}
