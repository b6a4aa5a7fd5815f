using System;
using System.Collections.Generic;
using System.Text;

namespace Bench;

/// <summary>The ratios to native as bars with their spread, on a logarithmic scale.</summary>
internal static class Plot
{
    private const int Left = 210;
    private const int Width = 560;
    private const int Row = 46;
    private const int Bar = 15;
    private const int Top = 64;
    private const double Lowest = 0.8;
    private const double Highest = 40;
    private static readonly double[] Grid = [1, 1.5, 2, 3, 5, 10, 20, 40];

    public static string Draw(IReadOnlyList<Measured> operations)
    {
        int height = Top + (operations.Count * Row) + 20;
        var svg = new StringBuilder();
        svg.Append(
                $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Left + Width + 60}\" "
            + $"height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n"
            + "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
            + "<text x=\"12\" y=\"20\" font-size=\"14\">Time of one operation, as a ratio to "
            + "native (median; line from p10 to p90)</text>\n"
            + "<rect x=\"12\" y=\"30\" width=\"12\" height=\"12\" fill=\"#2b6cb0\"/>"
            + "<text x=\"30\" y=\"41\">sandbox</text>"
            + "<rect x=\"100\" y=\"30\" width=\"12\" height=\"12\" fill=\"#bbb\"/>"
            + "<text x=\"118\" y=\"41\">strace</text>"
            + "<path d=\"M190 28 V44\" stroke=\"#c53030\" stroke-width=\"3\"/>"
            + "<text x=\"198\" y=\"41\">goal</text>\n");
        foreach (double ratio in Grid)
        {
            svg.Append(
                $"<path d=\"M{X(ratio):F1} {Top} V{height - 18}\" stroke=\"#ddd\"/>"
                + $"<text x=\"{X(ratio):F1}\" y=\"{height - 4}\" text-anchor=\"middle\">"
                + $"{ratio:0.#}</text>\n");
        }

        for (int i = 0; i < operations.Count; i++)
        {
            Rows(svg, operations[i], Top + (i * Row));
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Rows(StringBuilder svg, Measured one, int y)
    {
        string name = one.Case.Name.Replace("`", "", StringComparison.Ordinal);
        svg.Append(
                $"<text x=\"{Left - 10}\" y=\"{y + 19}\" text-anchor=\"end\">{name}, "
            + $"{(one.IsPinned ? "one CPU" : "free")}</text>\n");
        Bars(svg, one.Ratio("ours"), y, "#2b6cb0");
        Bars(svg, one.Ratio("strace"), y + Bar + 2, "#bbb");
        if (one.Goal is { } goal)
        {
            svg.Append(
                $"<path d=\"M{X(goal):F1} {y - 2} V{y + Bar + 2}\" stroke=\"#c53030\" "
                + "stroke-width=\"3\"/>\n");
        }
    }

    private static void Bars(StringBuilder svg, Sample ratio, int y, string colour)
    {
        double from = X(1);
        double to = X(ratio.Median);
        double middle = y + (Bar / 2.0);
        svg.Append(
                $"<rect x=\"{Math.Min(from, to):F1}\" y=\"{y}\" width=\"{Math.Abs(to - from):F1}\" "
            + $"height=\"{Bar}\" fill=\"{colour}\"/>"
            + $"<path d=\"M{X(ratio.P10):F1} {middle} H{X(ratio.P90):F1}\" stroke=\"#222\"/>"
            + $"<text x=\"{X(Math.Max(ratio.P90, 1)) + 6:F1}\" y=\"{middle + 4}\" "
            + $"font-size=\"11\">{ratio.Median:F2}</text>\n");
    }

    /// <summary>Where a ratio is.</summary>
    private static double X(double ratio)
    {
        double inside = Math.Clamp(double.IsFinite(ratio) ? ratio : 1, Lowest, Highest);
        return Left + (Width * Math.Log(inside / Lowest) / Math.Log(Highest / Lowest));
    }
}
