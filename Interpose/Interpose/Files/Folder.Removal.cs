using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Files;

/// <content>Removes trees that others made, however deep.</content>
public sealed partial class Folder
{
    private const int Batch = 1_000_000;
    private const int OwnersAll = 0x1c0;

    /// <summary>Removes a name and, of a directory, all that is in it.</summary>
    /// <remarks>
    /// Directories below are brought up into the one that is removed, one after the other, so
    /// that nothing grows with their depth.
    /// </remarks>
    public void Remove(ReadOnlySpan<byte> name)
    {
        if (TryStat(name) is not { } status)
        {
            return;
        }

        if (status.Kind != FileKind.Directory)
        {
            Check("unlink of", name, FileCalls.Named(__NR_unlinkat, _fd, Zero(name)));
            return;
        }

        MakeUsable(name, status);
        using (Folder top = Enter(name))
        {
            var waiting = new Stack<byte[]>();
            int brought = 0;
            top.Empty(top, waiting, ref brought);
            while (waiting.TryPop(out byte[]? next))
            {
                using (Folder below = top.Enter(next))
                {
                    below.Empty(top, waiting, ref brought);
                }

                top.RemoveDirectory(next);
            }
        }

        RemoveDirectory(name);
    }

    /// <summary>Removes files, and gives directories to the top.</summary>
    private void Empty(Folder top, Stack<byte[]> waiting, ref int brought)
    {
        foreach (byte[] name in Names(Batch))
        {
            if (TryStat(name) is not { Kind: FileKind.Directory } status)
            {
                Check("unlink of", name, FileCalls.Named(__NR_unlinkat, _fd, Zero(name)));
                continue;
            }

            MakeUsable(name, status);
            byte[] at = name;
            Errno errno = Errno.None;
            if (this != top)
            {
                do
                {
                    brought++;
                    at = Encoding.ASCII.GetBytes(
                        brought.ToString("x8", CultureInfo.InvariantCulture) + ".removed");
                    errno = FileCalls.Move(
                        __NR_renameat2, _fd, Zero(name), top._fd, Zero(at), RENAME_NOREPLACE);
                }
                while (errno == Errno.EEXIST);
            }

            Check("rename of", name, errno);
            waiting.Push(at);
        }
    }

    private void MakeUsable(ReadOnlySpan<byte> name, in FileStatus status)
    {
        if ((status.Mode & OwnersAll) != OwnersAll)
        {
            ChangeMode(name, OwnersAll);
        }
    }

    private void RemoveDirectory(ReadOnlySpan<byte> name) => Check(
        "rmdir of", name, FileCalls.Named(__NR_unlinkat, _fd, Zero(name), AT_REMOVEDIR));
}
