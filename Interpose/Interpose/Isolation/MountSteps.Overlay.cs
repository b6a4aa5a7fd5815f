using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <content>Copy-on-write: overlayfs over what the host has.</content>
/// <remarks>
/// The layers stand below the overlay, where no guest comes. They are named from the current
/// directory, so that no path is resolved and none has to be quoted: "lowerdir=a:b" has colons.
/// </remarks>
internal sealed partial class MountSteps
{
    private const string Lower = "lower";
    private const string Upper = "upper";
    private const string Work = "work";

    /// <summary>An overlay over a path.</summary>
    private void PutCopyOnWrite(FileMount mount)
    {
        string path = mount.Path;
        Slot layers = mount.Kept is null
            ? NewMemory(path, mount.Size) : NewCover(path, "0755", Small);
        _calls.MakeDirectory(layers, Lower, 0x1ed);
        string at = string.Empty;
        if (mount.Kept is { } kept)
        {
            at = "kept/";
            _calls.MakeDirectory(layers, "kept", 0x1c0);
            _calls.Restrict(_copies[kept], kept, MountCalls.Harmless);
        }
        else
        {
            MakeUpper(layers, path);
            _calls.MakeDirectory(layers, Work, 0x1c0);
        }

        _calls.Restrict(layers, path, MountCalls.Harmless);
        _calls.Restrict(_copies[path], path, MountCalls.Harmless | MOUNT_ATTR_RDONLY);
        _calls.Attach(layers, path);
        _calls.AttachBelow(_copies[path], layers, Lower, path);
        if (mount.Kept is { } dir)
        {
            _calls.AttachBelow(_copies[dir], layers, "kept", dir);
        }

        _plan.Add("fchdir to", path, __NR_fchdir, layers);
        Slot overlay = _calls.New(
            "overlay", path, MountCalls.Harmless, ("userxattr", null), ("lowerdir", Lower),
            ("upperdir", $"{at}{Upper}"), ("workdir", $"{at}{Work}"));
        _plan.Add("chdir to", "/", __NR_chdir, _plan.Text("/"u8));
        _calls.Close(layers, path);
        Put(overlay, path, MountCalls.Harmless);
    }

    /// <summary>
    /// The directory itself takes owner and mode from the upper one; so that one gets those of
    /// the host's, as far as who mounts may give them.
    /// </summary>
    private void MakeUpper(Slot memory, string path)
    {
        const int modeBits = 0xfff;
        bool known = LibC.Posix.Stat(path, out Abi.statx host) == Abi.Errno.None;
        _calls.MakeDirectory(memory, Upper, 0x1ed);
        nint name = _plan.Text("upper"u8);
        if (known && _isPrivileged)
        {
            // EINVAL of an owner that this user namespace does not have.
            _plan.AddPassing(
                Abi.Errno.EINVAL, "fchownat of", Upper, __NR_fchownat, memory, name,
                (nint)host.stx_uid, (nint)host.stx_gid, 0);
        }

        if (known)
        {
            _plan.Add(
                "fchmodat of", Upper, __NR_fchmodat, memory, name, host.stx_mode & modeBits);
        }
    }
}
