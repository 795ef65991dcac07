using HyperActors.Crypto;

namespace HyperActors.Abstractions;

/// <summary>A handle on one feed: an append-only log that its key verifies. Disposing it leaves the feed in the store.</summary>
/// <remarks>
/// Safe for use from any thread. What it shows is what the disk has confirmed: a length that was seen here survives a
/// crash of this process.
/// </remarks>
public interface IFeed : IAsyncDisposable
{
    /// <summary>The name under which this store knows the feed; null for feeds known by key alone.</summary>
    string? Name { get; }

    /// <summary>The key by which the feed is known everywhere, and which lets read it.</summary>
    FeedKey Key { get; }

    /// <summary>What to announce and look for: it names the feed and does not give its key away.</summary>
    DiscoveryKey DiscoveryKey { get; }

    /// <summary>True when this store holds the key that signs.</summary>
    bool IsWritable { get; }

    /// <summary>Blocks in the feed, here or elsewhere: the signed length.</summary>
    ulong Length { get; }

    /// <summary>Bytes in all of those blocks.</summary>
    ulong ByteLength { get; }

    /// <summary>How often the feed was truncated.</summary>
    ulong Fork { get; }

    /// <summary>Blocks that are here without a gap, counted from the first.</summary>
    ulong ContiguousLength { get; }

    /// <summary>All of the above at one moment.</summary>
    ValueTask<FeedInfo> GetInfoAsync(CancellationToken cancellationToken = default);

    /// <summary>Appends one block of at most 15 MiB.</summary>
    /// <returns>The length of the feed with it.</returns>
    /// <exception cref="FeedNotWritableException">This store does not hold the key that signs.</exception>
    /// <exception cref="BlockTooLargeException">The block is larger than peers accept.</exception>
    ValueTask<ulong> AppendAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken = default);

    /// <summary>Appends blocks in one step: all of them or none.</summary>
    /// <inheritdoc cref="AppendAsync(ReadOnlyMemory{byte}, CancellationToken)" path="returns|exception"/>
    ValueTask<ulong> AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> blocks, CancellationToken cancellationToken = default);

    /// <summary>True when the block is on this disk.</summary>
    ValueTask<bool> HasAsync(ulong index, CancellationToken cancellationToken = default);

    /// <summary>The block at <paramref name="index"/>; waits for a peer to bring it, and for the writer to write it, when it is not here.</summary>
    ValueTask<Block> GetAsync(ulong index, CancellationToken cancellationToken = default);

    /// <summary>The block when it is on this disk, else null: asks no peer.</summary>
    ValueTask<Block?> TryGetAsync(ulong index, CancellationToken cancellationToken = default);

    /// <summary>Blocks in order, from <paramref name="from"/> up to, but not including, <paramref name="to"/>.</summary>
    /// <param name="from">The first block.</param>
    /// <param name="to">The end; null for the length at the time of the call.</param>
    /// <param name="live">With no end given: go on with what is appended later, until cancelled.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<Block> ReadAsync(
        ulong from = 0, ulong? to = null, bool live = false, CancellationToken cancellationToken = default);

    /// <summary>Cuts the feed to <paramref name="length"/> blocks and counts up its fork. What is cut is gone.</summary>
    /// <exception cref="FeedNotWritableException">This store does not hold the key that signs.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The feed is shorter than that.</exception>
    ValueTask TruncateAsync(ulong length, CancellationToken cancellationToken = default);

    /// <summary>Asks peers how long the feed is, and waits until one has shown a longer one or all have answered.</summary>
    /// <returns>True when the feed is longer than before.</returns>
    ValueTask<bool> UpdateAsync(CancellationToken cancellationToken = default);

    /// <summary>Brings the blocks from <paramref name="from"/> to <paramref name="to"/> to this disk, in any order.</summary>
    /// <param name="from">The first block.</param>
    /// <param name="to">The end; null: as far as the feed goes, also when it grows, until cancelled.</param>
    /// <param name="progress">Hears of blocks as they are confirmed by the disk.</param>
    /// <param name="cancellationToken">Gives up the wish; what arrived stays.</param>
    Task DownloadAsync(
        ulong from = 0, ulong? to = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>The block that holds a byte of the feed, and the byte's place in it.</summary>
    /// <returns>Null when the tree above that byte has not come from a peer yet; a block that is fetched brings it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The feed has fewer bytes.</exception>
    ValueTask<BytePosition?> SeekAsync(ulong byteOffset, CancellationToken cancellationToken = default);

    /// <summary>Which blocks are on this disk, as a picture: the feed's length in equal parts.</summary>
    /// <param name="maxCells">The picture has as many parts at most, and no more than the feed has blocks.</param>
    /// <param name="cancellationToken">Gives up the wish.</param>
    ValueTask<FeedMap> GetMapAsync(int maxCells = 64, CancellationToken cancellationToken = default);

    /// <summary>The peers that the feed is open with.</summary>
    ValueTask<IReadOnlyList<FeedPeer>> GetPeersAsync(CancellationToken cancellationToken = default);

    /// <summary>What happens to the feed: growth, truncation, blocks that arrive. Ends with the token, or with the feed.</summary>
    IAsyncEnumerable<FeedEvent> WatchAsync(CancellationToken cancellationToken = default);
}
