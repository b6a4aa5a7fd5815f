using System;
using System.Collections.Generic;
using System.IO;
using Interpose.Abi;
using Interpose.Files;
using Interpose.Isolation;
using Interpose.Launch;
using Policies;
using FileAccess = Policies.FileAccess;

namespace Sandbox.Isolation;

/// <summary>
/// Turns the patterns of <c>filesystem.paths</c> into paths of the host, once, when a run starts.
/// </summary>
internal sealed class FileRules
{
    /// <summary>More paths than this are taken for a mistake.</summary>
    public const int Most = 2048;

    private readonly SortedDictionary<string, FileMount> _mounts = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _links = new(StringComparer.Ordinal);
    private readonly List<PathRule> _missing = [];
    private readonly string _directory;
    private FileAccess _default;

    private FileRules(string directory) => _directory = directory;

    /// <summary>Resolves the file view of a policy.</summary>
    /// <param name="policy">The policy, with a mount namespace.</param>
    /// <param name="directory">The caller's directory, without symbolic links.</param>
    /// <param name="start">The directory that the command starts in, likewise.</param>
    /// <exception cref="SetupException">A path that is needed is not there.</exception>
    public static FileTree Resolve(Policy policy, string directory, string start)
    {
        FilesystemPolicy files = policy.Filesystem;
        var rules = new FileRules(directory)
        {
            _default = files.Default?.Value ?? FileAccess.Rw,
        };
        foreach (PathRule rule in files.Paths)
        {
            rules.Add(rule);
        }

        rules.AddOwn(policy);
        rules.AddMissing();
        new CopyOnWriteRules(rules._mounts, rules._links).Complete(ref rules._default);
        return new(
            KindOf(rules._default), [.. rules._mounts.Values], rules.LinksOnCovers(), start);
    }

    private static string Home(PathRule rule)
    {
        string? home = Environment.GetEnvironmentVariable("HOME");
        return home is ['/', ..] ? Resolved(home) : throw new SetupException(
            $"{rule.Origin}: cannot tell what", rule.Pattern, Errno.ENOENT,
            "set HOME to the caller's home");
    }

    private static string Resolved(string path) =>
        HostProcess.Resolve(path, out string canonical, out _) == Errno.None ? canonical : path;

    private void Add(PathRule rule)
    {
        string pattern = rule.Pattern[0] switch
        {
            '.' => FilePattern.Quote(_directory).TrimEnd('/') + rule.Pattern[1..],
            '~' => FilePattern.Quote(Home(rule)).TrimEnd('/') + rule.Pattern[1..],
            _ => rule.Pattern,
        };
        List<string> paths = PathGlob.Expand(pattern.Length == 0 ? "/" : pattern, Most);
        foreach (string path in paths)
        {
            Errno errno = HostProcess.Resolve(path, out string at, out bool isDirectory);
            if (errno == Errno.None)
            {
                Set(rule, at, isDirectory);
                if (at != path)
                {
                    NoteLinks(path, 0);
                }
            }
            else if (errno != Errno.ENOENT)
            {
                throw Problem(rule, path, errno);
            }
        }

        if (paths.Count == 0 && !PathGlob.IsGlob(pattern))
        {
            _missing.Add(rule with { Pattern = PathGlob.Literal(pattern) });
        }

        if (paths.Count > Most || _mounts.Count > Most)
        {
            throw new SetupException(
                $"{rule.Origin}: more than {Most} paths of", rule.Pattern, Errno.E2BIG,
                "name the directory above them");
        }
    }

    private void Set(PathRule rule, string path, bool isDirectory)
    {
        bool needsDirectory = rule.Access
            is FileAccess.Tmpfs or FileAccess.Proc or FileAccess.Dev or FileAccess.Cow;
        if (needsDirectory && !isDirectory)
        {
            throw Problem(rule, path, Errno.ENOTDIR);
        }

        if (path == "/")
        {
            _default = rule.Access;
        }
        else
        {
            _mounts[path] = new(path, KindOf(rule.Access), isDirectory, rule.Size);
        }
    }

    /// <summary>
    /// Where the run has pids of its own, it sees them; and devices come from a minimal /dev.
    /// </summary>
    private void AddOwn(Policy policy)
    {
        if (_default is FileAccess.Hide or FileAccess.Deny)
        {
            AddQueues(policy);
            return;
        }

        if (policy.Isolation.Has(NamespaceType.Pid) && Directory.Exists("/proc"))
        {
            _mounts.TryAdd("/proc", new("/proc", MountKind.Proc, IsDirectory: true));
        }

        if (Directory.Exists("/dev"))
        {
            _mounts.TryAdd("/dev", new("/dev", MountKind.Dev, IsDirectory: true));
        }

        AddQueues(policy);

        // The names of hosts are looked up by a file that is often a link into /run.
        if (policy.Isolation.Network == NetworkAccess.Host
            && HostProcess.Resolve("/etc/resolv.conf", out string names, out _) == Errno.None
            && IsOnCover(names))
        {
            _mounts.TryAdd(names, new(names, MountKind.ReadOnly, IsDirectory: false));
        }
    }

    /// <summary>
    /// The message queues of an ipc namespace; without a place for them Landlock, which knows
    /// files by their directories, would deny mq_open(2).
    /// </summary>
    private void AddQueues(Policy policy)
    {
        const string queues = "/dev/mqueue";
        bool isMinimal = _mounts.TryGetValue("/dev", out FileMount? dev)
            && dev.Kind == MountKind.Dev;
        if (isMinimal && policy.Isolation.Has(NamespaceType.Ipc)
            && Array.IndexOf(TextFile.Lines("/proc/filesystems"), "nodev\tmqueue") >= 0)
        {
            _mounts.TryAdd(queues, new(queues, MountKind.MessageQueues, IsDirectory: true));
        }
    }

    /// <summary>
    /// What is not on the host can be made where the run has a directory of its own. Elsewhere
    /// there is nothing to hide, and what else was asked for cannot be had.
    /// </summary>
    private void AddMissing()
    {
        foreach (PathRule rule in _missing)
        {
            bool isNew = rule.Access
                is FileAccess.Tmpfs or FileAccess.Proc or FileAccess.Dev;
            if (isNew && IsOnCover(rule.Pattern))
            {
                _mounts[rule.Pattern] = new(
                    rule.Pattern, KindOf(rule.Access), IsDirectory: true, rule.Size);
            }
            else if (rule.Access is not (FileAccess.Hide or FileAccess.Deny)
                && !rule.Origin.File.StartsWith("builtin:", StringComparison.Ordinal))
            {
                throw Problem(rule, rule.Pattern, Errno.ENOENT);
            }
        }
    }

    /// <summary>
    /// What leads to a path over symbolic links shall lead there in the run as well.
    /// </summary>
    private void NoteLinks(string path, int depth)
    {
        const int most = 40;
        string at = string.Empty;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = $"{at}/{part}";
            if (HostProcess.LinkAt(at) is { } target && depth < most)
            {
                _links[at] = target;
                NoteLinks(Path.GetFullPath(target, Path.GetDirectoryName(at)!), depth + 1);
                at = Resolved(at);
            }
        }
    }

    private List<(string Path, string Target)> LinksOnCovers()
    {
        var links = new List<(string, string)>();
        foreach ((string path, string target) in _links)
        {
            if (IsOnCover(path) && !_mounts.ContainsKey(path))
            {
                links.Add((path, target));
            }
        }

        return links;
    }

    private bool IsOnCover(string path)
    {
        for (int at = path.LastIndexOf('/'); at > 0; at = path.LastIndexOf('/', at - 1))
        {
            if (_mounts.TryGetValue(path[..at], out FileMount? mount))
            {
                return mount.Kind is MountKind.Hide or MountKind.Deny or MountKind.Tmpfs;
            }
        }

        return _default is FileAccess.Hide or FileAccess.Deny;
    }

    private static SetupException Problem(PathRule rule, string path, Errno errno) => new(
        $"{rule.Origin}: cannot use", path, errno, "make it, or take it out of filesystem.paths");

    private static MountKind KindOf(FileAccess access) => access switch
    {
        FileAccess.Ro => MountKind.ReadOnly,
        FileAccess.Rw => MountKind.ReadWrite,
        FileAccess.Hide => MountKind.Hide,
        FileAccess.Deny => MountKind.Deny,
        FileAccess.Cow => MountKind.CopyOnWrite,
        FileAccess.Tmpfs => MountKind.Tmpfs,
        FileAccess.Proc => MountKind.Proc,
        _ => MountKind.Dev,
    };
}
