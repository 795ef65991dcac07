using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <content>Who is dialled, who is let in, and which of two connections to one peer stays.</content>
public sealed partial class SwarmMachine
{
    private const string Duplicate = "duplicate connection";

    private readonly Dictionary<PublicKey, Connection> _connections = [];
    private readonly Dictionary<long, Connection> _byId = [];
    private readonly List<Flush> _flushes = [];
    private int _clientConnections;
    private int _serverConnections;

    /// <summary>Connections that are open.</summary>
    public int OpenConnections => _connections.Count - Connecting;

    /// <summary>Dials under way.</summary>
    public int Connecting { get; private set; }

    /// <summary>True for a peer with an open connection.</summary>
    public bool IsOpen(PublicKey publicKey) => _connections.TryGetValue(publicKey, out Connection? connection) && connection.IsOpen;

    /// <summary>Answered when what runs for every topic has ended, and then everybody who waits to be dialled, or is being
    /// dialled, has been tried once; at once when the swarm has all the connections it wants.</summary>
    public void FlushAll(long requestId, TimeSpan now)
    {
        if (_flushes.Count >= _options.MaxFlushes)
        {
            Answer(requestId, false);
            return;
        }

        var flush = new Flush(requestId);
        _flushes.Add(flush);
        foreach (TopicDiscovery topic in _topics.Values)
        {
            if (topic.Current is { } refresh)
            {
                flush.Refreshes++;
                refresh.Waiters.Add(_ =>
                {
                    flush.Refreshes--;
                    CollectMissing(flush);
                });
            }
        }

        CollectMissing(flush);
        FlushWhenFull();
    }

    /// <summary>A peer has connected to us. Commands tell what becomes of it: it is admitted now, or once an older connection to
    /// the same peer is gone, or refused.</summary>
    /// <returns>The number under which it is spoken of.</returns>
    public long HandleIncoming(PublicKey publicKey, TimeSpan now)
    {
        long id = ++_ids;
        Consider(id, publicKey, now);
        return id;
    }

    /// <summary>Keys are at work on a connection, and bytes went both ways.</summary>
    public void HandleOpened(long connectionId, TimeSpan now)
    {
        if (!_byId.TryGetValue(connectionId, out Connection? connection))
        {
            // Given up already: it came too late.
            _commands.Enqueue(new SwarmCommand.Close(connectionId, "it was given up"));
            return;
        }

        if (connection.IsEstablished || connection.IsClosing)
        {
            return;
        }

        connection.IsEstablished = true;
        SwarmPeer peer = connection.Peer;
        if (connection.IsClient)
        {
            _alarms.Set(connection, null);
            connection.IsOpen = true;
            Connecting--;
            Statistics.ClientOpened++;
            peer.HandleConnected(now);
        }

        peer.IsClient = connection.IsClient;
        _events.Enqueue(new SwarmMachineEvent.Connected(
            connection.Id, peer.PublicKey, connection.IsClient, connection.IsClient ? [.. peer.Topics] : []));
        Statistics.Updates++;
        Settle(peer);
        Attempt(now);
    }

    /// <summary>A dial has come to nothing.</summary>
    /// <param name="connectionId">Which.</param>
    /// <param name="canRelayHelp">True when no hole could be punched, and a relay is at hand.</param>
    /// <param name="reason">Why, in words.</param>
    /// <param name="now">The time.</param>
    public void HandleDialFailed(long connectionId, bool canRelayHelp, string reason, TimeSpan now)
    {
        if (!_byId.TryGetValue(connectionId, out Connection? connection))
        {
            return;
        }

        if (canRelayHelp && !connection.IsOpen)
        {
            connection.Peer.MustRelay = true;
            connection.Peer.Attempts = 0;
        }

        HandleGone(connection, reason, now);
    }

    /// <summary>A connection is over. No reason: an orderly end.</summary>
    public void HandleClosed(long connectionId, string? reason, TimeSpan now)
    {
        if (_byId.TryGetValue(connectionId, out Connection? connection))
        {
            HandleGone(connection, reason, now);
        }
    }

    // Who has the larger key keeps the stream it opened itself; both sides see it the same way. But where bytes went both
    // ways already, the peer would not dial again if it had not lost that one.
    internal static bool KeepsNew(PublicKey self, PublicKey peer, bool isExistingEstablished, bool isNewInitiator) =>
        isExistingEstablished || (self.AsSpan().SequenceCompareTo(peer.AsSpan()) > 0) == isNewInitiator;

    // Each peer that was asked for by key makes room for it by holding back the search for others.
    internal static int LimitFactor(int explicitPeers) => explicitPeers switch
    {
        0 => 1,
        1 => 2,
        < 4 => 3,
        _ => 4,
    };

    private void Consider(long id, PublicKey publicKey, TimeSpan now)
    {
        if (IsSuspended || _isStopped)
        {
            Refuse(id, "the swarm is suspended");
            return;
        }

        if (IsRejected(publicKey))
        {
            Refuse(id, "the peer is not wanted");
            return;
        }

        if (!_connections.TryGetValue(publicKey, out Connection? existing))
        {
            Admit(id, publicKey);
            return;
        }

        if (!existing.IsClosing && !KeepsNew(_self, publicKey, existing.IsEstablished, isNewInitiator: false))
        {
            Statistics.DuplicatesRefused++;
            if (existing.IsOpen)
            {
                _commands.Enqueue(new SwarmCommand.KeepAlive(existing.Id));
            }

            _commands.Enqueue(new SwarmCommand.Refuse(id, Duplicate));
            return;
        }

        Statistics.DuplicatesReplaced++;
        if (existing.NextId is { } older)
        {
            _commands.Enqueue(new SwarmCommand.Refuse(older, Duplicate));
        }

        existing.NextId = id;
        Close(existing, Duplicate, now);
    }

    private void Admit(long id, PublicKey publicKey)
    {
        bool isWanted = _peers.TryGetValue(publicKey, out SwarmPeer? peer) && peer.IsExplicit;
        if (_serverConnections >= _options.MaxServerConnections && !isWanted)
        {
            Refuse(id, "there are as many connections as there may be");
            return;
        }

        // Connections are bounded themselves, and who is connected is known.
        peer = Upsert(publicKey, [], isWanted: true)!;
        peer.IsClient = false;
        var connection = new Connection(id, peer, isClient: false) { IsOpen = true };
        _connections.Add(publicKey, connection);
        _byId.Add(id, connection);
        _serverConnections++;
        Statistics.ServerOpened++;
        Statistics.Updates++;
        _commands.Enqueue(new SwarmCommand.Admit(id));
    }

    private void Refuse(long id, string reason)
    {
        Statistics.ServerRefused++;
        _commands.Enqueue(new SwarmCommand.Refuse(id, reason));
    }

    private void Enqueue(SwarmPeer peer)
    {
        if (!_isStopped && peer.TryPrioritize())
        {
            _queue.Add(peer);
        }
    }

    private void Requeue(IReadOnlyList<SwarmPeer> rested, TimeSpan now)
    {
        foreach (SwarmPeer peer in rested)
        {
            // It may have been forgotten, and found again as another.
            if (_peers.GetValueOrDefault(peer.PublicKey) != peer)
            {
                continue;
            }

            peer.IsWaiting = false;
            if (peer.TryPrioritize() && !_connections.ContainsKey(peer.PublicKey))
            {
                _queue.Add(peer);
            }

            ForgetMaybe(peer);
        }

        Attempt(now);
    }

    private bool IsWithinMaxPeers() => LimitFactor(_explicit.Count) * (long)_connections.Count < _options.MaxPeers;

    private bool WantsMore() =>
        Connecting < _options.MaxParallel && IsWithinMaxPeers() && _clientConnections < _options.MaxClientConnections;

    private void Attempt(TimeSpan now)
    {
        if (IsSuspended || _isStopped)
        {
            return;
        }

        for (int i = 0; i < _explicit.Count && Connecting < _options.MaxParallel; i++)
        {
            SwarmPeer peer = _explicit[i];
            bool rests = peer.Attempts >= 5
                || (peer.DisconnectedAt is { } since && now - since < s_explicitPause * peer.Attempts);
            if (!rests)
            {
                Dial(peer, now);
            }
        }

        while (_queue.Count > 0 && WantsMore())
        {
            Dial(_queue.Take()!, now);
        }

        FlushWhenFull();
    }

    private void Dial(SwarmPeer peer, TimeSpan now)
    {
        if (_connections.TryGetValue(peer.PublicKey, out Connection? existing))
        {
            if (existing.IsOpen)
            {
                Settle(peer);
            }

            return;
        }

        if (IsRejected(peer.PublicKey))
        {
            ForgetMaybe(peer);
            Settle(peer);
            return;
        }

        var connection = new Connection(++_ids, peer, isClient: true);
        _connections.Add(peer.PublicKey, connection);
        _byId.Add(connection.Id, connection);
        _alarms.Set(connection, now + _options.DialTimeout);
        Connecting++;
        _clientConnections++;
        Statistics.ClientAttempted++;
        Statistics.Updates++;
        _commands.Enqueue(new SwarmCommand.Dial(connection.Id, peer.PublicKey, peer.Relays, peer.MustRelay));
    }

    private void Close(Connection connection, string reason, TimeSpan now)
    {
        if (!connection.IsClosing)
        {
            connection.IsClosing = true;
            connection.Reason = reason;
            _alarms.Set(connection, now + _options.ServiceTimeout);
            _commands.Enqueue(new SwarmCommand.Close(connection.Id, reason));
        }
    }

    private void HandleOverdue(Connection connection, TimeSpan now)
    {
        if (!connection.IsClosing)
        {
            _commands.Enqueue(new SwarmCommand.Close(connection.Id, "it took too long"));
        }

        HandleGone(connection, "it took too long", now);
    }

    private void HandleGone(Connection connection, string? reason, TimeSpan now)
    {
        SwarmPeer peer = connection.Peer;
        _alarms.Set(connection, null);
        _connections.Remove(peer.PublicKey);
        _byId.Remove(connection.Id);
        reason = connection.Reason ?? reason;
        if (connection.IsClient)
        {
            _clientConnections--;
            Connecting -= connection.IsOpen ? 0 : 1;
            Statistics.ClientClosed++;
            peer.HandleDisconnected(now, _options.MinConnectionTime);
            peer.IsWaiting = ShouldRequeue(peer) && _rests.Add(peer, now);
        }
        else
        {
            _serverConnections--;
            Statistics.ServerClosed++;
        }

        Statistics.Updates++;
        if (connection.IsEstablished)
        {
            _events.Enqueue(new SwarmMachineEvent.Disconnected(connection.Id, peer.PublicKey, reason));
        }
        else if (connection.IsClient)
        {
            _events.Enqueue(new SwarmMachineEvent.DialFailed(peer.PublicKey, reason ?? "the peer hung up"));
        }

        ForgetMaybe(peer);
        if (connection.NextId is { } next)
        {
            Consider(next, peer.PublicKey, now);
        }

        if (!connection.IsEstablished)
        {
            Settle(peer);
        }

        Attempt(now);
        ContinueSuspend(now);
    }

    private bool ShouldRequeue(SwarmPeer peer) =>
        !IsSuspended && !_isStopped
        && (peer.IsExplicit || peer.Topics.Any(topic => _topics.TryGetValue(topic, out TopicDiscovery? t) && !t.IsLeaving));

    private void CollectMissing(Flush flush)
    {
        if (flush.Refreshes > 0 || flush.IsDone || flush.Missing is not null)
        {
            return;
        }

        flush.Missing = [];
        foreach (SwarmPeer peer in _queue.Peers)
        {
            flush.Missing.Add(peer.PublicKey);
        }

        foreach (Connection connection in _connections.Values)
        {
            if (!connection.IsOpen)
            {
                flush.Missing.Add(connection.Peer.PublicKey);
            }
        }

        if (flush.Missing.Count == 0)
        {
            End(flush, succeeded: true);
        }
    }

    private void Settle(SwarmPeer peer)
    {
        for (int i = _flushes.Count - 1; i >= 0; i--)
        {
            Flush flush = _flushes[i];
            if (flush.Missing is { } missing && missing.Remove(peer.PublicKey) && missing.Count == 0)
            {
                End(flush, succeeded: true);
            }
        }
    }

    // Who still waits to be dialled is not dialled before somebody leaves: nothing to wait for.
    private void FlushWhenFull()
    {
        if (Connecting > 0 || (IsWithinMaxPeers() && _clientConnections < _options.MaxClientConnections))
        {
            return;
        }

        for (int i = _flushes.Count - 1; i >= 0; i--)
        {
            if (_flushes[i].Missing is not null)
            {
                End(_flushes[i], succeeded: true);
            }
        }
    }

    private void End(Flush flush, bool succeeded)
    {
        flush.IsDone = true;
        _flushes.Remove(flush);
        Answer(flush.RequestId, succeeded);
    }

    private void ClearQueue()
    {
        SwarmPeer[] queued = [.. _queue.Peers];
        _queue.Clear();
        foreach (Flush flush in _flushes.ToArray())
        {
            End(flush, succeeded: false);
        }

        foreach (SwarmPeer peer in queued)
        {
            ForgetMaybe(peer);
        }
    }

    private sealed class Connection(long id, SwarmPeer peer, bool isClient) : Alarmed
    {
        public long Id => id;

        public SwarmPeer Peer => peer;

        public bool IsClient => isClient;

        /// <summary>A dial that has come through, or a connection that came in.</summary>
        public bool IsOpen { get; set; }

        /// <summary>True once bytes went both ways.</summary>
        public bool IsEstablished { get; set; }

        public bool IsClosing { get; set; }

        public string? Reason { get; set; }

        /// <summary>A connection that came in, and takes this one's place when it is gone.</summary>
        public long? NextId { get; set; }
    }

    private sealed class Flush(long requestId)
    {
        public long RequestId => requestId;

        public int Refreshes { get; set; }

        public HashSet<PublicKey>? Missing { get; set; }

        public bool IsDone { get; set; }
    }
}
