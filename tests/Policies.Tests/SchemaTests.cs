using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using Policies.Files;

namespace Policies.Tests;

/// <summary>The JSON Schema and the reader say the same of every document.</summary>
public sealed class SchemaTests
{
    private const int Documents = 5000;
    private static readonly JsonSchema Schema = JsonSchema.FromText(PolicySchema.Write());

    private static readonly JsonSerializerOptions[] Writings =
    [
        new(), new() { WriteIndented = true },
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping },
    ];

    [Fact]
    public void The_schema_accepts_exactly_what_the_reader_accepts()
    {
        (int right, int wrong) = (0, 0);
        for (int seed = 0; seed < Documents; seed++)
        {
            JsonNode? document = new RandomDocuments(seed).Next();
            string text = document is null ? "null" : document.ToJsonString(Writings[seed % Writings.Length]);
            LoadedPolicy loaded = Texts.Read(text);
            bool valid = IsValid(text);
            Assert.True(
                valid == loaded.Policy is not null,
                $"seed {seed}: valid {valid}, read {loaded.Policy is not null} "
                    + $"({Texts.Errors(loaded).FirstOrDefault()})\n{text}");
            (right, wrong) = valid ? (right + 1, wrong) : (right, wrong + 1);
        }

        Assert.InRange(right, Documents / 5, Documents);
        Assert.InRange(wrong, Documents / 5, Documents);
    }

    [Fact]
    public void The_example_of_every_key_is_read()
    {
        foreach (PolicyKey key in PolicyModel.Keys)
        {
            string[] parts = key.Name.Split('.');
            string text = string.Concat(parts.Select((p, i) => $"{new string(' ', i)}{p}:\n"))[..^1];
            Policy policy = Texts.Valid(Texts.Read(
                (key.Name == "version" ? "" : "version: 1\n") + $"{text} {key.Example}\n"));
            Assert.NotNull(policy);
        }
    }

    [Fact]
    public void Every_key_of_the_model_is_in_the_schema_with_its_description()
    {
        using var schema = JsonDocument.Parse(PolicySchema.Write());
        foreach (PolicyKey key in PolicyModel.Keys)
        {
            JsonElement at = schema.RootElement;
            foreach (string part in key.Name.Split('.'))
            {
                at = at.GetProperty("properties").GetProperty(part);
            }

            Assert.Equal(key.Description, at.GetProperty("description").GetString());
        }
    }

    [Fact]
    public void The_words_of_an_enum_differ()
    {
        using var schema = JsonDocument.Parse(PolicySchema.Write());
        AssertDistinct(schema.RootElement);
    }

    private static void AssertDistinct(JsonElement at)
    {
        if (at.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in at.EnumerateObject())
            {
                if (member.Name == "enum")
                {
                    string[] words = [.. member.Value.EnumerateArray().Select(w => w.GetString()!)];
                    Assert.Equal(words.Distinct(), words);
                }

                AssertDistinct(member.Value);
            }
        }
    }

    private static bool IsValid(string text)
    {
        using var document = JsonDocument.Parse(text);
        return Schema.Evaluate(document.RootElement).IsValid;
    }
}
