using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using Microsoft.Net.Http.Headers;

namespace HyperActors.Daemon;

/// <summary>What is in a feed: single blocks, ranges of them, bytes.</summary>
internal static class BlockEndpoints
{
    private const string Octets = "application/octet-stream";

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.FeedBlock, GetAsync)
            .Named("getBlock", "One block; with wait=true as soon as a peer has brought it")
            .Produces(StatusCodes.Status200OK, null, Octets);
        app.MapMethods(ApiRoutes.FeedBlock, [HttpMethods.Head], HasAsync).Named("hasBlock", "Whether a block is on this disk");
        app.MapGet(ApiRoutes.FeedBlocks, RangeAsync)
            .Named("getBlocks", "Blocks in order: a JSON array, or with Accept: " + BlockFrames.ContentType + " as they come; live=true goes on")
            .Produces<IReadOnlyList<BlockDto>>()
            .Produces(StatusCodes.Status200OK, null, BlockFrames.ContentType);
        app.MapMethods(ApiRoutes.FeedBytes, [HttpMethods.Get, HttpMethods.Head], BytesAsync)
            .Named("getBytes", "The feed's bytes, one block after the other; understands Range")
            .Produces(StatusCodes.Status200OK, null, Octets)
            .Produces(StatusCodes.Status206PartialContent, null, Octets);
    }

    private static async Task GetAsync(
        string feed, ulong index, HttpContext context, FeedTable feeds, CancellationToken cancellationToken, bool wait = false)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        Block? block = wait
            ? await opened.GetAsync(index, cancellationToken)
            : await opened.TryGetAsync(index, cancellationToken);
        if (block is not { } found)
        {
            throw NotHere(opened, index);
        }

        context.Response.ContentType = Octets;
        context.Response.ContentLength = found.Bytes.Length;
        await context.Response.BodyWriter.WriteAsync(found.Bytes, cancellationToken);
    }

    private static async Task<IResult> HasAsync(string feed, ulong index, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        return await opened.HasAsync(index, cancellationToken) ? TypedResults.Ok() : throw NotHere(opened, index);
    }

    private static async Task RangeAsync(
        string feed,
        HttpContext context,
        FeedTable feeds,
        DaemonNode node,
        DaemonLimits limits,
        CancellationToken cancellationToken,
        ulong from = 0,
        ulong? to = null,
        bool live = false,
        bool wait = false)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        if (to < from)
        {
            throw new ApiException(ApiCodes.OutOfRange, "to comes before from");
        }

        bool isFramed = context.Request.Headers.Accept.ToString().Contains(BlockFrames.ContentType, StringComparison.Ordinal);
        if (isFramed)
        {
            limits.EnterStream();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, node.Stopping);
            try
            {
                await FrameAsync(opened, context, from, to, live, live || wait, stop.Token);
            }
            finally
            {
                limits.LeaveStream();
            }

            return;
        }

        if (live)
        {
            throw ApiException.BadRequest($"live blocks do not end an array: ask for {BlockFrames.ContentType}, or take {ApiRoutes.FeedLive}");
        }

        await WriteArrayAsync(opened, context, from, to ?? opened.Length, wait, cancellationToken);
    }

    private static async Task WriteArrayAsync(
        IFeed feed, HttpContext context, ulong from, ulong to, bool wait, CancellationToken cancellationToken)
    {
        PipeWriter output = context.Response.BodyWriter;
        bool hasStarted = false;
        await foreach (Block block in ReadAsync(feed, from, to, wait, cancellationToken))
        {
            if (!hasStarted)
            {
                // Only now: a first block that is not here is a problem, not an array.
                context.Response.ContentType = "application/json";
            }

            output.Write(hasStarted ? ","u8 : "["u8);
            hasStarted = true;
            using (var json = new Utf8JsonWriter(output))
            {
                JsonSerializer.Serialize(
                    json, new BlockDto(block.Index, block.Bytes.Length, block.Bytes), ApiJson.Default.BlockDto);
            }

            await output.FlushAsync(cancellationToken);
        }

        if (!hasStarted)
        {
            context.Response.ContentType = "application/json";
            output.Write("["u8);
        }

        output.Write("]"u8);
        await output.FlushAsync(cancellationToken);
    }

    private static async Task FrameAsync(
        IFeed feed, HttpContext context, ulong from, ulong? to, bool live, bool wait, CancellationToken cancellationToken)
    {
        PipeWriter output = context.Response.BodyWriter;
        context.Response.ContentType = BlockFrames.ContentType;
        await output.FlushAsync(cancellationToken);
        try
        {
            IAsyncEnumerable<Block> blocks = live
                ? feed.ReadAsync(from, to, live: true, cancellationToken)
                : ReadAsync(feed, from, to ?? feed.Length, wait, cancellationToken);
            await foreach (Block block in blocks)
            {
                BlockFrames.WriteHeader(output.GetSpan(BlockFrames.HeaderSize), (uint)block.Bytes.Length, block.Index);
                output.Advance(BlockFrames.HeaderSize);
                await output.WriteAsync(block.Bytes, cancellationToken);
            }
        }
#pragma warning disable CA1031 // Whatever it is becomes the last frame.
        catch (Exception failure) when (!context.RequestAborted.IsCancellationRequested)
#pragma warning restore CA1031
        {
            byte[] problem = JsonSerializer.SerializeToUtf8Bytes(Problems.Explain(failure), ApiJson.Default.ApiProblem);
            BlockFrames.WriteHeader(output.GetSpan(BlockFrames.HeaderSize), BlockFrames.Problem, (ulong)problem.Length);
            output.Advance(BlockFrames.HeaderSize);
            output.Write(problem);
            await output.FlushAsync(CancellationToken.None);
        }
    }

    private static async Task BytesAsync(
        string feed, HttpContext context, FeedTable feeds, CancellationToken cancellationToken, bool wait = false)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        FeedInfo info = await opened.GetInfoAsync(cancellationToken);
        if (info.ByteLength > long.MaxValue)
        {
            throw new ApiException(ApiCodes.RangeNotSatisfiable, "the feed is longer than a body can be");
        }

        long total = (long)info.ByteLength;
        HttpResponse response = context.Response;
        string tag = string.Create(CultureInfo.InvariantCulture, $"\"{info.Fork}-{info.Length}\"");
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ETag = tag;
        response.ContentType = Octets;
        (long start, long end) = (0, total);
        if (RangeOf(context.Request, tag) is { } range)
        {
            (long? first, long? last) = (range.From, range.To);
            start = first ?? Math.Max(0, total - last!.Value);
            end = first is null ? total : Math.Min(total, (last ?? long.MaxValue - 1) + 1);
            if (start >= end)
            {
                response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{total}");
                throw new ApiException(ApiCodes.RangeNotSatisfiable, $"the feed has {total} bytes");
            }

            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{end - 1}/{total}");
        }

        response.ContentLength = end - start;
        if (HttpMethods.IsHead(context.Request.Method) || start == end)
        {
            return;
        }

        BytePosition position = start == 0
            ? default
            : await opened.SeekAsync((ulong)start, cancellationToken)
                ?? throw new ApiException(ApiCodes.NotHere, "the tree above that byte has not come from a peer yet");
        int skip = (int)position.Offset;
        long left = end - start;
        await foreach (Block block in ReadAsync(opened, position.Index, info.Length, wait, cancellationToken))
        {
            ReadOnlyMemory<byte> bytes = block.Bytes[skip..];
            skip = 0;
            bytes = bytes[..(int)Math.Min(bytes.Length, left)];
            await response.BodyWriter.WriteAsync(bytes, cancellationToken);
            left -= bytes.Length;
            if (left == 0)
            {
                return;
            }
        }
    }

    /// <summary>The one range that is asked for; null when the whole is. Several ranges, and units of others, are not understood.</summary>
    private static RangeItemHeaderValue? RangeOf(HttpRequest request, string tag)
    {
        string condition = request.Headers.IfRange.ToString();
        if (condition.Length > 0 && condition != tag)
        {
            return null;
        }

        return RangeHeaderValue.TryParse(request.Headers.Range.ToString(), out RangeHeaderValue? parsed)
            && parsed.Unit == "bytes" && parsed.Ranges.Count == 1 ? parsed.Ranges.First() : null;
    }

    /// <summary>Blocks in order. Without waiting, one that is not on this disk ends the reading with a problem.</summary>
    private static async IAsyncEnumerable<Block> ReadAsync(
        IFeed feed,
        ulong from,
        ulong to,
        bool wait,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!wait && from < to && to > feed.Length)
        {
            throw NotHere(feed, Math.Max(from, feed.Length));
        }

        if (wait || to <= feed.ContiguousLength)
        {
            await foreach (Block block in feed.ReadAsync(from, to, live: false, cancellationToken))
            {
                yield return block;
            }

            yield break;
        }

        for (ulong index = from; index < to; index++)
        {
            yield return await feed.TryGetAsync(index, cancellationToken) ?? throw NotHere(feed, index);
        }
    }

    private static ApiException NotHere(IFeed feed, ulong index) => new(
        ApiCodes.NotHere,
        index < feed.Length
            ? $"block {index} is not on this disk; wait=true fetches it from a peer"
            : $"the feed has {feed.Length} blocks; wait=true waits for block {index}");
}
