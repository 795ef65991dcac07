using System.Globalization;
using System.Text.Json;
using HyperActors.Benchmarks.Harness;

namespace HyperActors.Benchmarks.Rows;

/// <summary>A feed copied over TCP on loopback, from one process to another of the same kind.</summary>
internal static class ReplicateRows
{
    public static IReadOnlyList<Row> All { get; } =
    [
        Both("replicate 20k x 1 KiB, TCP", Unit.BlocksPerSecond, 20_000, 1024),
        Both("replicate 2k x 64 KiB, TCP", Unit.MegabytesPerSecond, 2_000, 64 * 1024),
    ];

    private static Row Both(string work, Unit unit, int count, int size) =>
        new(work, unit, () => Copy(Child.HyperActors, count, size), () => Copy(Child.JavaScript, count, size));

    private static async Task<Measurement> Copy(Func<string[], Child> start, int count, int size)
    {
        string[] work = [count.ToString(CultureInfo.InvariantCulture), size.ToString(CultureInfo.InvariantCulture)];
        await using Child server = start(["serve", .. work]);
        JsonElement ready = await server.ReadyAsync();
        string key = ready.GetProperty("key").GetString()!;
        string port = ready.GetProperty("port").GetInt32().ToString(CultureInfo.InvariantCulture);
        string warm = ready.GetProperty("warm").GetString()!;
        await using Child client = start(["download", .. work, key, port, warm]);
        return await client.MeasurementAsync();
    }
}
