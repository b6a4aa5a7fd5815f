using System;
using System.Globalization;
using System.Text;
using Interpose.Launch;
using static Interpose.Abi.Uapi;

namespace Interpose.Isolation;

/// <summary>
/// What a file view is made of, as steps of a plan: mounts that stand nowhere yet, what they may
/// be used for, and where they go. No path is resolved over a symbolic link.
/// </summary>
internal abstract class MountCalls(LaunchPlan plan) : IDisposable
{
    /// <summary>What no mount of a run has: set-user-ID programs and devices.</summary>
    public const uint Harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

    /// <summary>The plan, up to here.</summary>
    protected LaunchPlan Plan { get; } = plan;

    /// <summary>Whether the host's mounts have changed since, and it matters.</summary>
    public virtual bool IsOutdated => false;

    /// <summary>The calls of one kind.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="older">Whether those of before Linux 5.12 are used.</param>
    public static MountCalls Of(LaunchPlan plan, bool older) =>
        older ? new OlderMountCalls(plan) : new NewMountCalls(plan);

    /// <summary>Before anything else.</summary>
    public abstract void Begin();

    /// <summary>After all mounts; the root is that of the run then.</summary>
    public abstract void End();

    /// <summary>A descriptor of what stands at a path now.</summary>
    public Slot Open(string path)
    {
        var slot = new Slot(Plan.Allocate(sizeof(long)));
        OpenIn(slot, path);
        return slot;
    }

    /// <summary>As much, with the place of the descriptor as part of a structure.</summary>
    public abstract void OpenIn(Slot slot, string path);

    /// <summary>A copy of what stands at a path, with all that is mounted below.</summary>
    /// <param name="path">The path.</param>
    /// <param name="isDirectory">Whether it is one.</param>
    /// <param name="isOfHost">Whether it is the host's: nothing covers it yet.</param>
    public abstract Slot Copy(string path, bool isDirectory, bool isOfHost = true);

    /// <summary>
    /// Sets attributes of a mount and all below it, and cuts it off from the host's changes.
    /// </summary>
    public abstract void Restrict(Slot mount, string path, uint attributes);

    /// <summary>A new file system that is not mounted yet.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="path">What it is for.</param>
    /// <param name="attributes">MOUNT_ATTR_*.</param>
    /// <param name="options">Options; one without value is a flag.</param>
    public abstract Slot New(
        string type, string path, uint attributes,
        params ReadOnlySpan<(string Key, string? Value)> options);

    /// <summary>Puts a mount over what stands at a path.</summary>
    public abstract void Attach(Slot mount, string path);

    /// <summary>Puts a mount over a directory of another, and lets go of it.</summary>
    public abstract void AttachBelow(Slot mount, Slot other, string name, string path);

    /// <summary>A mount becomes the root of the run, in place of the host's.</summary>
    public abstract void ReplaceRoot(Slot mount);

    /// <summary>A directory below a descriptor.</summary>
    public void MakeDirectory(Slot at, string name, int mode) =>
        Plan.Add("mkdirat", name, __NR_mkdirat, at, Text(name), mode);

    /// <summary>An empty file below a descriptor.</summary>
    public void MakeFile(Slot at, string name) =>
        Plan.Add("mknodat", name, __NR_mknodat, at, Text(name), S_IFREG | 0x124, 0);

    /// <summary>A symbolic link below a descriptor.</summary>
    public void MakeLink(Slot at, string name, string target) =>
        Plan.Add("symlinkat", name, __NR_symlinkat, Text(target), at, Text(name));

    /// <summary>Closes a mount's descriptor.</summary>
    public void Close(Slot mount, string path) => Plan.Add("close", path, __NR_close, mount);

    /// <summary>A number of bytes as options of file systems take it.</summary>
    public static string Bytes(ulong size) => size.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    /// <summary>A text as calls take it.</summary>
    protected nint Text(string text) => Plan.Text(Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// The root of another mount, which is the current directory, becomes that of the task: the
    /// old one comes to lie over it, pivot_root(2), and is taken away.
    /// </summary>
    protected void PivotHere()
    {
        nint here = Text(".");
        Plan.Add("pivot_root to", "the new root", __NR_pivot_root, here, here);
        Plan.Add("umount2 of", "the old root", __NR_umount2, here, MNT_DETACH);
    }
}
