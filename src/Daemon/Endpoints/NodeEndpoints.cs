using System.Net;
using System.Reflection;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>The node itself, its connections over TCP, and whether it is well.</summary>
internal static class NodeEndpoints
{
    /// <summary>Brothers of one class that are shown one by one.</summary>
    public const int MaxBrothers = 20;

    /// <summary>What fits a packet on every path, and some more: who sends it is told no by the path.</summary>
    private const int MaxMessageSize = 2048;

    private static readonly string Version =
        typeof(NodeEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(ApiRoutes.Node, InfoAsync).Named("getNode", "The node");
        app.MapGet(ApiRoutes.NodeConfig, Config).Named("getConfig", "The settings in use, and where each comes from");
        app.MapPatch(ApiRoutes.NodeConfig, Change)
            .Named("changeConfig", "Changes settings that need no restart, until the next one: {\"log.level\":\"debug\"}");
        app.MapGet(ApiRoutes.NodeActors, Actors).Named("getActors", "The tree of actors with mailboxes and restarts");
        app.MapPost(ApiRoutes.NodeStop, Stop).Named("stopNode", "Stops the node and its process, in order");
        app.MapGet(ApiRoutes.Connections, ConnectionsAsync).Named("listConnections", "The connections that are open");
        app.MapPost(ApiRoutes.Connections, ConnectAsync).Named("connect", "Connects over TCP");
        app.MapPost(ApiRoutes.UdxConnections, ConnectUdxAsync).Named("connectUdx", "Connects over a UDX stream that both sides have agreed on");
        app.MapPost(ApiRoutes.ConnectionMessages, SendAsync)
            .Named("sendMessage", "Sends at most 1100 bytes beside the stream of a connection; they may be lost")
            .Accepts<byte[]>("application/octet-stream");
        app.MapGet(ApiRoutes.ConnectionEvents, WatchAsync)
            .Named("streamConnections", "Connections as they open and close").Streams();
        app.MapPost(ApiRoutes.Listeners, ListenAsync).Named("listen", "Takes connections on a TCP address");
        app.MapGet(ApiRoutes.Live, () => TypedResults.Ok(new HealthDto("healthy")))
            .Named("getLive", "Whether the process answers").WithMetadata(Guard.OpenToAll.Instance);
        app.MapGet(ApiRoutes.Ready, ReadyAsync)
            .Named("getReady", "Whether the node can be used").WithMetadata(Guard.OpenToAll.Instance);
    }

    public static async Task<NodeDto> DescribeAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        IReadOnlyList<FeedInfo> feeds = await node.Node.ListFeedsAsync(cancellationToken);
        IReadOnlyList<PeerConnection> connections = await node.Node.ListConnectionsAsync(cancellationToken);
        return Describe(node, feeds.Count, connections.Count);
    }

    public static NodeDto Describe(DaemonNode node, int feeds, int connections) => new(
        node.Node.PublicKey.ToString(),
        node.Name,
        node.StoragePath,
        Version,
        Environment.ProcessId,
        Math.Round(node.Uptime.TotalSeconds, 3),
        feeds,
        connections);

    private static async Task<Ok<NodeDto>> InfoAsync(DaemonNode node, CancellationToken cancellationToken) =>
        TypedResults.Ok(await DescribeAsync(node, cancellationToken));

    private static Ok<IReadOnlyList<SettingDto>> Config(DaemonNode node) => TypedResults.Ok(node.Settings());

    private static Ok<IReadOnlyList<SettingDto>> Change(Dictionary<string, string> changes, DaemonNode node)
    {
        node.ChangeSettings(changes);
        return TypedResults.Ok(node.Settings());
    }

    private static Ok<ActorDto> Actors(DaemonNode node) => node.Actors() is { } tree
        ? TypedResults.Ok(Dto.Of(tree, MaxBrothers))
        : throw new ApiException(ApiCodes.NotSupported, "the engine of this node keeps no account of its actors");

    private static Accepted Stop(DaemonNode node, HttpContext context)
    {
        // After the answer: it goes out before the API closes.
        context.Response.OnCompleted(() =>
        {
            node.Stop();
            return Task.CompletedTask;
        });
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<Ok<IReadOnlyList<ConnectionDto>>> ConnectionsAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        IReadOnlyList<PeerConnection> connections = await node.Node.ListConnectionsAsync(cancellationToken);
        return TypedResults.Ok<IReadOnlyList<ConnectionDto>>([.. connections.Select(Dto.Of)]);
    }

    private static async Task<Ok<PeerDto>> ConnectAsync(ConnectRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        if (request.Port is < 1 or > 65_535 || string.IsNullOrWhiteSpace(request.Host))
        {
            throw new ApiException(ApiCodes.OutOfRange, "give a host, and a port of 1 to 65535");
        }

        return TypedResults.Ok(Dto.Of(await node.Node.ConnectTcpAsync(request.Host, request.Port, cancellationToken)));
    }

    private static async Task<Ok<PeerDto>> ConnectUdxAsync(
        UdxConnectRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        if (!IPEndPoint.TryParse(request.Local, out IPEndPoint? local) || !IPEndPoint.TryParse(request.Remote, out IPEndPoint? remote))
        {
            throw ApiException.BadRequest("an address looks like 127.0.0.1:0 or 192.0.2.7:4000");
        }

        var route = new UdxRoute(local, request.LocalId, remote, request.RemoteId);
        return TypedResults.Ok(Dto.Of(await (request.Accept
            ? node.Node.AcceptUdxAsync(route, cancellationToken)
            : node.Node.ConnectUdxAsync(route, cancellationToken))));
    }

    private static async Task<NoContent> SendAsync(
        long id, HttpContext context, DaemonNode node, BodyBudget budget, CancellationToken cancellationToken)
    {
        if (context.Request.ContentType != "application/octet-stream")
        {
            throw new ApiException(ApiCodes.UnsupportedMediaType, "the body is application/octet-stream");
        }

        return await budget.ReadAsync(
            context,
            MaxMessageSize,
            body =>
            {
                node.Node.SendMessage(id, body.ToArray());
                return Task.FromResult(TypedResults.NoContent());
            },
            cancellationToken);
    }

    private static async Task<Ok<ListenResult>> ListenAsync(ListenRequest request, DaemonNode node, CancellationToken cancellationToken)
    {
        if (!IPEndPoint.TryParse(request.Address, out IPEndPoint? address))
        {
            throw ApiException.BadRequest("an address looks like 127.0.0.1:0 or [::1]:4000");
        }

        IPEndPoint listening = await node.Node.ListenTcpAsync(address, cancellationToken);
        return TypedResults.Ok(new ListenResult(listening.ToString()));
    }

    private static Task WatchAsync(HttpContext context, DaemonNode node, DaemonLimits limits) =>
        EventStream.RunAsync(context, node, limits, async (stream, token) =>
        {
            await using IAsyncEnumerator<ConnectionEvent> events =
                node.Node.WatchConnectionsAsync(token).GetAsyncEnumerator(token);
            ValueTask<bool> next = events.MoveNextAsync();

            // The reader knows from it that no event is missed from now on.
            await stream.SendAsync("watching", new HealthDto("healthy"), ApiJson.Default.HealthDto, null, token);
            while (await next)
            {
                await stream.SendAsync(
                    "connection", Dto.Of(events.Current), ApiJson.Default.ConnectionEventDto, null, token);
                next = events.MoveNextAsync();
            }
        });

    private static async Task<IResult> ReadyAsync(DaemonNode node, CancellationToken cancellationToken)
    {
        try
        {
            await node.Node.ListConnectionsAsync(cancellationToken);
            return TypedResults.Ok(new HealthDto("healthy"));
        }
        catch (HyperActorsException e)
        {
            return TypedResults.Json(
                new HealthDto("unhealthy", e.Message), ApiJson.Default.HealthDto, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}
