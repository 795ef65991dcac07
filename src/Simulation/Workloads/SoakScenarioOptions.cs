namespace HyperActors.Simulation;

/// <summary>How long a soak is, and what happens in it.</summary>
public sealed record SoakScenarioOptions
{
    /// <summary>Hosts that stay; each writes a feed and follows those of the others.</summary>
    public int Nodes { get; set; } = 4;

    /// <summary>Hours of traffic. What is there after the first is what must be there after the last.</summary>
    public int Hours { get; set; } = 24;

    /// <summary>Between two rounds of traffic. Less is more traffic, and takes longer.</summary>
    public TimeSpan Pause { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Between the last round and the measurement: what the network forgets by itself it has forgotten by then.</summary>
    public TimeSpan Quiet { get; set; } = TimeSpan.FromMinutes(45);

    /// <summary>Blocks of one append, at most.</summary>
    public int MaxBatch { get; set; } = 5;

    /// <summary>Bytes of a block, at most.</summary>
    public int MaxBlockSize { get; set; } = 2000;

    /// <summary>A feed that is longer is cut.</summary>
    public int MaxLength { get; set; } = 100;

    /// <summary>Every so many rounds a host stops or dies, and comes back after a round.</summary>
    public int RoundsPerRestart { get; set; } = 9;

    /// <summary>How many of a hundred processes that end are killed. Their buffers are lost with them, as their memory is in life; without
    /// such ends every buffer must come back. <c>Scenario</c> has an even seed kill half of them, and an odd one none.</summary>
    public int KillsPercent { get; set; }

    /// <summary>Every so many rounds a host that was never there comes, copies a feed and goes.</summary>
    public int RoundsPerVisit { get; set; } = 7;

    /// <summary>Every so many rounds two hosts lose one another for a round.</summary>
    public int RoundsPerPartition { get; set; } = 5;

    /// <summary>Every so many rounds a topic is joined and left, and a record put into the DHT and read.</summary>
    public int RoundsPerTopic { get; set; } = 3;

    /// <summary>Whoever waits for blocks has them within this time.</summary>
    public TimeSpan AnswersWithin { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How much more there may be at the end than after the first hour, in percent.</summary>
    public int TolerancePercent { get; set; } = 10;
}
