namespace HyperActors.Benchmarks.Harness;

/// <summary>What a row counts.</summary>
public enum Unit
{
    BlocksPerSecond,
    MegabytesPerSecond,
}

/// <summary>One line of the table: the same work on both sides, or on ours alone.</summary>
/// <param name="Work">What is done, as the table says it.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Ours">Does it once on our side.</param>
/// <param name="Theirs">Does it once in JavaScript; null where there is nothing to compare with.</param>
/// <param name="Floor">The ratio that we are held to; where a line sets the pace for both, not to be slower is all there is.</param>
public sealed record Row(
    string Work, Unit Unit, Func<Task<Measurement>> Ours, Func<Task<Measurement>>? Theirs = null, double Floor = 2);

/// <summary>A row that was run.</summary>
public sealed record Result(string Work, Unit Unit, Measurement Ours, Measurement? Theirs, double Floor = 2)
{
    /// <summary>How many times as fast as JavaScript.</summary>
    public double? Ratio => Theirs is null ? null : Figure(Ours) / Figure(Theirs);

    public double Figure(Measurement measurement) =>
        Unit == Unit.BlocksPerSecond ? measurement.BlocksPerSecond : measurement.MegabytesPerSecond;
}
