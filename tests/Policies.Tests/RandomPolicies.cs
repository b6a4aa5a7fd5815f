using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Policies.Files;

namespace Policies.Tests;

/// <summary>Layers and calls drawn from a seed.</summary>
internal sealed class RandomPolicies(int seed)
{
    private static readonly string[] Errnos = ["EPERM", "ENOSYS", "EINVAL", "EACCES", "ENOSPC"];
    private static readonly string[] AnyName = [.. FlagName.Within(ulong.MaxValue, shapes: true)];
    private static readonly string[] Strippable = [.. FlagName.Within(CloneFlags.Strippable, shapes: false)];
    private static readonly string[] Addable = [.. FlagName.Within(CloneFlags.Addable, shapes: false)];
    private static readonly ulong[] Usual =
    [
        0, Shape.Vfork.OwnFlags(), Shape.Thread.OwnFlags(), CloneFlags.Namespaces, CloneFlags.Sharing,
    ];

    private readonly Random _random = new(seed);

    public string Errno() => Errnos[_random.Next(Errnos.Length)];

    /// <summary>The text of one layer; over what ships now and then.</summary>
    public string Layer()
    {
        var text = new StringBuilder("version: 1\n");
        text.Append(_random.Next(3) == 0
            ? $"extends: {BuiltinPolicies.Names[_random.Next(BuiltinPolicies.Names.Count)]}\n" : "");
        text.Append(_random.Next(4) == 0
            ? "description: \"a # \\\"b\\\": \\\\ \\t\\ud83d\\ude00 '\\u0085 \\u2028 end \"\n" : "");
        text.Append("creation:\n  engine: ptrace\n");
        Flags(text, "allow", AnyName, 8);
        Flags(text, "strip", Strippable, 4);
        Flags(text, "require", _random.Next(3) == 0 ? Addable : [], 2);
        string[] denied = [.. Some(AnyName, 4).Distinct()];
        text.Append($"  deny: {{{string.Join(", ", denied.Select(n => $"'{n}': {Errno()}"))}}}\n");
        text.Append(_random.Next(2) == 0 ? $"  otherwise: {Errno()}\n" : "");
        text.Append(_random.Next(3) == 0 ? "  on_violation: kill\n" : "");
        string[] closed = [.. EntryPointNames.Calls.Where(_ => _random.Next(5) == 0).Select(c => c.Name())];
        text.Append($"  entry: {{{string.Join(", ", closed.Select(n => $"{n}: {Entry()}"))}}}\n");
        text.Append(_random.Next(2) == 0 ? $"  limits: {{tasks: {_random.Next(1, 5000)}}}\n" : "");
        text.Append(_random.Next(2) == 0
            ? "resources: {nice: +5, core: 4K, affinity: '3', because: 'x: y'}\n" : "");
        Isolation(text);
        return text.ToString();
    }

    public EntryPoint Call() => EntryPointNames.Calls[_random.Next(EntryPointNames.Calls.Length)];

    /// <summary>Flags as programs give them, with some more and some less.</summary>
    public ulong Flags()
    {
        ulong flags = Usual[_random.Next(Usual.Length)];
        for (int i = _random.Next(5); i > 0; i--)
        {
            flags ^= 1UL << _random.Next(7, 34);
        }

        return _random.Next(50) == 0 ? flags | (1UL << 40) : flags;
    }

    public int Next(int below) => _random.Next(below);

    private string Entry() => _random.Next(3) == 0 ? "allow" : Errno();

    /// <summary>Isolation with every namespace but net, so that whatever lies over it fits.</summary>
    private void Isolation(StringBuilder text)
    {
        string[] calls = [.. SyscallGroups.Names()];
        string[] paths = ["/", ".", "'~'", "/a*", "\"/\\\"\"", "~/x y", "/tmp/", "/[!a]", "./#"];
        string[] access = ["ro", "rw", "hide", "{access: tmpfs, size: 2048K}", "{access: tmpfs, size: 3G}", "proc"];
        text.Append("isolation:\n  namespaces: [user, mount, pid, uts, time]\n");
        text.Append(_random.Next(2) == 0 ? "  network: none\n" : "");
        text.Append(_random.Next(2) == 0 ? "  hostname: 'true'\n  user: {uid: 0, host_gid: +7}\n" : "");
        text.Append(_random.Next(3) == 0 ? $"  capabilities: [{string.Join(", ", Some(Caps, 2))}]\n" : "");
        text.Append(_random.Next(3) == 0 ? "  time_offset: {boottime: -0ms}\n  because: '@x'\n" : "");
        text.Append(_random.Next(3) == 0 ? "  landlock: off\n  keyring: on\n" : "");
        foreach (string key in new[] { "deny", "allow" })
        {
            text.Append(key == "deny" ? "  syscalls:\n" : "");
            text.Append($"    {key}: [{string.Join(", ", Some(calls[..11], 4).Select(n => $"'{n}'"))}]\n");
        }

        text.Append("filesystem:\n  default: ").Append(access[_random.Next(3)]).Append("\n  paths:\n");
        text.Append("    /every: ro\n");
        foreach (string path in Some(paths, 4).Distinct())
        {
            text.Append($"    {path}: {access[_random.Next(access.Length)]}\n");
        }

        text.Append(_random.Next(2) == 0 ? "degrade: [net, keyring]\n" : "");
    }

    private static readonly string[] Caps = ["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"];

    private void Flags(StringBuilder text, string key, string[] names, int most)
    {
        string list = string.Join(", ", Some(names, most).Select(n => $"'{n}'"));
        text.Append($"  {key}: [{list}]\n");
    }

    private IEnumerable<string> Some(string[] names, int most)
    {
        for (int i = names.Length == 0 ? 0 : _random.Next(most + 1); i > 0; i--)
        {
            yield return names[_random.Next(names.Length)];
        }
    }
}
