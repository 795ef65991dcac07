using HyperActors.Benchmarks.Harness;

namespace HyperActors.Benchmarks.Rows;

/// <summary>One feed on disk, no peers: appending and reading.</summary>
internal static class FeedRows
{
    public static IReadOnlyList<Row> All { get; } =
    [
        Both("append 50k x 1 KiB, one batch", "append-batch", 50_000, 1024),
        Both("append 5k x 1 KiB, one at a time", "append-single", 5_000, 1024),
        new("  the same, each on the disk before the next", Unit.BlocksPerSecond, () => Once(Child.HyperActors("append-flushed", "5000", "1024"))),
        Both("read 20k x 1 KiB, random, awaited", "read", 20_000, 1024),
    ];

    private static Row Both(string work, string verb, int count, int size)
    {
        string[] arguments = [verb, $"{count}", $"{size}"];
        return new Row(work, Unit.BlocksPerSecond, () => Once(Child.HyperActors(arguments)), () => Once(Child.JavaScript(arguments)));
    }

    private static async Task<Measurement> Once(Child child)
    {
        await using (child)
        {
            return await child.MeasurementAsync();
        }
    }
}
