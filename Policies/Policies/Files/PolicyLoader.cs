using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using Interpose.Abi;

namespace Policies.Files;

/// <summary>What loading came to.</summary>
/// <param name="Policy">The policy; null when anything is wrong.</param>
/// <param name="Problems">All that is wrong, in the order of the texts.</param>
public sealed record LoadedPolicy(Policy? Policy, IReadOnlyList<PolicyProblem> Problems);

/// <summary>An option of the command line that stands for a key.</summary>
/// <param name="Option">The option, for messages.</param>
/// <param name="Number">Which of them, from 1.</param>
/// <param name="Key">The key.</param>
/// <param name="Entry">The entry of the key, where it is a section of entries.</param>
/// <param name="Value">What it is set to.</param>
public sealed record PolicyOption(
    string Option, int Number, string Key, string? Entry, string Value);

/// <summary>
/// Turns names, files and settings into one policy: each extends what it names, later ones lie
/// over earlier ones, settings over all. A text that several extend is laid once, where it comes
/// first.
/// </summary>
public sealed class PolicyLoader
{
    private const int MostLayers = 64;
    private const int MostExtends = 16;
    private const string NorFile = " nor a file that exists";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly List<PolicyProblem> _problems = [];
    private readonly PolicyDraft _draft = new();
    private readonly HashSet<string> _laid = new(StringComparer.Ordinal);
    private readonly PolicyBinder _binder;
    private int _layers;

    private PolicyLoader() => _binder = new(_draft, _problems);

    /// <summary>Loads a policy.</summary>
    /// <param name="names">Names of policies that ship, or files; in order of layers.</param>
    /// <param name="settings">Single keys as <c>KEY=VALUE</c>.</param>
    /// <param name="options">What lies over all.</param>
    public static LoadedPolicy Load(
        IReadOnlyList<string> names, IReadOnlyList<string> settings,
        IReadOnlyList<PolicyOption>? options = null)
    {
        var loader = new PolicyLoader();
        foreach (string name in names)
        {
            loader.Lay(name, null, 0);
        }

        for (int i = 0; i < settings.Count; i++)
        {
            loader._binder.BindSetting(settings[i], i + 1);
        }

        loader._binder.BindOptions(options ?? []);
        return loader.Finish(string.Join('+', names), fits: true);
    }

    /// <summary>
    /// Loads a policy from a text in memory; what it extends must be one that ships.
    /// </summary>
    /// <param name="text">The text, UTF-8.</param>
    /// <param name="name">How messages call it.</param>
    public static LoadedPolicy LoadText(ReadOnlySpan<byte> text, string name) =>
        LoadText(text, name, fits: true);

    /// <summary>The same; whether what it says must fit together is the caller's to say.</summary>
    internal static LoadedPolicy LoadText(ReadOnlySpan<byte> text, string name, bool fits)
    {
        var loader = new PolicyLoader();
        if (YamlText.Read(text, new(name), loader._problems) is { } root)
        {
            if (PolicyBinder.ExtendsOf(root) is { } extends)
            {
                loader.LayBuiltin(extends.Value, extends.Origin);
            }

            loader._binder.Bind(root);
        }

        return loader.Finish(name, fits);
    }

    private LoadedPolicy Finish(string name, bool fits)
    {
        if (_problems.Count > 0)
        {
            return new(null, _problems);
        }

        Policy policy = _draft.Finish(name);
        if (fits)
        {
            PolicyFit.Check(policy, _draft.Isolation.NetworkConflict(), _problems);
        }

        return new(_problems.Count == 0 ? policy : null, _problems);
    }

    private void Lay(string name, Origin? by, int depth)
    {
        if (!name.Contains('/', StringComparison.Ordinal) && BuiltinPolicies.Exists(name))
        {
            LayBuiltin(name, by);
            return;
        }

        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
        {
            RefuseName(name, by, NorFile);
            return;
        }

        string path = by is null ? name
            : Path.Combine(Path.GetDirectoryName(by.File) ?? string.Empty, name);
        string full = Path.GetFullPath(path);
        if (InCycle(by, full))
        {
            _problems.Add(new(by, $"'{ScalarNode.Escape(name)}' extends itself"));
        }
        else if (depth > MostExtends || ++_layers > MostLayers)
        {
            _problems.Add(new(by, $"more than {MostExtends} policies extend one another, or more "
                + $"than {MostLayers} are laid over one another"));
        }
        else if (_laid.Add(full) && ReadFile(path, by) is { } bytes
            && YamlText.Read(bytes, new(path, by), _problems) is { } root)
        {
            if (PolicyBinder.ExtendsOf(root) is { } extends)
            {
                Lay(extends.Value, extends.Origin, depth + 1);
            }

            _binder.Bind(root);
        }
    }

    private static bool InCycle(Origin? by, string full)
    {
        for (Origin? at = by; at is not null; at = at.Source.ExtendedBy)
        {
            if (Path.GetFullPath(at.File) == full)
            {
                return true;
            }
        }

        return false;
    }

    private void LayBuiltin(string name, Origin? by)
    {
        if (BuiltinPolicies.Read(name, by) is not { } root)
        {
            RefuseName(name, by, string.Empty);
        }
        else if (_laid.Add(BuiltinPolicies.SourceName(name)))
        {
            if (PolicyBinder.ExtendsOf(root) is { } extends)
            {
                LayBuiltin(extends.Value, extends.Origin);
            }

            _binder.Bind(root);
        }
    }

    private byte[]? ReadFile(string path, Origin? by)
    {
        try
        {
            // What opens may be a FIFO that nobody writes: the wait for it ends.
            Task<byte[]> read = Task.Run(() => ReadAtMost(path, YamlText.MostBytes + 1));
            if (read.Wait(Patience))
            {
                return read.Result;
            }

            _problems.Add(new(by, $"policy '{ScalarNode.Escape(path)}' could not be read in time"));
        }
        catch (AggregateException e) when (e.InnerException is FileNotFoundException
            or DirectoryNotFoundException)
        {
            RefuseName(path, by, NorFile);
        }
        catch (AggregateException e) when (e.InnerException is IOException
            or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            _problems.Add(new(by, $"policy '{ScalarNode.Escape(path)}' cannot be read: "
                + WhyNot(path, e.InnerException!)));
        }

        return null;
    }

    /// <summary>Why a file that is there cannot be read, without its path.</summary>
    private static string WhyNot(string path, Exception e)
    {
        // File calls keep errno as the HResult where it has no exception of its own.
        bool isErrno = e.HResult is > 0 and < 4096;
        return Directory.Exists(path) ? Errno.EISDIR.Describe()
            : e is UnauthorizedAccessException ? Errno.EACCES.Describe()
            : isErrno ? ((Errno)e.HResult).Describe() : e.GetType().Name;
    }

    private static byte[] ReadAtMost(string path, int most)
    {
        using FileStream stream = new(
            path, FileMode.Open, System.IO.FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[most];
        int filled = stream.ReadAtLeast(bytes, most, throwOnEndOfStream: false);
        return bytes[..filled];
    }

    private void RefuseName(string name, Origin? by, string orFile) => _problems.Add(new(
        by, $"policy '{ScalarNode.Escape(name)}' is neither one that ships "
            + $"({string.Join(", ", BuiltinPolicies.Names)}){orFile}"
            + Nearest.Suggest(name, BuiltinPolicies.Names)));
}
