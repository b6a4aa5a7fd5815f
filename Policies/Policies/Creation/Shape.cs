using System.Collections.Immutable;
using static Interpose.Abi.Uapi;

namespace Policies;

/// <summary>What kind of task a call makes, whatever else it shares.</summary>
public enum Shape
{
    /// <summary>A process beside its creator: <c>@fork</c>.</summary>
    Fork,

    /// <summary>
    /// A process whose creator waits until it execs or ends, CLONE_VFORK: <c>@vfork</c>.
    /// </summary>
    Vfork,

    /// <summary>A thread of its creator's process, CLONE_THREAD: <c>@thread</c>.</summary>
    Thread,
}

/// <summary>What each shape is made of.</summary>
public static class Shapes
{
    /// <summary>How many shapes there are.</summary>
    public const int Count = 3;

    /// <summary>Flags that give a child nothing: ids written, its own thread area.</summary>
    private const ulong Harmless = CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID
        | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND | CLONE_DETACHED;

    /// <summary>Every shape.</summary>
    public static ImmutableArray<Shape> All { get; } = [Shape.Fork, Shape.Vfork, Shape.Thread];

    /// <summary>The shape of a call with these flags.</summary>
    public static Shape Of(ulong flags) => (flags & CLONE_THREAD) != 0 ? Shape.Thread
        : (flags & CLONE_VFORK) != 0 ? Shape.Vfork : Shape.Fork;

    /// <summary>The group that allows a shape in policies.</summary>
    public static string Group(this Shape shape) => shape switch
    {
        Shape.Fork => "@fork",
        Shape.Vfork => "@vfork",
        _ => "@thread",
    };

    /// <summary>
    /// The flags that a call of an allowed shape may carry without being named: what the
    /// functions fork(3), vfork(3), posix_spawn(3) and pthread_create(3) of C libraries use.
    /// </summary>
    public static ulong OwnFlags(this Shape shape) => Harmless | shape switch
    {
        Shape.Fork => 0,
        Shape.Vfork => CLONE_VM | CLONE_VFORK,
        _ => CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
    };

    /// <summary>The flag that by itself makes a call one of this shape; 0 for a fork.</summary>
    public static ulong KeyFlag(this Shape shape) => shape switch
    {
        Shape.Fork => 0,
        Shape.Vfork => CLONE_VFORK,
        _ => CLONE_THREAD,
    };
}
