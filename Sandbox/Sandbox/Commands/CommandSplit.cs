using System;
using System.Collections.Generic;
using System.CommandLine;

namespace Sandbox.Commands;

/// <summary>
/// Finds where the sandbox's own options end and the command begins: "Everything after COMMAND
/// belongs to the command".
/// </summary>
internal static class CommandSplit
{
    /// <summary>Puts <c>--</c> before the command, unless it is there already.</summary>
    /// <param name="options">The options there are, which tell what takes a value.</param>
    /// <param name="args">All arguments, the subcommand's name first.</param>
    /// <param name="unknown">An option before the command that is not one of them.</param>
    public static string[] Mark(IReadOnlyList<Option> options, string[] args, out string? unknown)
    {
        unknown = null;
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

            int equals = arg.IndexOf('=', StringComparison.Ordinal);
            Option? option = Find(options, equals < 0 ? arg : arg[..equals]);
            if (option is null && IsBundle(options, arg))
            {
                // In -qp NAME the last letter takes the value; in -pNAME the first has it.
                option = TakesValue(Find(options, arg[..2])) ? null : Find(options, "-" + arg[^1]);
            }
            else if (option is null)
            {
                unknown = arg;
                return args;
            }

            if (equals < 0 && TakesValue(option))
            {
                i++;
            }
        }

        return args;
    }

    /// <summary>
    /// Short options written together: <c>-qv</c>, or with a value: <c>-pstrict</c>.
    /// </summary>
    private static bool IsBundle(IReadOnlyList<Option> options, string arg) =>
        arg.Length > 2 && arg[1] != '-' && Find(options, arg[..2]) is not null;

    private static bool TakesValue(Option? option) =>
        option is not null && option.Arity.MinimumNumberOfValues > 0;

    private static Option? Find(IReadOnlyList<Option> options, string name)
    {
        foreach (Option option in options)
        {
            if (option.Name == name || option.Aliases.Contains(name))
            {
                return option;
            }
        }

        return null;
    }
}
