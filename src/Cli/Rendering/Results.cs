using System.Text.Json.Serialization;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;

namespace HyperActors.Cli.Rendering;

/// <summary>A feed, as <c>--json</c> shows it.</summary>
internal sealed record FeedResult(
    string? Name,
    string? Key,
    string DiscoveryKey,
    ulong Length,
    ulong ByteLength,
    ulong Fork,
    ulong ContiguousLength,
    bool Writable,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Damage)
{
    public static FeedResult From(FeedInfo info) => new(
        info.Name,
        info.Damage is not null && info.Key == default ? null : info.Key.ToString(),
        info.DiscoveryKey.ToString(),
        info.Length,
        info.ByteLength,
        info.Fork,
        info.ContiguousLength,
        info.IsWritable,
        info.Damage);
}

/// <summary>What <c>feed append</c> did.</summary>
/// <param name="Name">The feed's name.</param>
/// <param name="Key">The feed's key.</param>
/// <param name="Blocks">Blocks that were appended.</param>
/// <param name="Bytes">Bytes in them.</param>
/// <param name="Length">The feed's length with them.</param>
/// <param name="ByteLength">The feed's bytes with them.</param>
internal sealed record AppendResult(string? Name, string Key, ulong Blocks, ulong Bytes, ulong Length, ulong ByteLength);

/// <summary>With <c>-v</c>: blocks that are safe on the disk.</summary>
internal sealed record AppendedEvent(ulong Length, ulong Blocks, ulong Bytes)
{
    [JsonPropertyOrder(-1)]
    public string Event => "appended";
}

/// <summary>One block, as <c>feed cat --json</c> shows it.</summary>
internal sealed record BlockResult(ulong Index, int ByteLength, ReadOnlyMemory<byte> Base64);

/// <summary>What <c>feed truncate</c> left.</summary>
internal sealed record TruncateResult(string? Name, string Key, ulong Length, ulong ByteLength, ulong Fork);

/// <summary>The first line of <c>feed serve</c>.</summary>
internal sealed record ListeningEvent(string Address, string PublicKey)
{
    [JsonPropertyOrder(-1)]
    public string Event => "listening";
}

/// <summary>The first line of <c>daemon</c>.</summary>
internal sealed record ReadyEvent(string Name, string Storage, string PublicKey, string Socket, string? Url, int ProcessId)
{
    [JsonPropertyOrder(-1)]
    public string Event => "ready";
}

/// <summary>What <c>client write</c> begins with.</summary>
internal sealed record WritingEvent(string? Name, string Key, ulong Length)
{
    [JsonPropertyOrder(-1)]
    public string Event => "writing";
}

/// <summary>One setting, as <c>config show --json</c> shows it.</summary>
internal sealed record SettingResult(string Key, string Value, string Default, string Origin, string Allowed, bool Reloadable);

/// <summary>With <c>-v</c>: a peer came.</summary>
internal sealed record ConnectedEvent(long Connection, string PublicKey, string? Address)
{
    [JsonPropertyOrder(-1)]
    public string Event => "connected";
}

/// <summary>With <c>-v</c>: a connection ended.</summary>
internal sealed record DisconnectedEvent(long Connection, string? Address, string? Reason)
{
    [JsonPropertyOrder(-1)]
    public string Event => "disconnected";
}

/// <summary>The last line of <c>feed serve</c>.</summary>
internal sealed record StoppedEvent(ulong Blocks, ulong Bytes)
{
    [JsonPropertyOrder(-1)]
    public string Event => "stopped";
}

/// <summary>With <c>-v</c>: how far <c>feed download</c> is.</summary>
internal sealed record ProgressEvent(ulong Blocks, ulong Total, ulong Bytes)
{
    [JsonPropertyOrder(-1)]
    public string Event => "progress";
}

/// <summary>What <c>feed download</c> brought.</summary>
/// <param name="Key">The feed's key.</param>
/// <param name="From">The first block of the range.</param>
/// <param name="To">The end of the range.</param>
/// <param name="Bytes">Bytes that this run brought.</param>
/// <param name="Length">The feed's length.</param>
/// <param name="ByteLength">The feed's bytes.</param>
/// <param name="Fork">The feed's fork.</param>
/// <param name="ContiguousLength">Blocks that are here without a gap.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record DownloadResult(
    string Key,
    ulong From,
    ulong To,
    ulong Bytes,
    ulong Length,
    ulong ByteLength,
    ulong Fork,
    ulong ContiguousLength,
    double Seconds);

/// <summary>The first line of <c>udx listen</c>.</summary>
internal sealed record UdxListeningEvent(string Address)
{
    [JsonPropertyOrder(-1)]
    public string Event => "listening";
}

/// <summary>The first lines of <c>dht</c>: a node that is up.</summary>
internal sealed record DhtListeningEvent(
    int Node,
    string Address,
    string? Id,
    bool Ephemeral,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RelayKey)
{
    [JsonPropertyOrder(-1)]
    public string Event => "listening";
}

/// <summary>What <c>udx listen</c>, <c>udx send</c> and <c>udx bench</c> carried.</summary>
internal sealed record UdxResult(long Bytes, double Seconds, double MegabytesPerSecond);

/// <summary>All nodes of <c>dht</c> are up.</summary>
internal sealed record DhtReadyEvent(int Nodes)
{
    [JsonPropertyOrder(-1)]
    public string Event => "ready";
}

/// <summary>With <c>-v</c>: what has changed about a node of <c>dht</c>.</summary>
internal sealed record DhtStatusEvent(int Node, string? PublicAddress, string Nat, bool Ephemeral, bool Online, int Contacts)
{
    [JsonPropertyOrder(-1)]
    public string Event => "status";
}

/// <summary>A peer that <c>dht lookup</c> or <c>dht find</c> found.</summary>
internal sealed record DhtPeerResult(string PublicKey, IReadOnlyList<string> Relays, string From)
{
    public static DhtPeerResult Of(DhtPeer peer) =>
        new(peer.PublicKey.ToString(), [.. peer.RelayAddresses.Select(relay => relay.ToString())], peer.From.ToString());
}

/// <summary>What <c>dht announce</c> says each time.</summary>
internal sealed record DhtAnnouncedEvent(string Topic, string PublicKey, int Nodes)
{
    [JsonPropertyOrder(-1)]
    public string Event => "announced";
}

/// <summary>What <c>dht ping</c> measured.</summary>
internal sealed record DhtPingResult(string Address, double Milliseconds);

/// <summary>What <c>dht put</c> stored, and at how many nodes.</summary>
internal sealed record DhtPutResult(string Key, int Nodes, ulong? Sequence);

/// <summary>What <c>dht get</c> found.</summary>
internal sealed record DhtGetResult(ReadOnlyMemory<byte> Base64, ulong? Sequence);

/// <summary>The first line of a verb that is found by topic.</summary>
internal sealed record JoinedEvent(string Topic, string Address, string PublicKey)
{
    [JsonPropertyOrder(-1)]
    public string Event => "joined";
}

/// <summary>A peer of the swarm is gone.</summary>
internal sealed record LeftEvent(string PublicKey, string? Reason)
{
    [JsonPropertyOrder(-1)]
    public string Event => "left";
}

/// <summary>With <c>-v</c>: a topic showed a peer.</summary>
internal sealed record FoundEvent(string PublicKey, string Topic)
{
    [JsonPropertyOrder(-1)]
    public string Event => "found";
}

/// <summary>With <c>-v</c>: a peer could not be reached.</summary>
internal sealed record DialFailedEvent(string PublicKey, string Reason)
{
    [JsonPropertyOrder(-1)]
    public string Event => "dialFailed";
}

/// <summary>What <c>doctor</c> found.</summary>
/// <param name="LocalAddress">The socket that others send to.</param>
/// <param name="PublicAddress">The same as others see it.</param>
/// <param name="Nat"><c>open</c>, <c>consistent</c>, <c>random</c> or <c>unknown</c>.</param>
/// <param name="Firewalled">Whether others must be sent to before they get through.</param>
/// <param name="Contacts">Nodes in the routing table.</param>
/// <param name="Nearest">The nodes closest by id.</param>
/// <param name="Advice">What to do about it.</param>
internal sealed record DoctorResult(
    string Verdict,
    string? LocalAddress,
    string? PublicAddress,
    string Nat,
    bool Firewalled,
    int Contacts,
    IReadOnlyList<DoctorNode> Nearest,
    IReadOnlyList<string> Advice);

/// <summary>A node that <c>doctor</c> asked; no time: it did not answer.</summary>
internal sealed record DoctorNode(string Address, int SharedBits, double? Milliseconds);

/// <summary>One step of the demo.</summary>
/// <summary>One step of the demo.</summary>
/// <param name="Step">What was done.</param>
/// <param name="Blocks">Blocks that took part; none in finding and connecting.</param>
/// <param name="Bytes">Bytes in them.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="MegabytesPerSecond">Millions of bytes a second.</param>
/// <param name="Verdict"><c>same</c>, <c>different</c> or <c>skipped</c>; null for a step that compares nothing.</param>
/// <param name="Note">Why a step was skipped, or what differs.</param>
internal sealed record DemoStep(
    string Step, ulong Blocks, ulong Bytes, double Seconds, double MegabytesPerSecond, string? Verdict, string? Note);

/// <summary>What the demo found.</summary>
internal sealed record DemoResult(string Source, int Files, string Key, string Sha256, IReadOnlyList<DemoStep> Steps, bool Passed);

/// <summary>What <c>completion</c> prints.</summary>
internal sealed record CompletionScript(string Shell, string Script);

/// <summary>An error, as <c>--json</c> writes it to the error output.</summary>
internal sealed record ErrorResult(string Error, string Message, int ExitCode);

/// <summary>With <c>-v</c>, on the error output: a line of the node's log.</summary>
internal sealed record LogResult(string Log, string Message);

/// <summary>The line by which the demo's JavaScript peer answers.</summary>
internal sealed record JsPeerResult(ulong Blocks, ulong Bytes, string Sha256, double Seconds, double FindSeconds, double ConnectSeconds);

/// <summary>The shapes of <c>--json</c>; docs/command-line.md lists them.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FeedResult))]
[JsonSerializable(typeof(FeedResult[]))]
[JsonSerializable(typeof(AppendResult))]
[JsonSerializable(typeof(AppendedEvent))]
[JsonSerializable(typeof(BlockResult))]
[JsonSerializable(typeof(TruncateResult))]
[JsonSerializable(typeof(ListeningEvent))]
[JsonSerializable(typeof(ReadyEvent))]
[JsonSerializable(typeof(WritingEvent))]
[JsonSerializable(typeof(SettingResult[]))]
[JsonSerializable(typeof(ConnectedEvent))]
[JsonSerializable(typeof(DisconnectedEvent))]
[JsonSerializable(typeof(StoppedEvent))]
[JsonSerializable(typeof(ProgressEvent))]
[JsonSerializable(typeof(DownloadResult))]
[JsonSerializable(typeof(UdxListeningEvent))]
[JsonSerializable(typeof(UdxResult))]
[JsonSerializable(typeof(DemoResult))]
[JsonSerializable(typeof(DhtListeningEvent))]
[JsonSerializable(typeof(DhtReadyEvent))]
[JsonSerializable(typeof(DhtStatusEvent))]
[JsonSerializable(typeof(DhtPeerResult))]
[JsonSerializable(typeof(DhtAnnouncedEvent))]
[JsonSerializable(typeof(DhtPingResult))]
[JsonSerializable(typeof(DhtPutResult))]
[JsonSerializable(typeof(DhtGetResult))]
[JsonSerializable(typeof(JoinedEvent))]
[JsonSerializable(typeof(LeftEvent))]
[JsonSerializable(typeof(FoundEvent))]
[JsonSerializable(typeof(DialFailedEvent))]
[JsonSerializable(typeof(DoctorResult))]
[JsonSerializable(typeof(CompletionScript))]
[JsonSerializable(typeof(CompletionResult))]
[JsonSerializable(typeof(ErrorResult))]
[JsonSerializable(typeof(LogResult))]
[JsonSerializable(typeof(JsPeerResult))]
internal sealed partial class ResultJson : JsonSerializerContext;
