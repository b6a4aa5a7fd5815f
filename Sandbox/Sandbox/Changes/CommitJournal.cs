using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Interpose.Files;

namespace Sandbox.Changes;

/// <summary>
/// What a commit writes down beside the kept changes before it touches the real tree, so that the
/// next one can finish what a killed one began.
/// </summary>
/// <param name="Mark">Of the names of what is made ready: 12 hexadecimal digits.</param>
/// <param name="Changes">How many changes there are.</param>
/// <param name="Steps">Its steps; null as long as not all is ready: nothing changed.</param>
internal sealed record CommitJournal(string Mark, int Changes, IReadOnlyList<CommitStep>? Steps)
{
    private const string Version = "sandbox-commit-1";
    private const string None = "-";
    private const string End = "end";
    private const int MarkLength = 12;
    private static readonly SearchValues<char> Letters = SearchValues.Create("0123456789abcdef");

    /// <summary>What all names of what is made ready begin with.</summary>
    public static string Prefix(string mark) => $".sandbox-commit-{mark}-";

    /// <summary>A line for each step.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Version} {Mark} {Changes}\n");
        foreach (CommitStep step in Steps ?? [])
        {
            text.Append(CultureInfo.InvariantCulture, $"{(int)step.Act} {step.Change.Root} ");
            text.Append(Hex(step.Change.Path)).Append(' ').Append(Hex(step.Directory)).Append(' ');
            text.Append(Hex(step.Name)).Append(' ').Append(Hex(step.Temporary)).Append(' ');
            text.Append(Text(step.Change.Now)).Append(' ').Append(Text(step.Change.Real));
            text.Append(' ').Append(Text(step.Made)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.Append(Steps is null ? "" : End + "\n").ToString());
    }

    /// <summary>Reads it back; null when it is none.</summary>
    public static CommitJournal? Read(byte[] text)
    {
        string[] lines = Encoding.ASCII.GetString(text).Split('\n');
        string[] head = lines[0].Split(' ');
        if (head is not [Version, { Length: MarkLength } mark, var count]
            || !int.TryParse(count, CultureInfo.InvariantCulture, out int changes)
            || mark.AsSpan().ContainsAnyExcept(Letters))
        {
            return null;
        }

        try
        {
            bool isWhole = lines is [.., End, ""];
            var steps = new List<CommitStep>();
            for (int i = 1; isWhole && i < lines.Length - 2; i++)
            {
                steps.Add(Step(lines[i].Split(' ')));
            }

            return isWhole || lines.Length == 2 ? new(mark, changes, isWhole ? steps : null) : null;
        }
        catch (Exception e) when (e is FormatException or OverflowException
            or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static CommitStep Step(string[] words)
    {
        var act = (CommitAct)int.Parse(words[0], CultureInfo.InvariantCulture);
        var change = new Change(
            int.Parse(words[1], CultureInfo.InvariantCulture), Bytes(words[2]),
            act == CommitAct.Take ? ChangeKind.Deleted : ChangeKind.Modified, Status(words[6]),
            Status(words[7]));
        return new(
            act, change, Bytes(words[3]), Bytes(words[4]), Bytes(words[5]), Status(words[8]));
    }

    private static string Hex(byte[] bytes) =>
        bytes.Length == 0 ? None : Convert.ToHexString(bytes);

    private static byte[] Bytes(string hex) => hex == None ? [] : Convert.FromHexString(hex);

    private static string Text(FileStatus? status) => status is not { } s ? None
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{(int)s.Kind},{s.Mode},{s.User},{s.Group},{s.Size},{s.Device},{s.Inode},{s.Links},")
        + string.Create(CultureInfo.InvariantCulture, $"{s.Modified},{s.Changed},{s.Number}");

    private static FileStatus? Status(string text)
    {
        if (text == None)
        {
            return null;
        }

        string[] n = text.Split(',');
        CultureInfo how = CultureInfo.InvariantCulture;
        return new(
            (FileKind)int.Parse(n[0], how), int.Parse(n[1], how), uint.Parse(n[2], how),
            uint.Parse(n[3], how), long.Parse(n[4], how), ulong.Parse(n[5], how),
            ulong.Parse(n[6], how), uint.Parse(n[7], how), long.Parse(n[8], how),
            long.Parse(n[9], how), ulong.Parse(n[10], how));
    }
}
