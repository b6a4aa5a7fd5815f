using System;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// The calls of the mount API as steps of a plan: fsopen(2), open_tree(2), move_mount(2),
/// mount_setattr(2). No path is resolved over a symbolic link: openat2(2).
/// </summary>
internal sealed class MountCalls(LaunchPlan plan)
{
    /// <summary>What no mount of a run has: set-user-ID programs and devices.</summary>
    public const uint Harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

    private const int HowSize = 3 * sizeof(ulong);
    private const int AttributesSize = 4 * sizeof(ulong);
    private readonly nint _empty = plan.Text([]);

    /// <summary>A descriptor of what stands at a path now.</summary>
    public Slot Open(string path) => plan.AddKeeping(
        "openat2", path, __NR_openat2, AT_FDCWD, Text(path), How(O_PATH | O_CLOEXEC), HowSize);

    /// <summary>As much, with the place of the descriptor as part of a structure.</summary>
    public void OpenIn(Slot slot, string path) => plan.AddKeepingIn(
        slot, "openat2", path, __NR_openat2, AT_FDCWD, Text(path), How(O_PATH | O_CLOEXEC),
        HowSize);

    /// <summary>A copy of what stands at a path, with all that is mounted below.</summary>
    public Slot Copy(string path)
    {
        const uint flags =
            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
        Slot source = Open(path);
        Slot copy = plan.AddKeeping(
            "open_tree of", path, __NR_open_tree, source, _empty, (nint)flags);
        plan.Add("close", path, __NR_close, source);
        return copy;
    }

    /// <summary>
    /// Sets attributes of a mount and all below it, and cuts it off from the host's changes.
    /// </summary>
    public unsafe void Restrict(Slot mount, string path, uint attributes)
    {
        var words = (mount_attr*)plan.Allocate(AttributesSize);
        words->attr_set = attributes;
        words->propagation = MS_PRIVATE;
        plan.Add(
            "mount_setattr of", path, __NR_mount_setattr, mount, _empty,
            AT_EMPTY_PATH | AT_RECURSIVE, (nint)words, AttributesSize);
    }

    /// <summary>A new file system that is not mounted yet.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="path">What it is for.</param>
    /// <param name="attributes">MOUNT_ATTR_*.</param>
    /// <param name="options">Options; one without value is a flag.</param>
    public Slot New(
        string type, string path, uint attributes,
        params ReadOnlySpan<(string Key, string? Value)> options)
    {
        string what = $"{type} for {path}";
        Slot context = plan.AddKeeping(
            "fsopen of", what, __NR_fsopen, Text(type), (nint)FSOPEN_CLOEXEC);
        foreach ((string key, string? value) in options)
        {
            plan.Add(
                $"fsconfig({key}) of", what, __NR_fsconfig, context,
                (nint)(value is null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING), Text(key),
                value is null ? 0 : Text(value), 0);
        }

        plan.Add(
            "fsconfig(FSCONFIG_CMD_CREATE) of", what, __NR_fsconfig, context,
            (nint)FSCONFIG_CMD_CREATE, 0, 0, 0);
        Slot mount = plan.AddKeeping(
            "fsmount of", what, __NR_fsmount, context, (nint)FSMOUNT_CLOEXEC, (nint)attributes);
        plan.Add("close", what, __NR_close, context);
        return mount;
    }

    /// <summary>Puts a mount over what stands at a path.</summary>
    public void Attach(Slot mount, string path)
    {
        const uint flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
        Slot target = Open(path);
        plan.Add(
            "move_mount to", path, __NR_move_mount, mount, _empty, target, _empty, (nint)flags);
        plan.Add("close", path, __NR_close, target);
    }

    /// <summary>Puts a mount over a directory of another, and lets go of it.</summary>
    public void AttachBelow(Slot mount, Slot other, string name, string path)
    {
        plan.Add(
            "move_mount of", path, __NR_move_mount, mount, _empty, other, Text(name),
            (nint)MOVE_MOUNT_F_EMPTY_PATH);
        plan.Add("close", path, __NR_close, mount);
    }

    /// <summary>A directory below a descriptor.</summary>
    public void MakeDirectory(Slot at, string name, int mode) =>
        plan.Add("mkdirat", name, __NR_mkdirat, at, Text(name), mode);

    /// <summary>An empty file below a descriptor.</summary>
    public void MakeFile(Slot at, string name) =>
        plan.Add("mknodat", name, __NR_mknodat, at, Text(name), S_IFREG | 0x124, 0);

    /// <summary>A symbolic link below a descriptor.</summary>
    public void MakeLink(Slot at, string name, string target) =>
        plan.Add("symlinkat", name, __NR_symlinkat, Text(target), at, Text(name));

    /// <summary>Closes a mount's descriptor.</summary>
    public void Close(Slot mount, string path) => plan.Add("close", path, __NR_close, mount);

    /// <summary>A number of bytes as options of file systems take it.</summary>
    public static string Bytes(ulong size) => size.ToString(CultureInfo.InvariantCulture);

    private unsafe nint How(int flags)
    {
        ulong* how = (ulong*)plan.Allocate(HowSize);
        how[0] = (ulong)flags;
        how[2] = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        return (nint)how;
    }

    private nint Text(string text) => plan.Text(Encoding.UTF8.GetBytes(text));
}
