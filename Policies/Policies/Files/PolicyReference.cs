using System.Text;

namespace Policies.Files;

/// <summary>The reference of all keys in Markdown, made from the model: docs/policy.md.</summary>
public static class PolicyReference
{
    /// <summary>The tables of keys and groups.</summary>
    public static string Write()
    {
        var text = new StringBuilder();
        WriteSection(text, "The file itself", string.Empty, string.Empty);
        foreach ((string section, string description) in PolicyModel.Sections)
        {
            // Sections within a section that has nothing else are rows of its table.
            if (section.Split('.').Length < 3)
            {
                WriteSection(text, $"`{section}`", section, description);
            }
        }

        text.Append("### Groups of flags\n\n| group | stands for |\n|---|---|\n");
        foreach (FlagName group in FlagName.Groups)
        {
            text.Append($"| `'{group.Name}'` | {Members(group)} |\n");
        }

        text.Append("\n### Groups of system calls\n\nCalls that no group names answer EPERM.\n\n"
            + "| group | answer | calls | why |\n|---|---|---|---|\n");
        foreach (SyscallGroup group in SyscallGroups.All)
        {
            text.Append($"| `'{group.Name}'` | {group.Errno} | {string.Join(", ", group.Calls)} ");
            text.Append($"| {group.Reason} |\n");
        }

        text.Append("\nRefused until a version enforces them: ");
        text.Append('`').AppendJoin("`, `", PolicyModel.NotEnforced).Append("`.\n");
        return text.ToString();
    }

    private static void WriteSection(
        StringBuilder text, string title, string section, string description)
    {
        text.Append($"### {title}\n\n");
        text.Append(description.Length == 0 ? string.Empty : description + "\n\n");
        text.Append("| key | takes | default | example | |\n|---|---|---|---|---|\n");
        WriteKeys(text, section, string.Empty);
        text.Append('\n');
    }

    private static void WriteKeys(StringBuilder text, string section, string prefix)
    {
        foreach (string name in PolicyModel.Below(section))
        {
            string full = section.Length == 0 ? name : $"{section}.{name}";
            if (PolicyModel.Find(full) is { } key)
            {
                text.Append($"| `{prefix}{name}` | {key.Kind.Takes} | {key.Default} | ");
                text.Append($"`{key.Example}` | {key.Description} |\n");
            }
            else if (section.Contains('.'))
            {
                WriteKeys(text, full, name + ".");
            }
        }
    }

    private static string Members(FlagName group)
    {
        if (group.Shapes.Length == Shapes.Count)
        {
            return "every flag and every shape";
        }

        string flags = string.Join(
            ", ", CloneFlags.Of(group.Shapes.IsEmpty ? group.Flags : group.Shapes[0].OwnFlags()));
        return group.Shapes.IsEmpty ? flags
            : group.Shapes[0] switch
            {
                Shape.Fork => "a process beside its creator, with ",
                Shape.Vfork => "a process whose creator waits (CLONE_VFORK), with ",
                _ => "a thread (CLONE_THREAD), with ",
            }
            + flags;
    }
}
