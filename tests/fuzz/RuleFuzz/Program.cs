using System;

namespace RuleFuzz;

/// <summary>
/// Asks the rules, then the kernel, about the same calls, and compares.
/// <c>RuleFuzz PROBER [SEED [N]]</c>, or <c>RuleFuzz PROBER --replay STATE:HEX...</c>.
/// </summary>
internal static class Program
{


    private static int Main(string[] args)
    {
        if (args.Length < 1)
        {
            Console.Error.WriteLine("usage: RuleFuzz PROBER [SEED [N]] | PROBER --replay STATE:HEX...");
            return 2;
        }

        var run = new Comparison(args[0]);
        if (args.Length > 1 && args[1] == "--replay")
        {
            run.Replay(args[2..]);
        }
        else
        {
            int seed = args.Length > 1 ? int.Parse(args[1]) : 1;
            long wanted = args.Length > 2 ? long.Parse(args[2]) : 100_000;
            Console.WriteLine($"seed {seed}, {wanted} calls, kernel {run.Host.Version.Major}."
                + $"{run.Host.Version.Minor}");
            run.Fuzz(seed, wanted);
        }

        Console.WriteLine($"{run.Calls} calls, {run.Mismatches} mismatches");
        return run.Mismatches == 0 ? 0 : 1;
    }
}
