using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Launch;

/// <summary>The collector's heap at the start of a process.</summary>
public static class HeapRoom
{
    private const nuint PageSize = 4096;

    /// <summary>The collector reserves its heap in pieces of this size, so aligned.</summary>
    private const int RegionBits = 22;

    /// <summary>
    /// Has the kernel make the next pages of the heap at once. A start fills them anyway, with a
    /// fault for each: on a host whose faults are dear that is a good part of it.
    /// </summary>
    /// <remarks>
    /// The collector commits its pages by mprotect(2) as it goes on, which finds these as it
    /// wants them: writable and zero. Where anything is not as expected nothing is done.
    /// </remarks>
    /// <param name="bytes">How much of it.</param>
    public static unsafe void Populate(int bytes)
    {
        fixed (byte* newest = new byte[1])
        {
            nuint first = ((nuint)newest + PageSize) & ~(PageSize - 1);
            nuint last = first + (nuint)bytes - 1;

            // SAFETY: the rest of the region that the newest object is in is the collector's
            // and not in use; neither call takes anything away.
            if (first >> RegionBits == last >> RegionBits
                && Native.Quick(
                    __NR_mprotect, (nint)first, bytes, PROT_READ | PROT_WRITE) == 0)
            {
                Native.Quick(__NR_madvise, (nint)first, bytes, MADV_POPULATE_WRITE);
            }
        }
    }
}
