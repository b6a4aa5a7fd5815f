using System;
using System.Linq;
using Interpose.Abi;
using Policies.Files;
using static Interpose.Abi.Uapi;

namespace Policies.Tests;

/// <summary>Which of several layers decides.</summary>
public sealed class LayerTests : IDisposable
{
    private readonly PolicyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("allow: [CLONE_IO]", "strip: [CLONE_IO]", FlagAction.Strip)]
    [InlineData("allow: [CLONE_IO]", "deny: {CLONE_IO: EIO}", FlagAction.Deny)]
    [InlineData("strip: [CLONE_IO]", "allow: [CLONE_IO]", FlagAction.Allow)]
    [InlineData("strip: [CLONE_IO]", "deny: {CLONE_IO: EIO}", FlagAction.Deny)]
    [InlineData("deny: {CLONE_IO: EIO}", "allow: [CLONE_IO]", FlagAction.Allow)]
    [InlineData("deny: {CLONE_IO: EIO}", "strip: [CLONE_IO]", FlagAction.Strip)]
    [InlineData("deny: {CLONE_IO: EIO}", "allow: ['@share']", FlagAction.Allow)]
    [InlineData("allow: [CLONE_IO]", "deny: {'@all': EIO}", FlagAction.Deny)]
    [InlineData("deny: {'@share': EIO}", "allow: [CLONE_IO]", FlagAction.Allow)]
    [InlineData("strip: [CLONE_IO]", "allow: [CLONE_VM]", FlagAction.Strip)]
    public void The_last_layer_that_names_a_flag_decides(
        string below, string above, FlagAction expected)
    {
        Write("below", below);
        Write("above", above);
        CreationPolicy policy = _folder.Valid("below", "above").Creation;
        Assert.Equal(expected, policy.Flag(CLONE_IO).Action);
        Assert.Equal(expected == FlagAction.Deny ? Errno.EIO : 0, policy.Flag(CLONE_IO).Errno);
    }

    [Theory]
    [InlineData("{allow: [CLONE_IO], strip: [CLONE_IO]}", FlagAction.Strip)]
    [InlineData("{deny: {CLONE_IO: EIO}, allow: [CLONE_IO]}", FlagAction.Deny)]
    [InlineData("{deny: {CLONE_IO: EIO}, strip: [CLONE_IO]}", FlagAction.Deny)]
    [InlineData("{deny: {'@share': EIO}, allow: [CLONE_IO]}", FlagAction.Allow)]
    [InlineData("{deny: {'@all': EIO}, strip: [CLONE_IO]}", FlagAction.Strip)]
    [InlineData("{deny: {CLONE_IO: EIO}, allow: ['@all']}", FlagAction.Deny)]
    [InlineData("{deny: {'@share': EIO}, allow: ['@all']}", FlagAction.Deny)]
    public void Within_a_layer_a_name_goes_before_a_group_then_deny_before_strip_before_allow(
        string creation, FlagAction expected) => Assert.Equal(
            expected,
            Texts.Valid($"version: 1\ncreation: {creation}").Creation.Flag(CLONE_IO).Action);

    [Fact]
    public void Shapes_are_layered_like_flags()
    {
        Write("a", "deny: {'@thread': ENOSYS}");
        Write("b", "allow: ['@all']");
        Assert.Equal(
            FlagAction.Allow, _folder.Valid("a", "b").Creation.ShapeRule(Shape.Thread).Action);
        FlagRule denied = _folder.Valid("b", "a").Creation.ShapeRule(Shape.Thread);
        Assert.Equal((FlagAction.Deny, Errno.ENOSYS), (denied.Action, denied.Errno));
        Assert.Equal(
            FlagAction.Allow, _folder.Valid("b", "a").Creation.ShapeRule(Shape.Fork).Action);
    }

    [Fact]
    public void A_single_value_replaces_the_one_below_it_and_required_flags_add_up()
    {
        Write("a", "otherwise: EACCES\nlimits: {tasks: 5, depth: 6}\nrequire: [CLONE_NEWUTS]");
        Write("b", "otherwise: ENOSYS\nlimits: {tasks: 7}\nrequire: [CLONE_NEWIPC]\non_violation: kill");
        CreationPolicy policy = _folder.Valid("a", "b").Creation;
        Assert.Equal(Errno.ENOSYS, policy.Otherwise.Value);
        Assert.Equal(7, policy.Limits.Of(LimitKind.Tasks)!.Value.Value);
        Assert.Equal(6, policy.Limits.Of(LimitKind.Depth)!.Value.Value);
        Assert.Equal(CLONE_NEWUTS | CLONE_NEWIPC, policy.Require);
        Assert.Equal(OnViolation.Kill, policy.OnViolation.Value);
    }

    [Fact]
    public void A_file_that_comes_up_twice_counts_once_where_it_came_first()
    {
        Write("base", "otherwise: EACCES");
        _folder.Write("a", "version: 1\nextends: base\ncreation: {otherwise: EIO}\n");
        _folder.Write("b", "version: 1\nextends: ./d/../base\n");
        _folder.Write("d/none", string.Empty);
        Assert.Equal(Errno.EIO, _folder.Valid("a", "b").Creation.Otherwise.Value);
        Assert.Equal(Errno.EIO, _folder.Valid("base", "a", "base").Creation.Otherwise.Value);
        Assert.Equal(Errno.EIO, _folder.Valid("b", "a").Creation.Otherwise.Value);
        Assert.Equal(Errno.EACCES, _folder.Valid("b").Creation.Otherwise.Value);
    }

    [Fact]
    public void A_policy_that_ships_and_comes_up_twice_counts_once()
    {
        _folder.Write("a", "version: 1\nextends: default\ncreation: {limits: {tasks: 3}}\n");
        _folder.Write("b", "version: 1\nextends: build\n");
        Policy policy = _folder.Valid("a", "b");
        Assert.Equal(16384, policy.Creation.Limits.Of(LimitKind.Tasks)!.Value.Value);
        Assert.Equal(3, _folder.Valid("b", "a").Creation.Limits.Of(LimitKind.Tasks)!.Value.Value);
    }

    [Fact]
    public void Settings_lie_over_all_in_their_order()
    {
        Write("a", "allow: ['@all']\nlimits: {tasks: 5}");
        CreationPolicy policy = _folder.Valid(
            ["a"],
            [
                "creation.limits.tasks=8", "creation.deny.CLONE_PARENT=EINVAL", "creation.deny.@fork=ENOSYS",
                "creation.allow=@fork", "creation.strip=[CLONE_IO, 'CLONE_NEWNS',\"@namespaces\"]",
                "creation.allow=CLONE_NEWUSER,CLONE_NEWNET", "creation.allow=", "creation.allow=[]",
            ]).Creation;
        Assert.Equal(8, policy.Limits.Of(LimitKind.Tasks)!.Value.Value);
        Assert.Equal(
            new FlagRule(FlagAction.Deny, Errno.EINVAL, new(new("--set"), 2, 15)),
            policy.Flag(CLONE_PARENT));
        Assert.Equal(FlagAction.Allow, policy.ShapeRule(Shape.Fork).Action);
        Assert.Equal(
            (CloneFlags.Namespaces & ~(CLONE_NEWUSER | CLONE_NEWNET)) | CLONE_IO, policy.Strip);
        Assert.Equal("--set:6:30", policy.Flag(CLONE_NEWNET).Origin!.ToString());
    }

    [Theory]
    [InlineData("nonsense", "1: --set takes KEY=VALUE such as creation.limits.tasks=50, not 'nonsense'")]
    [InlineData("=5", "1: --set takes KEY=VALUE such as creation.limits.tasks=50, not '=5'")]
    [InlineData("\u001b", "1: --set takes KEY=VALUE such as creation.limits.tasks=50, not '\\u001b'")]
    [InlineData("", "1: --set takes KEY=VALUE such as creation.limits.tasks=50, not ''")]
    [InlineData("version=1", "1: version cannot be set from the command line")]
    [InlineData("extends=strict", "1: extends cannot be set from the command line")]
    [InlineData("creation.limits.task=5", "1: there is no key 'creation.limits.task'; did you mean "
        + "creation.limits.tasks?")]
    [InlineData("tasks=5", "1: there is no key 'tasks'; did you mean creation.limits.tasks?")]
    [InlineData("creation.limits=5", "1: 'creation.limits' is a section; set one of its keys: tasks, threads, "
        + "depth, per_second")]
    [InlineData("domains=5", "1: 'domains' is not enforced by this version, so it is refused")]
    [InlineData("creation.deny=CLONE_VM", "1: 'creation.deny' is a section; set one of its flags: "
        + "creation.deny.CLONE_NEWUSER=EPERM")]
    [InlineData("creation.limits.tasks=x", "23: creation.limits.tasks takes a number from 1 to 4194304, not 'x'")]
    [InlineData("creation.limits.tasks=", "23: creation.limits.tasks takes a number from 1 to 4194304, "
        + "not nothing")]
    [InlineData("creation.allow=CLONE_VM,CLONE_NEWSN", "25: creation.allow: there is no flag 'CLONE_NEWSN'; "
        + "did you mean CLONE_NEWNS?")]
    [InlineData("creation.allow=[CLONE_VM, CLONE_NEWSN]", "27: creation.allow: there is no flag 'CLONE_NEWSN'; "
        + "did you mean CLONE_NEWNS?")]
    [InlineData("creation.allow=CLONE_VM,", "25: creation.allow: there is no flag ''")]
    [InlineData("creation.deny.CLONE_NEWSN=EPERM", "15: creation.deny: there is no flag 'CLONE_NEWSN'; "
        + "did you mean CLONE_NEWNS?")]
    [InlineData("creation.deny.CLONE_VM=EPREM", "24: creation.deny.CLONE_VM takes the name of an errno such as "
        + "EPERM, not 'EPREM'; did you mean EPERM?")]
    public void A_wrong_setting_is_told_with_its_number_and_column(string setting, string expected) =>
        Assert.Equal(
            ["--set:2:" + expected],
            Texts.Errors(PolicyLoader.Load(["default"], ["creation.limits.tasks=9", setting])));

    [Fact]
    public void Files_and_settings_that_are_wrong_are_told_together()
    {
        Write("a", "allow: [x]");
        Assert.Equal(
            3, PolicyLoader.Load([_folder.Path("a"), "strct"], ["b=1"]).Problems.Count);
    }

    [Fact]
    public void The_name_of_a_policy_is_that_of_its_layers() => Assert.Equal(
        "default+strict", Texts.Valid(PolicyLoader.Load(["default", "strict"], [])).Name);

    private void Write(string name, string keys)
    {
        string indented = string.Join('\n', keys.Split('\n').Select(line => "  " + line));
        _folder.Write(name, $"version: 1\ncreation:\n{indented}\n");
    }
}
