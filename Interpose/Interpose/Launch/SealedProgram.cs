using System;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;
using Failure = (string What, string Object, Interpose.Abi.Errno Errno);

namespace Interpose.Launch;

/// <summary>
/// A small program of this one's own, in a memory file that nobody can change or read: a task
/// becomes it by execveat(2).
/// </summary>
/// <remarks>
/// Whoever got hold of such a task would find nothing of the supervisor in its memory. Who cannot
/// read the file cannot trace what it became, nor see its descriptors: exec's <c>would_dump</c>.
/// </remarks>
internal sealed class SealedProgram : IDisposable
{
    private const int Seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    private const int ExecuteOnly = 0x49;
    private readonly int _file;

    private SealedProgram(int file) => _file = file;

    /// <summary>Brings a program into a file.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="image">A whole ELF file.</param>
    /// <param name="program">The program.</param>
    /// <returns>What failed; null when all is well.</returns>
    public static Failure? Prepare(
        string name, ReadOnlySpan<byte> image, out SealedProgram? program)
    {
        const uint flags = MFD_ALLOW_SEALING | MFD_EXEC;
        ReadOnlySpan<byte> label = "sandbox-program\0"u8;
        program = null;
        Errno errno = Posix.CreateMemory(label, flags, out int file);
        if (errno == Errno.EINVAL)
        {
            // Before Linux 6.3 all can be executed.
            errno = Posix.CreateMemory(label, flags & ~MFD_EXEC, out file);
        }

        if (errno != Errno.None)
        {
            return ("memfd_create for", name, errno);
        }

        errno = Posix.Write(file, image, out int written);
        errno = errno == Errno.None && written != image.Length ? Errno.EIO : errno;
        errno = errno == Errno.None ? Posix.Seal(file, Seals) : errno;
        errno = errno == Errno.None ? Posix.ChangeMode(file, ExecuteOnly) : errno;
        if (errno != Errno.None)
        {
            Posix.Close(file);
            return ("write to a memory file of", name, errno);
        }

        program = new(file);
        return null;
    }

    /// <summary>Adds the calls that close all descriptors but the first ones.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="name">What messages call the program.</param>
    /// <param name="kept">How many stay open.</param>
    public void PlanClose(LaunchPlan plan, string name, int kept)
    {
        string descriptors = $"descriptors of {name}";
        plan.Add("close_range", descriptors, __NR_close_range, kept, _file - 1, 0);
        plan.Add(
            "close_range", descriptors, __NR_close_range, _file + 1,
            unchecked((nint)uint.MaxValue), 0);
    }

    /// <summary>Adds the call by which a task becomes it, without environment.</summary>
    /// <param name="plan">The plan, up to here.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="argument">Its only argument.</param>
    public void PlanExec(LaunchPlan plan, string name, ReadOnlySpan<byte> argument) => plan.Add(
        "execveat of", name, __NR_execveat, _file, plan.Text([]),
        plan.Vector([plan.Text(argument)]), plan.Vector([]), AT_EMPTY_PATH);

    /// <inheritdoc/>
    public void Dispose() => Posix.Close(_file);
}
