using System;
using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Sandbox.Doctor;

/// <summary>A diagnosis as an aligned table, and as JSON.</summary>
internal static class DiagnosisText
{
    private const int Indent = 2;

    /// <summary>A line for each check; below it why, and what mends it.</summary>
    public static string Table(Diagnosis diagnosis)
    {
        int name = "check".Length;
        foreach (Check check in diagnosis.Checks)
        {
            name = Math.Max(name, Name(check).Length);
        }

        var text = new StringBuilder();
        Row(text, name, "check", "needed", "state", "found");
        string forbid = "";
        foreach (Check check in diagnosis.Checks)
        {
            Row(text, name, Name(check), check.Required ? "yes" : "no", State(check.State),
                check.Found);
            Note(text, "why: ", check.Why);
            Note(text, "mend: ", check.Mend);
            forbid += check.Forbids ? " " + Name(check) : "";
        }

        return text.Append(diagnosis.RunIsPossible ? "sandbox run is possible on this host\n"
            : $"sandbox run is not possible on this host:{forbid}\n").ToString();
    }

    /// <summary>One JSON object; its names are part of the contract.</summary>
    public static string Json(Diagnosis diagnosis)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteBoolean("run_possible"u8, diagnosis.RunIsPossible);
            json.WriteStartArray("checks"u8);
            foreach (Check check in diagnosis.Checks)
            {
                json.WriteStartObject();
                json.WriteString("group"u8, check.Group);
                json.WriteString("name"u8, check.Name);
                json.WriteBoolean("required"u8, check.Required);
                json.WriteString("state"u8, State(check.State));
                json.WriteString("found"u8, check.Found);
                json.WriteString("why"u8, check.Why);
                json.WriteString("mend"u8, check.Mend);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static string Name(Check check) => $"{check.Group}.{check.Name}";

    private static string State(CheckState state) => state switch
    {
        CheckState.Ok => "ok",
        CheckState.Partial => "partial",
        _ => "missing",
    };

    private static void Row(
        StringBuilder text, int width, string name, string needed, string state, string found)
    {
        text.Append(name.PadRight(width + Indent)).Append($"{needed,-8}{state,-9}").Append(found);
        while (text[^1] == ' ')
        {
            text.Length--;
        }

        text.Append('\n');
    }

    private static void Note(StringBuilder text, string label, string note)
    {
        if (note.Length > 0)
        {
            text.Append(' ', Indent * 2).Append(label).Append(note).Append('\n');
        }
    }
}
