using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Interpose.Abi;
using Interpose.LibC;
using static Interpose.Abi.Uapi;

namespace Interpose.Tests.Fuse;

/// <summary>A test that mounts; skipped where this user cannot open /dev/fuse.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FuseFactAttribute : FactAttribute
{
    public FuseFactAttribute() => Skip = FuseMount.Missing;
}

/// <summary>The same for a test with arguments.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FuseTheoryAttribute : TheoryAttribute
{
    public FuseTheoryAttribute() => Skip = FuseMount.Missing;
}

/// <summary>
/// A directory that another process serves, in a mount namespace of its own (and without root in a
/// user namespace); this one reaches it by /proc. So nobody serves what he uses, and nothing stays.
/// Tests with it are in the collection "Waits": others of that wait for any child there is.
/// </summary>
internal sealed class FuseMount : IDisposable
{
    private const int Patience = 20_000;
    private readonly string _directory = Directory.CreateTempSubdirectory("fuse-").FullName;
    private readonly Process _host;

    public FuseMount(params string[] arguments)
        : this(_ => { }, arguments)
    {
    }

    /// <param name="fill">Makes what is in the directory.</param>
    /// <param name="arguments">Of FuseHost: patterns and options.</param>
    public FuseMount(Action<string> fill, params string[] arguments)
    {
        foreach (string name in new[] { "source", "at/mount", "upper", "work" })
        {
            Directory.CreateDirectory(Path.Combine(_directory, name));
        }

        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ff);
        fill(Source);
        var start = new ProcessStartInfo("unshare")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        List<string> words = Environment.IsPrivilegedProcess ? ["-m", "--propagation", "private"]
            : ["-U", "-r", "-m"];
        words.AddRange(
        [
            Path.Combine(AppContext.BaseDirectory, "FuseHost"), Path.Combine(_directory, "at/mount"),
            Source, .. arguments.Select(a => a.Replace("@", _directory + "/", StringComparison.Ordinal)),
        ]);
        if (!Environment.IsPrivilegedProcess)
        {
            // Of others only those in the mount's user namespace may use it; who is here is not.
            words.Add("--others=no");
        }

        words.ForEach(start.ArgumentList.Add);
        _host = Process.Start(start)!;
        string? said = _host.StandardOutput.ReadLine();
        Assert.True(said == "ready", said);
    }

    /// <summary>Why there can be none; null: there can.</summary>
    public static string? Missing
    {
        get
        {
            Errno errno = Posix.Open("/dev/fuse", O_RDWR, out int fd);
            if (errno == Errno.None)
            {
                Posix.Close(fd);
            }

            return errno == Errno.None ? null : $"cannot open /dev/fuse: {errno.Describe()}";
        }
    }

    /// <summary>What is served.</summary>
    public string Source => Path.Combine(_directory, "source");

    /// <summary>What lies beside that.</summary>
    public string Beside(string name) => Path.Combine(_directory, name);

    /// <summary>The copies.</summary>
    public string Upper => Path.Combine(_directory, "upper");

    public string Work => Path.Combine(_directory, "work");

    /// <summary>The mount, as this process reaches it.</summary>
    public string Root => $"/proc/{_host.Id}/root{_directory}/at/mount";

    public int Pid => _host.Id;

    public string At(string path) => $"{Root}/{path}";

    public string Real(string path) => $"{Source}/{path}";

    /// <summary>A number that the server counts.</summary>
    public long Count(string what)
    {
        _host.StandardInput.WriteLine("stats");
        string line = _host.StandardOutput.ReadLine()!;
        string found = line.Split(' ').Single(w => w.StartsWith(what + "=", StringComparison.Ordinal));
        return long.Parse(found[(what.Length + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>Runs a program in the server's mount namespace.</summary>
    public void Enter(params string[] words)
    {
        using Process program = Process.Start(
            "nsenter", ["-t", $"{_host.Id}", "-m", "--", .. words]);
        Assert.True(program.WaitForExit(Patience));
        Assert.Equal(0, program.ExitCode);
    }

    /// <summary>Asks until a number is as it should be, for the kernel forgets when it likes.</summary>
    public void Await(string what, long expected)
    {
        long until = Environment.TickCount64 + Patience;
        while (Count(what) is var found && found != expected)
        {
            Assert.True(Environment.TickCount64 < until, $"{what} is {found}, not {expected}");
            System.Threading.Thread.Sleep(20);
        }
    }

    /// <summary>Has the server unmount itself; how it ended.</summary>
    public string Unmount()
    {
        _host.StandardInput.WriteLine("unmount");
        return End();
    }

    /// <summary>Gives the server a command.</summary>
    public void Tell(string command) => _host.StandardInput.WriteLine(command);

    /// <summary>Waits for the end; the server's last words.</summary>
    public string End()
    {
        string said = _host.StandardOutput.ReadLine() ?? "nothing";
        Assert.True(_host.WaitForExit(Patience));
        return said;
    }

    /// <summary>Ends the server at once.</summary>
    public void Kill()
    {
        _host.Kill();
        Assert.True(_host.WaitForExit(Patience));
    }

    public void Dispose()
    {
        if (!_host.HasExited)
        {
            Kill();
        }

        _host.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
