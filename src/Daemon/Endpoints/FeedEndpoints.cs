using System.Buffers;
using System.Text;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>Feeds: made, opened, appended to, cut, looked at.</summary>
internal static class FeedEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.Feeds, ListAsync).Named("listFeeds", "Every feed of the store, by name, then by key");
        app.MapPost(ApiRoutes.Feeds, OpenAsync)
            .Named("openFeed", "Opens a feed by name, and makes it when there is none, or by key");
        app.MapGet(ApiRoutes.Feed, InfoAsync).Named("getFeed", "What a feed is at this moment");
        app.MapPost(ApiRoutes.FeedBlocks, AppendAsync)
            .Named("appendBlocks", "Appends blocks: JSON, one block as application/octet-stream, or many as " + BlockFrames.ContentType)
            .Accepts<AppendRequest>("application/json", "application/octet-stream", BlockFrames.ContentType)
            .Produces<AppendResult>();
        app.MapPost(ApiRoutes.FeedTruncate, TruncateAsync).Named("truncateFeed", "Cuts a feed and counts up its fork");
        app.MapPost(ApiRoutes.FeedUpdate, UpdateAsync).Named("updateFeed", "Asks peers how long the feed is");
        app.MapGet(ApiRoutes.FeedPeers, PeersAsync).Named("listFeedPeers", "The peers that a feed is open with");
        app.MapGet(ApiRoutes.FeedMap, MapAsync).Named("getFeedMap", "Which blocks are on this disk, in at most 1024 equal parts");
        app.MapGet(ApiRoutes.FeedSeek, SeekAsync).Named("seekFeed", "The block that holds a byte");
        app.MapGet(ApiRoutes.FeedKeep, GetKeepAsync).Named("getKeep", "What the node does for a feed without being asked again");
        app.MapPut(ApiRoutes.FeedKeep, SetKeepAsync)
            .Named("setKeep", "Announces a feed, or brings all of it to this disk, also after the next start");
        app.MapGet(ApiRoutes.Store, StoreAsync).Named("getStore", "The store as a whole");
    }

    private static async Task<Ok<IReadOnlyList<FeedDto>>> ListAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        IReadOnlyList<FeedInfo> feeds = await node.Node.ListFeedsAsync(cancellationToken);
        return TypedResults.Ok<IReadOnlyList<FeedDto>>([.. feeds.Select(Dto.Of)]);
    }

    private static async Task<Ok<FeedDto>> OpenAsync(OpenFeedRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        if ((request.Name is null) == (request.Key is null))
        {
            throw ApiException.BadRequest("give a name or a key, one of the two");
        }

        if (request.Name is null)
        {
            await using IFeed byKey = await node.Node.OpenFeedAsync(FeedKey.Parse(request.Key!), cancellationToken);
            return TypedResults.Ok(Dto.Of(await byKey.GetInfoAsync(cancellationToken)));
        }

        string name = FeedTable.CheckName(request.Name);
        if (request.Exclusive)
        {
            await using IFeed? existing = await node.Node.FindFeedAsync(name, cancellationToken);
            if (existing is not null)
            {
                throw new ApiException(ApiCodes.FeedExists, $"'{name}' exists already, its key is {existing.Key}");
            }
        }

        await using IFeed feed = await node.Node.OpenFeedAsync(name, cancellationToken);
        return TypedResults.Ok(Dto.Of(await feed.GetInfoAsync(cancellationToken)));
    }

    private static async Task<Ok<FeedDto>> InfoAsync(string feed, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        return TypedResults.Ok(Dto.Of(await opened.GetInfoAsync(cancellationToken)));
    }

    private static async Task<Ok<AppendResult>> AppendAsync(
        string feed, HttpContext context, FeedTable feeds, BodyBudget budget, DaemonLimits limits, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        string media = (context.Request.ContentType ?? string.Empty).Split(';')[0].Trim();
        Func<ReadOnlyMemory<byte>, IReadOnlyList<ReadOnlyMemory<byte>>> cut = media switch
        {
            "application/octet-stream" => static body => [body],
            "application/json" => static body => Blocks(JsonSerializer.Deserialize(body.Span, ApiJson.Default.AppendRequest)!),
            BlockFrames.ContentType => Unframe,
            _ => throw new ApiException(
                ApiCodes.UnsupportedMediaType,
                $"the body is application/json, application/octet-stream or {BlockFrames.ContentType}: say which with Content-Type"),
        };
        return TypedResults.Ok(await budget.ReadAsync(
            context,
            limits.Api.MaxAppendBytes,
            async body =>
            {
                IReadOnlyList<ReadOnlyMemory<byte>> blocks = cut(body);
                if (blocks.Count == 0)
                {
                    throw ApiException.BadRequest("there is no block in the body");
                }

                // Not called off on its way to the disk: then nobody could say whether it is there.
                ulong length = await opened.AppendAsync(blocks, CancellationToken.None);
                FeedInfo info = await opened.GetInfoAsync(CancellationToken.None);
                return new AppendResult(length - (ulong)blocks.Count, (ulong)blocks.Count, Dto.Of(info));
            },
            cancellationToken));
    }

    private static async Task<Ok<FeedDto>> TruncateAsync(
        string feed, TruncateRequest request, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        await opened.TruncateAsync(request.Length, cancellationToken);
        return TypedResults.Ok(Dto.Of(await opened.GetInfoAsync(cancellationToken)));
    }

    private static async Task<Ok<UpdateResult>> UpdateAsync(string feed, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        bool hasGrown = await opened.UpdateAsync(cancellationToken);
        return TypedResults.Ok(new UpdateResult(hasGrown, Dto.Of(await opened.GetInfoAsync(cancellationToken))));
    }

    private static async Task<Ok<IReadOnlyList<FeedPeerDto>>> PeersAsync(
        string feed, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        IReadOnlyList<FeedPeer> peers = await opened.GetPeersAsync(cancellationToken);
        return TypedResults.Ok<IReadOnlyList<FeedPeerDto>>(
            [.. peers.Select(p => new FeedPeerDto(p.ConnectionId, p.Length, p.ContiguousLength))]);
    }

    private static async Task<Ok<FeedMapDto>> MapAsync(
        string feed, FeedTable feeds, CancellationToken cancellationToken, int cells = 64)
    {
        if (cells is < 1 or > 1024)
        {
            throw new ApiException(ApiCodes.OutOfRange, "cells is 1 to 1024");
        }

        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        FeedMap map = await opened.GetMapAsync(cells, cancellationToken);
        return TypedResults.Ok(new FeedMapDto(map.Length, map.Blocks, map.Cells));
    }

    private static async Task<Ok<SeekResult>> SeekAsync(
        string feed, ulong offset, FeedTable feeds, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        return await opened.SeekAsync(offset, cancellationToken) is { } position
            ? TypedResults.Ok(new SeekResult(position.Index, position.Offset))
            : throw new ApiException(ApiCodes.NotHere, "the tree above that byte has not come from a peer yet");
    }

    private static async Task<Ok<KeepDto>> GetKeepAsync(
        string feed, FeedTable feeds, DaemonNode node, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        return TypedResults.Ok(node.Keeper.Find(opened.Key));
    }

    private static async Task<Ok<KeepDto>> SetKeepAsync(
        string feed, KeepDto request, FeedTable feeds, DaemonNode node, CancellationToken cancellationToken)
    {
        await using IFeed opened = await feeds.OpenAsync(feed, cancellationToken);
        await node.Keeper.KeepAsync(opened.Key, request, cancellationToken);
        return TypedResults.Ok(node.Keeper.Find(opened.Key));
    }

    private static async Task<Ok<StoreDto>> StoreAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        IReadOnlyList<FeedInfo> feeds = await node.Node.ListFeedsAsync(cancellationToken);
        ulong blocks = 0;
        ulong bytes = 0;
        foreach (FeedInfo feed in feeds)
        {
            blocks += feed.Length;
            bytes += feed.ByteLength;
        }

        long free = 0;
        try
        {
            free = new DriveInfo(node.StoragePath).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A disk that does not say how much room it has.
        }

        return TypedResults.Ok(new StoreDto(node.StoragePath, feeds.Count, blocks, bytes, free));
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> Blocks(AppendRequest request)
    {
        var blocks = new ReadOnlyMemory<byte>[request.Blocks.Count];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = request.Blocks[i] switch
            {
                { Base64: { } base64, Text: null, Json: null } => Convert.FromBase64String(base64),
                { Base64: null, Text: { } text, Json: null } => Encoding.UTF8.GetBytes(text),
                { Base64: null, Text: null, Json: { } json } => Encoding.UTF8.GetBytes(json.GetRawText()),
                _ => throw ApiException.BadRequest($"block {i} is none: give base64, text or json, one of the three"),
            };
        }

        return blocks;
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> Unframe(ReadOnlyMemory<byte> body)
    {
        var blocks = new List<ReadOnlyMemory<byte>>();
        while (!body.IsEmpty)
        {
            if (body.Length < BlockFrames.HeaderSize)
            {
                throw ApiException.BadRequest("the body ends in the middle of a header");
            }

            (uint size, _) = BlockFrames.ReadHeader(body.Span);
            body = body[BlockFrames.HeaderSize..];
            if (size > body.Length)
            {
                throw ApiException.BadRequest($"a block of {size} bytes is announced, and {body.Length} follow");
            }

            blocks.Add(body[..(int)size]);
            body = body[(int)size..];
        }

        return blocks;
    }
}
