using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>Looks at the node a few times a second while somebody watches, and tells each watcher what is new.</summary>
/// <remarks>
/// One look serves all watchers. A map is asked for again only when the feed's figures have changed; the network and the actors,
/// which take many steps to look at, once a second.
/// </remarks>
internal sealed class StatusSource(DaemonNode node, DaemonLimits limits)
{
    private const int MapCells = 64;

    private static readonly TimeSpan SlowInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<FeedKey, MapOf> _maps = [];
    private Look? _last;
    private Task<Look>? _looking;
    private long _lookedAt;

    /// <summary>Everything, once.</summary>
    public async Task<StatusDto> WholeAsync(CancellationToken cancellationToken) =>
        Whole(await LookAsync(cancellationToken), 0);

    /// <summary>Everything first, then what is new, until cancelled.</summary>
    public async Task StreamAsync(EventStream stream, CancellationToken cancellationToken)
    {
        long sequence = 0;
        Look seen = await LookAsync(cancellationToken);
        await stream.SendAsync("status", Whole(seen, sequence), ApiJson.Default.StatusDto, null, cancellationToken);
        while (true)
        {
            await Task.Delay(limits.Api.StatusInterval, node.Clock, cancellationToken);
            Look now = await LookAsync(cancellationToken);
            if (!ReferenceEquals(now, seen))
            {
                await stream.SendAsync("change", Change(seen, now, ++sequence), ApiJson.Default.StatusDto, null, cancellationToken);
                seen = now;
            }
        }
    }

    private Task<Look> LookAsync(CancellationToken cancellationToken)
    {
        Task<Look> looking;
        lock (_gate)
        {
            if (_last is { } last && node.Clock.GetElapsedTime(_lookedAt) < limits.Api.StatusInterval * 0.75)
            {
                return Task.FromResult(last);
            }

            looking = _looking ??= LookAfreshAsync();
        }

        return looking.WaitAsync(cancellationToken);
    }

    private async Task<Look> LookAfreshAsync()
    {
        await Task.Yield();
        try
        {
            Look look = await LookAsync(_last, node.Stopping);
            lock (_gate)
            {
                _last = look;
                _lookedAt = node.Clock.GetTimestamp();
            }

            return look;
        }
        finally
        {
            lock (_gate)
            {
                _looking = null;
            }
        }
    }

    private async Task<Look> LookAsync(Look? before, CancellationToken cancellationToken)
    {
        double time = node.Uptime.TotalSeconds;
        IReadOnlyList<FeedInfo> feeds = await node.Node.ListFeedsAsync(cancellationToken);
        IReadOnlyList<PeerConnection> connections = await node.Node.ListConnectionsAsync(cancellationToken);
        var look = new Look { Time = time, Node = NodeEndpoints.Describe(node, feeds.Count, connections.Count) };
        foreach (FeedInfo feed in feeds)
        {
            MapOf map = await MapAsync(feed, cancellationToken);
            KeepDto keep = node.Keeper.Find(feed.Key);
            string key = feed.Key == default ? feed.DiscoveryKey.ToString() : feed.Key.ToString();
            look.Feeds[key] = new FeedStatusDto(
                key,
                feed.Name,
                feed.Length,
                feed.ByteLength,
                feed.Fork,
                feed.ContiguousLength,
                feed.IsWritable,
                feed.PeerCount,
                feed.Length == 0 ? 1 : Math.Round((double)map.Blocks / feed.Length, 4),
                map.Cells,
                keep.Seed,
                keep.Download,
                feed.Damage);
        }

        double elapsed = before is null ? 0 : Math.Max(time - before.Time, 0.001);
        foreach (PeerConnection c in connections)
        {
            PeerStatusDto? former = before?.Peers.GetValueOrDefault(c.Peer.ConnectionId);
            look.Peers[c.Peer.ConnectionId] = new PeerStatusDto(
                c.Peer.ConnectionId,
                c.Peer.PublicKey.ToString(),
                c.Peer.Address?.ToString(),
                c.Transport,
                c.Peer.IsInitiator,
                c.RoundTripTime is { } rtt ? Math.Round(rtt.TotalMilliseconds, 2) : null,
                c.BytesReceived,
                c.BytesSent,
                former is null ? 0 : Math.Round((c.BytesReceived - former.BytesReceived) / elapsed),
                former is null ? 0 : Math.Round((c.BytesSent - former.BytesSent) / elapsed));
        }

        look.Slow = before is null || time - before.Slow.Time >= SlowInterval.TotalSeconds
            ? await LookSlowlyAsync(time, feeds, cancellationToken)
            : before.Slow;
        look.Events = node.Events.After(0);
        look.Totals = Total(look);
        return look;
    }

    private async Task<SlowLook> LookSlowlyAsync(
        double time, IReadOnlyList<FeedInfo> feeds, CancellationToken cancellationToken)
    {
        Dictionary<string, TopicDto> topics = new(StringComparer.Ordinal);
        DhtStatusDto? dht = null;
        bool isSuspended = false;
        try
        {
            SwarmInfo swarm = await node.Node.Swarm.GetInfoAsync(cancellationToken);
            isSuspended = swarm.IsSuspended;
            if (swarm.Topics.Count > 0)
            {
                var byTopic = feeds.ToDictionary(f => f.DiscoveryKey, f => f.Name ?? f.Key.ToString());
                topics = swarm.Topics.ToDictionary(
                    t => t.Topic.ToString(), t => Dto.Of(t) with { Feed = byTopic.GetValueOrDefault(t.Topic) }, StringComparer.Ordinal);
            }

            dht = Dto.Of(await node.Node.Dht.GetInfoAsync(cancellationToken));
        }
        catch (HyperActorsException)
        {
            // A node without a network has neither.
        }

        ActorDto? actors = node.Actors() is { } tree ? Dto.Of(tree, NodeEndpoints.MaxBrothers) : null;
        return new SlowLook(time, isSuspended, topics, dht, actors);
    }

    private async ValueTask<MapOf> MapAsync(FeedInfo info, CancellationToken cancellationToken)
    {
        if (info.Damage is not null || info.ContiguousLength == info.Length)
        {
            // All of it is here: nobody needs to be asked.
            byte[] full = new byte[Math.Min(MapCells, info.Length)];
            Array.Fill(full, byte.MaxValue);
            return new MapOf(info.Length, Convert.ToBase64String(full));
        }

        MapOf? known;
        lock (_gate)
        {
            known = _maps.GetValueOrDefault(info.Key);
        }

        // Blocks behind a gap arrive without a word: a feed that peers bring is looked at each time.
        if (known is not null && known.Info == info && info.PeerCount == 0)
        {
            return known;
        }

        await using IFeed feed = await node.Node.OpenFeedAsync(info.Key, cancellationToken);
        FeedMap map = await feed.GetMapAsync(MapCells, cancellationToken);
        var made = new MapOf(map.Blocks, Convert.ToBase64String(map.Cells.Span)) { Info = info };
        lock (_gate)
        {
            _maps[info.Key] = made;
        }

        return made;
    }

    private static TotalsDto Total(Look look)
    {
        long actors = 0;
        long mailboxes = 0;
        long restarts = 0;
        Count(look.Slow.Actors);
        return new TotalsDto(
            look.Feeds.Count,
            look.Peers.Count,
            look.Feeds.Values.Aggregate(0UL, (sum, f) => sum + f.Length),
            look.Feeds.Values.Aggregate(0UL, (sum, f) => sum + f.ByteLength),
            look.Peers.Values.Sum(p => p.RateIn),
            look.Peers.Values.Sum(p => p.RateOut),
            actors,
            mailboxes,
            restarts,
            GC.GetTotalMemory(false));

        void Count(ActorDto? actor)
        {
            if (actor is null)
            {
                return;
            }

            actors += actor.Count;
            mailboxes += actor.Mailbox;
            restarts += actor.Restarts;
            foreach (ActorDto child in actor.Children)
            {
                Count(child);
            }
        }
    }

    private static StatusDto Whole(Look look, long sequence) => new()
    {
        Sequence = sequence,
        Time = Math.Round(look.Time, 3),
        Node = look.Node,
        Totals = look.Totals,
        Feeds = [.. look.Feeds.Values],
        Peers = [.. look.Peers.Values],
        Suspended = look.Slow.IsSuspended,
        Topics = [.. look.Slow.Topics.Values],
        Dht = look.Slow.Dht,
        Actors = look.Slow.Actors,
        Events = look.Events,
    };

    private static StatusDto Change(Look before, Look now, long sequence)
    {
        long lastEvent = before.Events.Count == 0 ? 0 : before.Events[^1].Sequence;
        var gone = new GoneDto(
            [.. before.Feeds.Keys.Where(k => !now.Feeds.ContainsKey(k))],
            [.. before.Peers.Keys.Where(k => !now.Peers.ContainsKey(k))],
            [.. before.Slow.Topics.Keys.Where(k => !now.Slow.Topics.ContainsKey(k))]);
        return new StatusDto
        {
            Sequence = sequence,
            Time = Math.Round(now.Time, 3),
            Node = now.Node! with { UptimeSeconds = before.Node!.UptimeSeconds } == before.Node ? null : now.Node,
            Totals = now.Totals,
            Feeds = NullIfEmpty(now.Feeds.Where(f => before.Feeds.GetValueOrDefault(f.Key) != f.Value).Select(f => f.Value)),
            Peers = NullIfEmpty(now.Peers.Where(p => before.Peers.GetValueOrDefault(p.Key) != p.Value).Select(p => p.Value)),
            Suspended = now.Slow.IsSuspended == before.Slow.IsSuspended ? null : now.Slow.IsSuspended,
            Topics = NullIfEmpty(now.Slow.Topics.Where(t => before.Slow.Topics.GetValueOrDefault(t.Key) != t.Value).Select(t => t.Value)),
            Dht = ReferenceEquals(now.Slow, before.Slow) ? null : now.Slow.Dht,
            Actors = ReferenceEquals(now.Slow, before.Slow) ? null : now.Slow.Actors,
            Events = NullIfEmpty(now.Events.Where(e => e.Sequence > lastEvent)),
            Gone = gone.Feeds.Count + gone.Peers.Count + gone.Topics.Count == 0 ? null : gone,
        };
    }

    private static T[]? NullIfEmpty<T>(IEnumerable<T> rows) => rows.ToArray() is { Length: > 0 } some ? some : null;

    private sealed class Look
    {
        public double Time { get; init; }

        public NodeDto? Node { get; init; }

        public TotalsDto? Totals { get; set; }

        public Dictionary<string, FeedStatusDto> Feeds { get; } = new(StringComparer.Ordinal);

        public Dictionary<long, PeerStatusDto> Peers { get; } = [];

        public SlowLook Slow { get; set; } = null!;

        public IReadOnlyList<NotableEventDto> Events { get; set; } = [];
    }

    private sealed record SlowLook(
        double Time, bool IsSuspended, Dictionary<string, TopicDto> Topics, DhtStatusDto? Dht, ActorDto? Actors);

    private sealed record MapOf(ulong Blocks, string Cells)
    {
        public FeedInfo? Info { get; init; }
    }
}
