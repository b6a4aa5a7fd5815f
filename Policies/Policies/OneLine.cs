using System.Globalization;
using System.Text;

namespace Policies;

/// <summary>Texts of others, such as names of files and programs, in messages of ours.</summary>
public static class OneLine
{
    /// <summary>
    /// The text in one line that no terminal takes for a command: what is not seen is written
    /// as <c>\uXXXX</c>.
    /// </summary>
    public static string Of(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            bool plain = char.GetUnicodeCategory(c) is not (UnicodeCategory.Control
                or UnicodeCategory.Surrogate or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            shown.Append(plain ? c.ToString() : $"\\u{(int)c:x4}");
        }

        return shown.ToString();
    }
}
