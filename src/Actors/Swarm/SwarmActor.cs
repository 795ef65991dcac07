using System.Collections.Immutable;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Swarm;
using SwarmEvent = HyperActors.Abstractions.SwarmEvent;

namespace HyperActors.Actors;

/// <summary>The swarm of a node: drives a <see cref="SwarmMachine"/> over the DHT and the node's connections.</summary>
/// <remarks>
/// Parent: <see cref="NodeActor"/>. Children: none; a topic is a few fields of the machine. A restart ends the swarm's
/// connections and begins anew with the topics, peers and bans that users have asked for.
/// </remarks>
public sealed partial class SwarmActor : ReceiveActor, IWithTimers
{
    /// <summary>Joins a topic. Answered with <see cref="Joined"/>, or refused.</summary>
    public sealed record Join(DiscoveryKey Topic, bool IsServer, bool IsClient, int? Limit);

    /// <summary>A session, good until <see cref="EndSession"/> or <see cref="Leave"/>.</summary>
    public sealed record Joined(long SessionId);

    /// <summary>Announces and looks up once more. Answered with <see cref="Done"/>.</summary>
    public sealed record RefreshSession(long SessionId);

    /// <summary>Answered with <see cref="Done"/> when what runs for the topic has ended.</summary>
    public sealed record FlushSession(long SessionId);

    /// <summary>Ends a session; with the last one the topic is left. Answered with <see cref="Done"/>.</summary>
    public sealed record EndSession(long SessionId);

    /// <summary>Ends every session of a topic. Answered with <see cref="Done"/>.</summary>
    public sealed record Leave(DiscoveryKey Topic);

    /// <summary>Answered with <see cref="Done"/> when all topics were looked up and everybody found so far was tried once.</summary>
    public sealed record Flush
    {
        public static Flush Instance { get; } = new();
    }

    /// <summary>Stays connected to a peer. Answered with <see cref="Done"/>.</summary>
    public sealed record JoinPeer(PublicKey Peer);

    /// <summary>Takes that back. Answered with <see cref="Done"/>.</summary>
    public sealed record LeavePeer(PublicKey Peer);

    /// <summary>Neither dials a peer nor lets it in. Answered with <see cref="Done"/>.</summary>
    public sealed record Ban(PublicKey Peer);

    /// <summary>Takes that back. Answered with <see cref="Done"/>.</summary>
    public sealed record Unban(PublicKey Peer);

    /// <summary>Takes announcements back and closes connections and sockets. Answered with <see cref="Done"/>.</summary>
    public sealed record Suspend
    {
        public static Suspend Instance { get; } = new();
    }

    /// <summary>Goes on. Answered with <see cref="Done"/>.</summary>
    public sealed record Resume
    {
        public static Resume Instance { get; } = new();
    }

    /// <summary>What was asked for has been done, or was overtaken.</summary>
    public sealed record Done(bool Succeeded);

    /// <summary>Answered with <see cref="SwarmInfo"/>.</summary>
    public sealed record GetInfo
    {
        public static GetInfo Instance { get; } = new();
    }

    /// <summary>Events go to the writer until <see cref="Unwatch"/>.</summary>
    public sealed record Watch(ChannelWriter<SwarmEvent> Events);

    public sealed record Unwatch(ChannelWriter<SwarmEvent> Events);

    /// <summary>Other limits and times hold from now on.</summary>
    public sealed record Reconfigure(SwarmOptions Options);

    /// <summary>Leaves every topic. Answered with <see cref="Stopped"/>, within <see cref="SwarmOptions.LeaveTimeout"/>.</summary>
    public sealed record Stop
    {
        public static Stop Instance { get; } = new();
    }

    public sealed record Stopped
    {
        public static Stopped Instance { get; } = new();
    }

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private sealed record LeaveTimedOut
    {
        public static LeaveTimedOut Instance { get; } = new();
    }

    private const string Failed = "the swarm of this node has failed and begins anew";

    private readonly SwarmSetup _setup;
    private readonly SwarmMachine _machine;
    private readonly long _life;
    private readonly Dictionary<long, IActorRef> _waiting = [];
    private readonly Dictionary<long, long> _sessions = [];
    private readonly List<ChannelWriter<SwarmEvent>> _watchers = [];
    private ImmutableHashSet<PublicKey> _banned = [];
    private IActorRef? _stopping;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private long _requests;

    public SwarmActor(SwarmSetup setup)
    {
        _setup = setup;
        _life = setup.Memory.NextLife();
        _requests = _life;
        _machine = new SwarmMachine(setup.Memory.Options ?? setup.Options, setup.Self, setup.Random, setup.Firewall, _life);

        Receive<Join>(Handle);
        Receive<RefreshSession>(m => Request(id => _machine.RefreshSession(Session(m.SessionId), id, Now)));
        Receive<FlushSession>(m => Request(id => _machine.FlushSession(Session(m.SessionId), id)));
        Receive<EndSession>(Handle);
        Receive<Leave>(Handle);
        Receive<Flush>(_ => Request(id => _machine.FlushAll(id, Now)));
        Receive<JoinPeer>(m => Remember(_setup.Memory.Explicit, m.Peer, isIn: true, () => _machine.JoinPeer(m.Peer, Now)));
        Receive<LeavePeer>(m => Remember(_setup.Memory.Explicit, m.Peer, isIn: false, () => _machine.LeavePeer(m.Peer)));
        Receive<Ban>(m => Remember(_setup.Memory.Banned, m.Peer, isIn: true, () => _machine.Ban(m.Peer, Now)));
        Receive<Unban>(m => Remember(_setup.Memory.Banned, m.Peer, isIn: false, () => _machine.Unban(m.Peer)));
        Receive<Suspend>(_ =>
        {
            _setup.Memory.IsSuspended = true;
            Request(id => _machine.Suspend(id, Now));
        });
        Receive<Resume>(_ =>
        {
            _setup.Memory.IsSuspended = false;
            Request(id => _machine.Resume(id, Now));
        });
        Receive<Reconfigure>(m =>
        {
            _setup.Memory.Options = m.Options;
            _machine.Reconfigure(m.Options, Now);
            Drain();
        });
        Receive<GetInfo>(_ => Sender.Tell(Describe(), Self));
        Receive<Watch>(m => _watchers.Add(m.Events));
        Receive<Unwatch>(m =>
        {
            _watchers.Remove(m.Events);
            m.Events.TryComplete();
        });
        Receive<Stop>(Handle);
        Receive<LeaveTimedOut>(_ => AnswerStop());
        Receive<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _machine.HandleTimeout(Now);
            Drain();
        });
        ReceiveNetwork();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    public static Props PropsFor(SwarmSetup setup) => Props.Create(() => new SwarmActor(setup));

    protected override void PreStart()
    {
        SwarmMemory memory = _setup.Memory;
        memory.Banned.ForEach(peer => _machine.Ban(peer, Now));
        memory.Explicit.ForEach(peer => _machine.JoinPeer(peer, Now));
        foreach ((long id, Join join) in memory.Sessions)
        {
            if (_machine.TryJoin(join.Topic, join.IsServer, join.IsClient, join.Limit, Now, out long session))
            {
                _sessions.Add(id, session);
            }
        }

        if (memory.IsSuspended)
        {
            _machine.Suspend(0, Now);
        }

        Drain();
    }

    protected override void PreRestart(Exception reason, object message)
    {
        // A watcher goes on watching the next life.
        foreach (ChannelWriter<SwarmEvent> watcher in _watchers)
        {
            Self.Tell(new Watch(watcher), Self);
        }

        _watchers.Clear();
        base.PreRestart(reason, message);
    }

    protected override void PostStop()
    {
        foreach (IActorRef waiting in _waiting.Values)
        {
            waiting.Tell(new Status.Failure(new HyperActorsException(Failed)), Self);
        }

        AnswerStop();
        LetGo();
        foreach (ChannelWriter<SwarmEvent> watcher in _watchers)
        {
            watcher.TryComplete();
        }
    }

    private void Handle(Join join)
    {
        if (!_machine.TryJoin(join.Topic, join.IsServer, join.IsClient, join.Limit, Now, out long session))
        {
            string reason = join is { IsServer: false, IsClient: false }
                ? "a topic is joined as server, as client or as both"
                : "the swarm is in as many topics as it may be, or it is stopping";
            Sender.Tell(new Status.Failure(new HyperActorsException(reason)), Self);
            return;
        }

        long id = _setup.Memory.NextSession();
        _setup.Memory.Sessions.Add(id, join);
        _sessions.Add(id, session);
        Sender.Tell(new Joined(id), Self);
        Drain();
    }

    private void Handle(EndSession end)
    {
        _setup.Memory.Sessions.Remove(end.SessionId);
        _sessions.Remove(end.SessionId, out long session);
        Request(id => _machine.EndSession(session, id, Now));
    }

    private void Handle(Leave leave)
    {
        SortedDictionary<long, Join> known = _setup.Memory.Sessions;
        foreach (long id in known.Where(s => s.Value.Topic == leave.Topic).Select(s => s.Key).ToArray())
        {
            known.Remove(id);
            _sessions.Remove(id);
        }

        Request(id => _machine.Leave(leave.Topic, id, Now));
    }

    private void Handle(Stop stop)
    {
        _stopping = Sender;
        Timers.StartSingleTimer(nameof(LeaveTimedOut), LeaveTimedOut.Instance, (_setup.Memory.Options ?? _setup.Options).LeaveTimeout);
        _machine.Stop(++_requests, Now);
        Drain();
    }

    private void AnswerStop()
    {
        _stopping?.Tell(Stopped.Instance, Self);
        _stopping = null;
    }

    private long Session(long id) => _sessions.GetValueOrDefault(id);

    private void Request(Action<long> wish)
    {
        long id = ++_requests;
        _waiting.Add(id, Sender);
        wish(id);
        Drain();
    }

    private void Remember(List<PublicKey> list, PublicKey peer, bool isIn, Action change)
    {
        list.Remove(peer);
        if (isIn && peer != _setup.Self)
        {
            list.Add(peer);
        }

        change();
        Sender.Tell(new Done(true), Self);
        Drain();
    }

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void Drain()
    {
        while (_machine.TryPollCommand(out SwarmCommand? command))
        {
            CarryOut(command);
        }

        while (_machine.TryPollEvent(out SwarmMachineEvent? machineEvent))
        {
            Report(machineEvent);
        }

        if (_machine.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    private void Report(SwarmMachineEvent machineEvent)
    {
        switch (machineEvent)
        {
            case SwarmMachineEvent.Done done when _waiting.Remove(done.RequestId, out IActorRef? asker):
                asker.Tell(new Done(done.Succeeded), Self);
                break;
            case SwarmMachineEvent.Done:
                AnswerStop();
                break;
            case SwarmMachineEvent.TopicChanged changed:
                _setup.Local?.Tell(new LocalDiscoveryActor.SetTopic(changed.Topic, changed.IsServer, changed.IsClient), Self);
                break;
            case SwarmMachineEvent.PeerFound found:
                Publish(new SwarmEvent.PeerFound(found.Peer, found.Topic));
                break;
            case SwarmMachineEvent.Connected connected:
                Publish(new SwarmEvent.Connected(_streams[connected.ConnectionId].Peer!, connected.Topics));
                break;
            case SwarmMachineEvent.Disconnected disconnected:
                Publish(new SwarmEvent.Disconnected(disconnected.Peer, disconnected.Reason));
                break;
            case SwarmMachineEvent.DialFailed failed:
                Publish(new SwarmEvent.DialFailed(failed.Peer, failed.Reason));
                break;
            case SwarmMachineEvent.Banned banned:
                // The listener asks on a thread of its own.
                ImmutableInterlocked.Update(ref _banned, set => set.Add(banned.Peer));
                Publish(new SwarmEvent.Banned(banned.Peer));
                break;
            case SwarmMachineEvent.Unbanned unbanned:
                ImmutableInterlocked.Update(ref _banned, set => set.Remove(unbanned.Peer));
                break;
        }
    }

    private void Publish(SwarmEvent swarmEvent)
    {
        foreach (ChannelWriter<SwarmEvent> watcher in _watchers)
        {
            watcher.TryWrite(swarmEvent);
        }
    }

    private SwarmInfo Describe()
    {
        Dictionary<DiscoveryKey, int> found = [];
        foreach (DiscoveryKey topic in _machine.Peers.SelectMany(peer => peer.Topics))
        {
            found[topic] = found.GetValueOrDefault(topic) + 1;
        }

        return new SwarmInfo
        {
            IsSuspended = _machine.IsSuspended,
            Topics =
            [
                .. _machine.Topics.Select(
                    t => new SwarmTopicInfo(t.Topic, t.IsServer, t.IsClient, t.Sessions, found.GetValueOrDefault(t.Topic))),
            ],
            Peers =
            [
                .. _machine.Peers.Select(peer => new SwarmPeerInfo
                {
                    PublicKey = peer.PublicKey,
                    IsConnected = _machine.IsOpen(peer.PublicKey),
                    IsBanned = peer.IsBanned,
                    IsExplicit = peer.IsExplicit,
                    Attempts = peer.Attempts,
                    Topics = [.. peer.Topics],
                }),
            ],
            Connections = _machine.OpenConnections,
            Connecting = _machine.Connecting,
            Statistics = _machine.Statistics.ToDictionary(),
        };
    }
}
