using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Policies.Files;

namespace Policies.Tests;

/// <summary>Files that are named or extended: found, missing, odd, in cycles and chains.</summary>
public sealed class ReaderFileTests : IDisposable
{
    private readonly PolicyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_file_is_told_with_the_policies_that_ship() => Assert.Equal(
        ["policy 'no.yaml' is neither one that ships (default, build, processes, strict, permissive) "
            + "nor a file that exists"],
        _folder.Errors("no.yaml"));

    [Fact]
    public void A_misspelt_name_is_answered_with_the_nearest() => Assert.EndsWith(
        "; did you mean strict?",
        Assert.Single(Texts.Errors(PolicyLoader.Load(["strcit"], []))));

    [Fact]
    public void A_directory_cannot_be_read()
    {
        Directory.CreateDirectory(_folder.Path("d"));
        Assert.Equal(
            "policy 'd' cannot be read: EISDIR (Is a directory)",
            Assert.Single(_folder.Errors("d")));
    }

    [Fact]
    public void A_link_to_itself_cannot_be_read()
    {
        File.CreateSymbolicLink(_folder.Path("loop"), "loop");
        Assert.StartsWith(
            "policy 'loop' cannot be read: ELOOP (", Assert.Single(_folder.Errors("loop")));
    }

    [Fact]
    public void A_name_below_a_file_is_no_file_that_exists()
    {
        _folder.Write("a.yaml", "version: 1");
        Assert.StartsWith("policy 'a.yaml/b' ", Assert.Single(_folder.Errors("a.yaml/b")));
    }

    [Fact]
    public void A_fifo_that_nobody_writes_does_not_hold_the_reader()
    {
        using (Process made = Process.Start("mkfifo", [_folder.Path("fifo")]))
        {
            made.WaitForExit();
            Assert.Equal(0, made.ExitCode);
        }

        try
        {
            Assert.Equal(["policy 'fifo' could not be read in time"], _folder.Errors("fifo"));
        }
        finally
        {
            // The read that was given up stands in open(2) until somebody writes.
            using FileStream ends = new(
                _folder.Path("fifo"), FileMode.Open, System.IO.FileAccess.Write, FileShare.ReadWrite);
        }
    }

    [Fact]
    public void A_file_without_an_end_is_read_up_to_the_limit() => Assert.Equal(
        ["/dev/zero:1:1: a policy has at most 256 KiB"],
        Texts.Errors(PolicyLoader.Load(["/dev/zero"], [])));

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_name_that_no_file_can_have_is_refused(string name) => Assert.StartsWith(
        $"policy '{ScalarNode.Escape(name)}' ",
        Assert.Single(Texts.Errors(PolicyLoader.Load([name], []))));

    [Theory]
    [InlineData("\"a\\0b\"")]
    [InlineData("''")]
    [InlineData("/")]
    [InlineData(".")]
    [InlineData("\"\\e\"")]
    public void A_wrong_extends_is_told_at_its_place(string name)
    {
        _folder.Write("a.yaml", $"version: 1\nextends: {name}\n");
        string[] errors = _folder.Errors("a.yaml");
        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.StartsWith("a.yaml:2:10: ", e));
    }

    [Fact]
    public void A_file_that_extends_itself_is_refused()
    {
        _folder.Write("a.yaml", "version: 1\nextends: a.yaml\n");
        Assert.Equal(["a.yaml:2:10: 'a.yaml' extends itself"], _folder.Errors("a.yaml"));
    }

    [Fact]
    public void A_cycle_through_two_files_is_refused()
    {
        _folder.Write("a.yaml", "version: 1\nextends: d/b.yaml\n");
        _folder.Write("d/b.yaml", "version: 1\nextends: ./../a.yaml\n");
        Assert.Equal(
            ["d/b.yaml:2:10: './../a.yaml' extends itself"], _folder.Errors("a.yaml"));
    }

    [Fact]
    public void What_a_file_extends_is_relative_to_that_file()
    {
        _folder.Write("a.yaml", "version: 1\nextends: d/b.yaml\n");
        _folder.Write("d/b.yaml", "version: 1\nextends: c.yaml\n");
        _folder.Write("d/c.yaml", "version: 1\ncreation: {limits: {tasks: 7}}\n");
        Sourced<int> tasks = _folder.Valid("a.yaml").Creation.Limits.Of(LimitKind.Tasks)!.Value;
        Assert.Equal(7, tasks.Value);
        Assert.Equal(_folder.Path("d/c.yaml"), tasks.Origin.File);
    }

    [Fact]
    public void A_name_that_ships_goes_before_a_file_of_that_name()
    {
        _folder.Write("strict", "version: 1\ncreation: {limits: {tasks: 7}}\n");
        _folder.Write("a.yaml", "version: 1\nextends: strict\n");
        _folder.Write("b.yaml", "version: 1\nextends: ./strict\n");
        Assert.Null(_folder.Valid("a.yaml").Creation.Limits.Of(LimitKind.Tasks));
        Assert.NotNull(_folder.Valid("b.yaml").Creation.Limits.Of(LimitKind.Tasks));
    }

    [Fact]
    public void Errors_of_an_extended_file_are_told_before_those_of_the_file_itself()
    {
        _folder.Write("a.yaml", "version: 1\nextends: b.yaml\nx: 1\n");
        _folder.Write("b.yaml", "version: 1\ny: 1\n");
        Assert.Equal(
            ["b.yaml:2:1: there is no key 'y'", "a.yaml:3:1: there is no key 'x'"],
            _folder.Errors("a.yaml"));
    }

    [Theory]
    [InlineData(17, 0)]
    [InlineData(18, 1)]
    public void A_chain_of_extends_has_an_end(int files, int errors)
    {
        for (int i = 1; i <= files; i++)
        {
            _folder.Write($"{i}", i == files ? "version: 1" : $"version: 1\nextends: '{i + 1}'\n");
        }

        string[] found = _folder.Errors("1");
        Assert.Equal(errors, found.Length);
        Assert.All(found, e => Assert.StartsWith(
            "17:2:10: more than 16 policies extend one another", e));
    }

    [Fact]
    public void More_than_64_layers_are_refused()
    {
        string[] names = [.. Enumerable.Range(0, 65).Select(i => $"{i}.yaml")];
        foreach (string name in names)
        {
            _folder.Write(name, "version: 1\n");
        }

        Assert.Empty(_folder.Errors(names[..64]));
        Assert.Single(_folder.Errors(names));
    }
}
