using System;
using Interpose.Abi;

namespace Interpose.Fuse;

/// <summary>What guests can do with a name and with what it stands for.</summary>
public enum ViewAccess
{
    /// <summary>Look, read and run; every change is refused.</summary>
    ReadOnly,

    /// <summary>Change the real file.</summary>
    ReadWrite,

    /// <summary>The name looks absent (ENOENT) and cannot be made.</summary>
    Hide,

    /// <summary>The name is seen in listings, and whatever uses it is refused.</summary>
    Deny,

    /// <summary>
    /// Change a copy: the real file stays as it is. Takes <see cref="FuseServerOptions.Upper"/>;
    /// in a server without one it is as <see cref="ReadOnly"/>.
    /// </summary>
    CopyOnWrite,
}

/// <summary>
/// All rules that apply at one name and below it. A directory that is served has one, and asks it
/// for that of each name that is looked up, made, listed or removed there, so names that appear
/// later are judged like those that were there before.
/// </summary>
/// <remarks>
/// <para>
/// Rules are compared by reference. Two directories that have the same object are taken to judge
/// alike at any depth, so a directory can be renamed between them; between others it gets EXDEV,
/// as between file systems, because what lies below it would change its rule. So implementations
/// share objects: one for each state of the rules that can still match.
/// </para>
/// <para>
/// Asked from several threads at once, on the path of each request: it may allocate only the first
/// time that a state is met, and does no I/O.
/// </para>
/// </remarks>
public abstract class ViewRule
{
    /// <summary>What guests can do with the name itself.</summary>
    public ViewAccess Access { get; init; }

    /// <summary>
    /// The errno of what is refused: to reach a name (<see cref="ViewAccess.Deny"/>), to make it
    /// (<see cref="ViewAccess.Hide"/>), to change it (<see cref="ViewAccess.ReadOnly"/>).
    /// None stands for EACCES, EACCES and EROFS.
    /// </summary>
    public Errno Denial { get; init; }

    /// <summary>The rules at a name in this directory.</summary>
    /// <param name="name">One component in bytes, without a slash or a zero byte.</param>
    public abstract ViewRule Child(ReadOnlySpan<byte> name);

    /// <summary>The errno of what the rule refuses, never None.</summary>
    internal Errno Refusal => Denial != Errno.None ? Denial
        : Access == ViewAccess.ReadOnly || Access == ViewAccess.CopyOnWrite ? Errno.EROFS
        : Errno.EACCES;
}
