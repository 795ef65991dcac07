using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Client;

/// <summary>The node of a daemon on this machine, over its local API. Disposing it leaves the daemon as it is.</summary>
/// <remarks>Safe for use from any thread.</remarks>
public sealed class RemoteNode : IHyperNode
{
    private readonly ApiChannel _api;

    private RemoteNode(ApiChannel api, NodeDto node)
    {
        _api = api;
        PublicKey = PublicKey.Parse(node.PublicKey);
        Name = node.Name;
        StoragePath = node.Storage;
        Swarm = new RemoteSwarm(api);
        Dht = new RemoteDht(api);
    }

    /// <inheritdoc/>
    public PublicKey PublicKey { get; }

    /// <summary>The name under which clients on this machine find the daemon.</summary>
    public string Name { get; }

    /// <summary>The storage that the daemon holds.</summary>
    public string StoragePath { get; }

    /// <inheritdoc/>
    public ISwarm Swarm { get; }

    /// <inheritdoc/>
    public IDht Dht { get; }

    /// <summary>Connects to the daemon behind a Unix socket.</summary>
    /// <exception cref="HyperActorsException">No daemon answers there.</exception>
    public static Task<RemoteNode> ConnectAsync(string socketPath, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(socketPath);
        return ConnectAsync(ApiChannel.ToSocket(socketPath), cancellationToken);
    }

    /// <summary>Connects to the daemon behind a port of the loopback address.</summary>
    /// <param name="address">Where: <c>http://127.0.0.1:7001</c>.</param>
    /// <param name="token">What stands in the file <c>api-token</c> of its storage.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HyperActorsException">No daemon answers there, or it refuses the token.</exception>
    public static Task<RemoteNode> ConnectAsync(Uri address, string token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentException.ThrowIfNullOrEmpty(token);
        return ConnectAsync(ApiChannel.ToAddress(address, token), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IFeed> OpenFeedAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return await OpenAsync(new OpenFeedRequest(name, null), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IFeed> OpenFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        await OpenAsync(new OpenFeedRequest(null, key.ToString()), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<IFeed?> FindFeedAsync(string name, CancellationToken cancellationToken = default) =>
        FindAsync(name, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IFeed?> FindFeedAsync(FeedKey key, CancellationToken cancellationToken = default) =>
        FindAsync(key.ToString(), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<FeedInfo>> ListFeedsAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<FeedDto> feeds = await _api.GetAsync(
            ApiRoutes.Feeds, ApiJson.Default.IReadOnlyListFeedDto, cancellationToken).ConfigureAwait(false);
        return [.. feeds.Select(Words.Of)];
    }

    /// <inheritdoc/>
    public async ValueTask<IPEndPoint> ListenTcpAsync(IPEndPoint address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ListenResult result = await _api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.Listeners,
            new ListenRequest(address.ToString()),
            ApiJson.Default.ListenRequest,
            ApiJson.Default.ListenResult,
            cancellationToken).ConfigureAwait(false);
        return IPEndPoint.Parse(result.Address);
    }

    /// <inheritdoc/>
    public async ValueTask<PeerInfo> ConnectTcpAsync(string host, int port, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        PeerDto peer = await _api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.Connections,
            new ConnectRequest(host, port),
            ApiJson.Default.ConnectRequest,
            ApiJson.Default.PeerDto,
            cancellationToken).ConfigureAwait(false);
        return Words.Of(peer);
    }

    /// <inheritdoc/>
    public ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        ConnectUdxAsync(route, accept: false, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<PeerInfo> AcceptUdxAsync(UdxRoute route, CancellationToken cancellationToken = default) =>
        ConnectUdxAsync(route, accept: true, cancellationToken);

    /// <inheritdoc/>
    public void SendMessage(long connectionId, ReadOnlyMemory<byte> message) => _ = SendMessageAsync(connectionId, message.ToArray());

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PeerConnection>> ListConnectionsAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ConnectionDto> connections = await _api.GetAsync(
            ApiRoutes.Connections, ApiJson.Default.IReadOnlyListConnectionDto, cancellationToken).ConfigureAwait(false);
        return [.. connections.Select(c => new PeerConnection(
            Words.Of(c.Peer),
            c.Transport,
            c.BytesReceived,
            c.BytesSent,
            c.RoundTripMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null))];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ConnectionEvent> WatchConnectionsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.ConnectionEvents);
        await foreach (ServerEvent happened in _api.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (happened.Name != "connection")
            {
                continue;
            }

            ConnectionEventDto e = JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.ConnectionEventDto)!;
            yield return e switch
            {
                { Kind: ConnectionEventDto.Moved, Peer: { } peer } => new ConnectionEvent.Moved(Words.Of(peer)),
                { Kind: ConnectionEventDto.Opened, Peer: { } peer } => new ConnectionEvent.Opened(Words.Of(peer)),
                { Kind: ConnectionEventDto.Message, Base64: { } bytes } =>
                    new ConnectionEvent.MessageArrived(e.ConnectionId, Convert.FromBase64String(bytes)),
                _ => new ConnectionEvent.Closed(e.ConnectionId, Words.Address(e.Address), e.Reason),
            };
        }
    }

    /// <summary>The node and its daemon.</summary>
    public async ValueTask<NodeDto> GetNodeAsync(CancellationToken cancellationToken = default) =>
        await _api.GetAsync(ApiRoutes.Node, ApiJson.Default.NodeDto, cancellationToken).ConfigureAwait(false);

    /// <summary>What the node does now.</summary>
    public async ValueTask<StatusDto> GetStatusAsync(CancellationToken cancellationToken = default) =>
        await _api.GetAsync(ApiRoutes.NodeStatus, ApiJson.Default.StatusDto, cancellationToken).ConfigureAwait(false);

    /// <summary>The settings in use, and where each comes from.</summary>
    public async ValueTask<IReadOnlyList<SettingDto>> GetSettingsAsync(CancellationToken cancellationToken = default) =>
        await _api.GetAsync(ApiRoutes.NodeConfig, ApiJson.Default.IReadOnlyListSettingDto, cancellationToken).ConfigureAwait(false);

    /// <summary>Joins the topic of a feed or any other, also after the next start of the daemon.</summary>
    public async ValueTask JoinAsync(JoinRequest request, CancellationToken cancellationToken = default) =>
        await _api.SendAsync(HttpMethod.Post, ApiRoutes.SwarmTopics, request, ApiJson.Default.JoinRequest, cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Announces a feed, or brings all of it to the daemon's disk, also after its next start.</summary>
    public async ValueTask KeepAsync(FeedKey feed, bool seed, bool download, CancellationToken cancellationToken = default) =>
        await _api.SendAsync(
            HttpMethod.Put,
            ApiRoutes.Of(ApiRoutes.FeedKeep, feed.ToString()),
            new KeepDto(seed, download),
            ApiJson.Default.KeepDto,
            cancellationToken).ConfigureAwait(false);

    /// <summary>Asks the daemon to stop; it goes on for a moment.</summary>
    public async ValueTask StopAsync(CancellationToken cancellationToken = default) =>
        await _api.SendAsync(HttpMethod.Post, ApiRoutes.NodeStop, cancellationToken).ConfigureAwait(false);

    /// <summary>Lets go of the daemon.</summary>
    public ValueTask DisposeAsync()
    {
        _api.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<RemoteNode> ConnectAsync(ApiChannel api, CancellationToken cancellationToken)
    {
        try
        {
            NodeDto node = await api.GetAsync(ApiRoutes.Node, ApiJson.Default.NodeDto, cancellationToken).ConfigureAwait(false);
            return new RemoteNode(api, node);
        }
        catch
        {
            api.Dispose();
            throw;
        }
    }

    private async Task SendMessageAsync(long connectionId, byte[] message)
    {
        try
        {
            using HttpRequestMessage request = new(
                HttpMethod.Post, ApiRoutes.Of(ApiRoutes.ConnectionMessages, connectionId.ToString(CultureInfo.InvariantCulture)))
            {
                Content = new ByteArrayContent(message) { Headers = { ContentType = new("application/octet-stream") } },
            };
            (await _api.SendAsync(request, CancellationToken.None).ConfigureAwait(false)).Dispose();
        }
        catch (Exception e) when (e is HyperActorsException or ObjectDisposedException or OperationCanceledException)
        {
            // Messages may be lost.
        }
    }

    private async ValueTask<PeerInfo> ConnectUdxAsync(UdxRoute route, bool accept, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(route);
        PeerDto peer = await _api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.UdxConnections,
            new UdxConnectRequest(route.Local.ToString(), route.LocalId, route.Remote.ToString(), route.RemoteId, accept),
            ApiJson.Default.UdxConnectRequest,
            ApiJson.Default.PeerDto,
            cancellationToken).ConfigureAwait(false);
        return Words.Of(peer);
    }

    private async ValueTask<IFeed?> FindAsync(string nameOrKey, CancellationToken cancellationToken)
    {
        try
        {
            FeedDto feed = await _api.GetAsync(ApiRoutes.Of(ApiRoutes.Feed, nameOrKey), ApiJson.Default.FeedDto, cancellationToken)
                .ConfigureAwait(false);
            return await RemoteFeed.OpenAsync(_api, feed, cancellationToken).ConfigureAwait(false);
        }
        catch (FeedNotFoundException)
        {
            return null;
        }
    }

    private async Task<RemoteFeed> OpenAsync(OpenFeedRequest request, CancellationToken cancellationToken)
    {
        FeedDto feed = await _api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.Feeds,
            request,
            ApiJson.Default.OpenFeedRequest,
            ApiJson.Default.FeedDto,
            cancellationToken).ConfigureAwait(false);
        return await RemoteFeed.OpenAsync(_api, feed, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>What the API says, in the words of the node.</summary>
internal static class Words
{
    public static FeedInfo Of(FeedDto feed) => new()
    {
        Name = feed.Name,
        Key = FeedKey.Parse(feed.Key),
        DiscoveryKey = DiscoveryKey.Parse(feed.DiscoveryKey),
        Length = feed.Length,
        ByteLength = feed.ByteLength,
        Fork = feed.Fork,
        ContiguousLength = feed.ContiguousLength,
        IsWritable = feed.Writable,
        PeerCount = feed.Peers,
        Damage = feed.Damage,
    };

    public static PeerInfo Of(PeerDto peer) =>
        new(peer.ConnectionId, PublicKey.Parse(peer.PublicKey), Address(peer.Address), peer.Initiator);

    public static EndPoint? Address(string? text) => IPEndPoint.TryParse(text ?? string.Empty, out IPEndPoint? address) ? address : null;

    public static string Query(string path, ulong from, ulong? to, string rest) =>
        string.Create(CultureInfo.InvariantCulture, $"{path}?from={from}{(to is null ? string.Empty : $"&to={to}")}{rest}");
}
