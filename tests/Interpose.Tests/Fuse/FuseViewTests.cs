using System;
using System.IO;
using System.Linq;
using System.Threading;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>What rules allow, refuse and hide; and that nothing leads past them.</summary>
[Collection("Waits")]
public sealed class FuseViewTests
{
    private const int SetUserId = 0x800;

    [FuseFact]
    public void Hidden_names_are_not_there_and_cannot_be_made()
    {
        using var mount = new FuseMount(
            s => File.WriteAllText(s + "/id.key", "secret"), "*.key=hide", "--lifetime=0");
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("id.key"), out _));
        Assert.Equal(-(long)Errno.ENOENT, Sys.Open(mount.At("id.key"), O_RDONLY));
        Assert.Equal(-(long)Errno.EACCES, Sys.Open(mount.At("new.key"), O_WRONLY | O_CREAT));
        Assert.Equal(Errno.EACCES, Sys.MakeDirectory(mount.At("d.key")));
        Assert.Equal(Errno.EACCES, Sys.Symlink("x", mount.At("l.key")));
        Assert.Equal(Errno.ENOENT, Sys.Unlink(mount.At("id.key")));
        File.WriteAllText(mount.At("plain"), "");
        Assert.Equal(Errno.EACCES, Sys.Rename(mount.At("plain"), mount.At("plain.key")));
        Assert.Equal(Errno.EACCES, Sys.Link(mount.At("plain"), mount.At("plain.key")));

        // What comes later is covered as well.
        File.WriteAllText(mount.Real("later.key"), "secret");
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("later.key"), out _));
        Assert.Equal(["plain"], Directory.EnumerateFileSystemEntries(mount.Root).Select(Path.GetFileName));
        Assert.Equal("secret", File.ReadAllText(mount.Real("id.key")));
    }

    [FuseFact]
    public void A_directory_of_hidden_names_is_not_empty()
    {
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/d");
            File.WriteAllText(s + "/d/a.key", "");
        }, "d/*.key=hide");
        Assert.Empty(Directory.EnumerateFileSystemEntries(mount.At("d")));
        Assert.Equal(Errno.ENOTEMPTY, Sys.Unlink(mount.At("d"), directory: true));
    }

    [FuseFact]
    public void Denied_names_are_listed_and_give_the_errno_of_their_rule()
    {
        using var mount = new FuseMount(
            s => File.WriteAllText(s + "/a.log", "x"), "*.log=deny:ENXIO", "*.tmp=deny");
        Assert.Equal(Errno.ENXIO, Sys.Stat(mount.At("a.log"), out _));
        Assert.Equal(-(long)Errno.ENXIO, Sys.Open(mount.At("a.log"), O_RDONLY));
        Assert.Equal(-(long)Errno.ENXIO, Sys.Open(mount.At("b.log"), O_WRONLY | O_CREAT));
        Assert.Equal(Errno.ENXIO, Sys.Unlink(mount.At("a.log")));
        Assert.Equal(Errno.EACCES, Sys.MakeDirectory(mount.At("a.tmp")));
        Assert.Equal(["a.log"], Directory.EnumerateFileSystemEntries(mount.Root).Select(Path.GetFileName));
    }

    [FuseFact]
    public void What_is_read_only_is_not_changed_in_any_way()
    {
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/lib");
            File.WriteAllText(s + "/lib/f", "text");
            File.WriteAllText(s + "/other", "other");
        }, "lib=ro");
        string file = mount.At("lib/f");
        statx before = Real(mount, "lib/f");
        Assert.Equal("text", File.ReadAllText(file));
        Errno[] said =
        [
            (Errno)(-Sys.Open(file, O_WRONLY)),
            (Errno)(-Sys.Open(file, O_RDWR)),
            (Errno)(-Sys.Open(file, O_RDONLY | O_TRUNC)),
            (Errno)(-Sys.Open(mount.At("lib/new"), O_WRONLY | O_CREAT)),
            (Errno)(-Sys.Open(mount.At("lib"), O_TMPFILE | O_RDWR)),
            (Errno)(-Sys.Direct(__NR_truncate, file)),
            (Errno)(-Sys.Direct(__NR_chmod, file, 0)),
            Sys.SetTimes(file, 1),
            (Errno)(-Sys.SetAttribute(file, "user.a", "b")),
            Sys.Unlink(file),
            Sys.Unlink(mount.At("lib"), directory: true),
            Sys.MakeDirectory(mount.At("lib/d")),
            Sys.Symlink("x", mount.At("lib/l")),
            Sys.Link(mount.At("other"), mount.At("lib/l")),
            Sys.Rename(mount.At("other"), file),
            Sys.Rename(file, mount.At("moved")),
            Sys.Rename(mount.At("lib"), mount.At("moved")),
            Sys.Link(file, mount.At("linked")),
        ];
        Assert.All(said, e => Assert.Equal(Errno.EROFS, e));
        statx after = Real(mount, "lib/f");
        Assert.Equal((before.stx_ctime, before.stx_nlink), (after.stx_ctime, after.stx_nlink));
    }

    [FuseFact]
    public void A_name_that_may_be_written_can_be_made_where_others_may_not()
    {
        using var mount = new FuseMount("--access=ro", "build-*=rw");
        Assert.Equal(Errno.EROFS, Sys.MakeDirectory(mount.At("src")));
        Assert.Equal(Errno.None, Sys.MakeDirectory(mount.At("build-1")));
        File.WriteAllText(mount.At("build-1/out"), "x");
        Assert.Equal("x", File.ReadAllText(mount.Real("build-1/out")));
    }

    [FuseFact]
    public void Of_hard_links_each_is_as_its_name_says()
    {
        using var mount = new FuseMount(s =>
        {
            File.WriteAllText(s + "/rw", "1");
            foreach (string name in new[] { "ro", "denied", "rw2" })
            {
                Assert.Equal(Errno.None, Sys.Link(s + "/rw", $"{s}/{name}"));
            }
        }, "ro=ro", "denied=deny", "--lifetime=0");
        File.AppendAllText(mount.At("rw"), "2");
        Assert.Equal("12", File.ReadAllText(mount.At("ro")));
        Assert.Equal("12", File.ReadAllText(mount.At("rw2")));
        Assert.Equal(-(long)Errno.EROFS, Sys.Open(mount.At("ro"), O_WRONLY));
        Assert.Equal(-(long)Errno.EACCES, Sys.Open(mount.At("denied"), O_RDONLY));

        // No name that is made leads round the one that refuses.
        Assert.Equal(Errno.EROFS, Sys.Link(mount.At("ro"), mount.At("new")));
        Assert.Equal(Errno.EROFS, Sys.Rename(mount.At("ro"), mount.At("new")));
        Assert.Equal(Errno.None, Sys.Link(mount.At("rw"), mount.At("new")));
        Assert.Equal(5u, Real(mount, "rw").stx_nlink);
        Assert.Equal(
            new[] { "rw", "ro", "rw2" }.Select(n => Real(mount, n).stx_ino),
            new[] { "rw", "ro", "rw2" }.Select(n => View(mount, n).stx_ino));
    }

    [FuseFact]
    public void A_directory_is_not_moved_to_where_other_rules_hold_for_what_is_in_it()
    {
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/a");
            File.WriteAllText(s + "/a/secret", "x");
            Directory.CreateDirectory(s + "/c");
        }, "a/secret=hide");
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At("a"), mount.At("b")));
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At("c"), mount.At("a"), RENAME_EXCHANGE));
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At("a"), mount.At("c"), RENAME_EXCHANGE));
        Assert.Equal(Errno.None, Sys.Rename(mount.At("c"), mount.At("d")));
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("a/secret"), out _));
    }

    [FuseFact]
    public void A_link_is_followed_in_the_mount_and_not_by_the_server()
    {
        using var mount = new FuseMount(s =>
        {
            // Beside what is served there is such a file, beside the mount there is none.
            File.WriteAllText(Path.Combine(s, "../outer"), "outside");
            Sys.Symlink("../outer", s + "/out");
            Sys.Symlink("in", s + "/inner");
            File.WriteAllText(s + "/in", "inside");
        });
        Assert.Equal("outside", File.ReadAllText(mount.Real("out")));
        Assert.Equal(-(long)Errno.ENOENT, Sys.Open(mount.At("out"), O_RDONLY));
        Assert.Equal("../outer", new FileInfo(mount.At("out")).LinkTarget);
        Assert.Equal("inside", File.ReadAllText(mount.At("inner")));
        Assert.Equal(-(long)Errno.ELOOP, Sys.Open(mount.At("inner"), O_RDONLY | O_NOFOLLOW));
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("../outer"), out _));
    }

    [FuseTheory]
    [InlineData(1)]
    [InlineData(0)]
    public void A_directory_that_becomes_a_link_meanwhile_leads_nowhere_else(int descriptors)
    {
        const int rounds = 2000;
        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(Path.Combine(s, "../outer"));
            File.WriteAllText(Path.Combine(s, "../outer/f"), "outside");
            Directory.CreateDirectory(s + "/d");
            File.WriteAllText(s + "/d/f", "inside");
            Sys.Symlink("../outer", s + "/l");
        }, "--lifetime=0", $"--descriptors={descriptors}");
        bool ends = false;
        var swap = new Thread(() =>
        {
            while (!Volatile.Read(ref ends))
            {
                Sys.Rename(mount.Real("d"), mount.Real("l"), RENAME_EXCHANGE);
            }
        });
        swap.Start();
        int inside = 0;
        for (int i = 0; i < rounds; i++)
        {
            long fd = Sys.Open(mount.At("d/f"), O_RDONLY);
            byte[] text = new byte[10];
            if (fd >= 0)
            {
                inside++;
                Assert.Equal("inside"u8, text.AsSpan(0, (int)Sys.Read(fd, text, 0)));
                Sys.Close(fd);
            }
        }

        Volatile.Write(ref ends, true);
        swap.Join();
        Assert.NotEqual(0, inside);
    }

    [FuseFact]
    public void Set_id_bits_do_not_pass_in_either_direction()
    {
        using var mount = new FuseMount(s =>
        {
            File.WriteAllText(s + "/su", "#!/bin/sh\n");
            File.SetUnixFileMode(s + "/su", (UnixFileMode)0x9ed);
        }, "--lifetime=0");
        Assert.Equal(0x1ed, View(mount, "su").stx_mode & 0xfff);
        Assert.Equal(0x9ed, Real(mount, "su").stx_mode & 0xfff);
        Assert.Equal(-(long)Errno.EPERM, Sys.Direct(__NR_chmod, mount.At("su"), 0x9ed));
        long fd = Sys.Open(mount.At("new"), O_WRONLY | O_CREAT, 0x1ff | SetUserId);
        Assert.Equal(0, View(mount, "new").stx_mode & SetUserId);
        Assert.Equal(0, Real(mount, "new").stx_mode & SetUserId);
        Sys.Close(fd);

        // A write takes the bit away, as it does natively.
        File.AppendAllText(mount.At("su"), "x");
        Assert.Equal(0x1ed, Real(mount, "su").stx_mode & 0xfff);
    }

    [FuseFact]
    public void Devices_do_not_pass_in_either_direction()
    {
        const nint zero = (1 << 8) | 5;
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using var mount = new FuseMount(
            s => Assert.Equal(Errno.None, Sys.Named(__NR_mknodat, s + "/zero", S_IFCHR | 0x1b6, zero)));
        Assert.Equal(5u, Real(mount, "zero").stx_rdev_minor);
        Assert.Equal(0u, View(mount, "zero").stx_rdev_minor);
        Assert.True(Sys.Open(mount.At("zero"), O_RDONLY) < 0);
        Assert.Equal(Errno.EPERM, Sys.Named(__NR_mknodat, mount.At("zero2"), S_IFCHR | 0x1b6, zero));
        Assert.Equal(Errno.EPERM, Sys.Named(__NR_mknodat, mount.At("white"), S_IFCHR, 0));
        Assert.Equal(Errno.None, Sys.Named(__NR_mknodat, mount.At("pipe"), S_IFIFO | 0x1b6, 0));
        Assert.Equal(S_IFIFO, Real(mount, "pipe").stx_mode & S_IFMT);
    }

    [FuseFact]
    public void Mounts_below_are_seen_under_the_rules_of_their_place()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using var mount = new FuseMount(s =>
        {
            Directory.CreateDirectory(s + "/bound");
            Directory.CreateDirectory(s + "/real/sub");
            File.WriteAllText(s + "/real/f", "text");
            File.WriteAllText(s + "/real/secret", "text");
            Directory.CreateDirectory(s + "/memory");
        }, "bound=ro", "bound/secret=hide", "real/secret=deny", "--lifetime=0");
        mount.Enter("mount", "--bind", mount.Real("real"), mount.Real("bound"));
        mount.Enter("mount", "-t", "tmpfs", "none", mount.Real("memory"));
        Assert.Equal("text", File.ReadAllText(mount.At("bound/f")));
        Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At("bound/secret"), out _));
        Assert.Equal(Errno.EACCES, Sys.Stat(mount.At("real/secret"), out _));
        Assert.Equal(-(long)Errno.EROFS, Sys.Open(mount.At("bound/f"), O_WRONLY));
        File.AppendAllText(mount.At("real/f"), "+");
        Assert.Equal("text+", File.ReadAllText(mount.At("bound/f")));
        Assert.Equal(View(mount, "real/f").stx_ino, View(mount, "bound/f").stx_ino);

        // Two file systems count their files alike: here each has a number of its own.
        string[] files = [.. Enumerable.Range(0, 50).Select(i => $"memory/{i}")];
        foreach (string file in files)
        {
            File.WriteAllText(mount.At(file), "x");
        }

        ulong[] numbers = [.. files.Select(f => View(mount, f).stx_ino)];
        Assert.Equal(numbers, files.Select(f => View(mount, f).stx_ino));
        Assert.Equal(files.Length, numbers.Distinct().Count());
        Assert.All(numbers, n => Assert.NotEqual(0ul, n >> 48));
        Assert.Equal(Errno.EXDEV, Sys.Rename(mount.At(files[0]), mount.At("moved")));
    }

    private static statx View(FuseMount mount, string path)
    {
        Assert.Equal(Errno.None, Sys.Stat(mount.At(path), out statx found));
        return found;
    }

    private static statx Real(FuseMount mount, string path)
    {
        Assert.Equal(Errno.None, Sys.Stat(mount.Real(path), out statx found));
        return found;
    }
}
