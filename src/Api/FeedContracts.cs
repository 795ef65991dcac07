using System.Text.Json;

namespace HyperActors.Api;

/// <summary>A feed, as far as the disk has confirmed it.</summary>
/// <param name="Name">The name under which this store knows the feed; null for feeds known by key alone.</param>
/// <param name="Key">The feed's key, as z-base-32.</param>
/// <param name="DiscoveryKey">What is announced, as z-base-32.</param>
/// <param name="Length">Blocks in the feed, here or elsewhere.</param>
/// <param name="ByteLength">Bytes in all of those blocks.</param>
/// <param name="Fork">How often the feed was truncated.</param>
/// <param name="ContiguousLength">Blocks that are here without a gap, from the first.</param>
/// <param name="Writable">True when this store holds the key that signs.</param>
/// <param name="Peers">Peers that the feed is open with right now.</param>
/// <param name="Damage">Why the feed cannot be opened; null for one that can.</param>
public sealed record FeedDto(
    string? Name,
    string Key,
    string DiscoveryKey,
    ulong Length,
    ulong ByteLength,
    ulong Fork,
    ulong ContiguousLength,
    bool Writable,
    int Peers,
    string? Damage = null);

/// <summary>Opens a feed: by name, made when there is none, or by key.</summary>
/// <param name="Name">The name of a writable feed.</param>
/// <param name="Key">The key of a feed of somebody else, or of our own.</param>
/// <param name="Exclusive">With a name: an error when the feed exists.</param>
public sealed record OpenFeedRequest(string? Name = null, string? Key = null, bool Exclusive = false);

/// <summary>Blocks to append, all of them or none.</summary>
public sealed record AppendRequest(IReadOnlyList<BlockInput> Blocks);

/// <summary>One block to append: exactly one of the three is given.</summary>
/// <param name="Base64">Its bytes.</param>
/// <param name="Text">Its text, stored as UTF-8.</param>
/// <param name="Json">A value, stored as its JSON.</param>
public sealed record BlockInput(string? Base64 = null, string? Text = null, JsonElement? Json = null);

/// <summary>The feed with what was appended.</summary>
/// <param name="Start">The index of the first block that was appended.</param>
/// <param name="Count">Blocks that were appended.</param>
/// <param name="Feed">The feed with them.</param>
public sealed record AppendResult(ulong Start, ulong Count, FeedDto Feed);

/// <summary>One block.</summary>
/// <param name="Index">Its place in the feed, from 0.</param>
/// <param name="ByteLength">Its bytes.</param>
/// <param name="Base64">Its content.</param>
public sealed record BlockDto(ulong Index, int ByteLength, ReadOnlyMemory<byte> Base64);

/// <summary>Cuts a feed.</summary>
/// <param name="Length">Blocks to keep.</param>
public sealed record TruncateRequest(ulong Length);

/// <summary>What peers had to say about the length.</summary>
/// <param name="Grown">True when the feed is longer than before.</param>
/// <param name="Feed">The feed now.</param>
public sealed record UpdateResult(bool Grown, FeedDto Feed);

/// <summary>A range to bring to this disk.</summary>
/// <param name="From">The first block.</param>
/// <param name="To">The end; null: as far as the feed goes, also when it grows, until the caller leaves.</param>
public sealed record DownloadRequest(ulong From = 0, ulong? To = null);

/// <summary>How far a download has come.</summary>
public sealed record ProgressDto(ulong Blocks, ulong Total, ulong Bytes);

/// <summary>Something that happened to a feed.</summary>
/// <param name="Kind"><c>open</c> first, then <c>extended</c>, <c>truncated</c>, <c>downloaded</c>, <c>conflicted</c>.</param>
/// <param name="Feed">The feed after it.</param>
/// <param name="CommonLength">Of a truncation: blocks that the old and the new fork share.</param>
/// <param name="Start">Of a download: the first block that arrived.</param>
/// <param name="Count">Of a download: how many.</param>
/// <param name="Length">The length that the event speaks of.</param>
/// <param name="Fork">The fork that the event speaks of.</param>
public sealed record FeedEventDto(
    string Kind, FeedDto? Feed, ulong Length = 0, ulong Fork = 0, ulong CommonLength = 0, ulong Start = 0, ulong Count = 0)
{
    public const string Open = "open";
    public const string Extended = "extended";
    public const string Truncated = "truncated";
    public const string Downloaded = "downloaded";
    public const string Conflicted = "conflicted";
}

/// <summary>What the node does for a feed, also after the next start.</summary>
/// <param name="Seed">Announces the feed, so that others find it here.</param>
/// <param name="Download">Brings every block of it to this disk, and those that come later.</param>
public sealed record KeepDto(bool Seed, bool Download);

/// <summary>Which of a feed's blocks are here, in equal parts of its length.</summary>
/// <param name="Length">The length that the parts divide.</param>
/// <param name="Blocks">Blocks that are here, all in all.</param>
/// <param name="Cells">A byte for each part: 0 nothing of it is here, 255 all of it.</param>
public sealed record FeedMapDto(ulong Length, ulong Blocks, ReadOnlyMemory<byte> Cells);

/// <summary>The store as a whole.</summary>
/// <param name="Path">Its directory.</param>
/// <param name="Feeds">Feeds in it.</param>
/// <param name="Blocks">Signed blocks of all feeds.</param>
/// <param name="Bytes">Signed bytes of all feeds.</param>
/// <param name="FreeBytes">Bytes that the disk still has room for.</param>
public sealed record StoreDto(string Path, int Feeds, ulong Blocks, ulong Bytes, long FreeBytes);

/// <summary>A peer that a feed is open with.</summary>
/// <param name="ConnectionId">The connection to it.</param>
/// <param name="Length">The length that it has shown.</param>
/// <param name="ContiguousLength">Blocks that it has without a gap, from the first, as far as it has said.</param>
public sealed record FeedPeerDto(long ConnectionId, ulong Length, ulong ContiguousLength);

/// <summary>Where a byte of a feed is.</summary>
/// <param name="Index">The block that holds it.</param>
/// <param name="Offset">Its place in the block.</param>
public sealed record SeekResult(ulong Index, ulong Offset);
