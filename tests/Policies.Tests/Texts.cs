using System;
using System.IO;
using System.Linq;
using System.Text;
using Policies.Files;

namespace Policies.Tests;

/// <summary>Loads policies from texts of tests.</summary>
internal static class Texts
{
    public const string Name = "p.yaml";

    public static LoadedPolicy Load(string text) =>
        PolicyLoader.LoadText(Encoding.UTF8.GetBytes(text), Name);

    /// <summary>The same without a look at whether its keys fit together.</summary>
    public static LoadedPolicy Read(string text) =>
        PolicyLoader.LoadText(Encoding.UTF8.GetBytes(text), Name, fits: false);

    /// <summary>All problems of a text, as a person reads them.</summary>
    public static string[] Errors(string text) => Errors(Load(text));

    public static string[] Errors(LoadedPolicy loaded) =>
        [.. loaded.Problems.Select(p => p.ToString())];

    /// <summary>A policy that must load.</summary>
    public static Policy Valid(string text) => Valid(Load(text));

    public static Policy Valid(LoadedPolicy loaded)
    {
        Assert.Empty(Errors(loaded));
        return Assert.IsType<Policy>(loaded.Policy);
    }

    /// <summary>The section <c>creation</c> of a text that holds the keys of that section.</summary>
    public static CreationPolicy Creation(string keys)
    {
        string indented = string.Join('\n', keys.Split('\n').Select(line => "  " + line));
        return Valid($"version: 1\ncreation:\n{indented}\n").Creation;
    }
}

/// <summary>A directory of policy files that ends with the test.</summary>
internal sealed class PolicyFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("policies-").FullName;

    public string Path(string name) => System.IO.Path.Combine(_path, name);

    public string Write(string name, string text)
    {
        string path = Path(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>All problems of what is loaded, without the directory's own name.</summary>
    public string[] Errors(params string[] names) =>
    [
        .. PolicyLoader.Load([.. names.Select(Path)], []).Problems
            .Select(p => p.ToString().Replace(_path + "/", string.Empty)),
    ];

    public Policy Valid(params string[] names) => Valid(names, []);

    public Policy Valid(string[] names, string[] settings) =>
        Texts.Valid(PolicyLoader.Load([.. names.Select(Path)], settings));

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
