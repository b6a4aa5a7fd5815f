using System;
using System.IO;
using System.Linq;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>Copy-on-write: the real tree stays, the upper directory is one of overlayfs.</summary>
[Collection("Waits")]
public sealed class FuseCopyTests
{
    private static readonly string[] Copies = ["--access=cow", "--upper=@upper", "--work=@work"];

    [FuseFact]
    public void Changes_are_seen_and_the_real_tree_stays()
    {
        using FuseMount mount = New();
        Tree before = Tree.Of(mount.Source, owners: true);
        File.AppendAllText(mount.At("file"), "+");
        File.WriteAllText(mount.At("dir/new"), "new");
        File.Delete(mount.At("dir/a"));
        Directory.Delete(mount.At("dir/sub"), recursive: true);
        Directory.CreateDirectory(mount.At("dir/sub"));
        File.WriteAllText(mount.At("dir/sub/other"), "x");
        Assert.Equal(Errno.None, Sys.Rename(mount.At("dir/b"), mount.At("moved")));
        Assert.Equal("text+", File.ReadAllText(mount.At("file")));
        Assert.Equal("b", File.ReadAllText(mount.At("moved")));
        Assert.Equal(["link", "new", "sub"], Names(mount.At("dir")));
        Assert.Equal(["other"], Names(mount.At("dir/sub")));
        Assert.Equal(before, Tree.Of(mount.Source, owners: true));
        Assert.Empty(Directory.EnumerateFileSystemEntries(mount.Work));
    }

    [FuseFact]
    public void A_copy_has_the_metadata_of_the_file_and_keeps_its_number()
    {
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/d");
            File.WriteAllText(s + "/d/f", "text");
            Sys.SetAttribute(s + "/d/f", "user.colour", "blue");
            Sys.SetAttribute(s + "/d", "user.kind", "folder");
            File.SetUnixFileMode(s + "/d/f", (UnixFileMode)0x1a2);
            File.SetUnixFileMode(s + "/d", (UnixFileMode)0x1c8);
            Sys.SetTimes(s + "/d/f", 1_000_000);
            Sys.SetTimes(s + "/d", 2_000_000);
        }, [.. Copies, "--lifetime=0"]);
        statx file = View(mount, "d/f");
        statx directory = View(mount, "d");
        long reader = Sys.Open(mount.At("d/f"), O_RDONLY);
        byte[] read = new byte[8];
        Assert.Equal(4, Sys.Read(reader, read, 0));
        Assert.Equal(0, Sys.SetAttribute(mount.At("d/f"), "user.size", "large"));
        statx after = View(mount, "d/f");
        Assert.Equal(
            (file.stx_ino, file.stx_mode, file.stx_mtime, file.stx_size, file.stx_uid),
            (after.stx_ino, after.stx_mode, after.stx_mtime, after.stx_size, after.stx_uid));
        Assert.Equal(directory.stx_mtime, View(mount, "d").stx_mtime);
        Assert.Equal(directory.stx_ino, View(mount, "d").stx_ino);
        Assert.Equal(["user.colour", "user.size"], Sys.ListAttributes(mount.At("d/f")));
        Assert.Equal("folder", Sys.GetAttribute(mount.At("d"), "user.kind", out _));
        Assert.Null(Sys.GetAttribute(mount.At("d"), "user.overlay.origin", out _));
        Assert.Contains("user.overlay.origin", Sys.ListAttributes(mount.Upper + "/d/f"));

        // Who had it open before sees what is written now.
        File.AppendAllText(mount.At("d/f"), "more");
        Assert.Equal(8, Sys.Read(reader, read, 0));
        Assert.Equal("textmore"u8, read);
        Assert.Equal(8ul, Sys.StatOf(reader).stx_size);
        Sys.Close(reader);
        Assert.Equal("text", File.ReadAllText(mount.Real("d/f")));
    }

    [FuseFact]
    public void A_directory_with_real_files_in_it_is_not_renamed_and_one_without_is()
    {
        using FuseMount mount = New();
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At("dir"), mount.At("dir2")));
        Directory.CreateDirectory(mount.At("own"));
        File.WriteAllText(mount.At("own/f"), "f");
        Directory.Delete(mount.At("dir/sub"), recursive: true);
        Assert.Equal(Errno.None, Sys.Rename(mount.At("own"), mount.At("dir/sub")));
        Assert.Equal(["f"], Names(mount.At("dir/sub")));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("dir/sub"), mount.At("own2")));
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("dir/sub"), out _));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("own2"), mount.At("dir/sub")));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("dir/sub"), mount.At("empty")));
        Assert.Equal(Errno.ENOTEMPTY, Sys.Unlink(mount.At("dir"), directory: true));
        Assert.Equal(["f"], Names(mount.At("empty")));
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("dir/sub"), out _));
    }

    [FuseFact]
    public void Of_hard_links_the_name_that_is_written_by_gets_the_copy()
    {
        using var mount = new FuseMount(s =>
        {
            File.WriteAllText(s + "/a", "1");
            Sys.Link(s + "/a", s + "/b");
        }, [.. Copies, "--lifetime=0"]);
        File.AppendAllText(mount.At("a"), "2");
        Assert.Equal("12", File.ReadAllText(mount.At("a")));
        Assert.Equal("1", File.ReadAllText(mount.At("b")));
        Assert.Equal(Errno.None, Sys.Link(mount.At("a"), mount.At("c")));
        File.AppendAllText(mount.At("c"), "3");
        Assert.Equal("123", File.ReadAllText(mount.At("a")));
        Assert.Equal(View(mount, "a").stx_ino, View(mount, "c").stx_ino);
        Assert.NotEqual(View(mount, "a").stx_ino, View(mount, "b").stx_ino);
        Assert.Equal("1", File.ReadAllText(mount.Real("a")));
    }

    [FuseFact]
    public void Holes_stay_and_open_files_that_were_removed_can_be_written()
    {
        using var mount = new FuseMount(s =>
        {
            long fd = Sys.Open(s + "/sparse", O_RDWR | O_CREAT);
            Sys.Write(fd, "x"u8, 64 << 20);
            Sys.Close(fd);
            File.WriteAllText(s + "/gone", "text");
        }, Copies);
        Assert.Equal(0, Sys.Direct(__NR_chmod, mount.At("sparse"), 0x180));
        Assert.Equal((ulong)(64 << 20) + 1, View(mount, "sparse").stx_size);
        Assert.True(View(mount, "sparse").stx_blocks < 1024);
        long open = Sys.Open(mount.At("gone"), O_RDONLY);
        Assert.Equal(Errno.None, Sys.Unlink(mount.At("gone")));
        Assert.Equal(0, Sys.Of(__NR_fchmod, open, 0x180));
        byte[] read = new byte[4];
        Assert.Equal(4, Sys.Read(open, read, 0));
        Assert.Equal("text"u8, read);
        Sys.Close(open);
        Assert.Empty(Directory.EnumerateFileSystemEntries(mount.Work));
    }

    [FuseFact]
    public void Rules_of_other_kinds_hold_below()
    {
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/log");
            File.WriteAllText(s + "/fixed", "x");
        }, [.. Copies, "log=rw", "fixed=ro", "*.key=hide"]);
        File.WriteAllText(mount.At("log/today"), "x");
        Assert.Equal("x", File.ReadAllText(mount.Real("log/today")));
        Assert.Equal(-(long)Errno.EROFS, Sys.Open(mount.At("fixed"), O_WRONLY));
        Assert.Equal(-(long)Errno.EACCES, Sys.Open(mount.At("a.key"), O_WRONLY | O_CREAT));
        File.WriteAllText(mount.At("copy"), "x");
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At("copy"), mount.At("log/copy")));
        Assert.Equal(Errno.EXDEV, Sys.Link(mount.At("copy"), mount.At("log/copy")));
        Assert.Equal(["copy"], Names(mount.Upper));
    }

    /// <summary>The kernel's own overlay of the same directories shows what guests saw.</summary>
    [FuseFact]
    public void Overlayfs_reads_what_was_kept()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using FuseMount mount = New();
        File.AppendAllText(mount.At("file"), "+");
        File.Delete(mount.At("dir/a"));
        Sys.Rename(mount.At("dir/b"), mount.At("moved"));
        Directory.Delete(mount.At("dir/sub"), recursive: true);
        Directory.CreateDirectory(mount.At("dir/sub"));
        Directory.CreateDirectory(mount.At("own"));
        Sys.Rename(mount.At("own"), mount.At("dir/own"));
        File.Delete(mount.At("dir/link"));
        Directory.CreateDirectory(mount.At("dir/link"));
        Sys.Link(mount.At("moved"), mount.At("dir/b"));
        Tree seen = Tree.Of(mount.Root, owners: true);
        string at = mount.Beside("overlay");
        Directory.CreateDirectory(at);
        mount.Enter(
            "mount", "-t", "overlay", "none", "-o",
            $"userxattr,lowerdir={mount.Source},upperdir={mount.Upper},workdir={mount.Work}", at);
        Tree overlay = Tree.Of($"/proc/{mount.Pid}/root{at}", owners: true);
        mount.Enter("umount", at);
        Assert.Equal(seen.ToString(), overlay.ToString());
    }

    private static FuseMount New() => new(s =>
    {
        Directory.CreateDirectory(s + "/dir/sub/deep");
        File.WriteAllText(s + "/file", "text");
        File.WriteAllText(s + "/dir/a", "a");
        File.WriteAllText(s + "/dir/b", "b");
        File.WriteAllText(s + "/dir/sub/c", "c");
        File.WriteAllText(s + "/dir/sub/deep/d", "d");
        Sys.Symlink("a", s + "/dir/link");
        Directory.CreateDirectory(s + "/empty");
    }, [.. Copies, "dir/link=cow"]);

    private static string[] Names(string path) =>
        [.. Directory.EnumerateFileSystemEntries(path).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    private static statx View(FuseMount mount, string path)
    {
        Assert.Equal(Errno.None, Sys.Stat(mount.At(path), out statx found));
        return found;
    }
}
