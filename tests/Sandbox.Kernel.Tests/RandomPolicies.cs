using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Policies;
using Policies.Files;

namespace Sandbox.Kernel.Tests;

/// <summary>Policies as anybody could write them: a text laid over one that ships, or alone.</summary>
internal static class RandomPolicies
{
    private static readonly string[] Errnos =
        ["EPERM", "EINVAL", "EACCES", "ENOSYS", "ENOMEM", "EAGAIN", "EUSERS", "ENOSPC"];

    private static readonly string[] Flags = [.. CloneFlags.Names];

    private static readonly string[] Named =
        [.. Flags, "@fork", "@vfork", "@thread", "@share", "@namespaces", "@all", "@fork", "@thread"];

    private static readonly string[] Calls = [.. SyscallGroups.Names()];

    private static readonly string[] Strippable =
        [.. Flags.Where(f => Within(f, CloneFlags.Strippable)), "@namespaces"];

    private static readonly string[] Addable = [.. Flags.Where(f => Within(f, CloneFlags.Addable))];

    /// <summary>Some policies of a seed, those that ship first.</summary>
    public static IEnumerable<Policy> Some(int seed, int count)
    {
        foreach (string name in BuiltinPolicies.Names)
        {
            yield return BuiltinPolicies.Get(name);
        }

        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            yield return Next(random, closes: true);
        }
    }

    /// <summary>One policy.</summary>
    /// <param name="random">What decides.</param>
    /// <param name="closes">Whether it may close calls.</param>
    public static Policy Next(Random random, bool closes)
    {
        string text = Text(random, closes);
        LoadedPolicy loaded = PolicyLoader.LoadText(Encoding.UTF8.GetBytes(text), "random.yaml");
        Assert.True(loaded.Policy is not null, text + string.Join('\n', loaded.Problems));
        return loaded.Policy;
    }

    private static string Text(Random random, bool closes)
    {
        string[] below = closes ? ["default", "processes", "build", "strict", "permissive", ""]
            : ["default", "processes", "build", "permissive", ""];
        var text = new StringBuilder("version: 1\n");
        string extends = below[random.Next(below.Length)];
        text.Append(extends.Length == 0 ? "" : $"extends: {extends}\n");
        text.Append("creation:\n  because: it is a test\n");
        text.Append($"  allow: [{List(random, Named, 8, n => $"'{n}'")}]\n");
        text.Append($"  strip: [{List(random, Strippable, 4, n => $"'{n}'")}]\n");
        text.Append($"  deny: {{{List(random, Named, 6, n => $"'{n}': {Errno(random)}")}}}\n");
        text.Append($"  require: [{List(random, Addable, random.Next(3) == 0 ? 3 : 0, n => n)}]\n");
        text.Append($"  otherwise: {Errno(random)}\n");
        text.Append(random.Next(4) == 0 ? "  on_violation: kill\n" : "");
        text.Append(random.Next(3) == 0 ? $"  limits: {{tasks: {random.Next(1, 9)}}}\n" : "");
        text.Append(random.Next(3) == 0 ? $"  namespaces: {{{Budgets(random)}}}\n" : "");
        if (closes)
        {
            IEnumerable<string> entries = EntryPointNames.Calls.Select(
                e => $"{e.Name()}: {(random.Next(4) == 0 ? Errno(random) : "allow")}");
            text.Append($"  entry: {{{string.Join(", ", entries)}}}\n");
        }

        if (random.Next(2) == 0)
        {
            string denied = List(random, Calls, random.Next(3) == 0 ? Calls.Length : 12, n => $"'{n}'");
            string open = List(random, Calls, 5, n => $"'{n}'");
            text.Append($"isolation: {{syscalls: {{deny: [{denied}], allow: [{open}]}}}}\n");
        }

        return text.Append(random.Next(3) == 0 ? "resources: {core: 0}\n" : "").ToString();
    }

    private static string Budgets(Random random)
    {
        NamespaceType[] types = [.. NamespaceTypes.All];
        random.Shuffle(types);
        return $"{types[0].Name()}: {{max: 1{SetUp(types[0])}}}, "
            + $"{types[1].Name()}: {{depth: 2{SetUp(types[1])}}}";
    }

    private static string SetUp(NamespaceType type) => type switch
    {
        NamespaceType.User => ", map: root",
        NamespaceType.Net => ", loopback: up",
        _ => string.Empty,
    };

    private static string List(
        Random random, string[] names, int most, Func<string, string> write)
    {
        string[] mixed = [.. names];
        random.Shuffle(mixed);
        return string.Join(", ", mixed.Take(random.Next(most + 1)).Distinct().Select(write));
    }

    private static string Errno(Random random) => Errnos[random.Next(Errnos.Length)];

    private static bool Within(string name, ulong flags) =>
        CloneFlags.TryParse(name, out ulong bit) && (bit & flags) != 0;
}
