using System.Linq;
using System.Text;
using Policies.Files;

namespace Policies.Tests;

/// <summary>What the reader says of keys and values that are wrong.</summary>
public sealed class ReaderErrorTests
{
    [Fact]
    public void Every_error_is_told_at_once_with_its_place_and_the_nearest_name()
    {
        const string text = """
            version: 1
            creation:
              allow: [CLONE_NEWSN, '@frok']
              limits: {task: 5, depth: zero}
              entry: {clone: EPREM}
            resource: {}
            """;
        Assert.Equal(
            [
                "p.yaml:3:11: creation.allow: there is no flag 'CLONE_NEWSN'; did you mean CLONE_NEWNS?",
                "p.yaml:3:24: creation.allow: there is no flag '@frok'; did you mean @fork?",
                "p.yaml:4:12: there is no key 'creation.limits.task'; did you mean tasks?",
                "p.yaml:4:28: creation.limits.depth takes a number from 1 to 4194304, not 'zero'",
                "p.yaml:5:18: creation.entry.clone takes allow or the name of an errno such as EPERM, "
                    + "not 'EPREM'; did you mean EPERM?",
                "p.yaml:6:1: there is no key 'resource'; did you mean resources?",
            ],
            Texts.Errors(text));
    }

    [Theory]
    [InlineData("allow: [NEWNS]", "11: creation.allow: there is no flag 'NEWNS'; did you mean CLONE_NEWNS?")]
    [InlineData("engine: notify", "11: creation.engine takes ptrace, not 'notify'; this version does not enforce it")]
    [InlineData("allow: [zebra]", "11: creation.allow: there is no flag 'zebra'")]
    [InlineData("allow: CLONE_VM", "10: creation.allow takes a list of flags such as CLONE_PIDFD and groups "
        + "such as '@thread', not 'CLONE_VM'; write ['CLONE_VM']")]
    [InlineData("allow: {CLONE_VM: EPERM}", "10: creation.allow takes a list of flags such as CLONE_PIDFD and "
        + "groups such as '@thread', not a section")]
    [InlineData("allow:", "9: creation.allow takes a list of flags such as CLONE_PIDFD and groups such as "
        + "'@thread', not nothing")]
    [InlineData("allow: [[CLONE_VM]]", "11: creation.allow takes flags such as CLONE_PIDFD and groups such as "
        + "'@thread', not a list")]
    [InlineData("allow: [~]", "11: creation.allow takes flags such as CLONE_PIDFD and groups such as "
        + "'@thread', not nothing")]
    [InlineData("strip: [CLONE_VM]", "11: creation.strip: CLONE_VM cannot be stripped, for the caller would get "
        + "something else than it relies on; deny it instead")]
    [InlineData("strip: ['@fork']", "11: creation.strip: @fork cannot be stripped, for the caller would get "
        + "something else than it relies on; deny it instead")]
    [InlineData("require: [CLONE_NEWTIME]", "13: creation.require: CLONE_NEWTIME cannot be required; what can "
        + "are flags of namespaces other than CLONE_NEWTIME")]
    [InlineData("deny: [CLONE_VM]", "9: creation.deny takes a section of flags such as CLONE_PIDFD and groups "
        + "such as '@thread', each with an errno, not a list; write {CLONE_NEWUSER: EPERM}")]
    [InlineData("deny: {CLONE_VM: allow}", "20: creation.deny.CLONE_VM takes the name of an errno such as EPERM, "
        + "not 'allow'")]
    [InlineData("deny: {CLONE_VM: 1}", "20: creation.deny.CLONE_VM takes the name of an errno such as EPERM, "
        + "not '1'")]
    [InlineData("otherwise: ERESTARTSYS", "14: creation.otherwise takes the name of an errno such as EPERM, "
        + "not 'ERESTARTSYS'; did you mean ERESTART?")]
    [InlineData("otherwise: [EPERM]", "14: creation.otherwise takes the name of an errno such as EPERM, "
        + "not a list")]
    [InlineData("engine: trace", "11: creation.engine takes ptrace, not 'trace'; did you mean ptrace?")]
    [InlineData("on_violation: killed", "17: creation.on_violation takes errno or kill, not 'killed'; "
        + "did you mean kill?")]
    [InlineData("limits: {tasks: \"50\"}", "19: creation.limits.tasks takes a number from 1 to 4194304, "
        + "not '50'; write it without quotes")]
    [InlineData("limits: {tasks: 0}", "19: creation.limits.tasks takes a number from 1 to 4194304, not '0'")]
    [InlineData("limits: {tasks: 4194305}", "19: creation.limits.tasks takes a number from 1 to 4194304, "
        + "not '4194305'")]
    [InlineData("limits: {tasks: 1.5}", "19: creation.limits.tasks takes a number from 1 to 4194304, not '1.5'")]
    [InlineData("limits: 5", "11: creation.limits is a section with keys, not '5'")]
    [InlineData("limits: [5]", "11: creation.limits is a section with keys, not a list")]
    [InlineData("because: ''", "12: creation.because takes a text of 1 to 1000 characters, not ''")]
    [InlineData("because: true", "12: creation.because takes a text of 1 to 1000 characters, not 'true'")]
    [InlineData("namespaces: {user: {max: -1}}", "28: creation.namespaces.user.max takes a number from 0 to "
        + "1000000, not '-1'")]
    [InlineData("namespaces: {user: {depth: 33}}", "30: creation.namespaces.user.depth takes a number from 0 to "
        + "32, not '33'")]
    [InlineData("namespaces: {user: 1}", "22: creation.namespaces.user is a section with keys, not '1'")]
    [InlineData("namespaces: {mnt: {max: 1}}", "16: there is no key 'creation.namespaces.mnt'")]
    [InlineData("namespaces: {mount: {most: 1}}", "24: there is no key 'creation.namespaces.mount.most'")]
    [InlineData("limits.tasks: 5", "3: there is no key 'creation.limits.tasks'; did you mean "
        + "creation.limits.tasks?")]
    public void A_wrong_key_of_creation_is_told(string key, string expected) => Assert.Equal(
        ["p.yaml:3:" + expected], Texts.Errors($"version: 1\ncreation:\n  {key}\n"));

    [Theory]
    [InlineData("file_size: 4g", "14: resources.file_size takes a size such as 4G, not '4g'")]
    [InlineData("file_size: '4096'", "14: resources.file_size takes a size such as 4G, not '4096'")]
    [InlineData("file_size: -1", "14: resources.file_size takes a size such as 4G, not '-1'")]
    [InlineData("file_size: ''", "14: resources.file_size takes a size such as 4G, not ''")]
    [InlineData("cpu_time: ''", "13: resources.cpu_time takes a duration of whole seconds such as 90s, 10m or 1h, "
        + "not ''")]
    [InlineData("cpu_time: 1d", "13: resources.cpu_time takes a duration of whole seconds such as 90s, 10m or "
        + "1h, not '1d'")]
    [InlineData("cpu_time: 10", "13: resources.cpu_time takes a duration of whole seconds such as 90s, 10m or "
        + "1h, not '10'")]
    [InlineData("affinity: 3-1", "13: resources.affinity takes CPU numbers such as 0,2-3, not '3-1'")]
    [InlineData("affinity: 1024", "13: resources.affinity takes CPU numbers such as 0,2-3, not '1024'")]
    [InlineData("affinity: ''", "13: resources.affinity takes CPU numbers such as 0,2-3, not ''")]
    [InlineData("affinity: [0]", "13: resources.affinity takes CPU numbers such as 0,2-3, not a list")]
    [InlineData("nice: -21", "9: resources.nice takes a number from -20 to 19, not '-21'")]
    [InlineData("scheduler: fifo", "14: resources.scheduler takes other, batch or idle, not 'fifo'")]
    [InlineData("memory: 2GB", "11: resources.memory takes a size such as 4G, not '2GB'")]
    [InlineData("cpu: 0", "8: resources.cpu takes a number from 0.01 to 1024, not '0'")]
    [InlineData("cpu: '2'", "8: resources.cpu takes a number from 0.01 to 1024, not '2'")]
    [InlineData("cpu: .nan", "8: resources.cpu takes a number from 0.01 to 1024, not '.nan'")]
    [InlineData("io_weight: 0", "14: resources.io_weight takes a number from 1 to 10000, not '0'")]
    [InlineData("wall: 2", "9: resources.wall takes a duration such as 500ms, 90s, 10m or 1h, not '2'")]
    [InlineData("idle: 0s", "9: resources.idle takes a duration such as 500ms, 90s, 10m or 1h, not '0s'")]
    [InlineData("oom: all", "8: resources.oom takes task or run, not 'all'")]
    [InlineData("tasks: 2", "3: there is no key 'resources.tasks'")]
    public void A_wrong_key_of_resources_is_told(string key, string expected)
    {
        string[] errors = Texts.Errors($"version: 1\nresources:\n  {key}\n");
        Assert.StartsWith("p.yaml:3:" + expected, Assert.Single(errors));
    }

    [Theory]
    [InlineData("domains: []")]
    public void A_section_that_is_not_enforced_is_refused_by_name(string section)
    {
        string name = section.Split(':')[0];
        Assert.Equal(
            [$"p.yaml:2:1: '{name}' is not enforced by this version, so it is refused"],
            Texts.Errors($"version: 1\n{section}\n"));
    }

    [Theory]
    [InlineData("description: x", "p.yaml:1:1: the key 'version' is missing; write 'version: 1'")]
    [InlineData("{}", "p.yaml:1:1: the key 'version' is missing; write 'version: 1'")]
    [InlineData("version: 2", "p.yaml:1:10: version takes 1, not '2'")]
    [InlineData("version: '1'", "p.yaml:1:10: version takes 1, not '1'; write it without quotes")]
    [InlineData("version: 1.0", "p.yaml:1:10: version takes 1, not '1.0'")]
    [InlineData("version:", "p.yaml:1:9: version takes 1, not nothing")]
    [InlineData("[version, 1]", "p.yaml:1:1: a policy is a section with keys, not a list")]
    [InlineData("version", "p.yaml:1:1: a policy is a section with keys, not 'version'")]
    [InlineData("", "p.yaml:1:1: the policy is empty; the least is 'version: 1'")]
    [InlineData("# nothing\n", "p.yaml:1:1: the policy is empty; the least is 'version: 1'")]
    [InlineData("version: 1\ncreation:\n", "p.yaml:2:10: creation is a section with keys, not nothing")]
    [InlineData("version: 1\ndescription: 5", "p.yaml:2:14: description takes a text of 1 to 1000 characters, "
        + "not '5'")]
    [InlineData("version: 1\nextends: 5", "p.yaml:2:10: extends takes a text of 1 to 4096 characters, not '5'")]
    [InlineData("version: 1\nextends: defualt", "p.yaml:2:10: policy 'defualt' is neither one that ships "
        + "(default, build, processes, strict, permissive); did you mean default?")]
    public void A_wrong_head_is_told(string text, string expected) =>
        Assert.Equal([expected], Texts.Errors(text));

    [Fact]
    public void Control_characters_of_an_offending_text_are_escaped()
    {
        string error = Assert.Single(Texts.Errors(
            "version: 1\ncreation: {allow: [\"\\e[31m\\u202e\\u0007\"], }"));
        Assert.Equal(
            "p.yaml:2:20: creation.allow: there is no flag '\\u001b[31m\\u202e\\u0007'", error);
    }

    [Fact]
    public void Control_characters_of_an_unknown_key_are_escaped() => Assert.Equal(
        ["p.yaml:2:1: there is no key 'a\\u001b\\u000ab'"],
        Texts.Errors("version: 1\n\"a\\e\\nb\": 1"));

    [Fact]
    public void Control_characters_of_a_denied_name_are_escaped() => Assert.All(
        Texts.Errors("version: 1\ncreation: {deny: {\"\\e\\u2028\": EPREM}}"),
        e => Assert.Contains("\\u001b\\u2028", e));

    [Fact]
    public void A_long_offending_text_is_cut()
    {
        string error = Assert.Single(Texts.Errors(
            $"version: 1\ncreation: {{otherwise: {new string('x', 500)}}}"));
        Assert.EndsWith($"not '{new string('x', 40)}...'", error);
    }

    [Fact]
    public void A_text_of_a_thousand_characters_counts_each_character_once()
    {
        string most = string.Concat(Enumerable.Repeat("\U0001f600", 1000));
        Assert.Equal(most, Texts.Valid($"version: 1\ndescription: {most}").Values["description"].Value);
        Assert.Single(Texts.Errors($"version: 1\ndescription: {most}x"));
    }

    [Fact]
    public void A_byte_order_mark_is_no_part_of_the_text()
    {
        byte[] text = [.. Encoding.UTF8.Preamble, .. "version: 1"u8];
        Texts.Valid(PolicyLoader.LoadText(text, Texts.Name));
    }

    [Fact]
    public void Json_with_and_without_spaces_is_read()
    {
        Texts.Valid("""{"version":1,"creation":{"allow":["@fork"],"limits":{"tasks":5}}}""");
        Texts.Valid("""{ "version" : 1 , "description" : "\ud83d\ude00 \/ \u00e4" }""");
    }
}
