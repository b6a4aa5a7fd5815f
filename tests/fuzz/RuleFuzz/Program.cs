using System;

namespace RuleFuzz;

/// <summary>
/// Asks the rules, then the kernel, about the same calls, and compares. With <c>--under</c> the
/// calls are made inside the sandbox, which must give the same answers under <c>permissive</c>.
/// </summary>
internal static class Program
{
    private const string Usage =
        "usage: RuleFuzz PROBER [SEED [N]] [--under COMMAND...]\n"
        + "       RuleFuzz PROBER --replay STATE:HEX...";

    private static int Main(string[] args)
    {
        int under = Array.IndexOf(args, "--under");
        string[] command = under < 0 ? [] : args[(under + 1)..];
        args = under < 0 ? args : args[..under];
        if (args.Length < 1)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        var run = new Comparison(args[0], command);
        if (args.Length > 1 && args[1] == "--replay")
        {
            run.Replay(args[2..]);
        }
        else
        {
            int seed = args.Length > 1 ? int.Parse(args[1]) : 1;
            long wanted = args.Length > 2 ? long.Parse(args[2]) : 100_000;
            Console.WriteLine($"seed {seed}, {wanted} calls, kernel {run.Host.Version.Major}."
                + $"{run.Host.Version.Minor}.{run.Host.Version.Patch}"
                + (run.Host.FiveLevels ? ", page tables of five levels" : string.Empty));
            run.Fuzz(seed, wanted);
        }

        foreach ((string rule, string answer) in run.Unseen)
        {
            Console.WriteLine($"  not known of this kernel: {rule}; it says {answer}");
        }

        Console.WriteLine($"{run.Calls} calls, {run.Mismatches} mismatches");
        return run.Mismatches == 0 ? 0 : 1;
    }
}
