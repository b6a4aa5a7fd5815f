using System.Linq;
using Conformance.Harness;

namespace Conformance;

/// <summary>What <c>strict</c> leaves to a filter or converter, and what it takes away.</summary>
[Collection("programs")]
public sealed class StrictTests
{
    private const string Attempts = """
        import ctypes, errno, os, socket, sys, threading
        def attempt(what, how):
            try:
                how()
                print(what, "done")
            except OSError as e:
                print(what, errno.errorcode[e.errno])
            except RuntimeError:
                print(what, "no")
        libc = ctypes.CDLL(None, use_errno=True)
        def call(number, *arguments):
            if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
                raise OSError(ctypes.get_errno(), "call")
        def child():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        attempt("read", lambda: open("in.txt").read())
        attempt("library", lambda: os.listdir("/usr/lib"))
        attempt("memory", lambda: open("/tmp/x", "w").write("1"))
        attempt("home", lambda: os.listdir(os.environ["HOME"]))
        attempt("settings", lambda: open("/etc/hosts"))
        attempt("logs", lambda: os.listdir("/var"))
        attempt("devices", lambda: os.listdir("/sys"))
        attempt("write", lambda: open("out.txt", "w"))
        attempt("process", child)
        attempt("thread", lambda: threading.Thread(target=int).start())
        attempt("socket", lambda: socket.socket())
        attempt("memory segment", lambda: call(29, 0, 4096, 0o1600))
        attempt("other process", lambda: call(310, os.getpid(), 0, 0, 0, 0, 0))
        """;

    public static TheoryData<Way> Ways =>
        [.. Isolated.AllWays.Where(way => way != Way.KeptRoot)];

    [NamespacesTheory]
    [MemberData(nameof(Ways))]
    public void It_reads_its_input_and_makes_nothing(Way way)
    {
        using var place = new Isolated(way);
        place.Write("in.txt", "b\na\n");
        string[] python = ["/usr/bin/python3", "-c", Attempts];
        Assert.All(
            place.NativeGuest(python).Out.TrimEnd('\n').Split('\n'),
            line => Assert.EndsWith(" done", line, System.StringComparison.Ordinal));
        string home = place.File("home");
        Outcome run = place.Run(["-p", "strict"], python);
        Assert.Equal(
            "read done\nlibrary done\nmemory done\nhome done\nsettings ENOENT\nlogs ENOENT\n"
                + "devices ENOENT\nwrite EROFS\nprocess EPERM\nthread no\nsocket EPERM\n"
                + "memory segment ENOSYS\nother process EPERM\n",
            run.Out);
        Assert.Equal("a\nb\n", place.Run(["-p", "strict"], "sort", "in.txt").Out);

        // The home is below the current directory, and empty.
        place.Write("home/secret", Isolated.Secret);
        Outcome list = place.Run(["-p", "strict"], "ls", "-A", home);
        Assert.Equal((0, string.Empty), (list.Status, list.Out));
    }

    [NamespacesFact]
    public void It_has_every_protection_or_does_not_run()
    {
        using var place = new Workplace();
        Reported run = Reported.Run(
            place, ["-q", "-p", "strict", "--chdir", "/"], "echo", "ran");
        Assert.Equal("ran\n", run.Outcome.Out);
        string[] enforced =
            [.. run.Result.GetProperty("enforced").EnumerateArray().Select(e => e.GetString()!)];
        const string all = "user mount pid net ipc uts cgroup files landlock syscalls keyring";
        Assert.Empty(all.Split(' ').Except(enforced));
        Assert.Equal(0, run.Result.GetProperty("degraded").GetArrayLength());
    }
}
