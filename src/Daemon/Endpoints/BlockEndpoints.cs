using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using Microsoft.Net.Http.Headers;

namespace HyperActors.Daemon;

/// <summary>What is in a feed: single blocks, ranges of them, bytes.</summary>
internal static class BlockEndpoints
{
    private const string Octets = "application/octet-stream";

    /// <summary>Ranges of one request. A caller that wants more takes the whole.</summary>
    private const int MaxRanges = 16;

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
        if (HasTag(context.Request, tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        ByteRange[] ranges = RangesOf(context.Request, tag, total);
        if (ranges.Length == 0)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{total}");
            await Problems.WriteAsync(context, ApiProblem.Of(ApiCodes.RangeNotSatisfiable, $"the feed has {total} bytes"));
            return;
        }

        // A part is a range with the lines before it: none where the answer itself is the range.
        var parts = new List<(ByteRange Range, byte[] Head)>();
        byte[] tail = [];
        response.ContentType = Octets;
        if (ranges is [{ IsWhole: true }])
        {
            parts.Add((ranges[0], []));
        }
        else if (ranges is [var single])
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = single.Of(total);
            parts.Add((single, []));
        }
        else
        {
            string boundary = Guid.NewGuid().ToString("N");
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.ContentType = $"multipart/byteranges; boundary={boundary}";
            parts.AddRange(ranges.Select((range, i) => (range, Encoding.ASCII.GetBytes(
                $"{(i == 0 ? string.Empty : "\r\n")}--{boundary}\r\nContent-Type: {Octets}\r\nContent-Range: {range.Of(total)}\r\n\r\n"))));
            tail = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        }

        response.ContentLength = parts.Sum(p => p.Head.Length + p.Range.Length) + tail.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        foreach ((ByteRange range, byte[] head) in parts)
        {
            await WriteAsync(opened, info.Length, range, head, wait, response.BodyWriter, cancellationToken);
        }

        await response.BodyWriter.WriteAsync(tail, cancellationToken);
    }

    private static async Task WriteAsync(
        IFeed feed, ulong length, ByteRange range, byte[] head, bool wait, PipeWriter output, CancellationToken cancellationToken)
    {
        if (range.Length == 0)
        {
            return;
        }

        BytePosition position = range.Start == 0
            ? default
            : await feed.SeekAsync((ulong)range.Start, cancellationToken)
                ?? throw new ApiException(ApiCodes.NotHere, "the tree above that byte has not come from a peer yet");
        int skip = (int)position.Offset;
        long left = range.Length;
        await foreach (Block block in ReadAsync(feed, position.Index, length, wait, cancellationToken))
        {
            // Only now: a first block that is not here is a problem, not an answer.
            output.Write(head);
            head = [];
            ReadOnlyMemory<byte> bytes = block.Bytes[skip..];
            skip = 0;
            bytes = bytes[..(int)Math.Min(bytes.Length, left)];
            await output.WriteAsync(bytes, cancellationToken);
            left -= bytes.Length;
            if (left == 0)
            {
                return;
            }
        }
    }

    private static bool HasTag(HttpRequest request, string tag) =>
        EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out IList<EntityTagHeaderValue>? tags)
        && tags.Any(t => t.Tag == "*" || t.Tag == tag);

    /// <summary>The ranges that are asked for and that there are: none when all of them lie beyond the end.</summary>
    /// <remarks>What is no range of bytes asks for the whole; so does what asks for more than that, or in too many pieces.</remarks>
    private static ByteRange[] RangesOf(HttpRequest request, string tag, long total)
    {
        ByteRange[] whole = [new(0, total) { IsWhole = true }];
        string condition = request.Headers.IfRange.ToString();
        if ((condition.Length > 0 && condition != tag)
            || !RangeHeaderValue.TryParse(request.Headers.Range.ToString(), out RangeHeaderValue? parsed)
            || parsed.Unit != "bytes" || parsed.Ranges.Count > MaxRanges)
        {
            return whole;
        }

        ByteRange[] ranges =
        [
            .. parsed.Ranges
                .Select(r => r.From is { } from
                    ? new ByteRange(from, Math.Min(total, (r.To ?? long.MaxValue - 1) + 1))
                    : new ByteRange(Math.Max(0, total - r.To!.Value), total))
                .Where(r => r.Length > 0),
        ];
        return ranges.Length > 1 && ranges.Sum(r => r.Length) > total ? whole : ranges;
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

    /// <summary>Bytes of a feed, the end not among them.</summary>
    private readonly record struct ByteRange(long Start, long End)
    {
        public long Length => End - Start;

        /// <summary>True for what nobody asked for as a range.</summary>
        public bool IsWhole { get; init; }

        public string Of(long total) => string.Create(CultureInfo.InvariantCulture, $"bytes {Start}-{End - 1}/{total}");
    }
}
