using System;
using System.Collections.Generic;
using System.Linq;
using Policies.Files;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>What holds for every policy, tried on many that are drawn from seeds.</summary>
public sealed class PolicyPropertyTests : IDisposable
{
    private const int Policies = 200;
    private const int Calls = 6;
    private readonly PolicyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_edit_that_would_allow_a_call_allows_it()
    {
        (int open, int edited, int hopeless) = (0, 0, 0);
        for (int seed = 0; seed < Policies; seed++)
        {
            var random = new RandomPolicies(seed);
            string[] files = Layers(random);
            CreationPolicy policy = _folder.Valid(files).Creation;
            for (int i = 0; i < Calls; i++)
            {
                (EntryPoint call, ulong flags) = (random.Call(), random.Flags());
                string what = $"seed {seed}, {call.Name()} 0x{flags:x}";
                IReadOnlyList<string>? edit = PolicyEdit.ToAllow(policy, call, flags);
                Assert.True(Allows(policy, call, flags) == edit is { Count: 0 }, what);
                if (edit is null)
                {
                    Assert.True((flags & ~CloneFlags.Known) != 0 || policy.Require != 0, what);
                    hopeless++;
                    continue;
                }

                CreationPolicy after = _folder.Valid(files, [.. edit]).Creation;
                Assert.True(Allows(after, call, flags), what + ": " + string.Join(' ', edit));
                (open, edited) = edit.Count == 0 ? (open + 1, edited) : (open, edited + 1);
            }
        }

        Assert.All([open, edited, hopeless], n => Assert.InRange(n, 20, int.MaxValue));
    }

    [Fact]
    public void The_edit_opens_a_closed_call_whose_flags_are_not_known() => Assert.Equal(
        ["creation.entry.clone3=allow"],
        PolicyEdit.ToAllow(BuiltinPolicies.Get("strict").Creation, EntryPoint.Clone3, null));

    [Theory]
    [InlineData("allow: ['@fork']", 1UL << 40)]
    [InlineData("{allow: ['@fork'], require: [CLONE_NEWNS]}", CLONE_FS)]
    [InlineData("{allow: ['@all'], require: [CLONE_NEWNS]}", CLONE_FS)]
    [InlineData("{require: [CLONE_NEWIPC], deny: {'@fork': EIO}}", CLONE_SYSVSEM)]
    public void There_is_no_edit_for_what_no_addition_can_allow(string keys, ulong flags) =>
        Assert.Null(PolicyEdit.ToAllow(Texts.Creation(keys), EntryPoint.Clone, flags));

    [Fact]
    public void A_listing_loads_to_the_same_decisions()
    {
        for (int seed = 0; seed < Policies; seed++)
        {
            var random = new RandomPolicies(seed);
            Policy policy = _folder.Valid(Layers(random));
            string listing = PolicyListing.Write(policy);
            LoadedPolicy again = Texts.Load(listing);
            Assert.True(again.Policy is not null, $"seed {seed}: {Texts.Errors(again).FirstOrDefault()}\n{listing}");
            SameDecisions(policy.Creation, again.Policy.Creation, random, $"seed {seed}\n{listing}");
            Assert.Equal(
                policy.Values.Select(v => (v.Key, v.Value.Value)),
                again.Policy.Values.Where(v => policy.Values.ContainsKey(v.Key))
                    .Select(v => (v.Key, v.Value.Value)));
            Assert.Equal<ResourceLimit>(policy.Resources.Limits, again.Policy.Resources.Limits);
            Assert.Equal<int>(policy.Resources.Affinity, again.Policy.Resources.Affinity);
            Assert.Equal(policy.Resources.Nice, again.Policy.Resources.Nice);
            SameIsolation(policy, again.Policy);
        }
    }

    [Fact]
    public void A_listing_of_what_ships_loads_to_the_same_decisions()
    {
        foreach (string name in BuiltinPolicies.Names)
        {
            Policy policy = BuiltinPolicies.Get(name);
            Policy again = Texts.Valid(PolicyListing.Write(policy));
            SameDecisions(policy.Creation, again.Creation, new(1), name);
        }
    }

    [Fact]
    public void A_listing_names_where_each_value_came_from()
    {
        string listing = PolicyListing.Write(BuiltinPolicies.Get("build"));
        Assert.Contains("# builtin:processes.yaml:17:14, extended by builtin:build.yaml:3:10\n", listing);
        Assert.StartsWith("# build, resolved\nversion: 1\n", listing);
    }

    [Fact]
    public void The_cache_gives_what_the_policy_gives()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var random = new RandomPolicies(seed);
            CreationPolicy policy = _folder.Valid(Layers(random)).Creation;
            var cache = new DecisionCache(policy);
            (EntryPoint Call, ulong Flags)[] calls =
                [.. Enumerable.Range(0, 600).Select(_ => (random.Call(), random.Flags()))];
            for (int i = 0; i < 3000; i++)
            {
                (EntryPoint call, ulong flags) = calls[random.Next(calls.Length)];
                Assert.Equal(
                    call == EntryPoint.Unshare ? policy.DecideUnshare(flags) : policy.Decide(flags),
                    cache.Decide(new(random.Next(2)), call, flags));
            }

            Assert.Equal(3000, cache.Hits + cache.Misses);
            Assert.InRange(cache.Hits, 1, 2999);
        }
    }

    [Fact]
    public void The_cache_counts_hits_and_misses()
    {
        var cache = new DecisionCache(BuiltinPolicies.Get("default").Creation);
        cache.Decide(default, EntryPoint.Clone, 0);
        Assert.Equal((0L, 1L), (cache.Hits, cache.Misses));
        cache.Decide(default, EntryPoint.Clone, 0);
        cache.Decide(default, EntryPoint.Clone, 0);
        Assert.Equal((2L, 1L), (cache.Hits, cache.Misses));
        cache.Decide(new(1), EntryPoint.Clone, 0);
        cache.Decide(default, EntryPoint.Unshare, 0);
        cache.Decide(default, EntryPoint.Clone, CLONE_VM);
        Assert.Equal((2L, 4L), (cache.Hits, cache.Misses));
    }

    private string[] Layers(RandomPolicies random)
    {
        string[] files = [.. Enumerable.Range(0, 1 + random.Next(3)).Select(i => $"{i}.yaml")];
        foreach (string file in files)
        {
            _folder.Write(file, random.Layer());
        }

        return files;
    }

    private static bool Allows(CreationPolicy policy, EntryPoint call, ulong flags) =>
        policy.DecideEntry(call) is null && call switch
        {
            EntryPoint.Setns => policy.DecideSetns(flags).Allowed,
            EntryPoint.Unshare => policy.DecideUnshare(flags).Allowed,
            _ => policy.Decide(flags).Allowed,
        };

    private static void SameDecisions(
        CreationPolicy one, CreationPolicy other, RandomPolicies random, string what)
    {
        for (int i = 0; i < 100; i++)
        {
            ulong flags = random.Flags();
            Assert.True(Plain(one.Decide(flags)) == Plain(other.Decide(flags)), $"0x{flags:x} {what}");
            Assert.True(
                Plain(one.DecideUnshare(flags)) == Plain(other.DecideUnshare(flags)), $"0x{flags:x} {what}");
        }

        Assert.All(EntryPointNames.Calls, c => Assert.Equal(one.Entry(c).Value, other.Entry(c).Value));
        Assert.Equal(one.OnViolation.Value, other.OnViolation.Value);
        for (int i = 0; i < CreationLimits.Count; i++)
        {
            Assert.Equal(one.Limits.Of((LimitKind)i)?.Value, other.Limits.Of((LimitKind)i)?.Value);
        }
    }

    private static void SameIsolation(Policy one, Policy other)
    {
        (IsolationPolicy a, IsolationPolicy b) = (one.Isolation, other.Isolation);
        Assert.Equal(
            (a.Flags, a.Hostname, a.User, a.Capabilities, a.LimitsCapabilities, a.TimeOffset, a.Landlock, a.SetId, a.Keyring),
            (b.Flags, b.Hostname, b.User, b.Capabilities, b.LimitsCapabilities, b.TimeOffset, b.Landlock, b.SetId, b.Keyring));
        Assert.Equal(
            a.Denied.Select(d => (d.Number, d.Errno)), b.Denied.Select(d => (d.Number, d.Errno)));
        Assert.Equal(a.Reopened.Select(r => r.Value), b.Reopened.Select(r => r.Value));
        Assert.Equal(one.Filesystem.Default?.Value, other.Filesystem.Default?.Value);
        Assert.Equal(
            one.Filesystem.Paths.Select(p => (p.Pattern, p.Access, p.Size)),
            other.Filesystem.Paths.Select(p => (p.Pattern, p.Access, p.Size)));
        Assert.Equal(one.Degrade.Select(d => d.Value), other.Degrade.Select(d => d.Value));
    }

    [Fact]
    public void A_listing_says_where_isolation_was_set_and_why_groups_are_denied()
    {
        string listing = PolicyListing.Write(Texts.Valid("""
            version: 1
            isolation:
              namespaces: [mount]
              network: none
              syscalls: {deny: ['@swap', '@clock', bpf], allow: [clock_settime]}
            filesystem:
              default: ro
              paths: {/tmp: {access: tmpfs, size: 64M}}
            """));
        string[] lines = [.. listing.Split('\n').Select(l => string.Join(' ', l.Split(' ').Where(w => w.Length > 0)))];
        Assert.Equal(
            [
                "isolation:", "namespaces:", "- mount # p.yaml:3:16", "- net # p.yaml:4:12",
                "network: none # p.yaml:4:12", "syscalls:", "deny:",
                "# swap space is the machine's, and holds the memory of every program",
                "- '@swap' # p.yaml:5:21", "- settimeofday # p.yaml:5:30", "- bpf # p.yaml:5:40",
                "allow:", "- clock_settime # p.yaml:5:54", "filesystem:", "default: ro # p.yaml:7:12",
                "paths:", "\"/tmp\": {access: tmpfs, size: 64M} # p.yaml:8:11", "",
            ],
            lines[Array.IndexOf(lines, "isolation:")..]);
    }

    private static CreationDecision Plain(CreationDecision decision) =>
        decision with { Origin = Origin.Default };
}
