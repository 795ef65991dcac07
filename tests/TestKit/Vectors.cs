using System.Globalization;
using System.Text.Json;

namespace HyperActors.TestKit;

/// <summary>Bytes of other implementations, from <c>tests/vectors</c>; a script beside each file made it.</summary>
public static class Vectors
{
    /// <summary>Reads one file, <c>crypto.json</c> say.</summary>
    public static JsonElement Load(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Repository.PathOf("tests", "vectors", name)));
        return document.RootElement.Clone();
    }

    /// <summary>The bytes that a property gives in hex; none when it is null.</summary>
    public static byte[] Hex(this JsonElement vector, string property) =>
        Convert.FromHexString(vector.GetProperty(property).GetString() ?? string.Empty);

    /// <summary>The bytes that a hex string gives.</summary>
    public static byte[] Hex(this JsonElement text) => Convert.FromHexString(text.GetString()!);

    /// <summary>The text of a property.</summary>
    public static string Text(this JsonElement vector, string property) => vector.GetProperty(property).GetString()!;

    /// <summary>The whole number of a property, be it a number or its text.</summary>
    public static ulong Number(this JsonElement vector, string property)
    {
        JsonElement value = vector.GetProperty(property);
        return value.ValueKind == JsonValueKind.String
            ? ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture)
            : value.GetUInt64();
    }

    /// <summary>The items of a property that is a list.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement vector, string property) =>
        vector.GetProperty(property).EnumerateArray();
}
