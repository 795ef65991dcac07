using System.Diagnostics.CodeAnalysis;
using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>Which peers to look for, to dial, to keep and to turn away: hyperswarm's policy (docs/hyperswarm.md).</summary>
/// <remarks>
/// It has no wire format of its own. The owner carries out what <see cref="TryPollCommand"/> asks for and tells what came of
/// it by a <c>Handle…</c> method; after each call it drains commands and events, and wakes the machine at <see cref="Deadline"/>.
/// Wishes that end later carry a request id and are answered by one <see cref="SwarmMachineEvent.Done"/>; the id 0 asks for no answer.
/// </remarks>
public sealed partial class SwarmMachine
{
    private static readonly TimeSpan s_explicitPause = TimeSpan.FromSeconds(1);

    private SwarmOptions _options;
    private readonly PublicKey _self;
    private readonly RandomSource _random;
    private readonly Func<PublicKey, bool>? _firewall;
    private readonly Queue<SwarmCommand> _commands = new();
    private readonly Queue<SwarmMachineEvent> _events = new();
    private readonly AlarmSet _alarms = new();
    private readonly Dictionary<PublicKey, SwarmPeer> _peers = [];
    private readonly List<SwarmPeer> _explicit = [];
    private readonly PeerQueue _queue;
    private readonly RetryTimers _rests;
    private long _ids;
    private bool _isStopped;

    /// <summary>A swarm that is in no topic yet.</summary>
    /// <param name="options">The limits and times.</param>
    /// <param name="self">The node's own key.</param>
    /// <param name="random">The door to chance.</param>
    /// <param name="firewall">True for a peer to be turned away and banned; null to let everybody in.</param>
    /// <param name="firstId">Ids count from here: an owner that has had another machine keeps their answers apart.</param>
    public SwarmMachine(
        SwarmOptions options, PublicKey self, RandomSource random, Func<PublicKey, bool>? firewall = null, long firstId = 0)
    {
        _ids = firstId;
        _options = options;
        _self = self;
        _random = random;
        _firewall = firewall;
        _queue = new PeerQueue(random);
        _rests = new RetryTimers(options, random);
    }

    /// <summary>When <see cref="HandleTimeout"/> is next due, or null while nothing is timed.</summary>
    public TimeSpan? Deadline => (_alarms.Deadline, _rests.Deadline) switch
    {
        ({ } alarm, { } rest) => alarm < rest ? alarm : rest,
        ({ } alarm, null) => alarm,
        (null, var rest) => rest,
    };

    public SwarmStatistics Statistics { get; } = new();

    /// <summary>Everybody who is remembered.</summary>
    public IReadOnlyCollection<SwarmPeer> Peers => _peers.Values;

    /// <summary>True from the wish to suspend until the swarm has resumed.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>Takes the next thing to do.</summary>
    public bool TryPollCommand([NotNullWhen(true)] out SwarmCommand? command) => _commands.TryDequeue(out command);

    /// <summary>Takes the next thing that happened.</summary>
    public bool TryPollEvent([NotNullWhen(true)] out SwarmMachineEvent? machineEvent) => _events.TryDequeue(out machineEvent);

    public bool TryGetPeer(PublicKey publicKey, [NotNullWhen(true)] out SwarmPeer? peer) => _peers.TryGetValue(publicKey, out peer);

    /// <summary>Takes up other limits and times. Connections beyond them stay; the back-offs and their jitter stay what they were.</summary>
    public void Reconfigure(SwarmOptions options, TimeSpan now)
    {
        _options = options;
        Attempt(now);
    }

    /// <summary>It is this late.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        while (_rests.Tick(now) is { } rested)
        {
            Requeue(rested, now);
        }

        while (_alarms.TakeDue(now, out TimeSpan dueAt) is { } due)
        {
            switch (due)
            {
                case TopicDiscovery topic:
                    HandleRefreshDue(topic, dueAt, now);
                    break;
                case TopicDiscovery.Query query:
                    _commands.Enqueue(new SwarmCommand.CancelQuery(query.Id));
                    HandleQueryDone(query.Id, [], "it took too long", now);
                    break;
                case Connection connection:
                    HandleOverdue(connection, now);
                    break;
                case Service service:
                    service.GiveUp(now);
                    break;
            }
        }
    }

    /// <summary>Keeps connected to a peer, topic or not.</summary>
    public void JoinPeer(PublicKey publicKey, TimeSpan now)
    {
        if (publicKey == _self || _isStopped)
        {
            return;
        }

        SwarmPeer peer = Upsert(publicKey, [], isWanted: true)!;
        if (!peer.IsExplicit)
        {
            peer.IsExplicit = true;
            _explicit.Add(peer);
        }

        if (!_connections.ContainsKey(publicKey))
        {
            Enqueue(peer);
            Attempt(now);
        }
    }

    /// <summary>Takes <see cref="JoinPeer"/> back; an open connection stays.</summary>
    public void LeavePeer(PublicKey publicKey)
    {
        if (_peers.TryGetValue(publicKey, out SwarmPeer? peer))
        {
            peer.IsExplicit = false;
            _explicit.Remove(peer);
            ForgetMaybe(peer);
        }
    }

    /// <summary>Neither dials a peer nor lets it in from now on; an open connection is closed.</summary>
    public void Ban(PublicKey publicKey, TimeSpan now)
    {
        if (publicKey == _self)
        {
            return;
        }

        SwarmPeer peer = _peers.GetValueOrDefault(publicKey) ?? Upsert(publicKey, [], isWanted: true)!;
        Ban(peer);
        if (_connections.TryGetValue(publicKey, out Connection? connection))
        {
            Close(connection, "the peer is banned", now);
        }
    }

    /// <summary>Takes a ban back.</summary>
    public void Unban(PublicKey publicKey)
    {
        if (_peers.TryGetValue(publicKey, out SwarmPeer? peer) && peer.IsBanned)
        {
            peer.IsBanned = false;
            _events.Enqueue(new SwarmMachineEvent.Unbanned(publicKey));
            ForgetMaybe(peer);
        }
    }

    /// <summary>The network below is another one, or is there again: dead connections are found out, topics looked up anew.</summary>
    public void HandleNetworkChanged(TimeSpan now)
    {
        if (IsSuspended || _isStopped)
        {
            return;
        }

        foreach (Connection connection in _connections.Values)
        {
            if (connection.IsOpen)
            {
                _commands.Enqueue(new SwarmCommand.KeepAlive(connection.Id));
            }
        }

        foreach (TopicDiscovery topic in _topics.Values.ToArray())
        {
            StartRefresh(topic, now);
        }
    }

    /// <summary>The network below has begun a new life: what it was asked before is not answered any more, and it does not listen.</summary>
    public void HandleServiceRestarted(TimeSpan now)
    {
        const string reason = "the network began anew";
        _listen = ListenState.None;
        foreach (TopicDiscovery.Query query in _queries.Values.ToArray())
        {
            HandleQueryDone(query.Id, [], reason, now);
        }

        foreach (Connection dial in _connections.Values.Where(c => !c.IsOpen).ToArray())
        {
            HandleGone(dial, reason, now);
        }

        HandleServiceSuspended(now);
        HandleServiceResumed(now);
        HandleNetworkChanged(now);

        // What waited for the former life to listen asks the new one.
        foreach (TopicDiscovery topic in _topics.Values.Where(IsActive).ToArray())
        {
            Advance(topic, now);
        }
    }

    /// <summary>Leaves every topic, dials nobody and lets nobody in any more. Answered when the last topic is left.</summary>
    public void Stop(long requestId, TimeSpan now)
    {
        _isStopped = true;
        _rests.Clear();
        ClearQueue();
        _stopRequest = requestId;
        foreach (TopicDiscovery topic in _topics.Values.ToArray())
        {
            Leave(topic, now);
        }

        AnswerStop();
    }

    private SwarmPeer? Upsert(PublicKey publicKey, IReadOnlyList<IPEndPoint> relays, bool isWanted)
    {
        if (publicKey == _self)
        {
            return null;
        }

        if (!_peers.TryGetValue(publicKey, out SwarmPeer? peer))
        {
            if (!isWanted && _peers.Count >= _options.MaxKnownPeers)
            {
                Statistics.PeersNotTaken++;
                return null;
            }

            peer = new SwarmPeer(publicKey);
            _peers.Add(publicKey, peer);
        }

        // The latest is the best: a peer that has moved is no longer where it was.
        peer.Relays = relays.Count <= _options.MaxRelays ? relays : [.. relays.Take(_options.MaxRelays)];
        return peer;
    }

    private void ForgetMaybe(SwarmPeer peer)
    {
        if (peer.IsForgettable && !_connections.ContainsKey(peer.PublicKey))
        {
            _peers.Remove(peer.PublicKey);
        }
    }

    private void Ban(SwarmPeer peer)
    {
        if (!peer.IsBanned)
        {
            peer.IsBanned = true;
            Statistics.BannedPeers++;
            _events.Enqueue(new SwarmMachineEvent.Banned(peer.PublicKey));
        }
    }

    // A stranger whom the firewall turns away is not remembered: keys cost nothing, and the firewall can be asked again.
    private bool IsRejected(PublicKey publicKey)
    {
        SwarmPeer? peer = _peers.GetValueOrDefault(publicKey);
        if (publicKey == _self || peer is { IsBanned: true })
        {
            return true;
        }

        if (_firewall is null || !_firewall(publicKey))
        {
            return false;
        }

        Statistics.FirewallRejected++;
        if (peer is not null)
        {
            Ban(peer);
        }

        return true;
    }

    private void Answer(long requestId, bool succeeded)
    {
        if (requestId != 0)
        {
            _events.Enqueue(new SwarmMachineEvent.Done(requestId, succeeded));
        }
    }

    /// <summary>A part of the network below that is asked to do something and answers later, or not at all.</summary>
    private sealed class Service(Action<TimeSpan> giveUp) : Alarmed
    {
        public void GiveUp(TimeSpan now) => giveUp(now);
    }
}
