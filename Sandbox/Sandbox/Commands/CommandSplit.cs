using System;
using System.CommandLine;

namespace Sandbox.Commands;

/// <summary>
/// Finds where the sandbox's own options end and the command begins: "Everything after COMMAND
/// belongs to the command".
/// </summary>
internal static class CommandSplit
{
    /// <summary>Puts <c>--</c> before the command, unless it is there already.</summary>
    /// <param name="command">The subcommand, whose options tell which of them take a value.</param>
    /// <param name="args">All arguments, the subcommand's name first.</param>
    public static string[] Mark(Command command, string[] args)
    {
        for (int i = 1; i < args.Length; i++)
        {
            string arg = args[i];
            if (arg == "--")
            {
                return args;
            }

            if (!arg.StartsWith('-') || arg == "-")
            {
                return [.. args[..i], "--", .. args[i..]];
            }

            if (!arg.Contains('=', StringComparison.Ordinal) && TakesValue(command, arg))
            {
                i++;
            }
        }

        return args;
    }

    private static bool TakesValue(Command command, string name)
    {
        foreach (Option option in command.Options)
        {
            if (option.Name == name || option.Aliases.Contains(name))
            {
                return option.Arity.MinimumNumberOfValues > 0;
            }
        }

        return false;
    }
}
