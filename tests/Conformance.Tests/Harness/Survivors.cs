using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

namespace Conformance.Harness;

/// <summary>Finds what is left of a run by a variable in its environment.</summary>
internal static class Survivors
{
    /// <summary>Living processes that carry the mark, after at most two seconds.</summary>
    public static string[] Of(string mark)
    {
        string[] found = [];
        for (int i = 0; i < 40; i++)
        {
            found = [.. Directory.EnumerateDirectories("/proc").Where(d => Carries(d, mark))];
            if (found.Length == 0)
            {
                return found;
            }

            Thread.Sleep(50);
        }

        return found;
    }

    private static bool Carries(string process, string mark)
    {
        try
        {
            return Encoding.Latin1.GetString(File.ReadAllBytes(process + "/environ"))
                .Split('\0').Contains(mark);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
