using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Policies.Files;

namespace Policies;

/// <summary>The policies that ship: the files in <c>Policies/profiles</c>.</summary>
public static class BuiltinPolicies
{
    /// <summary>The one that is used when none is named.</summary>
    public const string Default = "default";

    /// <summary>Their names, in the order that listings show.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ImmutableArray.Create(Default, "build", "processes", "strict", "permissive");

    /// <summary>Loads one of them.</summary>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static Policy Get(string name) => PolicyLoader.Load([name], []).Policy
        ?? throw new ArgumentException($"no policy '{name}' ships", nameof(name));

    internal static bool Exists(string name) => BuiltinProfiles.Compiled(name) is not null;

    internal static string SourceName(string name) => $"builtin:{name}.yaml";

    internal static PolicyNode? Read(string name, Origin? by) =>
        BuiltinProfiles.Compiled(name) is { } text
            ? CompiledText.Read(text, new PolicySource(SourceName(name), by)) : null;
}
