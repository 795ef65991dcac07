using System.Buffers.Binary;
using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>What goes on: blocks as they come, events, downloads.</summary>
internal static class StreamEndpoints
{
    private const int SocketHeader = 8;

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.FeedLive, LiveAsync)
            .Named("streamBlocks", "Blocks as events, from one on and as they come; Last-Event-ID goes on behind that block")
            .Streams();
        app.MapGet(ApiRoutes.FeedSocket, SocketAsync)
            .Named("socketBlocks", "A WebSocket: sends blocks from one on and as they come, and appends what it is sent");
        app.MapGet(ApiRoutes.FeedEvents, EventsAsync)
            .Named("streamFeedEvents", "What happens to a feed; the first event says what it is")
            .Streams();
        app.MapPost(ApiRoutes.FeedDownload, DownloadAsync)
            .Named("downloadFeed", "Brings a range to this disk while the caller stays, and tells how far it is")
            .Streams();
    }

    private static async Task LiveAsync(
        string feed,
        HttpContext context,
        FeedTable feeds,
        DaemonNode node,
        DaemonLimits limits,
        CancellationToken cancellationToken,
        ulong? from = null,
        ulong? to = null)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        ulong start = ulong.TryParse(
                context.Request.Headers["Last-Event-ID"].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong last)
            && last < ulong.MaxValue ? last + 1
            : from ?? 0;
        await EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            await foreach (Block block in opened.ReadAsync(start, to, live: true, token))
            {
                await stream.SendAsync(
                    "block",
                    new BlockDto(block.Index, block.Bytes.Length, block.Bytes),
                    ApiJson.Default.BlockDto,
                    block.Index.ToString(CultureInfo.InvariantCulture),
                    token);
            }
        });
    }

    private static async Task EventsAsync(
        string feed, HttpContext context, FeedTable feeds, DaemonNode node, DaemonLimits limits, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        await EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            // Watched before the feed is described: what happens in between is told twice rather than never.
            await using IAsyncEnumerator<FeedEvent> events = opened.WatchAsync(token).GetAsyncEnumerator(token);
            ValueTask<bool> next = events.MoveNextAsync();
            FeedDto now = Dto.Of(await opened.GetInfoAsync(token));
            await stream.SendAsync(
                "feed", new FeedEventDto(FeedEventDto.Open, now, now.Length, now.Fork), ApiJson.Default.FeedEventDto, null, token);
            while (await next)
            {
                FeedEvent happened = events.Current;
                next = events.MoveNextAsync();
                now = Dto.Of(await opened.GetInfoAsync(token));
                await stream.SendAsync("feed", Dto.Of(happened, now), ApiJson.Default.FeedEventDto, null, token);
            }
        });
    }

    private static async Task DownloadAsync(
        string feed,
        DownloadRequest request,
        HttpContext context,
        FeedTable feeds,
        DaemonNode node,
        DaemonLimits limits,
        CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        if (request.To < request.From)
        {
            throw new ApiException(ApiCodes.OutOfRange, "to comes before from");
        }

        await EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            // A slow reader sees fewer steps; the last one it sees in any case.
            var steps = Channel.CreateBounded<DownloadProgress>(
                new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
            Task downloading = opened.DownloadAsync(request.From, request.To, new Reporter(steps.Writer), token);
            _ = downloading.ContinueWith(
                (ended, _) => steps.Writer.TryComplete(),
                null,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            await foreach (DownloadProgress step in steps.Reader.ReadAllAsync(token))
            {
                await stream.SendAsync(
                    "progress",
                    new ProgressDto(step.Blocks, step.Total, step.Bytes),
                    ApiJson.Default.ProgressDto,
                    null,
                    token);
            }

            await downloading;
        });
    }

    private static async Task SocketAsync(
        string feed,
        HttpContext context,
        FeedTable feeds,
        DaemonNode node,
        DaemonLimits limits,
        CancellationToken cancellationToken,
        ulong from = 0,
        bool binary = false)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw ApiException.BadRequest("this is for WebSockets");
        }

        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        limits.EnterStream();
        try
        {
            string? protocol = context.WebSockets.WebSocketRequestedProtocols
                .FirstOrDefault(p => p.StartsWith("bearer.", StringComparison.Ordinal));
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, node.Stopping);
            Task sending = SendAsync(opened, socket, from, binary, stop.Token);
            Task receiving = ReceiveAsync(opened, socket, limits.Api.MaxAppendBytes, stop.Token);
            Task first = await Task.WhenAny(sending, receiving);
            await stop.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await CloseAsync(socket, first.Exception?.InnerException);
        }
        finally
        {
            limits.LeaveStream();
        }
    }

    private static async Task SendAsync(IFeed feed, WebSocket socket, ulong from, bool binary, CancellationToken cancellationToken)
    {
        await foreach (Block block in feed.ReadAsync(from, null, live: true, cancellationToken))
        {
            if (binary)
            {
                byte[] message = new byte[SocketHeader + block.Bytes.Length];
                BinaryPrimitives.WriteUInt64LittleEndian(message, block.Index);
                block.Bytes.CopyTo(message.AsMemory(SocketHeader));
                await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
                continue;
            }

            byte[] json = JsonSerializer.SerializeToUtf8Bytes(
                new BlockDto(block.Index, block.Bytes.Length, block.Bytes), ApiJson.Default.BlockDto);
            await socket.SendAsync(json, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
    }

    /// <summary>Each message is a block; ends when the caller closes.</summary>
    private static async Task ReceiveAsync(IFeed feed, WebSocket socket, int maxBytes, CancellationToken cancellationToken)
    {
        var message = new System.Buffers.ArrayBufferWriter<byte>(4096);
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(message.GetMemory(4096), cancellationToken);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            message.Advance(received.Count);
            if (message.WrittenCount > maxBytes)
            {
                throw new ApiException(ApiCodes.BodyTooLarge, $"a message has more than {maxBytes} bytes");
            }

            if (received.EndOfMessage)
            {
                await feed.AppendAsync(message.WrittenMemory, CancellationToken.None);
                message.ResetWrittenCount();
            }
        }
    }

    private static async Task CloseAsync(WebSocket socket, Exception? failure)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        bool isOrderly = failure is null or OperationCanceledException;
        string reason = isOrderly ? "bye" : Problems.Explain(failure!).Code;
        try
        {
            await socket.CloseOutputAsync(
                isOrderly ? WebSocketCloseStatus.NormalClosure : WebSocketCloseStatus.InternalServerError, reason, CancellationToken.None);
        }
        catch (WebSocketException)
        {
            // The caller has left.
        }
    }

    private sealed class Reporter(ChannelWriter<DownloadProgress> steps) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => steps.TryWrite(value);
    }
}
