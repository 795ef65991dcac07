using System.Text.Json.Serialization;

namespace HyperActors.Simulation;

/// <summary>What may go wrong in a simulated world.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultKind>))]
public enum FaultKind
{
    /// <summary>The streams between two hosts break.</summary>
    Cut,

    /// <summary>The hosts fall into two halves; streams between them break.</summary>
    Partition,

    /// <summary>The hosts fall into two halves; streams between them stand still.</summary>
    Silence,

    /// <summary>A process dies, with writes half done, and is started again.</summary>
    Crash,

    /// <summary>A machine loses its power, and what it had not flushed.</summary>
    PowerLoss,

    /// <summary>A process ends in order, and is started again.</summary>
    Stop,

    /// <summary>A disk fails a few requests.</summary>
    DiskFailure,

    /// <summary>A disk has no room for a while.</summary>
    DiskFull,

    /// <summary>A disk is a hundred times slower for a while.</summary>
    SlowDisk,
}

/// <summary>One writer, its readers, and what happens to them.</summary>
public sealed record FeedScenarioOptions
{
    /// <summary>Hosts; the first one writes.</summary>
    public int Nodes { get; set; } = 5;

    /// <summary>Hosts that each reader dials, among those before it.</summary>
    public int DialsPerNode { get; set; } = 2;

    /// <summary>Blocks that the writer appends.</summary>
    public int Blocks { get; set; } = 200;

    /// <summary>Blocks of one append, at most.</summary>
    public int MaxBatch { get; set; } = 12;

    /// <summary>Appends that wait for an answer at a time, at most.</summary>
    public int MaxAppends { get; set; } = 3;

    /// <summary>Bytes of a block, at most.</summary>
    public int MaxBlockSize { get; set; } = 600;

    /// <summary>The longest pause of the writer between two appends.</summary>
    public TimeSpan MaxPause { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many of a hundred pauses of the writer cut the feed.</summary>
    public int CutsPercent { get; set; } = 2;

    /// <summary>How many things go wrong.</summary>
    public int Faults { get; set; } = 3;

    /// <summary>What may go wrong.</summary>
    public IReadOnlyList<FaultKind> Kinds { get; set; } = Enum.GetValues<FaultKind>();

    /// <summary>Within this time after the start things go wrong.</summary>
    public TimeSpan FaultsWithin { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a fault lasts, at most.</summary>
    public TimeSpan MaxFaultTime { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>How long after a lost connection a reader dials again, at most.</summary>
    public TimeSpan MaxRedialPause { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Within this time after everything is well again every node has everything.</summary>
    public TimeSpan HealsWithin { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>Whoever asks a node that lives gets an answer within this time.</summary>
    public TimeSpan AnswersWithin { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether the world itself varies with the seed: sizes of pieces, checkpoints, durability, slow networks.</summary>
    public bool VariesWorld { get; set; } = true;

    /// <summary>The world before it varies.</summary>
    [JsonIgnore]
    public WorldOptions World { get; set; } = new();
}

[JsonSourceGenerationOptions(ReadCommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(FeedScenarioOptions))]
[JsonSerializable(typeof(SoakScenarioOptions))]
internal sealed partial class ScenarioJson : JsonSerializerContext;
