namespace Interpose.Fuse;

/// <summary>The name of a descriptor in /proc/self/fd: proc_pid_fd(5).</summary>
internal static unsafe class DescriptorName
{
    /// <summary>Bytes that the longest takes, with the zero byte.</summary>
    public const int Length = 12;

    /// <summary>Writes it, with a zero byte behind it.</summary>
    public static void Write(int fd, byte* into)
    {
        const int radix = 10;
        int digits = 1;
        for (int rest = fd; rest >= radix; rest /= radix)
        {
            digits++;
        }

        into[digits] = 0;
        for (int rest = fd; digits > 0; rest /= radix)
        {
            into[--digits] = (byte)('0' + (rest % radix));
        }
    }
}
