using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <content>Topics, their sessions, and what runs for them.</content>
public sealed partial class SwarmMachine
{
    private readonly Dictionary<DiscoveryKey, TopicDiscovery> _topics = [];
    private readonly Dictionary<long, Session> _sessions = [];
    private readonly Dictionary<long, TopicDiscovery.Query> _queries = [];
    private int _topicCount;
    private ListenState _listen;
    private Service? _listening;
    private long _stopRequest;

    private enum ListenState
    {
        None,
        Asked,
        Listening,
    }

    /// <summary>The topics that the swarm is in, those that are being left excluded.</summary>
    public IEnumerable<(DiscoveryKey Topic, bool IsServer, bool IsClient, int Sessions)> Topics =>
        _topics.Values.Where(t => !t.IsLeaving).Select(t => (t.Topic, t.ServerSessions > 0, t.ClientSessions > 0, t.Sessions.Count));

    /// <summary>Joins a topic, as server, client or both; a topic may be joined many times, and is left with its last session.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="isServer">True to be found.</param>
    /// <param name="isClient">True to look for others.</param>
    /// <param name="limit">How many peers are enough; null for no limit. The latest session decides for the topic.</param>
    /// <param name="now">The time.</param>
    /// <param name="sessionId">The session.</param>
    /// <returns>False when there are too many topics or sessions, or the swarm has stopped.</returns>
    public bool TryJoin(DiscoveryKey topic, bool isServer, bool isClient, int? limit, TimeSpan now, out long sessionId)
    {
        sessionId = 0;
        TopicDiscovery? existing = _topics.GetValueOrDefault(topic);
        bool isNew = existing is null or { IsLeaving: true };
        bool hasRoom = !isNew || _topicCount < _options.MaxTopics;
        if (_isStopped || !hasRoom || _sessions.Count >= _options.MaxSessions || !(isServer || isClient))
        {
            return false;
        }

        TopicDiscovery discovery = isNew ? Add(topic, existing) : existing!;
        sessionId = ++_ids;
        _sessions.Add(sessionId, new Session(discovery, isServer, isClient));
        discovery.Sessions.Add(sessionId);
        discovery.ServerSessions += isServer ? 1 : 0;
        discovery.ClientSessions += isClient ? 1 : 0;
        discovery.Limit = limit;
        StartRefresh(discovery, now);
        return true;
    }

    /// <summary>Announces and looks up once more; what runs already counts. Answered when it has ended.</summary>
    public void RefreshSession(long sessionId, long requestId, TimeSpan now)
    {
        if (!_sessions.TryGetValue(sessionId, out Session? session) || !IsActive(session.Topic))
        {
            Answer(requestId, false);
            return;
        }

        StartRefresh(session.Topic, now)?.Waiters.Add(succeeded => Answer(requestId, succeeded));
    }

    /// <summary>Answered when what runs for the topic has ended; at once when nothing does.</summary>
    public void FlushSession(long sessionId, long requestId)
    {
        TopicDiscovery? topic = _sessions.GetValueOrDefault(sessionId)?.Topic;
        if (topic?.Current is { } refresh)
        {
            refresh.Waiters.Add(succeeded => Answer(requestId, succeeded));
            return;
        }

        Answer(requestId, topic is { IsLeaving: false });
    }

    /// <summary>Ends a session; with the last one the topic is left. Answered when nothing is left to be taken back.</summary>
    public void EndSession(long sessionId, long requestId, TimeSpan now)
    {
        if (!_sessions.Remove(sessionId, out Session? session))
        {
            Answer(requestId, false);
            return;
        }

        TopicDiscovery topic = session.Topic;
        topic.Sessions.Remove(sessionId);
        topic.ServerSessions -= session.IsServer ? 1 : 0;
        topic.ClientSessions -= session.IsClient ? 1 : 0;
        if (topic.Sessions.Count == 0)
        {
            topic.LeaveRequests.Add(requestId);
            Leave(topic, now);
            return;
        }

        if (topic.ServerSessions == 0 && topic.NeedsUnannounce && StartRefresh(topic, now) is { } refresh)
        {
            refresh.Waiters.Add(succeeded => Answer(requestId, succeeded));
            return;
        }

        if (topic.ClientSessions == 0 && topic.IsClient)
        {
            // The announcement stays as it is; what it finds is not wanted any more.
            topic.IsClient = false;
            Report(topic);
        }

        Answer(requestId, true);
    }

    /// <summary>Ends every session of a topic. Answered when nothing is left to be taken back.</summary>
    public void Leave(DiscoveryKey topic, long requestId, TimeSpan now)
    {
        if (!_topics.TryGetValue(topic, out TopicDiscovery? discovery))
        {
            Answer(requestId, true);
            return;
        }

        discovery.LeaveRequests.Add(requestId);
        Leave(discovery, now);
    }

    /// <summary>The listener runs, or does not.</summary>
    public void HandleListening(bool succeeded, TimeSpan now)
    {
        if (_listen != ListenState.Asked)
        {
            return;
        }

        _listen = succeeded ? ListenState.Listening : ListenState.None;
        _alarms.Set(_listening!, null);
        foreach (TopicDiscovery topic in _topics.Values.ToArray())
        {
            if (topic is not { Current.Query: null, Predecessor: null } || !topic.IsServer || !IsActive(topic))
            {
                continue;
            }

            if (succeeded)
            {
                Advance(topic, now);
            }
            else
            {
                Finish(topic, succeeded: false);
                RefreshLater(topic, isEager: true, now);
            }
        }
    }

    /// <summary>A query has shown a peer.</summary>
    public void HandlePeerFound(long queryId, PublicKey publicKey, IReadOnlyList<IPEndPoint> relays, TimeSpan now)
    {
        if (!_queries.TryGetValue(queryId, out TopicDiscovery.Query? query)
            || query.Refresh is not { } refresh
            || !query.Topic.IsClient
            || !IsActive(query.Topic))
        {
            return;
        }

        TopicDiscovery topic = query.Topic;
        if (refresh.Left is { } left)
        {
            bool isKnown = topic.Discovered.Contains(publicKey);
            if (!isKnown && topic.Discovered.Count < _options.MaxDiscovered)
            {
                topic.Discovered.Add(publicKey);
            }

            if (!isKnown && left == 0)
            {
                return;
            }

            // A peer that is there already does not take the place of one that is not, nor does one that is told twice.
            if (!isKnown && !IsOpen(publicKey))
            {
                refresh.Left = left - 1;
            }
        }

        Take(topic, publicKey, relays, now);
    }

    /// <summary>The local network has shown a peer of a topic; it counts as one that a lookup has found.</summary>
    public void HandleLocalPeer(DiscoveryKey key, PublicKey publicKey, IReadOnlyList<IPEndPoint> addresses, TimeSpan now)
    {
        if (!_topics.TryGetValue(key, out TopicDiscovery? topic) || !IsActive(topic) || topic.ClientSessions == 0)
        {
            return;
        }

        bool hasEnough = topic.Limit is { } limit
            && _connections.Values.Count(c => c.Peer.Topics.Contains(key)) >= limit;
        if (!hasEnough)
        {
            Take(topic, publicKey, addresses, now);
        }
    }

    /// <summary>A query has ended.</summary>
    public void HandleQueryDone(long queryId, IReadOnlyList<IPEndPoint> closestNodes, string? error, TimeSpan now)
    {
        if (!_queries.Remove(queryId, out TopicDiscovery.Query? query))
        {
            return;
        }

        _alarms.Set(query, null);
        TopicDiscovery topic = query.Topic;
        bool isActive = topic.Active == query;
        if (isActive)
        {
            topic.Active = null;
        }

        if (query.Refresh is null)
        {
            topic.NeedsUnannounce = false;
            ContinueAbort(topic, now);
            return;
        }

        if (closestNodes.Count > 0)
        {
            // Where an announcement was given up half done, nodes of both queries may hold it.
            topic.ClosestNodes = topic.IsAborting ? [.. topic.ClosestNodes.Union(closestNodes)] : closestNodes;
        }

        if (topic.IsAborting)
        {
            ContinueAbort(topic, now);
            return;
        }

        if (!isActive)
        {
            return;
        }

        if (error is null && !query.IsAnnouncing)
        {
            topic.NeedsUnannounce = false;
        }

        Statistics.RefreshesFailed += error is null ? 0 : 1;
        Finish(topic, error is null);
        RefreshLater(topic, isEager: false, now);
    }

    private TopicDiscovery Add(DiscoveryKey topic, TopicDiscovery? predecessor)
    {
        var discovery = new TopicDiscovery(topic) { Predecessor = predecessor };
        if (predecessor is not null)
        {
            predecessor.Successor = discovery;
        }

        _topics[topic] = discovery;
        _topicCount++;
        return discovery;
    }

    private bool IsActive(TopicDiscovery topic) => !topic.IsLeaving && !IsSuspended && !_isStopped;

    private void Report(TopicDiscovery topic) => _events.Enqueue(new SwarmMachineEvent.TopicChanged(
        topic.Topic, topic.IsServer && IsActive(topic), topic.IsClient && IsActive(topic)));

    // What runs in the same modes is good enough; in others it is given up, and who waited waits for the new one.
    private TopicDiscovery.Refresh? StartRefresh(TopicDiscovery topic, TimeSpan now)
    {
        if (!IsActive(topic))
        {
            return null;
        }

        bool isServer = topic.ServerSessions > 0;
        bool isClient = topic.ClientSessions > 0;
        bool isSame = isServer == topic.IsServer && isClient == topic.IsClient;
        if (isSame && topic.Current is { } running)
        {
            return running;
        }

        var refresh = new TopicDiscovery.Refresh();
        if (topic.Current is { } former)
        {
            refresh.Waiters.AddRange(former.Waiters);
        }

        CancelActive(topic);
        topic.IsServer = isServer;
        topic.IsClient = isClient;
        topic.Current = refresh;
        _alarms.Set(topic, null);
        Statistics.Refreshes++;
        if (!isSame)
        {
            Report(topic);
        }

        Advance(topic, now);
        return refresh;
    }

    private void Advance(TopicDiscovery topic, TimeSpan now)
    {
        if (topic.Current is not { Query: null } refresh || topic.Predecessor is not null)
        {
            return;
        }

        if (topic.IsServer && _listen != ListenState.Listening)
        {
            AskToListen(now);
            return;
        }

        bool shouldClear = topic.IsServer && !topic.HasCleared;
        topic.HasCleared |= shouldClear;
        topic.NeedsUnannounce |= topic.IsServer;
        refresh.Left = topic.Limit is { } limit ? Math.Max(0, limit - topic.Discovered.Count(IsOpen)) : null;
        topic.Discovered.Clear();
        TopicDiscovery.Query query = StartQuery(topic, refresh, topic.IsServer, now);
        refresh.Query = query;
        _commands.Enqueue((topic.IsServer, topic.NeedsUnannounce) switch
        {
            (true, _) => new SwarmCommand.Announce(query.Id, topic.Topic, shouldClear, topic.ClosestNodes),
            (false, true) => new SwarmCommand.LookupAndUnannounce(query.Id, topic.Topic, topic.ClosestNodes),
            _ => new SwarmCommand.Lookup(query.Id, topic.Topic, topic.ClosestNodes),
        });
    }

    private TopicDiscovery.Query StartQuery(TopicDiscovery topic, TopicDiscovery.Refresh? refresh, bool isAnnouncing, TimeSpan now)
    {
        var query = new TopicDiscovery.Query(++_ids, topic, refresh, isAnnouncing);
        _queries.Add(query.Id, query);
        _alarms.Set(query, now + _options.QueryTimeout);
        topic.Active = query;
        return query;
    }

    private void AskToListen(TimeSpan now)
    {
        if (_listen != ListenState.None)
        {
            return;
        }

        _listen = ListenState.Asked;
        _listening ??= new Service(late => HandleListening(false, late));
        _alarms.Set(_listening, now + _options.ServiceTimeout);
        _commands.Enqueue(new SwarmCommand.Listen());
    }

    private void CancelActive(TopicDiscovery topic)
    {
        if (topic.Active is { } query)
        {
            _commands.Enqueue(new SwarmCommand.CancelQuery(query.Id));
            topic.Active = null;
        }
    }

    private static void Finish(TopicDiscovery topic, bool succeeded)
    {
        if (topic.Current is { } refresh)
        {
            topic.Current = null;
            refresh.Waiters.ForEach(waiter => waiter(succeeded));
        }
    }

    private void RefreshLater(TopicDiscovery topic, bool isEager, TimeSpan now)
    {
        if (IsActive(topic))
        {
            TimeSpan delay = _options.RefreshJitter * _random.NextDouble();
            _alarms.Set(topic, now + (isEager ? delay : _options.RefreshInterval + delay));
        }
    }

    private void HandleRefreshDue(TopicDiscovery topic, TimeSpan dueAt, TimeSpan now)
    {
        if (now - dueAt > _options.SleepGrace)
        {
            // The machine has slept, and its network may not be awake yet.
            Statistics.Overdue++;
            RefreshLater(topic, isEager: true, now);
            return;
        }

        StartRefresh(topic, now);
    }

    private void Leave(TopicDiscovery topic, TimeSpan now)
    {
        if (topic.IsLeaving)
        {
            return;
        }

        topic.IsLeaving = true;
        Report(topic);
        foreach (long sessionId in topic.Sessions)
        {
            _sessions.Remove(sessionId);
        }

        topic.Sessions.Clear();
        Abort(topic, now);
    }

    private void Abort(TopicDiscovery topic, TimeSpan now)
    {
        _alarms.Set(topic, null);
        if (!topic.IsAborting)
        {
            topic.IsAborting = true;
            if (topic.Active is { } query)
            {
                _commands.Enqueue(new SwarmCommand.CancelQuery(query.Id));
            }
        }

        Finish(topic, succeeded: false);
        ContinueAbort(topic, now);
    }

    // Until what runs has answered nobody knows which nodes it has reached; then they are asked to forget us.
    private void ContinueAbort(TopicDiscovery topic, TimeSpan now)
    {
        if (!topic.IsAborting || topic.Active is not null || topic.Predecessor is not null)
        {
            return;
        }

        if (topic.NeedsUnannounce && topic.ClosestNodes.Count > 0)
        {
            TopicDiscovery.Query query = StartQuery(topic, null, isAnnouncing: false, now);
            _commands.Enqueue(new SwarmCommand.Unannounce(query.Id, topic.Topic, topic.ClosestNodes));
            return;
        }

        topic.NeedsUnannounce = false;
        topic.IsAborting = false;
        if (topic.IsLeaving)
        {
            Remove(topic, now);
        }

        ContinueSuspend(now);
    }

    private void Remove(TopicDiscovery topic, TimeSpan now)
    {
        _topicCount--;
        if (_topics.GetValueOrDefault(topic.Topic) == topic)
        {
            _topics.Remove(topic.Topic);
        }

        topic.LeaveRequests.ForEach(requestId => Answer(requestId, true));
        if (topic.Successor is { } successor)
        {
            successor.Predecessor = null;
            Advance(successor, now);
            ContinueAbort(successor, now);
        }

        AnswerStop();
    }

    private void AnswerStop()
    {
        if (_isStopped && _topicCount == 0)
        {
            Answer(_stopRequest, true);
            _stopRequest = 0;
        }
    }

    private void Take(TopicDiscovery topic, PublicKey publicKey, IReadOnlyList<IPEndPoint> relays, TimeSpan now)
    {
        if (Upsert(publicKey, relays, isWanted: false) is not { } peer)
        {
            return;
        }

        if (peer.AddTopic(topic.Topic, _options.MaxTopicsPerPeer))
        {
            Statistics.PeersFound++;
            _events.Enqueue(new SwarmMachineEvent.PeerFound(publicKey, topic.Topic));
        }

        if (_connections.ContainsKey(publicKey))
        {
            return;
        }

        if (peer.Priority < PeerPriority.Normal || !peer.IsClient)
        {
            peer.Reset();
        }

        Enqueue(peer);
        Attempt(now);
    }

    private sealed record Session(TopicDiscovery Topic, bool IsServer, bool IsClient);
}
