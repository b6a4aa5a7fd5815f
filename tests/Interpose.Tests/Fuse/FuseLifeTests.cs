using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Interpose.Abi;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>What a mount costs, how it ends, and who is left.</summary>
[Collection("Waits")]
public sealed class FuseLifeTests
{
    private const int Patience = 30_000;

    [FuseTheory]
    [InlineData("Ordinary")]
    [InlineData("ReadOnly")]
    public void Requests_take_nothing_from_the_collector(string mode)
    {
        const int rounds = 300;
        using var mount = new FuseMount(
            s =>
            {
                for (int i = 0; i < 50; i++)
                {
                    File.WriteAllText($"{s}/file{i}", new string('x', 10_000));
                }
            }, $"--mode={mode}", "--lifetime=0", "hidden*=hide");
        Work(mount, rounds, mode == "Ordinary");
        long before = mount.Count("allocated");
        Work(mount, rounds, mode == "Ordinary");
        Assert.Equal(before, mount.Count("allocated"));
    }

    [FuseFact]
    public void Without_opens_files_are_read_mapped_and_run()
    {
        using var mount = new FuseMount(
            s =>
            {
                File.WriteAllText(s + "/f", "text");
                File.WriteAllText(s + "/run", "#!/bin/sh\necho ran\n");
                File.SetUnixFileMode(s + "/run", (UnixFileMode)0x1ed);
            }, "--mode=ReadOnly", "--lifetime=0");
        Assert.Equal("text", File.ReadAllText(mount.At("f")));
        using Process run = Process.Start(
            new ProcessStartInfo(mount.At("run")) { RedirectStandardOutput = true })!;
        Assert.Equal("ran\n", run.StandardOutput.ReadToEnd());
        Assert.True(run.WaitForExit(Patience));
        Assert.Equal(0, mount.Count("handles"));
        Assert.Equal(-(long)Errno.EROFS, Sys.Open(mount.At("f"), O_WRONLY));
        long fd = Sys.Open(mount.At("f"), O_RDONLY);
        Assert.Equal(4, Sys.Of(__NR_lseek, fd, 0, SEEK_HOLE));
        Sys.Close(fd);

        // What changes on the other side is seen once the lifetime is over.
        File.WriteAllText(mount.Real("f"), "longer text");
        Assert.Equal("longer text", File.ReadAllText(mount.At("f")));
    }

    [FuseFact]
    public void Each_worker_has_a_queue_or_shares_one()
    {
        using (var mount = new FuseMount("--workers=3"))
        {
            Directory.CreateDirectory(mount.At("d"));
            Assert.Equal(3, mount.Count("queues"));
        }

        using (var mount = new FuseMount("--workers=3", "--queues=no"))
        {
            Directory.CreateDirectory(mount.At("d"));
            Assert.Equal(1, mount.Count("queues"));
        }
    }

    [FuseFact]
    public void Descriptors_and_nodes_have_bounds()
    {
        const int files = 400;
        using var mount = new FuseMount("--descriptors=20", "--lifetime=0");
        for (int i = 0; i < files; i++)
        {
            Directory.CreateDirectory(mount.At($"d{i}/e"));
            File.WriteAllText(mount.At($"d{i}/e/f"), "x");
            Sys.SetAttribute(mount.At($"d{i}/e/f"), "user.a", "b");
        }

        Assert.InRange(mount.Count("descriptors"), 1, 60);
        Directory.Delete(mount.At("d0"), recursive: true);
        if (Environment.IsPrivilegedProcess)
        {
            mount.Enter("sh", "-c", "echo 2 > /proc/sys/vm/drop_caches");
            mount.Await("nodes", 1);
        }
    }

    [FuseTheory]
    [InlineData("Ordinary")]
    [InlineData("Passthrough")]
    public void A_server_that_is_killed_leaves_nobody_waiting(string mode)
    {
        using var mount = new FuseMount(s => File.WriteAllBytes(s + "/f", new byte[1 << 20]), $"--mode={mode}");
        using var load = new Load(mount);
        load.AwaitSteps();
        mount.Kill();
        load.AwaitEnds();
        Assert.Equal(1 << 20, new FileInfo(mount.Real("f")).Length);
    }

    [FuseFact]
    public void Who_unmounts_under_load_waits_for_nobody_and_loses_nothing()
    {
        using var mount = new FuseMount();
        long fd = Sys.Open(mount.At("kept"), O_RDWR | O_CREAT);
        using (var load = new Load(mount))
        {
            load.AwaitSteps();
            Assert.Equal(5, Sys.Write(fd, "first"u8, 0));
            mount.Tell("unmount");

            // The name is gone, and stands for the directory that it covered; what is open goes on.
            load.Dispose();
            Assert.Equal(6, Sys.Write(fd, "second"u8, 5));
            Sys.Close(fd);
        }

        Assert.StartsWith("ended Unmounted", mount.End(), StringComparison.Ordinal);
        Assert.Equal("firstsecond", File.ReadAllText(mount.Real("kept")));
    }

    [FuseFact]
    public void An_aborted_connection_ends_the_server()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        using var mount = new FuseMount();
        Directory.CreateDirectory(mount.At("d"));
        Assert.Equal(Errno.None, Sys.Stat(mount.Root, out statx root));
        mount.Enter(
            "sh", "-c",
            "mount -t fusectl none /sys/fs/fuse/connections 2> /dev/null; "
                + $"echo 1 > /sys/fs/fuse/connections/{root.stx_dev_minor}/abort");
        Assert.StartsWith("ended Aborted", mount.End(), StringComparison.Ordinal);
    }

    [FuseFact]
    public void An_unprivileged_user_can_mount_and_serve()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        UnixFileMode before = File.GetUnixFileMode("/dev/fuse");
        File.SetUnixFileMode("/dev/fuse", (UnixFileMode)0x1b6);
        string directory = Directory.CreateTempSubdirectory("fuse-user-").FullName;
        try
        {
            foreach (string name in new[] { "source", "mount" })
            {
                Directory.CreateDirectory($"{directory}/{name}");
                Sys.Named(__NR_fchownat, $"{directory}/{name}", 65534, 65534);
            }

            File.SetUnixFileMode(directory, (UnixFileMode)0x1ed);
            string host = Path.Combine(AppContext.BaseDirectory, "FuseHost");
            var start = new ProcessStartInfo("setpriv")
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            foreach (string word in new[]
            {
                "--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare", "-U", "-r", "-m", host,
                $"{directory}/mount", $"{directory}/source", "secret=hide", "--mode=Passthrough",
            })
            {
                start.ArgumentList.Add(word);
            }

            using Process server = Process.Start(start)!;
            Assert.Equal("ready", server.StandardOutput.ReadLine());
            using Process guest = Process.Start(
                "setpriv",
                [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", "nsenter", "-t", $"{server.Id}", "-U", "-m", "--preserve-credentials", "--", "sh", "-c",
                    $"cd {directory}/mount && mkdir d && echo text > d/f && ln d/f g && cat g && ! cat secret && chmod 600 g && stat -c %u g",
                ]);
            Assert.True(guest.WaitForExit(Patience));
            server.StandardInput.WriteLine("unmount");
            string? said = server.StandardOutput.ReadLine();
            Assert.True(server.WaitForExit(Patience));
            Assert.Equal(0, guest.ExitCode);
            Assert.StartsWith("ended Unmounted", said, StringComparison.Ordinal);
            Assert.Equal("text\n", File.ReadAllText($"{directory}/source/g"));
            Assert.Equal(Errno.None, Sys.Stat($"{directory}/source/g", out statx made));
            Assert.Equal(65534u, made.stx_uid);
        }
        finally
        {
            File.SetUnixFileMode("/dev/fuse", before);
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Work(FuseMount mount, int rounds, bool writes)
    {
        const int direct = 0x4000;
        byte[] bytes = new byte[4096];
        for (int i = 0; i < rounds; i++)
        {
            string path = mount.At($"file{i % 50}");
            Assert.Equal(Errno.None, Sys.Stat(path, out _));
            Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At($"absent{i % 50}"), out _));
            Assert.Equal(Errno.ENOENT, Sys.Stat(mount.At($"hidden{i % 50}"), out _));
            long fd = Sys.Open(path, (writes ? O_RDWR : O_RDONLY) | (i % 2 == 0 ? direct : 0));
            Assert.True(fd >= 0);
            if (i % 2 == 1)
            {
                Assert.Equal(bytes.Length, Sys.Read(fd, bytes, 0));
                Assert.Equal(writes ? bytes.Length : -(int)Errno.EBADF, Sys.Write(fd, bytes, 4096));
            }

            Sys.Close(fd);
            if (i % 20 == 0)
            {
                Assert.Equal(50, Directory.EnumerateFileSystemEntries(mount.Root).Count());
            }
        }
    }

    /// <summary>Threads that work on a mount until something fails.</summary>
    private sealed class Load : IDisposable
    {
        private const int Threads = 4;
        private readonly Thread[] _threads;
        private readonly CountdownEvent _started = new(Threads);
        private volatile bool _ends;

        public Load(FuseMount mount)
        {
            _threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() => Run(mount, i)))];
            Array.ForEach(_threads, t => t.Start());
        }

        /// <summary>Waits until each has done something.</summary>
        public void AwaitSteps() => Assert.True(_started.Wait(Patience));

        /// <summary>Waits until each has ended by itself.</summary>
        public void AwaitEnds() => Assert.All(_threads, t => Assert.True(t.Join(Patience), "a thread hangs"));

        public void Dispose()
        {
            _ends = true;
            AwaitEnds();
            _started.Dispose();
        }

        private void Run(FuseMount mount, int number)
        {
            byte[] bytes = new byte[65536];
            bool worked = false;
            while (!_ends)
            {
                string path = mount.At($"load{number}");
                long fd = Sys.Open(path, O_RDWR | O_CREAT);
                bool works = fd >= 0 && Sys.Write(fd, bytes, 0) > 0 && Sys.Read(fd, bytes, 0) > 0
                    && Sys.Rename(path, path + "x") == Errno.None && Sys.Stat(path + "x", out _) == Errno.None;
                Sys.Close(fd);
                if (!works)
                {
                    break;
                }

                if (!worked)
                {
                    worked = true;
                    _started.Signal();
                }
            }
        }
    }
}
