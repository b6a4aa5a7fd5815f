using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Tasks;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>What POSIX and Linux say of each operation, through the mount.</summary>
[Collection("Waits")]
public sealed unsafe class FuseOperationTests
{
    public static TheoryData<string> Writable => ["Ordinary", "Passthrough"];

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void What_is_written_is_in_the_real_file_and_read_again(string mode)
    {
        using var mount = new FuseMount($"--mode={mode}");
        byte[] content = RandomNumbers(3 << 20);
        File.WriteAllBytes(mount.At("file"), content);
        Assert.Equal(content, File.ReadAllBytes(mount.Real("file")));
        Assert.Equal(content, File.ReadAllBytes(mount.At("file")));
        long fd = Sys.Open(mount.At("file"), O_RDWR);
        Assert.Equal(3, Sys.Write(fd, "abc"u8, 1 << 20));
        Sys.Close(fd);
        Assert.Equal("abc"u8, File.ReadAllBytes(mount.Real("file")).AsSpan(1 << 20, 3));
        Assert.Equal((ulong)content.Length, Status(mount.At("file")).stx_size);
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void Appends_of_several_writers_do_not_overwrite_each_other(string mode)
    {
        using var mount = new FuseMount($"--mode={mode}");
        const int writers = 4;
        const int lines = 200;
        Parallel.For(0, writers, i =>
        {
            long fd = Sys.Open(mount.At("log"), O_WRONLY | O_CREAT | O_APPEND);
            byte[] line = Encoding.ASCII.GetBytes($"writer {i:d4}\n");
            for (int n = 0; n < lines; n++)
            {
                Assert.Equal(line.Length, Sys.Append(fd, line));
            }

            Sys.Close(fd);
        });
        string[] all = File.ReadAllLines(mount.Real("log"));
        Assert.Equal(writers * lines, all.Length);
        Assert.All(
            all.GroupBy(l => l), g => Assert.Equal(lines, g.Count()));
    }

    [FuseFact]
    public void A_mapping_of_a_file_opened_to_append_is_written_where_it_is()
    {
        using var mount = new FuseMount(s => File.WriteAllBytes(s + "/f", new byte[8192]));
        long fd = Sys.Open(mount.At("f"), O_RDWR | O_APPEND);
        long at = Native.Blocking(__NR_mmap, 0, 8192, 3, 1, (nint)fd, 0);
        Assert.True(at > 0);
        "mapped"u8.CopyTo(new Span<byte>((void*)at, 8192)[4096..]);
        Native.Blocking(__NR_munmap, (nint)at, 8192, 0, 0, 0, 0);
        Assert.Equal(0, Sys.Of(__NR_fsync, fd));
        Sys.Close(fd);
        byte[] real = File.ReadAllBytes(mount.Real("f"));
        Assert.Equal(8192, real.Length);
        Assert.Equal("mapped"u8, real.AsSpan(4096, 6));
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void A_shared_mapping_and_reads_see_the_same(string mode)
    {
        using var mount = new FuseMount(s => File.WriteAllBytes(s + "/f", new byte[4096]), $"--mode={mode}");
        long fd = Sys.Open(mount.At("f"), O_RDWR);
        long at = Native.Blocking(__NR_mmap, 0, 4096, 3, 1, (nint)fd, 0);
        Assert.True(at > 0);
        Assert.Equal(4, Sys.Write(fd, "data"u8, 10));
        Assert.Equal("data"u8, new ReadOnlySpan<byte>((void*)(at + 10), 4));
        *(byte*)at = (byte)'x';
        byte[] read = new byte[1];
        Assert.Equal(1, Sys.Read(fd, read, 0));
        Assert.Equal((byte)'x', read[0]);
        Native.Blocking(__NR_munmap, (nint)at, 4096, 0, 0, 0, 0);
        Sys.Close(fd);
        Assert.Equal((byte)'x', File.ReadAllBytes(mount.Real("f"))[0]);
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void Direct_input_and_output_goes_round_the_cache(string mode)
    {
        const int direct = 0x4000;
        const int page = 4096;
        using var mount = new FuseMount(s => File.WriteAllBytes(s + "/f", new byte[2 * page]), $"--mode={mode}");
        long fd = Sys.Open(mount.At("f"), O_RDWR | direct);
        Assert.True(fd >= 0, $"{fd}");
        byte* buffer = (byte*)NativeMemory.AlignedAlloc(page, page);
        new Span<byte>(buffer, page).Fill(7);
        Assert.Equal(page, Sys.Write(fd, new(buffer, page), page));
        new Span<byte>(buffer, page).Clear();
        Assert.Equal(page, Sys.Read(fd, new(buffer, page), page));
        Assert.Equal(7, buffer[page - 1]);
        NativeMemory.AlignedFree(buffer);
        Sys.Close(fd);
        Assert.Equal(7, File.ReadAllBytes(mount.Real("f"))[page]);
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void An_open_file_outlives_its_name(string mode)
    {
        using var mount = new FuseMount(s => File.WriteAllText(s + "/f", "old"), $"--mode={mode}");
        long fd = Sys.Open(mount.At("f"), O_RDWR);
        Assert.Equal(Errno.None, Sys.Unlink(mount.At("f")));
        Assert.False(File.Exists(mount.Real("f")));
        Assert.Equal(3, Sys.Write(fd, "new"u8, 0));
        byte[] read = new byte[3];
        Assert.Equal(3, Sys.Read(fd, read, 0));
        Assert.Equal("new"u8, read);
        Assert.Equal(0u, Sys.StatOf(fd).stx_nlink);
        Assert.Equal(0, Sys.Of(__NR_fchmod, fd, 0x180));
        Assert.Equal(0, Sys.Of(__NR_ftruncate, fd, 1));
        Assert.Equal(1ul, Sys.StatOf(fd).stx_size);
        File.WriteAllText(mount.At("f"), "another");
        Assert.Equal(1ul, Sys.StatOf(fd).stx_size);
        Sys.Close(fd);
        Assert.Equal("another", File.ReadAllText(mount.At("f")));
    }

    [FuseFact]
    public void An_open_file_outlives_the_name_that_another_took()
    {
        using var mount = new FuseMount();
        File.WriteAllText(mount.At("a"), "a");
        File.WriteAllText(mount.At("b"), "b");
        long fd = Sys.Open(mount.At("b"), O_RDONLY);
        Assert.Equal(Errno.None, Sys.Rename(mount.At("a"), mount.At("b")));
        byte[] read = new byte[1];
        Assert.Equal(1, Sys.Read(fd, read, 0));
        Assert.Equal("b"u8, read);
        Assert.Equal(0u, Sys.StatOf(fd).stx_nlink);
        Sys.Close(fd);
        Assert.Equal("a", File.ReadAllText(mount.At("b")));
    }

    [FuseFact]
    public void A_removed_directory_stays_for_who_stands_in_it()
    {
        using var mount = new FuseMount();
        Directory.CreateDirectory(mount.At("d"));
        long fd = Sys.Open(mount.At("d"), O_RDONLY | O_DIRECTORY);
        Assert.Equal(Errno.None, Sys.Unlink(mount.At("d"), directory: true));
        Assert.Equal(S_IFDIR, Sys.StatOf(fd).stx_mode & S_IFMT);
        fixed (byte* name = "x\0"u8)
        {
            Assert.Equal(-(long)Errno.ENOENT, Native.Blocking(
                __NR_openat, (nint)fd, (nint)name, O_CREAT | O_WRONLY, 0x1b6, 0, 0));
        }

        Sys.Close(fd);
    }

    [FuseFact]
    public void Renames_know_their_flags()
    {
        using var mount = new FuseMount();
        File.WriteAllText(mount.At("a"), "a");
        File.WriteAllText(mount.At("b"), "b");
        Directory.CreateDirectory(mount.At("d"));
        File.WriteAllText(mount.At("d/in"), "in");
        Assert.Equal(Errno.EEXIST, Sys.Rename(mount.At("a"), mount.At("b"), RENAME_NOREPLACE));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("a"), mount.At("b"), RENAME_EXCHANGE));
        Assert.Equal("a", File.ReadAllText(mount.At("b")));
        Assert.Equal(Errno.ENOENT, Sys.Rename(mount.At("a"), mount.At("c"), RENAME_EXCHANGE));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("a"), mount.At("d"), RENAME_EXCHANGE));
        Assert.Equal("in", File.ReadAllText(mount.At("a/in")));
        Assert.Equal("b", File.ReadAllText(mount.At("d")));
        Assert.NotEqual(Errno.None, Sys.Rename(mount.At("b"), mount.At("w"), RENAME_WHITEOUT));
        Assert.Equal(Errno.EISDIR, Sys.Rename(mount.At("b"), mount.At("a")));
        Assert.Equal(Errno.ENOTDIR, Sys.Rename(mount.At("a"), mount.At("b")));
        Assert.Equal(Errno.EINVAL, Sys.Rename(mount.At("a"), mount.At("a/sub")));
        Directory.CreateDirectory(mount.At("e"));
        Assert.Equal(Errno.ENOTEMPTY, Sys.Rename(mount.At("e"), mount.At("a")));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("a"), mount.At("e")));
        Assert.Equal(["b", "d", "e", "e/in"], Names(mount.Source));
    }

    [FuseFact]
    public void Hard_links_are_one_file()
    {
        using var mount = new FuseMount();
        File.WriteAllText(mount.At("a"), "1");
        Assert.Equal(Errno.None, Sys.Link(mount.At("a"), mount.At("b")));
        Assert.Equal(Errno.EEXIST, Sys.Link(mount.At("a"), mount.At("b")));
        statx a = Status(mount.At("a"));
        Assert.Equal((2u, a.stx_ino), (a.stx_nlink, Status(mount.At("b")).stx_ino));
        File.AppendAllText(mount.At("b"), "2");
        Assert.Equal("12", File.ReadAllText(mount.At("a")));
        Assert.Equal(Errno.None, Sys.Unlink(mount.At("a")));
        Assert.Equal(1u, Status(mount.At("b")).stx_nlink);
        File.AppendAllText(mount.At("b"), "3");
        Assert.Equal("123", File.ReadAllText(mount.Real("b")));
        Directory.CreateDirectory(mount.At("d"));
        Assert.Equal(Errno.EPERM, Sys.Link(mount.At("d"), mount.At("e")));
    }

    [FuseFact]
    public void A_file_without_a_name_can_be_given_one()
    {
        using var mount = new FuseMount();
        long fd = Sys.Open(mount.Root, O_TMPFILE | O_RDWR);
        Assert.True(fd >= 0, $"{fd}");
        Assert.Equal(4, Sys.Write(fd, "text"u8, 0));
        Assert.Equal(0u, Sys.StatOf(fd).stx_nlink);
        Assert.Empty(Names(mount.Source));
        Assert.Equal(
            Errno.None,
            Sys.Two(__NR_linkat, $"/proc/self/fd/{fd}", mount.At("named"), AT_SYMLINK_FOLLOW));
        Assert.Equal(1u, Sys.StatOf(fd).stx_nlink);
        Sys.Close(fd);
        Assert.Equal("text", File.ReadAllText(mount.Real("named")));
        fd = Sys.Open(mount.Root, O_TMPFILE | O_RDWR | O_EXCL);
        Assert.Equal(
            Errno.ENOENT,
            Sys.Two(__NR_linkat, $"/proc/self/fd/{fd}", mount.At("no"), AT_SYMLINK_FOLLOW));
        Sys.Close(fd);
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void Sparse_files_have_holes_and_ranges_can_be_given_back(string mode)
    {
        const int punchKeepingSize = 3;
        const int zero = 16;
        const long size = 1 << 20;
        using var mount = new FuseMount($"--mode={mode}");
        long fd = Sys.Open(mount.At("f"), O_RDWR | O_CREAT);
        Assert.Equal(1, Sys.Write(fd, "x"u8, size - 1));
        long data = Sys.Of(__NR_lseek, fd, 0, SEEK_DATA);
        Assert.InRange(data, 1, size - 1);
        Assert.Equal(0, Sys.Of(__NR_lseek, fd, 0, SEEK_HOLE));
        Assert.Equal(-(long)Errno.ENXIO, Sys.Of(__NR_lseek, fd, (nint)size, SEEK_DATA));
        Assert.Equal(0, Sys.Of(__NR_fallocate, fd, 0, 0, 65536));
        Assert.Equal(0, Sys.Of(__NR_lseek, fd, 0, SEEK_SET));
        Assert.True(Sys.StatOf(fd).stx_blocks >= 65536 / 512);
        Assert.Equal(0, Sys.Of(__NR_fallocate, fd, punchKeepingSize, 0, 65536));
        Assert.True(Sys.StatOf(fd).stx_blocks < 65536 / 512);
        Assert.Equal(0, Sys.Of(__NR_fallocate, fd, 0, (nint)size, 10));
        Assert.Equal((ulong)size + 10, Sys.StatOf(fd).stx_size);
        Assert.NotEqual(0, Sys.Of(__NR_fallocate, fd, zero | 0x100, 0, 10));
        Sys.Close(fd);
        Assert.Equal(size + 10, new FileInfo(mount.Real("f")).Length);
    }

    [FuseTheory]
    [MemberData(nameof(Writable))]
    public void Ranges_are_copied_between_files(string mode)
    {
        byte[] content = RandomNumbers(300_000);
        using var mount = new FuseMount(s => File.WriteAllBytes(s + "/a", content), $"--mode={mode}");
        long from = Sys.Open(mount.At("a"), O_RDONLY);
        long to = Sys.Open(mount.At("b"), O_RDWR | O_CREAT);
        long at = 100_000;
        long into = 5;
        long copied = 0;
        while (copied < 200_000)
        {
            long n = Native.Blocking(
                __NR_copy_file_range, (nint)from, (nint)(&at), (nint)to, (nint)(&into),
                (nint)(200_000 - copied), 0);
            Assert.True(n > 0, $"{n}");
            copied += n;
        }

        Sys.Close(from);
        Sys.Close(to);
        Assert.Equal(
            content.AsSpan(100_000), File.ReadAllBytes(mount.Real("b")).AsSpan(5));
    }

    [FuseFact]
    public void Locks_hold_within_the_mount()
    {
        using var mount = new FuseMount(s => File.WriteAllText(s + "/f", "text"));
        long a = Sys.Open(mount.At("f"), O_RDWR);
        long b = Sys.Open(mount.At("f"), O_RDWR);
        Assert.Equal(0, Sys.Of(__NR_flock, a, LOCK_EX | LOCK_NB));
        Assert.Equal(-(long)Errno.EAGAIN, Sys.Of(__NR_flock, b, LOCK_EX | LOCK_NB));
        Sys.Close(a);
        Assert.Equal(0, Sys.Of(__NR_flock, b, LOCK_EX | LOCK_NB));
        Sys.Close(b);
    }

    [FuseFact]
    public void Times_owners_attributes_and_births_are_those_of_the_file()
    {
        using var mount = new FuseMount("--lifetime=0");
        string path = mount.At("f");
        File.WriteAllText(path, "text");
        Assert.Equal(Errno.None, Sys.SetTimes(path, 1_234_567));
        Assert.Equal(0, Sys.SetAttribute(path, "user.a", "1"));
        Assert.Equal(-(long)Errno.EEXIST, Sys.SetAttribute(path, "user.a", "2", flags: 1));
        Assert.Equal("1", Sys.GetAttribute(path, "user.a", out _));
        Assert.Null(Sys.GetAttribute(path, "user.b", out Errno missing));
        Assert.Equal(Errno.ENODATA, missing);
        Assert.Equal(["user.a"], Sys.ListAttributes(path));
        Assert.Equal(0, Sys.RemoveAttribute(path, "user.a"));
        Assert.Equal(-(long)Errno.EOPNOTSUPP, Sys.SetAttribute(path, "security.other", "x"));
        statx seen = Status(path);
        statx real = Status(mount.Real("f"));
        Assert.Equal(
            (real.stx_mtime, real.stx_atime, real.stx_ctime, real.stx_btime, real.stx_ino, real.stx_uid),
            (seen.stx_mtime, seen.stx_atime, seen.stx_ctime, seen.stx_btime, seen.stx_ino, seen.stx_uid));
        Assert.Equal((1_234_567, 7u), (seen.stx_mtime.tv_sec, seen.stx_mtime.tv_nsec));
    }

    [FuseFact]
    public void A_long_listing_is_whole_and_can_be_gone_back_in()
    {
        const int files = 3000;
        using var mount = new FuseMount(s =>
        {
            for (int i = 0; i < files; i++)
            {
                File.WriteAllText($"{s}/a rather long name of a file {i}", "");
            }
        });
        for (int round = 0; round < 2; round++)
        {
            string[] names = [.. Directory.EnumerateFileSystemEntries(mount.Root)];
            Assert.Equal((files, files), (names.Length, names.Distinct().Count()));
        }

        long fd = Sys.Open(mount.Root, O_RDONLY | O_DIRECTORY);
        byte[] first = new byte[2048];
        byte[] again = new byte[2048];
        fixed (byte* one = first, two = again)
        {
            Assert.True(Sys.Of(__NR_getdents64, fd, (nint)one, first.Length) > 0);
            long at = BitConverter.ToInt64(first, 8);
            Assert.True(Sys.Of(__NR_getdents64, fd, (nint)two, again.Length) > 0);
            Assert.Equal(at, Sys.Of(__NR_lseek, fd, (nint)at, SEEK_SET));
            Assert.True(Sys.Of(__NR_getdents64, fd, (nint)two, again.Length) > 0);
        }

        // What follows the first entry is the second.
        int length = BitConverter.ToUInt16(first, 16);
        Assert.Equal(first.AsSpan(length, 20), again.AsSpan(0, 20));
        Sys.Close(fd);
    }

    private static byte[] RandomNumbers(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private static statx Status(string path)
    {
        Assert.Equal(Errno.None, Sys.Stat(path, out statx found));
        return found;
    }

    private static string[] Names(string root) =>
    [
        .. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
            .Select(p => p[(root.Length + 1)..]).Order(StringComparer.Ordinal),
    ];
}
