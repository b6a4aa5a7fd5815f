using System;
using Interpose.Abi;
using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// The calls of the mount API: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2); paths
/// are resolved by openat2(2).
/// </summary>
internal sealed class NewMountCalls : MountCalls
{
    private const int HowSize = 3 * sizeof(ulong);
    private const int AttributesSize = 4 * sizeof(ulong);
    private readonly nint _empty;

    public NewMountCalls(LaunchPlan plan)
        : base(plan) => _empty = plan.Text([]);

    /// <inheritdoc/>
    public override void Begin()
    {
    }

    /// <inheritdoc/>
    public override void End()
    {
    }

    /// <inheritdoc/>
    public override void OpenIn(Slot slot, string path) => Plan.AddKeepingIn(
        slot, "openat2", path, __NR_openat2, AT_FDCWD, Text(path), How(O_PATH | O_CLOEXEC),
        HowSize);

    /// <inheritdoc/>
    public override Slot Copy(string path, bool isDirectory, bool isOfHost = true)
    {
        const uint flags =
            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
        Slot source = Open(path);
        Slot copy = Plan.AddKeeping(
            "open_tree of", path, __NR_open_tree, source, _empty, (nint)flags);
        Close(source, path);
        return copy;
    }

    /// <inheritdoc/>
    public override unsafe void Restrict(Slot mount, string path, uint attributes)
    {
        var words = (mount_attr*)Plan.Allocate(AttributesSize);
        words->attr_set = attributes;
        words->propagation = MS_PRIVATE;
        Plan.Add(
            "mount_setattr of", path, __NR_mount_setattr, mount, _empty,
            AT_EMPTY_PATH | AT_RECURSIVE, (nint)words, AttributesSize);
    }

    /// <inheritdoc/>
    public override Slot New(
        string type, string path, uint attributes,
        params ReadOnlySpan<(string Key, string? Value)> options)
    {
        string what = $"{type} for {path}";
        Slot context = Plan.AddKeeping(
            "fsopen of", what, __NR_fsopen, Text(type), (nint)FSOPEN_CLOEXEC);
        foreach ((string key, string? value) in options)
        {
            Plan.Add(
                $"fsconfig({key}) of", what, __NR_fsconfig, context,
                (nint)(value is null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING), Text(key),
                value is null ? 0 : Text(value), 0);
        }

        Plan.Add(
            "fsconfig(FSCONFIG_CMD_CREATE) of", what, __NR_fsconfig, context,
            (nint)FSCONFIG_CMD_CREATE, 0, 0, 0);
        Slot mount = Plan.AddKeeping(
            "fsmount of", what, __NR_fsmount, context, (nint)FSMOUNT_CLOEXEC, (nint)attributes);
        Close(context, what);
        return mount;
    }

    /// <inheritdoc/>
    public override void Attach(Slot mount, string path)
    {
        const uint flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
        Slot target = Open(path);
        Plan.Add(
            "move_mount to", path, __NR_move_mount, mount, _empty, target, _empty, (nint)flags);
        Close(target, path);
    }

    /// <inheritdoc/>
    public override void AttachBelow(Slot mount, Slot other, string name, string path)
    {
        Plan.Add(
            "move_mount of", path, __NR_move_mount, mount, _empty, other, Text(name),
            (nint)MOVE_MOUNT_F_EMPTY_PATH);
        Close(mount, path);
    }

    /// <inheritdoc/>
    public override void ReplaceRoot(Slot mount)
    {
        Attach(mount, "/");
        Plan.Add("fchdir to", "the new root", __NR_fchdir, mount);
        PivotHere();
    }

    private unsafe nint How(int flags)
    {
        ulong* how = (ulong*)Plan.Allocate(HowSize);
        how[0] = (ulong)flags;
        how[2] = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        return (nint)how;
    }
}
