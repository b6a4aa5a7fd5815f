using System;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Fuse;

/// <summary>What server and kernel agree on: FUSE_INIT.</summary>
/// <param name="Minor">The protocol's minor version.</param>
/// <param name="Flags">FUSE_* bits that both have.</param>
internal readonly record struct FuseAgreement(uint Minor, ulong Flags)
{
    /// <summary>The most that one write brings, in bytes; a read may ask for the same.</summary>
    public const int MostData = 1 << 20;

    private const uint LeastMinor = 31;
    private const uint MostMinor = 45;
    private const int FirstExtended = 32;
    private const int PageSize = 4096;

    /// <summary>What a server can do with every mount.</summary>
    private const ulong Wanted =
        FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA
        | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS
        | FUSE_ABORT_ERROR | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_HANDLE_KILLPRIV_V2
        | FUSE_INIT_EXT;

    /// <summary>Whether the kernel opens files without asking.</summary>
    public bool OpensItself => (Flags & FUSE_NO_OPEN_SUPPORT) != 0;

    /// <summary>Whether the kernel can read and write the real files.</summary>
    public bool PassesThrough => (Flags & FUSE_PASSTHROUGH) != 0;

    /// <summary>Answers the kernel's offer.</summary>
    /// <param name="asked">The offer.</param>
    /// <param name="mode">How files are to be opened.</param>
    /// <param name="depth">How many file systems may stand below one another.</param>
    /// <param name="said">The answer.</param>
    /// <returns>What holds then; null: nothing can hold, or another offer will come.</returns>
    public static FuseAgreement? Answer(
        in fuse_init_in asked, FuseMode mode, uint depth, out fuse_init_out said)
    {
        // "the smallest of the two minor versions"; of a newer major ours is named, and the kernel
        // offers again.
        said = new() { major = FUSE_KERNEL_VERSION, minor = MostMinor };
        if (asked.major > FUSE_KERNEL_VERSION)
        {
            return null;
        }

        if (asked.major < FUSE_KERNEL_VERSION || asked.minor < LeastMinor)
        {
            said.major = 0;
            return null;
        }

        ulong offered = asked.flags;
        offered |= (offered & FUSE_INIT_EXT) == 0 ? 0 : (ulong)asked.flags2 << FirstExtended;
        ulong flags = offered & (Wanted
            | (mode == FuseMode.ReadOnly ? FUSE_NO_OPEN_SUPPORT : 0)
            | (mode == FuseMode.Passthrough ? FUSE_PASSTHROUGH : 0));
        said.minor = Math.Min(asked.minor, MostMinor);
        said.max_readahead = Math.Min(asked.max_readahead, MostData);
        said.flags = (uint)flags;
        said.flags2 = (uint)(flags >> FirstExtended);
        said.max_background = 64;
        said.congestion_threshold = 48;
        said.max_write = MostData;
        said.time_gran = 1;
        said.max_pages = MostData / PageSize;
        said.max_stack_depth = (flags & FUSE_PASSTHROUGH) == 0 ? 0 : depth;
        return new(said.minor, flags);
    }
}
