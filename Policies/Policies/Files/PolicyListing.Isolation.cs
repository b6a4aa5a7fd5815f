using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Abi;

namespace Policies.Files;

/// <content>The sections <c>isolation</c> and <c>filesystem</c>.</content>
public static partial class PolicyListing
{
    private const string Isolation = "isolation.";

    /// <summary>A section whose keys are written as they were set.</summary>
    private static void Section(StringBuilder text, Policy policy, string name, string indent)
    {
        var body = new StringBuilder();
        foreach (string key in PolicyModel.Below(name))
        {
            Value(body, policy, $"{name}.{key}", indent + "  ");
        }

        if (body.Length > 0)
        {
            text.Append(indent).Append(name[(name.LastIndexOf('.') + 1)..]).Append(":\n");
            text.Append(body);
        }
    }

    private static void WriteIsolation(StringBuilder text, Policy policy)
    {
        IsolationPolicy isolation = policy.Isolation;
        var body = new StringBuilder();
        Value(body, policy, Isolation + "because", "  ");
        List(body, "namespaces", Names(isolation.Namespaces, NamespaceTypes.Name));
        Value(body, policy, Isolation + "hostname", "  ");
        Section(body, policy, Isolation + "user", "  ");
        if (isolation.CapabilitiesAt is { } at)
        {
            string names = string.Join(", ", CapabilityNames.Of(isolation.Capabilities));
            Line(body, $"  capabilities: [{names}]", at);
        }

        Value(body, policy, Isolation + "network", "  ");
        Section(body, policy, Isolation + "time_offset", "  ");
        WriteSyscalls(body, isolation);
        Value(body, policy, Isolation + "landlock", "  ");
        Value(body, policy, Isolation + "keyring", "  ");
        text.Append(body.Length > 0 ? "isolation:\n" : string.Empty).Append(body);
    }

    /// <summary>
    /// A group that is denied as a whole is written by its name, with its reason; of others the
    /// calls that are denied.
    /// </summary>
    private static void WriteSyscalls(StringBuilder text, IsolationPolicy isolation)
    {
        if (isolation.Denied.IsEmpty && isolation.Reopened.IsEmpty)
        {
            return;
        }

        text.Append("  syscalls:\n");
        text.Append(isolation.Denied.IsEmpty ? string.Empty : "    deny:\n");
        var written = new HashSet<int>();
        foreach (SyscallGroup group in SyscallGroups.All)
        {
            if (WholeGroupAt(isolation, group) is { } origin)
            {
                text.Append("      # ").Append(group.Reason).Append('\n');
                Line(text, $"      - {Quote(group.Name)}", origin);
                written.UnionWith(group.Numbers);
            }
        }

        foreach (DeniedSyscall call in isolation.Denied)
        {
            if (!written.Contains(call.Number))
            {
                Line(text, $"      - {SyscallNames.Of(call.Number)}", call.Origin);
            }
        }

        List(
            text, "allow", Names(isolation.Reopened, static number => SyscallNames.Of(number)!),
            "    ");
    }

    /// <summary>Where a group was denied; null when it was not, or not all of it.</summary>
    private static Origin? WholeGroupAt(IsolationPolicy isolation, SyscallGroup group)
    {
        Origin? origin = null;
        int count = 0;
        foreach (DeniedSyscall call in isolation.Denied)
        {
            if (call.Group == group.Name)
            {
                origin = call.Origin;
                count++;
            }
        }

        return count == group.Numbers.Length ? origin : null;
    }

    private static void WriteFilesystem(StringBuilder text, Policy policy)
    {
        var body = new StringBuilder();
        Value(body, policy, "filesystem.because", "  ");
        Value(body, policy, "filesystem.view", "  ");
        Value(body, policy, "filesystem.default", "  ");
        body.Append(policy.Filesystem.Paths.IsEmpty ? string.Empty : "  paths:\n");
        foreach (PathRule rule in policy.Filesystem.Paths)
        {
            string access = PathMapKind.NameOf(rule.Access);
            Line(
                body, $"    {QuoteText(rule.Pattern)}: " + (rule.Size is { } size
                    ? $"{{access: {access}, size: {SizeText(size)}}}" : access),
                rule.Origin);
        }

        text.Append(body.Length > 0 ? "filesystem:\n" : string.Empty).Append(body);
    }

    /// <summary>The size in the greatest unit that it is a whole number of.</summary>
    private static string SizeText(ulong bytes)
    {
        int unit = 0;
        while (unit < 3 && bytes % (1024UL << (10 * unit) << 10) == 0)
        {
            unit++;
        }

        return string.Create(
            CultureInfo.InvariantCulture, $"{bytes >> (10 * (unit + 1))}{"KMGT"[unit]}");
    }

    private static List<Sourced<string>> Names<T>(
        IEnumerable<Sourced<T>> values, Func<T, string> name)
    {
        var names = new List<Sourced<string>>();
        foreach (Sourced<T> value in values)
        {
            names.Add(new(name(value.Value), value.Origin));
        }

        return names;
    }
}
