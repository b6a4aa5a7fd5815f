using System.IO;
using System.Linq;
using System.Text.Json;

namespace Conformance.Harness;

/// <summary>A run with what it wrote to <c>--events</c> and <c>--result</c>.</summary>
internal sealed record Reported(Outcome Outcome, JsonElement[] Events, JsonElement Result)
{
    public static Reported Run(Workplace place, string[] options, params string[] command)
    {
        string[] reports = ["--events", place.File("events"), "--result", place.File("result")];
        Outcome outcome = Product.Run(place, [.. options, .. reports], command);
        return new(
            outcome, Lines(place.File("events")),
            JsonDocument.Parse(File.ReadAllText(place.File("result"))).RootElement);
    }

    /// <summary>The lines of a file of events.</summary>
    public static JsonElement[] Lines(string file) =>
        [.. File.ReadAllLines(file).Select(l => JsonDocument.Parse(l).RootElement)];

    public JsonElement[] Named(string name) =>
        [.. Events.Where(e => Text(e, "event") == name)];

    public int Tasks(string count) => Result.GetProperty("tasks").GetProperty(count).GetInt32();

    public static string Text(JsonElement json, string name) =>
        json.GetProperty(name).GetString() ?? "null";

    /// <summary>The names of flags in a property.</summary>
    public static string Flags(JsonElement json, string name) => string.Join(
        '|', json.GetProperty(name).EnumerateArray().Select(f => f.GetString()));
}
