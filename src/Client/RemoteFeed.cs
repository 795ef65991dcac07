using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Client;

/// <summary>A handle on one feed of a daemon.</summary>
/// <remarks>Its figures follow the daemon's events; what the handle itself has done is in them when the call returns.</remarks>
public sealed class RemoteFeed : IFeed
{
    private readonly ApiChannel _api;
    private readonly string _path;
    private readonly CancellationTokenSource _closed;
    private readonly CancellationToken _closing;
    private FeedInfo _info;
    private int _disposed;

    private RemoteFeed(ApiChannel api, FeedDto feed)
    {
        _api = api;
        _info = Words.Of(feed);
        _path = feed.Key;
        _closed = CancellationTokenSource.CreateLinkedTokenSource(api.Closed);
        _closing = _closed.Token;
    }

    /// <inheritdoc/>
    public string? Name => Info.Name;

    /// <inheritdoc/>
    public FeedKey Key => Info.Key;

    /// <inheritdoc/>
    public DiscoveryKey DiscoveryKey => Info.DiscoveryKey;

    /// <inheritdoc/>
    public bool IsWritable => Info.IsWritable;

    /// <inheritdoc/>
    public ulong Length => Info.Length;

    /// <inheritdoc/>
    public ulong ByteLength => Info.ByteLength;

    /// <inheritdoc/>
    public ulong Fork => Info.Fork;

    /// <inheritdoc/>
    public ulong ContiguousLength => Info.ContiguousLength;

    private FeedInfo Info => Volatile.Read(ref _info);

    /// <inheritdoc/>
    public async ValueTask<FeedInfo> GetInfoAsync(CancellationToken cancellationToken = default)
    {
        FeedDto feed = await _api.GetAsync(Path(ApiRoutes.Feed), ApiJson.Default.FeedDto, cancellationToken).ConfigureAwait(false);
        Take(feed);
        return Words.Of(feed);
    }

    /// <inheritdoc/>
    public ValueTask<ulong> AppendAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken = default) =>
        AppendAsync([block], cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ulong> AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> blocks, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ThrowIfDisposed();
        if (blocks.Count == 0)
        {
            return (await GetInfoAsync(cancellationToken).ConfigureAwait(false)).Length;
        }

        using HttpRequestMessage request = new(HttpMethod.Post, Path(ApiRoutes.FeedBlocks))
        {
            Content = new BlocksContent(blocks),
        };
        using HttpResponseMessage answer = await _api.SendAsync(request, cancellationToken).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        AppendResult result = (await JsonSerializer.DeserializeAsync(body, ApiJson.Default.AppendResult, cancellationToken)
            .ConfigureAwait(false))!;
        Take(result.Feed);
        return result.Start + result.Count;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> HasAsync(ulong index, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        try
        {
            await _api.SendAsync(HttpMethod.Head, Path(index), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (RemoteException e) when (e.Problem.Code == ApiCodes.NotHere)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Block> GetAsync(ulong index, CancellationToken cancellationToken = default) =>
        await FetchAsync(index, "?wait=true", cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<Block?> TryGetAsync(ulong index, CancellationToken cancellationToken = default)
    {
        try
        {
            return await FetchAsync(index, string.Empty, cancellationToken).ConfigureAwait(false);
        }
        catch (RemoteException e) when (e.Problem.Code == ApiCodes.NotHere)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Block> ReadAsync(
        ulong from = 0, ulong? to = null, bool live = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        ulong? end = to ?? (live ? null : Length);
        if (end <= from)
        {
            yield break;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing);
        using var request = new HttpRequestMessage(
            HttpMethod.Get, Words.Query(Path(ApiRoutes.FeedBlocks), from, end, live ? "&live=true" : "&wait=true"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(BlockFrames.ContentType));
        using HttpResponseMessage answer = await _api.SendAsync(request, either.Token).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        byte[] header = new byte[BlockFrames.HeaderSize];
        await using (body.ConfigureAwait(false))
        {
            ulong next = from;
            while (await NextAsync(body, header, cancellationToken, either.Token).ConfigureAwait(false) is { } block)
            {
                next = block.Index + 1;
                yield return block;
            }

            if (next != end)
            {
                throw ApiChannel.Gone(null);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask TruncateAsync(ulong length, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        FeedDto feed = await _api.SendAsync(
            HttpMethod.Post,
            Path(ApiRoutes.FeedTruncate),
            new TruncateRequest(length),
            ApiJson.Default.TruncateRequest,
            ApiJson.Default.FeedDto,
            cancellationToken).ConfigureAwait(false);
        Take(feed);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> UpdateAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        using var request = new HttpRequestMessage(HttpMethod.Post, Path(ApiRoutes.FeedUpdate));
        using HttpResponseMessage answer = await _api.SendAsync(request, cancellationToken).ConfigureAwait(false);
        Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        UpdateResult result = (await JsonSerializer.DeserializeAsync(body, ApiJson.Default.UpdateResult, cancellationToken)
            .ConfigureAwait(false))!;
        Take(result.Feed);
        return result.Grown;
    }

    /// <inheritdoc/>
    public async Task DownloadAsync(
        ulong from = 0, ulong? to = null, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path(ApiRoutes.FeedDownload))
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new DownloadRequest(from, to), ApiJson.Default.DownloadRequest))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
        bool isDone = false;
        try
        {
            await foreach (ServerEvent happened in _api.StreamAsync(request, either.Token).ConfigureAwait(false))
            {
                if (happened.Name == "progress")
                {
                    ProgressDto step = JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.ProgressDto)!;
                    isDone = to is not null && step.Blocks >= step.Total;
                    progress?.Report(new DownloadProgress(step.Blocks, step.Total, step.Bytes));
                }
            }
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ApiChannel.Gone(null);
        }

        if (!isDone)
        {
            // The stream has ended before the range was here: the daemon is stopping.
            throw ApiChannel.Gone(null);
        }

        await GetInfoAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<BytePosition?> SeekAsync(ulong byteOffset, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        try
        {
            SeekResult result = await _api.GetAsync(
                string.Create(CultureInfo.InvariantCulture, $"{Path(ApiRoutes.FeedSeek)}?offset={byteOffset}"),
                ApiJson.Default.SeekResult,
                cancellationToken).ConfigureAwait(false);
            return new BytePosition(result.Index, result.Offset);
        }
        catch (RemoteException e) when (e.Problem.Code == ApiCodes.NotHere)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<FeedMap> GetMapAsync(int maxCells = 64, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        FeedMapDto map = await _api.GetAsync(
            string.Create(CultureInfo.InvariantCulture, $"{Path(ApiRoutes.FeedMap)}?cells={maxCells}"),
            ApiJson.Default.FeedMapDto,
            cancellationToken).ConfigureAwait(false);
        return new FeedMap(map.Length, map.Blocks, map.Cells);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<FeedPeer>> GetPeersAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        IReadOnlyList<FeedPeerDto> peers = await _api.GetAsync(
            Path(ApiRoutes.FeedPeers), ApiJson.Default.IReadOnlyListFeedPeerDto, cancellationToken).ConfigureAwait(false);
        return [.. peers.Select(p => new FeedPeer(p.ConnectionId, p.Length, p.ContiguousLength))];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeedEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        var request = new HttpRequestMessage(HttpMethod.Get, Path(ApiRoutes.FeedEvents));
        await foreach (ServerEvent happened in _api.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            FeedEventDto e = Read(happened);
            switch (e.Kind)
            {
                case FeedEventDto.Extended:
                    yield return new FeedEvent.Extended(e.Length, e.Fork);
                    break;
                case FeedEventDto.Truncated:
                    yield return new FeedEvent.Truncated(e.Length, e.Fork, e.CommonLength);
                    break;
                case FeedEventDto.Downloaded:
                    yield return new FeedEvent.Downloaded(e.Start, e.Count);
                    break;
                case FeedEventDto.Conflicted:
                    yield return new FeedEvent.Conflicted(e.Length, e.Fork);
                    break;
            }
        }
    }

    /// <summary>Lets go of the handle; the feed stays in the store.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _closed.CancelAsync().ConfigureAwait(false);
            _closed.Dispose();
        }
    }

    /// <summary>Opens a handle that follows the feed's events from now on.</summary>
    internal static async Task<RemoteFeed> OpenAsync(ApiChannel api, FeedDto feed, CancellationToken cancellationToken)
    {
        var opened = new RemoteFeed(api, feed);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = opened.FollowAsync(ready);
        await ready.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return opened;
    }

    private async Task FollowAsync(TaskCompletionSource ready)
    {
        try
        {
            var request = new HttpRequestMessage(HttpMethod.Get, Path(ApiRoutes.FeedEvents));
            await foreach (ServerEvent happened in _api.StreamAsync(request, _closing).ConfigureAwait(false))
            {
                if (Read(happened).Feed is { } feed)
                {
                    Take(feed);
                }

                ready.TrySetResult();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HyperActorsException or ObjectDisposedException)
        {
            // The handle was closed, or the daemon has gone: the next call says which.
        }
        finally
        {
            ready.TrySetResult();
        }
    }

    private static FeedEventDto Read(ServerEvent happened) =>
        JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.FeedEventDto)!;

    private static async Task<Block?> NextAsync(
        Stream body, byte[] header, CancellationToken callers, CancellationToken cancellationToken)
    {
        try
        {
            int read = await body.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            (uint size, ulong index) = BlockFrames.ReadHeader(header);
            bool isProblem = size == BlockFrames.Problem;
            byte[] bytes = new byte[isProblem ? checked((int)index) : checked((int)size)];
            await body.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
            return isProblem
                ? throw ApiChannel.ToException(JsonSerializer.Deserialize(bytes, ApiJson.Default.ApiProblem)!)
                : new Block(index, bytes);
        }
        catch (OperationCanceledException)
        {
            callers.ThrowIfCancellationRequested();
            throw ApiChannel.Gone(null);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw ApiChannel.Gone(e);
        }
    }

    private async ValueTask<Block> FetchAsync(ulong index, string query, CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        using var request = new HttpRequestMessage(HttpMethod.Get, Path(index) + query);
        using HttpResponseMessage answer = await _api.SendAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            return new Block(index, await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw ApiChannel.Gone(e);
        }
    }

    // Answers overtake each other: what is older does not replace what is newer.
    private void Take(FeedDto feed)
    {
        FeedInfo news = Words.Of(feed);
        FeedInfo known = Info;
        while (IsNewer(news, known))
        {
            FeedInfo before = Interlocked.CompareExchange(ref _info, news, known);
            if (ReferenceEquals(before, known))
            {
                return;
            }

            known = before;
        }
    }

    private static bool IsNewer(FeedInfo news, FeedInfo known) =>
        (news.Fork, news.Length, news.ContiguousLength).CompareTo((known.Fork, known.Length, known.ContiguousLength)) > 0;

    private string Path(string route) => ApiRoutes.Of(route, _path);

    private string Path(ulong index) => ApiRoutes.Of(Path(ApiRoutes.FeedBlock), index.ToString(CultureInfo.InvariantCulture));

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    /// <summary>Blocks as a body, written as they lie in memory.</summary>
    private sealed class BlocksContent : HttpContent
    {
        private readonly IReadOnlyList<ReadOnlyMemory<byte>> _blocks;

        public BlocksContent(IReadOnlyList<ReadOnlyMemory<byte>> blocks)
        {
            _blocks = blocks;
            Headers.ContentType = new MediaTypeHeaderValue(BlockFrames.ContentType);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            byte[] header = new byte[BlockFrames.HeaderSize];
            for (int i = 0; i < _blocks.Count; i++)
            {
                BlockFrames.WriteHeader(header, (uint)_blocks[i].Length, (ulong)i);
                await stream.WriteAsync(header).ConfigureAwait(false);
                await stream.WriteAsync(_blocks[i]).ConfigureAwait(false);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _blocks.Sum(b => (long)b.Length + BlockFrames.HeaderSize);
            return true;
        }
    }
}
