using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Policies.Files;

/// <summary>The JSON Schema of policies, made from the model that the reader uses.</summary>
public static class PolicySchema
{
    /// <summary>The schema, JSON Schema 2020-12.</summary>
    public static string Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("$schema"u8, "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("title"u8, "Policy of the process sandbox");
            WriteSection(json, string.Empty);
            json.WriteStartArray("required"u8);
            json.WriteStringValue("version"u8);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void WriteSection(Utf8JsonWriter json, string section)
    {
        json.WriteString("type"u8, "object");
        json.WriteBoolean("additionalProperties"u8, false);
        json.WriteStartObject("properties"u8);
        foreach (string name in PolicyModel.Below(section))
        {
            string full = section.Length == 0 ? name : $"{section}.{name}";
            json.WriteStartObject(name);
            if (PolicyModel.Find(full) is { } key)
            {
                json.WriteString("description"u8, key.Description);
                key.Kind.WriteSchema(json);
            }
            else
            {
                json.WriteString("description"u8, PolicyModel.Describe(full));
                WriteSection(json, full);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
