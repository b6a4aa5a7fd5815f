using System;
using System.Collections.Generic;
using System.Globalization;
using Interpose.Abi;
using Policies;
using Policies.Files;

namespace Sandbox.Explain;

/// <summary>Walks over the text of a call.</summary>
internal sealed class CallScanner(string text)
{
    private const int MostTids = 64;
    private int _at;

    /// <summary>Where the next thing begins, from 1.</summary>
    public int Column
    {
        get
        {
            SkipSpace();
            return _at + 1;
        }
    }

    public bool AtEnd => Column > text.Length;

    /// <summary>Takes a character if it comes next.</summary>
    public bool Take(char c)
    {
        SkipSpace();
        bool there = _at < text.Length && text[_at] == c;
        _at += there ? 1 : 0;
        return there;
    }

    /// <summary>Takes a word; empty when none comes next.</summary>
    public string Word()
    {
        SkipSpace();
        int from = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_'))
        {
            _at++;
        }

        return text[from.._at];
    }

    /// <summary>
    /// Takes <c>NAME=</c>; null, and nothing taken, when that does not come next.
    /// </summary>
    public string? NameBeforeEquals()
    {
        int before = _at;
        string word = Word();
        if (word.Length > 0 && Take('='))
        {
            return word;
        }

        _at = before;
        return null;
    }

    /// <summary>Takes flags, signals and numbers, joined with '|'.</summary>
    /// <param name="value">What they come to.</param>
    /// <param name="number">Whether there is no name among them.</param>
    public CallTextError? Expression(out ulong value, out bool number)
    {
        value = 0;
        number = true;
        do
        {
            int column = Column;
            string word = Word();
            if (!TryTerm(word, out ulong term))
            {
                return new(column, word.Length == 0 ? "a flag, a signal or a number is missing here"
                    : $"'{word}' is no flag, signal or number"
                        + Nearest.Suggest(word, [.. CloneFlags.Names, .. SignalNames.All]));
            }

            value |= term;
            number &= char.IsAsciiDigit(word[0]);
        }
        while (Take('|'));
        return null;
    }

    /// <summary>Takes a list of task ids in brackets.</summary>
    public CallTextError? Numbers(ICollection<uint> numbers)
    {
        if (!Take('['))
        {
            return new(Column, "set_tid takes ids in brackets, such as [7]");
        }

        while (!Take(']'))
        {
            if (numbers.Count == MostTids || (numbers.Count > 0 && !Take(',')))
            {
                return new(Column, $"',' or ']' is missing here, after at most {MostTids} ids");
            }

            int column = Column;
            if (!TryNumber(Word(), out ulong number) || number > uint.MaxValue)
            {
                return new(column, "an id is a number of 32 bits");
            }

            numbers.Add((uint)number);
        }

        return null;
    }

    private static bool TryTerm(string word, out ulong value)
    {
        if (CloneFlags.TryParse(word, out value) || TryNumber(word, out value))
        {
            return true;
        }

        int signal = SignalNames.Parse(word);
        value = (ulong)signal;
        return signal > 0;
    }

    private static bool TryNumber(string word, out ulong value)
    {
        bool hex = word.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return hex
            ? ulong.TryParse(
                word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out value)
            : ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private void SkipSpace()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t' or '\n')
        {
            _at++;
        }
    }
}
