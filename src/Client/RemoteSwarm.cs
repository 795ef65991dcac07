using System.Runtime.CompilerServices;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Client;

/// <summary>The swarm of a daemon.</summary>
internal sealed class RemoteSwarm(ApiChannel api) : ISwarm
{
    public async ValueTask<ISwarmSession> JoinAsync(
        DiscoveryKey topic, SwarmJoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new SwarmJoinOptions();
        var request = new JoinRequest(
            topic.ToString(), null, options.Server, options.Client, options.Limit, Remember: false);
        JoinResult joined = await api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.SwarmTopics,
            request,
            ApiJson.Default.JoinRequest,
            ApiJson.Default.JoinResult,
            cancellationToken).ConfigureAwait(false);
        return new Session(api, topic, joined.Session);
    }

    public async ValueTask LeaveAsync(DiscoveryKey topic, CancellationToken cancellationToken = default) =>
        await api.SendAsync(HttpMethod.Delete, ApiRoutes.Of(ApiRoutes.SwarmTopic, topic.ToString()), cancellationToken)
            .ConfigureAwait(false);

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        await api.SendAsync(HttpMethod.Post, ApiRoutes.SwarmFlush, cancellationToken).ConfigureAwait(false);

    public ValueTask JoinPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        ChangeAsync(peer, "join", cancellationToken);

    public ValueTask LeavePeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        ChangeAsync(peer, "leave", cancellationToken);

    public ValueTask BanAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        ChangeAsync(peer, "ban", cancellationToken);

    public ValueTask UnbanAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        ChangeAsync(peer, "unban", cancellationToken);

    public ValueTask SuspendAsync(CancellationToken cancellationToken = default) => SuspendAsync(true, cancellationToken);

    public ValueTask ResumeAsync(CancellationToken cancellationToken = default) => SuspendAsync(false, cancellationToken);

    public async ValueTask<SwarmInfo> GetInfoAsync(CancellationToken cancellationToken = default)
    {
        SwarmDto swarm = await api.GetAsync(ApiRoutes.Swarm, ApiJson.Default.SwarmDto, cancellationToken).ConfigureAwait(false);
        return new SwarmInfo
        {
            IsSuspended = swarm.Suspended,
            Topics = [.. swarm.Topics.Select(t => new SwarmTopicInfo(
                DiscoveryKey.Parse(t.Topic), t.Server, t.Client, t.Sessions, t.PeersFound))],
            Peers = [.. swarm.Peers.Select(p => new SwarmPeerInfo
            {
                PublicKey = PublicKey.Parse(p.PublicKey),
                IsConnected = p.Connected,
                IsBanned = p.Banned,
                IsExplicit = p.Explicit,
                Attempts = p.Attempts,
                Topics = [.. p.Topics.Select(t => DiscoveryKey.Parse(t))],
            })],
            Connections = swarm.Connections,
            Connecting = swarm.Connecting,
            Statistics = swarm.Statistics,
        };
    }

    public async IAsyncEnumerable<SwarmEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.SwarmEvents);
        await foreach (ServerEvent happened in api.StreamAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (happened.Name != "swarm")
            {
                continue;
            }

            SwarmEventDto e = JsonSerializer.Deserialize(happened.Data.Span, ApiJson.Default.SwarmEventDto)!;
            PublicKey key = PublicKey.Parse(e.PublicKey);
            DiscoveryKey[] topics = [.. (e.Topics ?? []).Select(t => DiscoveryKey.Parse(t))];
            switch (e.Kind)
            {
                case SwarmEventDto.Connected:
                    yield return new SwarmEvent.Connected(Words.Of(e.Peer!), topics);
                    break;
                case SwarmEventDto.Disconnected:
                    yield return new SwarmEvent.Disconnected(key, e.Reason);
                    break;
                case SwarmEventDto.Found:
                    yield return new SwarmEvent.PeerFound(key, topics[0]);
                    break;
                case SwarmEventDto.DialFailed:
                    yield return new SwarmEvent.DialFailed(key, e.Reason ?? string.Empty);
                    break;
                case SwarmEventDto.Banned:
                    yield return new SwarmEvent.Banned(key);
                    break;
            }
        }
    }

    private async ValueTask ChangeAsync(PublicKey peer, string action, CancellationToken cancellationToken) =>
        await api.SendAsync(
            HttpMethod.Post,
            ApiRoutes.SwarmPeers,
            new SwarmPeerRequest(peer.ToString(), action),
            ApiJson.Default.SwarmPeerRequest,
            cancellationToken).ConfigureAwait(false);

    private async ValueTask SuspendAsync(bool isSuspended, CancellationToken cancellationToken) =>
        await api.SendAsync(
            HttpMethod.Put,
            ApiRoutes.SwarmSuspend,
            new SuspendRequest(isSuspended),
            ApiJson.Default.SuspendRequest,
            cancellationToken).ConfigureAwait(false);

    private sealed class Session(ApiChannel api, DiscoveryKey topic, string name) : ISwarmSession
    {
        public DiscoveryKey Topic => topic;

        public async ValueTask RefreshAsync(CancellationToken cancellationToken = default) =>
            await api.SendAsync(HttpMethod.Post, ApiRoutes.Of(ApiRoutes.SwarmSessionRefresh, name), cancellationToken)
                .ConfigureAwait(false);

        public async ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
            await api.SendAsync(HttpMethod.Post, ApiRoutes.Of(ApiRoutes.SwarmSessionFlush, name), cancellationToken)
                .ConfigureAwait(false);

        public async ValueTask DisposeAsync()
        {
            if (!api.Closed.IsCancellationRequested)
            {
                await api.SendAsync(HttpMethod.Delete, ApiRoutes.Of(ApiRoutes.SwarmSession, name), CancellationToken.None)
                    .ConfigureAwait(false);
            }
        }
    }
}
