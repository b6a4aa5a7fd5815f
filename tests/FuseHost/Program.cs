using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using Interpose.Abi;
using Interpose.Fuse;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace FuseHost;

/// <summary>
/// A process that mounts and serves a directory, for tests: they must not serve what they use
/// themselves. It answers commands on standard input: <c>stats</c>, <c>unmount</c>, <c>end</c>.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        (string mountpoint, string root) = (arguments[0], arguments[1]);
        Dictionary<string, string> options = arguments[2..].Where(a => a.StartsWith("--", StringComparison.Ordinal))
            .Select(a => a[2..].Split('=', 2)).ToDictionary(a => a[0], a => a[1]);
        IEnumerable<Pattern> patterns = arguments[2..].Where(a => !a.StartsWith("--", StringComparison.Ordinal))
            .Select(Pattern.Parse);
        if (Posix.Open("/dev/fuse", O_RDWR, out int device) != Errno.None)
        {
            return Fail("cannot open /dev/fuse");
        }

        Posix.Open(root, O_PATH | O_DIRECTORY, out int directory);
        string Option(string name, string otherwise) => options.GetValueOrDefault(name, otherwise);
        int workers = int.Parse(Option("workers", "2"), CultureInfo.InvariantCulture);
        var queues = new List<int>();
        for (int i = 1; i < workers && Option("queues", "yes") == "yes"; i++)
        {
            Posix.Open("/dev/fuse", O_RDWR, out int queue);
            queues.Add(queue);
        }

        bool readOnly = Option("mode", "Ordinary") == "ReadOnly";
        Errno errno = Mount(mountpoint, device, readOnly, Option("others", "yes") == "yes");
        if (errno != Errno.None)
        {
            return Fail($"cannot mount {mountpoint}: {errno.Describe()}");
        }

        double seconds = double.Parse(Option("lifetime", "1"), CultureInfo.InvariantCulture);
        using var server = new FuseServer(device, new FuseServerOptions
        {
            Root = directory,
            Rule = PatternRule.Of(
                Pattern.AccessOf(Option("access", readOnly ? "ro" : "rw")), Errno.None, patterns),
            Mode = Enum.Parse<FuseMode>(Option("mode", "Ordinary")),
            Upper = OpenOrNone(Option("upper", "")),
            Work = OpenOrNone(Option("work", "")),
            Workers = workers,
            Queues = queues,
            Lifetime = TimeSpan.FromSeconds(seconds),
            Descriptors = int.Parse(Option("descriptors", "0"), CultureInfo.InvariantCulture),
        });
        new Thread(() => Listen(server, mountpoint)) { IsBackground = true }.Start();
        Say("ready");
        FuseEnd end = server.Run();
        Say($"ended {end} nodes={server.Files.Tree.Count} handles={server.Files.Handles.Count}");
        return 0;
    }

    private static int OpenOrNone(string path)
    {
        if (path.Length == 0)
        {
            return -1;
        }

        Posix.Open(path, O_PATH | O_DIRECTORY, out int fd);
        return fd;
    }

    private static void Listen(FuseServer server, string mountpoint)
    {
        while (Console.In.ReadLine() is { } command && command != "end")
        {
            switch (command)
            {
                case "stats":
                    Say($"nodes={server.Files.Tree.Count} handles={server.Files.Handles.Count} "
                        + $"descriptors={server.Files.Tree.Descriptors} "
                        + $"queues={server.Connection.Queues} "
                        + $"minor={server.Connection.Agreement?.Minor} "
                        + $"flags={server.Connection.Agreement?.Flags} "
                        + $"allocated={server.Workers.Sum(w => w.Allocated)}");
                    break;
                case "unmount":
                    Unmount(mountpoint);
                    break;
            }
        }

        Posix.Exit(0);
    }

    private static unsafe Errno Mount(string path, int device, bool readOnly, bool others)
    {
        const int noSuid = 2;
        const int noDevices = 4;
        byte[] source = Encoding.UTF8.GetBytes("test\0");
        byte[] target = Encoding.UTF8.GetBytes(path + "\0");
        byte[] type = Encoding.UTF8.GetBytes("fuse.test\0");
        byte[] data = Encoding.UTF8.GetBytes(
            $"fd={device},rootmode=40000,user_id={Posix.GetEffectiveUser()}"
            + $",group_id={Posix.GetEffectiveGroup()},default_permissions{(others ? ",allow_other" : "")}\0");
        fixed (byte* s = source, t = target, f = type, d = data)
        {
            return Native.ErrnoOf(Native.Blocking(
                __NR_mount, (nint)s, (nint)t, (nint)f, noSuid | noDevices | (readOnly ? 1 : 0), (nint)d, 0));
        }
    }

    private static unsafe void Unmount(string path)
    {
        fixed (byte* target = Encoding.UTF8.GetBytes(path + "\0"))
        {
            Native.Blocking(__NR_umount2, (nint)target, MNT_DETACH, 0, 0, 0, 0);
        }
    }

    private static int Fail(string message)
    {
        Say("failed " + message);
        return 1;
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
