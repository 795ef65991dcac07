using System.Text.Json;

namespace HyperActors.Benchmarks.Harness;

/// <summary>What one run of one row did, and how long it took.</summary>
public sealed record Measurement(long Blocks, long Bytes, double Seconds)
{
    /// <summary>Processor time of all processes that took part, where that is counted.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>The part that the slower of two got, where that is measured.</summary>
    public double Share { get; init; }

    /// <summary>Blocks, or messages, a second.</summary>
    public double BlocksPerSecond => Blocks / Seconds;

    /// <summary>Millions of bytes a second.</summary>
    public double MegabytesPerSecond => Bytes / Seconds / 1e6;

    /// <summary>The line that says it to the process that asked.</summary>
    public string ToLine() =>
        JsonSerializer.Serialize(new { measurement = new { blocks = Blocks, bytes = Bytes, seconds = Seconds, cpuSeconds = CpuSeconds } });

    /// <summary>Reads a line of a child; false when it says something else.</summary>
    /// <exception cref="FormatException">It claims a measurement and the figures make no sense.</exception>
    public static bool TryParse(string line, out Measurement? measurement)
    {
        measurement = null;
        if (!TryProperty(line, "measurement", out JsonElement element))
        {
            return false;
        }

        try
        {
            measurement = new Measurement(
                element.GetProperty("blocks").GetInt64(),
                element.GetProperty("bytes").GetInt64(),
                element.GetProperty("seconds").GetDouble())
            {
                CpuSeconds = element.TryGetProperty("cpuSeconds", out JsonElement cpu) ? cpu.GetDouble() : 0,
            };
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FormatException($"not a measurement: {line}", e);
        }

        return measurement is { Blocks: > 0, Bytes: >= 0, Seconds: > 0 }
            ? true
            : throw new FormatException($"a measurement of nothing: {line}");
    }

    /// <summary>The one that lies in the middle by time.</summary>
    public static Measurement Median(IReadOnlyList<Measurement> runs) =>
        runs.OrderBy(r => r.Seconds).ElementAt(runs.Count / 2);

    internal static bool TryProperty(string line, string name, out JsonElement element)
    {
        element = default;
        try
        {
            JsonElement root = JsonSerializer.Deserialize<JsonElement>(line);
            return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out element);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
