using System.Runtime.CompilerServices;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Actors;

/// <summary>A handle on one feed of a <see cref="HyperNode"/>.</summary>
public sealed class Feed : IFeed
{
    private const int MaxUnseenEvents = 1024;
    private const int ReadAheadBlocks = 256;

    /// <summary>The first index that no block can have: its number in the tree would not go over the wire.</summary>
    private const ulong MaxBlocks = FlatTree.MaxLength;

    private static long s_requests;

    private readonly FeedView _view;
    private readonly IActorRef _actor;
    private int _disposed;

    internal Feed(FeedView view, IActorRef actor)
    {
        _view = view;
        _actor = actor;
        actor.Tell(FeedActor.OpenSession.Instance, ActorRefs.NoSender);
    }

    /// <inheritdoc/>
    public string? Name => _view.Name;

    /// <inheritdoc/>
    public FeedKey Key => _view.Key;

    /// <inheritdoc/>
    public DiscoveryKey DiscoveryKey => _view.DiscoveryKey;

    /// <inheritdoc/>
    public bool IsWritable => _view.IsWritable;

    /// <inheritdoc/>
    public ulong Length => _view.Current.Length;

    /// <inheritdoc/>
    public ulong ByteLength => _view.Current.ByteLength;

    /// <inheritdoc/>
    public ulong Fork => _view.Current.Fork;

    /// <inheritdoc/>
    public ulong ContiguousLength => _view.Current.ContiguousLength;

    /// <inheritdoc/>
    public async ValueTask<FeedInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<FeedInfo>(FeedActor.GetInfo.Instance, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ulong> AppendAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken = default) =>
        AppendAsync([block], cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ulong> AppendAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> blocks, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        FeedActor.Appended appended = await AskAsync<FeedActor.Appended>(new FeedActor.Append(blocks), cancellationToken);
        return appended.Length;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> HasAsync(ulong index, CancellationToken cancellationToken = default) =>
        (await AskAsync<FeedActor.HasAnswer>(new FeedActor.Has(index), cancellationToken)).IsHere;

    /// <inheritdoc/>
    public async ValueTask<Block> GetAsync(ulong index, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, MaxBlocks);
        var request = new FeedActor.Read(NextRequest(), index, index + 1, 1, ShouldWait: true);
        FeedActor.BlocksRead read = await AskAsync<FeedActor.BlocksRead>(request, cancellationToken, request.Id);
        return read.Blocks[0];
    }

    /// <inheritdoc/>
    public async ValueTask<Block?> TryGetAsync(ulong index, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, MaxBlocks);
        var request = new FeedActor.Read(NextRequest(), index, index + 1, 1, ShouldWait: false);
        FeedActor.BlocksRead read = await AskAsync<FeedActor.BlocksRead>(request, cancellationToken, request.Id);
        return read.Blocks.Count == 0 ? null : read.Blocks[0];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Block> ReadAsync(
        ulong from = 0,
        ulong? to = null,
        bool live = false,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ulong end = Math.Min(to ?? (live ? MaxBlocks : Length), MaxBlocks);
        ulong next = from;
        while (next < end)
        {
            var request = new FeedActor.Read(NextRequest(), next, end, ReadAheadBlocks, ShouldWait: true);
            FeedActor.BlocksRead read = await AskAsync<FeedActor.BlocksRead>(request, cancellationToken, request.Id);
            foreach (Block block in read.Blocks)
            {
                yield return block;
            }

            next += (ulong)read.Blocks.Count;
        }
    }

    /// <inheritdoc/>
    public async ValueTask TruncateAsync(ulong length, CancellationToken cancellationToken = default) =>
        await AskAsync<FeedActor.Truncated>(new FeedActor.Truncate(length), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> UpdateAsync(CancellationToken cancellationToken = default)
    {
        var request = new FeedActor.Update(NextRequest());
        return (await AskAsync<FeedActor.Updated>(request, cancellationToken, request.Id)).HasGrown;
    }

    /// <inheritdoc/>
    public async Task DownloadAsync(
        ulong from = 0, ulong? to = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, MaxBlocks);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to ?? 0, MaxBlocks, nameof(to));

        // The actor answers each look with news or with the end: a slow listener sees fewer steps, and nothing queues up.
        var download = new FeedActor.Download(NextRequest(), from, to ?? ulong.MaxValue);
        FeedActor.DownloadState state = await AskAsync<FeedActor.DownloadState>(download, cancellationToken, download.Id);
        try
        {
            progress?.Report(state.Progress);
            while (!state.IsDone)
            {
                state = await AskAsync<FeedActor.DownloadState>(
                    new FeedActor.LookAtDownload(download.Id, state.Progress.Blocks), cancellationToken);
                progress?.Report(state.Progress);
            }
        }
        finally
        {
            if (!state.IsDone)
            {
                _actor.Tell(new FeedActor.Cancel(download.Id), ActorRefs.NoSender);
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeedEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A listener that lags misses the oldest events, never the actor's time.
        var events = Channel.CreateBounded<FeedEvent>(
            new BoundedChannelOptions(MaxUnseenEvents) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        using CancellationTokenRegistration stopped = _view.Stopped.Register(() => events.Writer.TryComplete());
        _actor.Tell(new FeedActor.Watch(events.Writer), ActorRefs.NoSender);
        try
        {
            // Not ReadAllAsync: it leaves the caller's context, and with it a deterministic run.
            while (await events.Reader.WaitToReadAsync(cancellationToken))
            {
                while (events.Reader.TryRead(out FeedEvent? feedEvent))
                {
                    yield return feedEvent;
                }
            }
        }
        finally
        {
            _actor.Tell(new FeedActor.Unwatch(events.Writer), ActorRefs.NoSender);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<BytePosition?> SeekAsync(ulong byteOffset, CancellationToken cancellationToken = default) =>
        (await AskAsync<FeedActor.SeekAnswer>(new FeedActor.Seek(byteOffset), cancellationToken)).Position;

    /// <inheritdoc/>
    public async ValueTask<FeedMap> GetMapAsync(int maxCells = 64, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxCells);
        return await AskAsync<FeedMap>(new FeedActor.GetMap(maxCells), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<FeedPeer>> GetPeersAsync(CancellationToken cancellationToken = default) =>
        (await AskAsync<FeedActor.PeersAnswer>(FeedActor.GetPeers.Instance, cancellationToken)).Peers;

    /// <summary>Lets go of the handle; the feed stays in the store.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _actor.Tell(FeedActor.CloseSession.Instance, ActorRefs.NoSender);
        }

        return ValueTask.CompletedTask;
    }

    private static long NextRequest() => Interlocked.Increment(ref s_requests);

    /// <summary>Asks the actor; a cancelled wait is taken back there too, so that nothing waits for nobody.</summary>
    private async Task<T> AskAsync<T>(object message, CancellationToken cancellationToken, long cancelId = 0)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

        // An actor that has stopped answers nobody: the view says so, to those who wait and to those who come later.
        using CancellationTokenSource? either = cancellationToken.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _view.Stopped)
            : null;
        try
        {
            return await _actor.Ask<T>(message, Timeout.InfiniteTimeSpan, either?.Token ?? _view.Stopped);
        }
        catch (OperationCanceledException)
        {
            if (cancelId != 0)
            {
                _actor.Tell(new FeedActor.Cancel(cancelId), ActorRefs.NoSender);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw _view.ToFailure();
        }
    }
}
