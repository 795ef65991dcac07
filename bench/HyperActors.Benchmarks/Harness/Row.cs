namespace HyperActors.Benchmarks.Harness;

/// <summary>What a row counts.</summary>
public enum Unit
{
    BlocksPerSecond,
    MegabytesPerSecond,

    /// <summary>Seconds of processor time for 1e9 bytes, both processes together: less is better.</summary>
    CpuPerGigabyte,

    /// <summary>The part of a line that the slower of two gets, in hundredths.</summary>
    Share,

    /// <summary>Bytes of memory for each: less is better.</summary>
    BytesEach,
}

/// <summary>One line of the table: the same work on both sides, or on ours alone.</summary>
/// <param name="Work">What is done, as the table says it.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Ours">Does it once on our side.</param>
/// <param name="Theirs">Does it once in JavaScript; null where there is nothing to compare with.</param>
/// <param name="Floor">The ratio that we are held to; where a line sets the pace for both, not to be slower is all there is.</param>
/// <param name="Least">The figure that we are held to in any case, the most where less is better; null for none.</param>
public sealed record Row(
    string Work, Unit Unit, Func<Task<Measurement>> Ours, Func<Task<Measurement>>? Theirs = null, double Floor = 2, double? Least = null);

/// <summary>A row that was run.</summary>
public sealed record Result(string Work, Unit Unit, Measurement Ours, Measurement? Theirs, double Floor = 2, double? Least = null)
{
    /// <summary>How many times as fast as JavaScript, or as sparing.</summary>
    public double? Ratio => Theirs is null ? null : IsLessBetter ? Figure(Theirs) / Figure(Ours) : Figure(Ours) / Figure(Theirs);

    /// <summary>Whether it misses what it is held to.</summary>
    public bool IsBelow => Ratio < Floor || (IsLessBetter ? Figure(Ours) > Least : Figure(Ours) < Least);

    private bool IsLessBetter => Unit is Unit.CpuPerGigabyte or Unit.BytesEach;

    public double Figure(Measurement measurement) => Unit switch
    {
        Unit.BlocksPerSecond => measurement.BlocksPerSecond,
        Unit.MegabytesPerSecond => measurement.MegabytesPerSecond,
        Unit.CpuPerGigabyte => measurement.CpuSeconds / measurement.Bytes * 1e9,
        Unit.Share => measurement.Share * 100,
        _ => (double)measurement.Bytes / measurement.Blocks,
    };
}
