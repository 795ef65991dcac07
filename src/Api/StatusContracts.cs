using System.Text.Json.Serialization;

namespace HyperActors.Api;

/// <summary>What the node does now, for whoever watches it.</summary>
/// <remarks>
/// The stream <see cref="ApiRoutes.StatusEvents"/> begins with an event <c>status</c> that holds everything; each event
/// <c>change</c> after it holds what is new: a list has the rows that are new or different, by their key, and
/// <c>gone</c> names the rows that are no more. What is null has not changed. <see cref="ApiRoutes.NodeStatus"/> gives
/// the whole once.
/// </remarks>
public sealed record StatusDto
{
    /// <summary>Counts the documents of this stream.</summary>
    public required long Sequence { get; init; }

    /// <summary>Seconds since the node started, for the axis of a plot.</summary>
    public required double Time { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NodeDto? Node { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TotalsDto? Totals { get; init; }

    /// <summary>True while the swarm is suspended: it announces nothing, looks for nobody and has no connections.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Suspended { get; init; }

    /// <summary>By <see cref="FeedStatusDto.Key"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<FeedStatusDto>? Feeds { get; init; }

    /// <summary>By <see cref="PeerStatusDto.Id"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PeerStatusDto>? Peers { get; init; }

    /// <summary>By <see cref="TopicDto.Topic"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TopicDto>? Topics { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DhtStatusDto? Dht { get; init; }

    /// <summary>The tree of actors, from the root down; always whole.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ActorDto? Actors { get; init; }

    /// <summary>Events since the last document, oldest first; in the first one, the last hundred.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<NotableEventDto>? Events { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GoneDto? Gone { get; init; }
}

/// <summary>Rows that are no more, by their keys.</summary>
public sealed record GoneDto(IReadOnlyList<string> Feeds, IReadOnlyList<long> Peers, IReadOnlyList<string> Topics);

/// <summary>Sums over the node.</summary>
/// <param name="Feeds">Feeds in the store.</param>
/// <param name="Peers">Connections.</param>
/// <param name="Blocks">Signed blocks of all feeds.</param>
/// <param name="Bytes">Signed bytes of all feeds.</param>
/// <param name="BytesPerSecondIn">Received in the last interval, all connections together.</param>
/// <param name="BytesPerSecondOut">Sent in the last interval, all connections together.</param>
/// <param name="Actors">Actors that live.</param>
/// <param name="Mailboxes">Messages that wait in their mailboxes.</param>
/// <param name="Restarts">Restarts since the start.</param>
/// <param name="MemoryBytes">The managed heap.</param>
public sealed record TotalsDto(
    int Feeds,
    int Peers,
    ulong Blocks,
    ulong Bytes,
    double BytesPerSecondIn,
    double BytesPerSecondOut,
    long Actors,
    long Mailboxes,
    long Restarts,
    long MemoryBytes);

/// <summary>A feed at a glance.</summary>
/// <param name="Key">The feed's key.</param>
/// <param name="Name">Its name, when this store has one for it.</param>
/// <param name="Length">Blocks in the feed.</param>
/// <param name="ByteLength">Bytes in the feed.</param>
/// <param name="Fork">How often it was truncated.</param>
/// <param name="Here">Blocks on this disk without a gap.</param>
/// <param name="Writable">True when this store signs for it.</param>
/// <param name="Peers">Peers that it is open with.</param>
/// <param name="Share">The share of its blocks that is here, 0 to 1.</param>
/// <param name="Map">Which of them, as <see cref="FeedMapDto.Cells"/>: at most 64 parts.</param>
/// <param name="Seed">True when the node announces it.</param>
/// <param name="Download">True when the node brings all of it here.</param>
/// <param name="Damage">Why the feed cannot be opened; null for one that can.</param>
public sealed record FeedStatusDto(
    string Key,
    string? Name,
    ulong Length,
    ulong ByteLength,
    ulong Fork,
    ulong Here,
    bool Writable,
    int Peers,
    double Share,
    string Map,
    bool Seed,
    bool Download,
    string? Damage = null);

/// <summary>A connection at a glance.</summary>
/// <param name="Id">The connection's number.</param>
/// <param name="PublicKey">Who it is.</param>
/// <param name="Address">Where it is.</param>
/// <param name="Transport"><c>tcp</c> or <c>udx</c>.</param>
/// <param name="Initiator">True when this node dialled.</param>
/// <param name="RoundTripMs">The smoothed round trip, where the transport measures it.</param>
/// <param name="BytesReceived">Bytes that came.</param>
/// <param name="BytesSent">Bytes that left.</param>
/// <param name="RateIn">Bytes a second that came in the last interval.</param>
/// <param name="RateOut">Bytes a second that left in the last interval.</param>
public sealed record PeerStatusDto(
    long Id,
    string PublicKey,
    string? Address,
    string Transport,
    bool Initiator,
    double? RoundTripMs,
    long BytesReceived,
    long BytesSent,
    double RateIn,
    double RateOut);

/// <summary>Actors of one place in the tree. Many brothers of one class are shown as one row with their count.</summary>
/// <param name="Path">Its place; of a row that stands for several, its parent's place and the class.</param>
/// <param name="Type">The class.</param>
/// <param name="Count">Actors that the row stands for.</param>
/// <param name="Mailbox">Messages that wait.</param>
/// <param name="Processed">Messages handled.</param>
/// <param name="Restarts">How often restarted.</param>
/// <param name="Dropped">Messages that a full mailbox dropped.</param>
/// <param name="Children">The actors below.</param>
public sealed record ActorDto(
    string Path, string Type, long Count, long Mailbox, long Processed, long Restarts, long Dropped, IReadOnlyList<ActorDto> Children);

/// <summary>Something worth a line.</summary>
/// <param name="Sequence">Counts the events since the start.</param>
/// <param name="At">When, by the wall clock.</param>
/// <param name="Level"><c>information</c>, <c>warning</c> or <c>error</c>.</param>
/// <param name="Text">What happened.</param>
public sealed record NotableEventDto(long Sequence, DateTimeOffset At, string Level, string Text);
