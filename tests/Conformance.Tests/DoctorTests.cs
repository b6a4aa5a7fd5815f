using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Conformance.Harness;

namespace Conformance;

/// <summary>What <c>sandbox doctor</c> says of this host, and of poorer ones.</summary>
[Collection("programs")]
public sealed class DoctorTests
{
    [Fact]
    public void It_says_what_a_run_then_does()
    {
        using var place = new Workplace();
        (int status, Dictionary<string, JsonElement> checks) = Diagnose(place);
        bool runs = Product.Run(place, Twice.Permissive, "true").Status == 0;
        Assert.Equal(runs ? 0 : 1, status);
        Assert.Equal(runs, checks.Values.All(c => !Required(c) || State(c) != "missing"));
    }

    [Fact]
    public void It_says_of_the_host_what_a_program_finds()
    {
        using var place = new Workplace();
        (_, Dictionary<string, JsonElement> checks) = Diagnose(place);
        Assert.Equal(
            File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            Reported.Text(checks["kernel.version"], "found"));
        string[] facts = Shell.Run("/", null, Guests.Path("hostfacts")).Out.Trim().Split('\n');
        Assert.Equal(11, facts.Length);
        foreach (string[] fact in facts.Select(f => f.Split(' ')))
        {
            Assert.Equal(
                $"{fact[0]} {(fact[1] == "0" ? "missing" : "ok")}", $"{fact[0]} {State(checks[fact[0]])}");
        }

        string abi = facts.Single(f => f.StartsWith("landlock", StringComparison.Ordinal)).Split(' ')[1];
        string told = Reported.Text(checks["landlock.abi"], "found");
        Assert.Equal(abi, told.Length == 0 ? "0" : told);
    }

    /// <summary>Limits that it names are those that a run is given.</summary>
    [Fact]
    public void It_says_which_limits_a_run_is_given()
    {
        using var place = new Workplace();
        (_, Dictionary<string, JsonElement> checks) = Diagnose(place);
        JsonElement check = checks["cgroup.delegation"];
        string[] found = Reported.Text(check, "found").Split(' ');
        foreach (string limit in new[] { "memory=256M", "cpu=1", "io_weight=100" })
        {
            int status = Product.Run(
                place, ["-q", "-p", "processes", "--set", $"resources.{limit}"], "true").Status;
            Assert.Equal((limit, status == 0), (limit, found.Contains(limit.Split('=')[0])));
        }

        bool able = found.Contains("memory") && found.Contains("cpu");
        Assert.Equal(able, State(check) == "ok");
        Assert.Equal(able, NeedsCgroupFactAttribute.Places() is not null);
    }

    [Fact]
    public void Table_and_Json_say_the_same()
    {
        using var place = new Workplace();
        (int status, Dictionary<string, JsonElement> checks) = Diagnose(place);
        Outcome table = Product.Call(place, "doctor");
        Assert.Equal(status, table.Status);
        string[] rows = [.. table.Out.Split('\n').Where(l => l.Contains('.') && !l.StartsWith(' '))];
        Assert.Equal(checks.Count, rows.Length);
        int column = table.Out.IndexOf("state", StringComparison.Ordinal);
        foreach (string row in rows)
        {
            string state = State(checks[row.Split(' ')[0]]);
            Assert.StartsWith(state, row[column..], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ptrace", "ptrace.attach", "docker run --cap-add SYS_PTRACE")]
    [InlineData("seccomp", "seccomp.filter", "docker run --security-opt seccomp=unconfined")]
    public void What_an_outer_filter_denies_is_named_with_what_mends_it(
        string lacking, string check, string mend)
    {
        using var place = new Workplace();
        (int status, Dictionary<string, JsonElement> checks) =
            Diagnose(place, Guests.Path("without"), lacking);
        Assert.Equal(1, status);
        Assert.Equal("missing", State(checks[check]));
        Assert.Contains("filter", Reported.Text(checks[check], "why"), StringComparison.Ordinal);
        Assert.Equal(mend, Reported.Text(checks[check], "mend"));
        Assert.Equal("partial", State(checks["seccomp.in_force"]));
    }

    [Fact]
    public void A_tracer_is_named()
    {
        using var place = new Workplace();
        (int status, Dictionary<string, JsonElement> checks) =
            Diagnose(place, Product.Sandbox, "run", "-q", "-p", "permissive", "--");
        Assert.Equal(1, status);
        Assert.Contains(
            "traces this program", Reported.Text(checks["ptrace.attach"], "why"), StringComparison.Ordinal);
        Assert.Equal("partial", State(checks["ptrace.tracer"]));
    }

    /// <summary>A user namespace has limits of its own, so an unprivileged one can be closed.</summary>
    [Fact]
    public void A_closed_switch_is_named_with_the_command_that_opens_it()
    {
        using var place = new Workplace();
        bool open = Shell.Run("/", null, "unshare", "-Ur", "true").Status == 0;
        (_, Dictionary<string, JsonElement> checks) = open
            ? Diagnose(
                place, "unshare", "-Ur", "sh", "-c",
                "echo 0 >/proc/sys/user/max_user_namespaces; exec \"$@\"", "sh")
            : Diagnose(place);
        Assert.Equal("missing", State(checks["namespaces.user"]));
        if (open)
        {
            Assert.Contains(
                "ENOSPC", Reported.Text(checks["namespaces.user"], "why"), StringComparison.Ordinal);
            Assert.Equal(
                "sudo sysctl -w user.max_user_namespaces=15000",
                Reported.Text(checks["namespaces.user"], "mend"));
        }
    }

    [Fact]
    public void Nobody_in_particular_may_run_it()
    {
        using var place = new Workplace();
        File.SetUnixFileMode(place.Path, (UnixFileMode)0b111_101_101);
        string copy = place.File("sandbox");
        File.Copy(Product.Sandbox, copy);
        string[] prefix = Host.IsRoot
            ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copy] : [copy];
        Outcome outcome = Shell.Run("/", null, [.. prefix, "doctor", "--json"]);
        Assert.Equal(0, outcome.Status);
        Dictionary<string, JsonElement> checks = Checks(outcome.Out);
        Assert.Equal("ok", State(checks["ptrace.capability"]));
        Assert.Equal("ok", State(checks["proc.visible"]));
        Assert.Equal(0, Shell.Run("/", null, [.. prefix, "run", "-q", "true"]).Status);
    }

    private static (int Status, Dictionary<string, JsonElement> Checks) Diagnose(
        Workplace place, params string[] prefix)
    {
        Outcome outcome = Shell.Run(
            place.Path, null, [.. prefix, Product.Sandbox, "doctor", "--json"]);
        Assert.Equal(string.Empty, outcome.Err);
        return (outcome.Status, Checks(outcome.Out));
    }

    private static Dictionary<string, JsonElement> Checks(string json)
    {
        JsonElement root = JsonDocument.Parse(json).RootElement;
        return root.GetProperty("checks").EnumerateArray()
            .ToDictionary(c => $"{Reported.Text(c, "group")}.{Reported.Text(c, "name")}");
    }

    private static string State(JsonElement check) => Reported.Text(check, "state");

    private static bool Required(JsonElement check) =>
        check.GetProperty("required").GetBoolean();
}
