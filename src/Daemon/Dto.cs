using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon;

/// <summary>What the node says, in the words of the API.</summary>
internal static class Dto
{
    public static FeedDto Of(FeedInfo info) => new(
        info.Name,
        info.Key.ToString(),
        info.DiscoveryKey.ToString(),
        info.Length,
        info.ByteLength,
        info.Fork,
        info.ContiguousLength,
        info.IsWritable,
        info.PeerCount,
        info.Damage);

    public static FeedEventDto Of(FeedEvent happened, FeedDto feed) => happened switch
    {
        FeedEvent.Extended e => new FeedEventDto(FeedEventDto.Extended, feed, e.Length, e.Fork),
        FeedEvent.Truncated e => new FeedEventDto(FeedEventDto.Truncated, feed, e.Length, e.Fork, CommonLength: e.CommonLength),
        FeedEvent.Downloaded e => new FeedEventDto(FeedEventDto.Downloaded, feed, Start: e.Start, Count: e.Count),
        FeedEvent.Conflicted e => new FeedEventDto(FeedEventDto.Conflicted, feed, e.Length, e.Fork),
        _ => throw new NotSupportedException(happened.GetType().Name),
    };

    public static PeerDto Of(PeerInfo peer) =>
        new(peer.ConnectionId, peer.PublicKey.ToString(), Text(peer.Address), peer.IsInitiator);

    public static ConnectionDto Of(PeerConnection connection) => new(
        Of(connection.Peer),
        connection.Transport,
        connection.BytesReceived,
        connection.BytesSent,
        connection.RoundTripTime?.TotalMilliseconds);

    public static ConnectionEventDto Of(ConnectionEvent happened) => happened switch
    {
        ConnectionEvent.Opened e => new ConnectionEventDto(
            ConnectionEventDto.Opened, e.Peer.ConnectionId, Text(e.Peer.Address), Of(e.Peer)),
        ConnectionEvent.Moved e => new ConnectionEventDto(
            ConnectionEventDto.Moved, e.Peer.ConnectionId, Text(e.Peer.Address), Of(e.Peer)),
        ConnectionEvent.Closed e => new ConnectionEventDto(
            ConnectionEventDto.Closed, e.ConnectionId, Text(e.Address), Reason: e.Reason),
        ConnectionEvent.MessageArrived e => new ConnectionEventDto(
            ConnectionEventDto.Message, e.ConnectionId, Base64: Convert.ToBase64String(e.Message.Span)),
        _ => throw new NotSupportedException(happened.GetType().Name),
    };

    public static TopicDto Of(SwarmTopicInfo topic) =>
        new(topic.Topic.ToString(), topic.IsServer, topic.IsClient, topic.Sessions, topic.PeersFound);

    public static SwarmPeerDto Of(SwarmPeerInfo peer) => new(
        peer.PublicKey.ToString(),
        peer.IsConnected,
        peer.IsBanned,
        peer.IsExplicit,
        peer.Attempts,
        [.. peer.Topics.Select(topic => topic.ToString())]);

    public static SwarmDto Of(SwarmInfo swarm) => new(
        swarm.IsSuspended,
        [.. swarm.Topics.Select(Of)],
        [.. swarm.Peers.Select(Of)],
        swarm.Connections,
        swarm.Connecting,
        swarm.Statistics);

    public static SwarmEventDto Of(SwarmEvent happened) => happened switch
    {
        SwarmEvent.Connected e => new SwarmEventDto(
            SwarmEventDto.Connected, e.Peer.PublicKey.ToString(), Of(e.Peer), [.. e.Topics.Select(t => t.ToString())]),
        SwarmEvent.Disconnected e => new SwarmEventDto(SwarmEventDto.Disconnected, e.PublicKey.ToString(), Reason: e.Reason),
        SwarmEvent.PeerFound e => new SwarmEventDto(SwarmEventDto.Found, e.PublicKey.ToString(), Topics: [e.Topic.ToString()]),
        SwarmEvent.DialFailed e => new SwarmEventDto(SwarmEventDto.DialFailed, e.PublicKey.ToString(), Reason: e.Reason),
        SwarmEvent.Banned e => new SwarmEventDto(SwarmEventDto.Banned, e.PublicKey.ToString()),
        _ => throw new NotSupportedException(happened.GetType().Name),
    };

    public static DhtPeerDto Of(DhtPeer peer) =>
        new(peer.PublicKey.ToString(), [.. peer.RelayAddresses.Select(a => a.ToString())], peer.From.ToString());

    public static DhtStatusDto Of(DhtInfo dht) => new(
        dht.IsReady,
        dht.PublicAddress?.ToString(),
        dht.LocalAddress?.ToString(),
        dht.Nat switch
        {
            NatKind.Open => "open",
            NatKind.Consistent => "consistent",
            NatKind.Random => "random",
            _ => "unknown",
        },
        dht.IsEphemeral,
        dht.IsOnline,
        dht.IsDegraded,
        [.. dht.Buckets.Select(b => new DhtBucketDto(b.SharedBits, b.Contacts))],
        dht.Records,
        dht.Statistics,
        dht.Id?.ToString(),
        dht.IsFirewalled,
        [.. dht.Nearest.Select(c => new DhtContactDto(c.Address.ToString(), c.SharedBits))],
        dht.RelayKey?.ToString());

    /// <summary>The tree, with many brothers of one class as one row.</summary>
    public static ActorDto Of(ActorView actor, int maxBrothers)
    {
        var rows = new List<ActorDto>();
        foreach (IGrouping<string, ActorView> brothers in actor.Children.GroupBy(c => c.Type, StringComparer.Ordinal))
        {
            if (brothers.Count() <= maxBrothers)
            {
                rows.AddRange(brothers.Select(b => Of(b, maxBrothers)));
                continue;
            }

            rows.Add(Merge($"{actor.Path}/*{brothers.Key}", brothers.Key, [.. brothers]));
        }

        return new ActorDto(
            actor.Path, actor.Type, 1, actor.MailboxLength, actor.Processed, actor.Restarts, actor.Dropped, rows);
    }

    private static ActorDto Merge(string path, string type, IReadOnlyList<ActorView> actors) => new(
        path,
        type,
        actors.Count,
        actors.Sum(a => a.MailboxLength),
        actors.Sum(a => a.Processed),
        actors.Sum(a => (long)a.Restarts),
        actors.Sum(a => a.Dropped),
        [.. actors.SelectMany(a => a.Children).GroupBy(c => c.Type, StringComparer.Ordinal)
            .Select(g => Merge($"{path}/*{g.Key}", g.Key, [.. g]))]);

    private static string? Text(EndPoint? address) => address?.ToString();
}
