using System;
using System.IO;
using System.Linq;

namespace Conformance.Harness;

/// <summary>Who runs the sandbox, and as whom its guests run.</summary>
public enum Way
{
    /// <summary>A user without any privilege.</summary>
    Rootless,

    /// <summary>Root; guests are a user without privileges on the host.</summary>
    Root,

    /// <summary>Root; guests are user 0 of the host, without capabilities.</summary>
    KeptRoot,
}

/// <summary>Runs in namespaces of their own, in each way that this user can try.</summary>
internal sealed class Isolated : IDisposable
{
    /// <summary>The user of guests.</summary>
    public const int Nobody = 65534;

    /// <summary>What the test writes where no guest is to read.</summary>
    public const string Secret = "TOP SECRET\n";

    public static readonly string[] AllNamespaces =
        ["user", "mount", "pid", "net", "ipc", "uts", "cgroup"];

    /// <summary>The ways of this user.</summary>
    public static readonly Way[] AllWays = Host.IsRoot
        ? [Way.Rootless, Way.Root, Way.KeptRoot] : [Way.Rootless];

    private static readonly Lazy<string> Copy = new(CopyProduct);

    private readonly Workplace _place = new();

    public Isolated(Way way)
    {
        Way = way;
        System.IO.File.SetUnixFileMode(_place.Path, (UnixFileMode)0x1ed);
        Directory.CreateDirectory(File("home"));
    }

    /// <summary>The same, for a theory.</summary>
    public static TheoryData<Way> Ways => [.. AllWays];

    public Way Way { get; }

    /// <summary>The directory of the test: the command starts in it.</summary>
    public string Path => _place.Path;

    public string File(string name) => _place.File(name);

    /// <summary>Writes a file; gives its path.</summary>
    public string Write(string name, string text) => _place.Write(name, text);

    /// <summary>Brings an attack to where every user can run it; gives its path.</summary>
    public string Guest(string escape, params string[] options) =>
        Bring(escape, Guests.Escape(escape, options));

    /// <summary>Brings a program to where every user can run it; gives its path.</summary>
    public string Bring(string name, string program)
    {
        string path = File(name);
        System.IO.File.Copy(program, path, overwrite: true);
        System.IO.File.SetUnixFileMode(path, (UnixFileMode)0x1ed);
        return path;
    }

    /// <summary>A policy of namespaces and files over <c>permissive</c>.</summary>
    /// <param name="files">The section <c>filesystem</c>, as YAML between braces.</param>
    /// <param name="namespaces">Which; null for all but time.</param>
    /// <param name="isolation">More keys of that section, each with a comma in front.</param>
    /// <param name="landlock">
    /// Whether Landlock stands behind the rest; without it each protection stands for itself.
    /// </param>
    public string Policy(
        string files, string[]? namespaces = null, string isolation = ", keyring: on",
        bool landlock = false)
    {
        isolation += files.Length > 0 && !landlock ? ", landlock: off" : string.Empty;
        string names = string.Join(", ", namespaces ?? AllNamespaces);
        string user = Way == Way.Root ? $", user: {{host_uid: {Nobody}, host_gid: {Nobody}}}" : "";
        return Write("policy.yaml", $$"""
            version: 1
            extends: permissive
            isolation: {namespaces: [{{names}}]{{user}}{{isolation}}}
            {{(files.Length == 0 ? "" : "filesystem: " + files)}}
            """);
    }

    /// <summary>Runs <c>sandbox run -q OPTIONS -- COMMAND</c> as this way has it.</summary>
    public Outcome Run(string[] options, params string[] command) =>
        Shell.Run(Path, null, Line(options, command));

    /// <summary>The same, with a variable in the environment of the sandbox itself.</summary>
    public Outcome RunWith(string variable, string[] options, params string[] command) =>
        Shell.Run(Path, null, ["env", variable, .. Line(options, command)]);

    /// <summary>The command line of <see cref="Run"/>.</summary>
    public string[] Line(string[] options, params string[] command)
    {
        GiveAway();
        return [.. AsUser, Copy.Value, "run", "-q", .. options, "--", .. command];
    }

    /// <summary>Runs <c>sandbox ARGUMENTS</c> as this way has it; no file changes its owner.</summary>
    public Outcome Call(params string[] arguments) =>
        Shell.Run(Path, null, [.. AsUser, Copy.Value, .. arguments]);

    /// <summary>The same behind another program.</summary>
    public Outcome CallBehind(string[] program, params string[] arguments) =>
        Shell.Run(Path, null, [.. AsUser, .. program, Copy.Value, .. arguments]);

    /// <summary>Runs a command without the sandbox, as the user who would run it.</summary>
    public Outcome Native(params string[] command)
    {
        GiveAway();
        return Shell.Run(Path, null, [.. AsUser, .. command]);
    }

    /// <summary>The same, as the user whom the host sees in guests.</summary>
    public Outcome NativeGuest(params string[] command) =>
        Way == Way.Root ? Native([.. AsNobody, .. command]) : Native(command);

    /// <summary>The files of the test belong to the guest's user.</summary>
    public void GiveAway()
    {
        if (Host.IsRoot && Way != Way.KeptRoot)
        {
            Outcome chown = Shell.Run(Path, null, "chown", "-hR", $"{Nobody}:{Nobody}", Path);
            Assert.True(chown.Status == 0, chown.ToString());
        }
    }

    public void Dispose() => _place.Dispose();

    private static string[] AsNobody =>
        ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"];

    /// <summary>Words that make a command run as the user of this way.</summary>
    private string[] AsUser =>
    [
        "env", $"HOME={File("home")}", $"TMPDIR={Path}",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        .. Way == Way.Rootless && Host.IsRoot ? AsNobody : [],
    ];

    /// <summary>A command line of a way with a program in front of the sandbox.</summary>
    public static string[] Behind(string[] line, params string[] program)
    {
        int at = Array.IndexOf(line, Copy.Value);
        return [.. line[..at], .. program, .. line[at..]];
    }

    /// <summary>Splits lines of "what: result".</summary>
    public static (string What, string Result)[] Results(Outcome outcome) =>
        [.. outcome.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Split)];

    /// <summary>The product, where every user can run it.</summary>
    private static string CopyProduct()
    {
        string directory = Directory.CreateTempSubdirectory("sandbox-product-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, true);
        System.IO.File.SetUnixFileMode(directory, (UnixFileMode)0x1ed);
        string copy = System.IO.Path.Combine(directory, "sandbox");
        System.IO.File.Copy(Product.Sandbox, copy);
        System.IO.File.SetUnixFileMode(copy, (UnixFileMode)0x1ed);
        return copy;
    }

    private static (string What, string Result) Split(string line)
    {
        int colon = line.LastIndexOf(": ", StringComparison.Ordinal);
        Assert.True(colon > 0, line);
        return (line[..colon], line[(colon + 2)..]);
    }
}
