using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>The swarm: topics and peers.</summary>
internal static class SwarmEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.Swarm, InfoAsync).Named("getSwarm", "What the swarm does at this moment");
        app.MapPost(ApiRoutes.SwarmTopics, JoinAsync)
            .Named("joinTopic", "Joins a topic, or the topic of a feed; remembered over restarts unless said otherwise");
        app.MapDelete(ApiRoutes.SwarmTopic, LeaveAsync).Named("leaveTopic", "Leaves a topic and forgets it");
        app.MapDelete(ApiRoutes.SwarmSession, EndSessionAsync).Named("endSession", "Ends one wish to be in a topic");
        app.MapPost(ApiRoutes.SwarmSessionRefresh, RefreshAsync).Named("refreshSession", "Announces and looks again, now");
        app.MapPost(ApiRoutes.SwarmSessionFlush, FlushSessionAsync)
            .Named("flushSession", "Waits until the announcement and the lookup that run have ended");
        app.MapGet(ApiRoutes.SwarmPeers, PeersAsync).Named("listSwarmPeers", "The peers that the swarm knows");
        app.MapPost(ApiRoutes.SwarmPeers, PeerAsync).Named("changePeer", "Joins, leaves, bans or unbans a peer by its key");
        app.MapPost(ApiRoutes.SwarmFlush, FlushAsync)
            .Named("flushSwarm", "Waits until every topic has been looked up once more and every peer has been tried");
        app.MapPut(ApiRoutes.SwarmSuspend, SuspendAsync).Named("suspendSwarm", "Suspends the swarm, or goes on with it");
        app.MapGet(ApiRoutes.SwarmEvents, EventsAsync).Named("streamSwarmEvents", "What happens in the swarm").Streams();
    }

    private static async Task<Ok<SwarmDto>> InfoAsync(DaemonNode node, CancellationToken cancellationToken) =>
        TypedResults.Ok(Dto.Of(await node.Node.Swarm.GetInfoAsync(cancellationToken)));

    private static async Task<Ok<JoinResult>> JoinAsync(
        JoinRequest request, DaemonNode node, FeedTable feeds, CancellationToken cancellationToken)
    {
        if ((request.Topic is null) == (request.Feed is null))
        {
            throw ApiException.BadRequest("give a topic or a feed, one of the two");
        }

        if (!request.Server && !request.Client)
        {
            throw ApiException.BadRequest("announce or look, or both: with neither there is nothing to join");
        }

        if (request.Limit < 1)
        {
            throw new ApiException(ApiCodes.OutOfRange, "a limit is 1 or more");
        }

        DiscoveryKey topic;
        if (request.Topic is { } text)
        {
            topic = DiscoveryKey.Parse(text);
        }
        else
        {
            await using IFeed feed = await feeds.OpenAsync(request.Feed!, cancellationToken);
            topic = feed.DiscoveryKey;
        }

        var options = new SwarmJoinOptions { Server = request.Server, Client = request.Client, Limit = request.Limit };
        string session = await node.Keeper.JoinAsync(topic, options, request.Remember, cancellationToken);
        return TypedResults.Ok(new JoinResult(session, topic.ToString()));
    }

    private static async Task<NoContent> LeaveAsync(string topic, DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Keeper.LeaveAsync(DiscoveryKey.Parse(topic), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> EndSessionAsync(string session, DaemonNode node)
    {
        await node.Keeper.EndAsync(session);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> RefreshAsync(string session, DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Keeper.Session(session).RefreshAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> FlushSessionAsync(string session, DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Keeper.Session(session).FlushAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<IReadOnlyList<SwarmPeerDto>>> PeersAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        SwarmInfo info = await node.Node.Swarm.GetInfoAsync(cancellationToken);
        return TypedResults.Ok<IReadOnlyList<SwarmPeerDto>>([.. info.Peers.Select(Dto.Of)]);
    }

    private static async Task<NoContent> PeerAsync(SwarmPeerRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        PublicKey peer = PublicKey.Parse(request.PublicKey);
        ISwarm swarm = node.Node.Swarm;
        await (request.Action switch
        {
            "join" => swarm.JoinPeerAsync(peer, cancellationToken),
            "leave" => swarm.LeavePeerAsync(peer, cancellationToken),
            "ban" => swarm.BanAsync(peer, cancellationToken),
            "unban" => swarm.UnbanAsync(peer, cancellationToken),
            _ => throw ApiException.BadRequest("the action is join, leave, ban or unban"),
        });
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> FlushAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        await node.Node.Swarm.FlushAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> SuspendAsync(SuspendRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        ISwarm swarm = node.Node.Swarm;
        await (request.Suspended ? swarm.SuspendAsync(cancellationToken) : swarm.ResumeAsync(cancellationToken));
        return TypedResults.NoContent();
    }

    private static Task EventsAsync(HttpContext context, DaemonNode node, DaemonLimits limits)
    {
        ISwarm swarm = node.Node.Swarm;
        return EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            await using IAsyncEnumerator<SwarmEvent> events = swarm.WatchAsync(token).GetAsyncEnumerator(token);
            ValueTask<bool> next = events.MoveNextAsync();

            // The reader knows from it that no event is missed from now on.
            await stream.SendAsync("watching", new HealthDto("healthy"), ApiJson.Default.HealthDto, null, token);
            while (await next)
            {
                await stream.SendAsync("swarm", Dto.Of(events.Current), ApiJson.Default.SwarmEventDto, null, token);
                next = events.MoveNextAsync();
            }
        });
    }
}
