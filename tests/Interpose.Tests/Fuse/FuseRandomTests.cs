using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>
/// The same operations, drawn by a seed, on the mount and on a native directory: results, errnos
/// and trees are compared. FUSE_SEED takes the place of the seed; a failure names its own.
/// </summary>
[Collection("Waits")]
public sealed class FuseRandomTests
{
    private const int Steps = 3000;
    private const int Workers = 3;

    private static readonly int Seed = int.Parse(
        Environment.GetEnvironmentVariable("FUSE_SEED") ?? "20261128", CultureInfo.InvariantCulture);

    [FuseTheory]
    [InlineData("Ordinary", "rw", 0)]
    [InlineData("Ordinary", "rw", 3)]
    [InlineData("Passthrough", "rw", 0)]
    [InlineData("Ordinary", "cow", 0)]
    [InlineData("Ordinary", "cow", 3)]
    public async Task A_mount_and_a_directory_give_the_same(string mode, string access, int descriptors)
    {
        string native = Directory.CreateTempSubdirectory("fuse-native-").FullName;
        try
        {
            using var mount = new FuseMount(
                s => Fill(s), $"--mode={mode}", $"--access={access}", "--upper=@upper", "--work=@work",
                "--workers=3", $"--descriptors={descriptors}", "--lifetime=0.05");
            Fill(native);
            File.SetUnixFileMode(native, File.GetUnixFileMode(mount.Source));
            Tree real = Tree.Of(mount.Source, owners: true);

            // Each worker has a directory of its own, so what it finds follows from the seed.
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(i => Task.Run(
                () => new RandomWalk(Seed + i, $"{mount.Root}/{i}", $"{native}/{i}", access == "cow").Run(Steps))));
            Assert.Equal(Tree.Of(native).Text, Tree.Of(mount.Root).Text);
            if (access == "cow")
            {
                Assert.Equal(real.Text, Tree.Of(mount.Source, owners: true).Text);
                Assert.Empty(Directory.EnumerateFileSystemEntries(mount.Work));
            }
            else
            {
                Assert.Equal(Tree.Of(native).Text, Tree.Of(mount.Source).Text);
            }

            Assert.Equal(0, mount.Count("handles"));
        }
        finally
        {
            Directory.Delete(native, recursive: true);
        }
    }

    private static void Fill(string root)
    {
        for (int i = 0; i < Workers; i++)
        {
            Directory.CreateDirectory($"{root}/{i}/a/b");
            Directory.CreateDirectory($"{root}/{i}/c");
            File.WriteAllText($"{root}/{i}/a/d", "content of d");
            File.WriteAllText($"{root}/{i}/a/b/e", new string('e', 5000));
            File.WriteAllText($"{root}/{i}/b", "b");
            Sys.Symlink("a/d", $"{root}/{i}/e");
            foreach (string file in new[] { "a/d", "a/b/e", "b" })
            {
                Sys.SetTimes($"{root}/{i}/{file}", 1_000_000_000);
            }
        }
    }
}

/// <summary>Steps on two trees at once.</summary>
internal sealed class RandomWalk(int seed, string mount, string native, bool copies)
{
    private const int MostOpen = 6;
    private static readonly string[] Letters = ["a", "b", "c", "d", "e"];
    private readonly Random _random = new(seed);
    private readonly List<(long Mount, long Native)> _open = [];
    private int _step;
    private string _said = "";

    public void Run(int steps)
    {
        for (_step = 0; _step < steps; _step++)
        {
            Step();
            if (_step % 500 == 499)
            {
                Same(Tree.Of(mount).Text, Tree.Of(native).Text);
            }
        }

        foreach ((long a, long b) in _open)
        {
            Sys.Close(a);
            Sys.Close(b);
        }
    }

    private void Step()
    {
        string path = Path();
        string other = Path();
        int mode = _random.Next(2) == 0 ? 0x1ed : 0x1c0;
        switch (_random.Next(21))
        {
            case 0 or 1:
                int flags = O_CREAT | new[] { O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_EXCL, O_RDWR | O_APPEND }[_random.Next(4)];
                Open(path, flags, mode);
                break;
            case 2:
                Open(path, O_RDONLY, 0);
                break;
            case 3 or 4 or 5:
                Write();
                break;
            case 6 or 7:
                Read();
                break;
            case 8:
                Both($"mkdir {path}", r => Sys.MakeDirectory(r + path, mode));
                break;
            case 9:
                Both($"unlink {path}", r => Sys.Unlink(r + path));
                break;
            case 10:
                Both($"rmdir {path}", r => Sys.Unlink(r + path, directory: true));
                break;
            case 11 or 12:
                Rename(path, other);
                break;
            case 13:
                Both($"link {path} {other}", r => Sys.Link(r + path, r + other));
                break;
            case 14:
                Both($"symlink {path}", r => Sys.Symlink(other[1..], r + path));
                break;
            case 15:
                Both($"chmod {path}", r => -(int)Sys.Direct(__NR_chmod, r + path, mode));
                break;
            case 16:
                long size = _random.Next(20_000);
                Both($"truncate {path} {size}", r => -(int)Sys.Direct(__NR_truncate, r + path, (nint)size));
                break;
            case 17:
                string value = $"v{_random.Next(100)}";
                Both($"setxattr {path}", r => -(int)Sys.SetAttribute(r + path, "user.x", value));
                break;
            case 18:
                Both($"removexattr {path}", r => -(int)Sys.RemoveAttribute(r + path, "user.x"));
                break;
            case 19:
                Descriptor();
                break;
            default:
                Look(path);
                break;
        }
    }

    private string Path()
    {
        string path = "";
        for (int depth = _random.Next(1, 4); depth > 0; depth--)
        {
            path += "/" + Letters[_random.Next(Letters.Length)];
        }

        return path;
    }

    private void Open(string path, int flags, int mode)
    {
        _said = $"open {path} {flags:x}";
        (long a, long b) = (Sys.Open(mount + path, flags, mode), Sys.Open(native + path, flags, mode));
        Same(Math.Min(a, 0), Math.Min(b, 0));
        if (a < 0)
        {
            return;
        }

        _open.Add((a, b));
        if (_open.Count > MostOpen)
        {
            int which = _random.Next(_open.Count);
            Sys.Close(_open[which].Mount);
            Sys.Close(_open[which].Native);
            _open.RemoveAt(which);
        }
    }

    private void Write()
    {
        if (_open.Count > 0)
        {
            (long a, long b) = _open[_random.Next(_open.Count)];
            byte[] bytes = new byte[_random.Next(1, 9000)];
            _random.NextBytes(bytes);
            long at = _random.Next(30_000);
            bool appends = _random.Next(3) == 0;
            _said = $"write {bytes.Length} at {(appends ? -1 : at)}";
            Same(
                appends ? Sys.Append(a, bytes) : Sys.Write(a, bytes, at),
                appends ? Sys.Append(b, bytes) : Sys.Write(b, bytes, at));
        }
    }

    private void Read()
    {
        if (_open.Count > 0)
        {
            (long a, long b) = _open[_random.Next(_open.Count)];
            (byte[] mine, byte[] theirs) = (new byte[10_000], new byte[10_000]);
            long at = _random.Next(30_000);
            _said = $"read at {at}";
            Same(Sys.Read(a, mine, at), Sys.Read(b, theirs, at));
            Assert.True(mine.AsSpan().SequenceEqual(theirs), Where());
        }
    }

    private void Descriptor()
    {
        if (_open.Count > 0)
        {
            (long a, long b) = _open[_random.Next(_open.Count)];
            int number = _random.Next(20_000);
            int which = _random.Next(4);
            _said = $"by descriptor {which} {number}";
            long Do(long fd) => which switch
            {
                0 => Sys.Of(__NR_ftruncate, fd, number),
                1 => Sys.Of(__NR_fallocate, fd, 0, number, 1000),
                2 => Sys.Of(__NR_fsync, fd),
                _ => Sys.Of(__NR_lseek, fd, number, SEEK_SET),
            };
            Same(Do(a), Do(b));
            (statx x, statx y) = (Sys.StatOf(a), Sys.StatOf(b));
            Same((x.stx_mode, x.stx_nlink * Factor(x)), (y.stx_mode, y.stx_nlink * Factor(y)));
            Same(x.stx_size * Factor(x), y.stx_size * Factor(y));
        }
    }

    private void Look(string path)
    {
        _said = $"stat {path}";
        Errno a = Sys.Stat(mount + path, out statx x);
        Same(a, Sys.Stat(native + path, out statx y));
        Same((x.stx_mode, x.stx_nlink * Factor(x)), (y.stx_mode, y.stx_nlink * Factor(y)));
        if ((x.stx_mode & S_IFMT) == S_IFDIR)
        {
            _said = $"list {path}";
            Same(string.Join(' ', Names(mount + path)), string.Join(' ', Names(native + path)));
        }
    }

    /// <summary>How many names a directory of two trees has nobody counts: overlayfs says 1.</summary>
    private static uint Factor(in statx found) => (found.stx_mode & S_IFMT) == S_IFDIR ? 0u : 1u;

    private static IEnumerable<string> Names(string path) =>
        Directory.EnumerateFileSystemEntries(path).Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal);

    /// <summary>A directory with real files in it is not renamed where changes go to copies.</summary>
    private void Rename(string path, string other)
    {
        uint flags = new uint[] { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE }[_random.Next(4)];
        _said = $"rename {path} {other} {flags}";
        Errno said = Sys.Rename(mount + path, mount + other, flags);
        if (!copies || said != Errno.EXDEV)
        {
            Same(said, Sys.Rename(native + path, native + other, flags));
        }
    }

    private void Both(string what, Func<string, Errno> call)
    {
        _said = what;
        Same(call(mount), call(native));
    }

    private void Both(string what, Func<string, int> call)
    {
        _said = what;
        Same(call(mount), call(native));
    }

    private void Same<T>(T mine, T theirs) => Assert.True(
        EqualityComparer<T>.Default.Equals(mine, theirs), $"{Where()}: {mine}, natively {theirs}");

    private string Where() => $"seed {seed}, step {_step}: {_said}";
}
