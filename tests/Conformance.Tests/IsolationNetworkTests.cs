using System.Collections.Generic;
using Conformance.Harness;

namespace Conformance;

/// <summary>What guests can do with their own network and their own message queues.</summary>
[Collection("programs")]
public sealed class IsolationNetworkTests
{
    private const string Try = """
        import errno, fcntl, socket, struct
        def attempt(what, how):
            try:
                how()
                print(what, "done")
            except OSError as e:
                print(what, errno.errorcode[e.errno])
        def address():
            request = struct.pack("16sH2s4s8x", b"lo:1", socket.AF_INET, b"", socket.inet_aton("10.1.2.3"))
            fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8916, request)
        attempt("bind", lambda: socket.socket().bind(("127.0.0.1", 80)))
        attempt("address", address)
        attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
        attempt("connect", lambda: socket.create_connection(("127.0.0.1", 9)))
        """;

    private const string Queue = """
        import ctypes, os
        rt = ctypes.CDLL("librt.so.1", use_errno=True)
        q = rt.mq_open(b"/mine", os.O_CREAT | os.O_RDWR, 0o600, None)
        sent = rt.mq_send(q, b"word", 4, 1)
        buffer = ctypes.create_string_buffer(8192)
        took = rt.mq_receive(q, buffer, len(buffer), None)
        print(sent, took, buffer.value, os.listdir("/dev/mqueue"), rt.mq_unlink(b"/mine"))
        print(rt.mq_open(b"/host", os.O_RDWR), os.strerror(ctypes.get_errno()))
        """;

    /// <summary>Ways, settings, and what they give.</summary>
    public static TheoryData<Way, string, string> Listed
    {
        get
        {
            var rows = new TheoryData<Way, string, string>();
            foreach (Way way in Isolated.AllWays)
            {
                rows.Add(way, "", "bind EACCES address EPERM raw EPERM");
                rows.Add(way, "CAP_NET_BIND_SERVICE", "bind done address EPERM raw EPERM");
                rows.Add(way, "CAP_NET_ADMIN", "bind EACCES address done raw EPERM");
                rows.Add(way, "CAP_NET_RAW,CAP_SYS_ADMIN", "bind EACCES address EPERM raw done");
            }

            return rows;
        }
    }

    [NamespacesTheory]
    [MemberData(nameof(Listed))]
    public void Capabilities_that_are_listed_hold_over_the_own_network(
        Way way, string capabilities, string told)
    {
        using var place = new Isolated(way);
        List<string> options = ["-p", way == Way.KeptRoot ? "build" : "default"];
        if (capabilities.Length > 0)
        {
            options.AddRange(["--set", $"isolation.capabilities={capabilities}"]);
        }

        string said = told + " connect ECONNREFUSED";
        Assert.Equal(said, Words(place.Run([.. options], "/usr/bin/python3", "-c", Try)));

        // Counted networks stand in a user namespace of their own.
        options.AddRange(["--set", "creation.namespaces.net.max=1"]);
        Assert.Equal(said, Words(place.Run([.. options], "/usr/bin/python3", "-c", Try)));
    }

    [NamespacesTheory]
    [MemberData(nameof(Isolated.Ways), MemberType = typeof(Isolated))]
    public void The_second_network_is_one_of_the_budget_and_the_first_shows_nothing(Way way)
    {
        using var place = new Isolated(way);
        string[] options =
        [
            "-p", way == Way.KeptRoot ? "build" : "default", "--set",
            "isolation.capabilities=CAP_NET_ADMIN", "--set", "creation.namespaces.net.max=0",
        ];
        Outcome run = place.Run(
            options, "sh", "-c", "cat /proc/1/net/dev | grep -c :; cat /proc/1/net/tcp | wc -l");
        Assert.Equal("1 1", Words(run));
    }

    [NamespacesTheory]
    [MemberData(nameof(Isolated.Ways), MemberType = typeof(Isolated))]
    public void Message_queues_are_the_runs_own(Way way)
    {
        using var place = new Isolated(way);
        foreach (string profile in new[] { "default", "build" })
        {
            Outcome run = place.Run(["-p", profile], "/usr/bin/python3", "-c", Queue);
            Assert.Equal(
                "0 4 b'word' ['mine'] 0\n-1 No such file or directory\n", run.Out);
        }
    }

    private static string Words(Outcome run) => run.Out.Trim().Replace('\n', ' ');
}
