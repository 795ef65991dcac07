using System.Net;
using HyperActors.Crypto;
using HyperActors.Swarm;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>Peers on the local network: drives a <see cref="LocalDiscovery"/> for each interface over its multicast socket.</summary>
/// <remarks>
/// Parent: <see cref="NodeActor"/>. Children: none. A restart opens sockets anew and goes on with the topics that the swarm
/// has told; peers are heard of again.
/// </remarks>
public sealed class LocalDiscoveryActor : ReceiveActor, IWithTimers
{
    /// <summary>Announces a topic on the local network, or looks for it there, or neither any more. Peers go to the sender.</summary>
    public sealed record SetTopic(DiscoveryKey Topic, bool IsServer, bool IsClient);

    /// <summary>To the swarm: a peer of a topic is on the local network.</summary>
    public sealed record PeerSeen(DiscoveryKey Topic, PublicKey PublicKey, IReadOnlyList<IPEndPoint> Addresses);

    /// <summary>Answered with <see cref="Links"/>.</summary>
    public sealed record GetLinks
    {
        public static GetLinks Instance { get; } = new();
    }

    /// <summary>The interfaces in use, and what was done on each.</summary>
    public sealed record Links(IReadOnlyList<(LocalInterface Interface, LocalDiscoveryStatistics Statistics)> Open);

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private sealed record LookAtInterfaces
    {
        public static LookAtInterfaces Instance { get; } = new();
    }

    private readonly LocalDiscoverySetup _setup;
    private readonly Dictionary<LocalInterface, Link> _links = [];
    private IActorRef _swarm = ActorRefs.Nobody;
    private ushort _port;
    private TimeSpan _alarm = TimeSpan.MaxValue;

    public LocalDiscoveryActor(LocalDiscoverySetup setup)
    {
        _setup = setup;
        Receive<SetTopic>(Handle);
        Receive<IMulticastDoor.PacketArrived>(Handle);
        Receive<Abstractions.DhtInfo>(Handle);
        Receive<GetLinks>(_ => Sender.Tell(new Links([.. _links.Select(l => (l.Key, l.Value.Machine.Statistics))]), Self));
        Receive<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            foreach (Link link in _links.Values)
            {
                link.Machine.HandleTimeout(Now);
            }

            Drain();
        });
        Receive<LookAtInterfaces>(_ => _setup.Dht.Tell(DhtActor.GetInfo.Instance, Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    public static Props PropsFor(LocalDiscoverySetup setup) => Props.Create(() => new LocalDiscoveryActor(setup));

    protected override void PreStart()
    {
        _swarm = _setup.Memory.Swarm ?? ActorRefs.Nobody;
        _setup.Dht.Tell(DhtActor.GetInfo.Instance, Self);
        Timers.StartPeriodicTimer(nameof(LookAtInterfaces), LookAtInterfaces.Instance, _setup.PollInterval);
    }

    protected override void PostStop()
    {
        foreach (Link link in _links.Values)
        {
            Close(link);
        }
    }

    private void Handle(SetTopic topic)
    {
        _swarm = _setup.Memory.Swarm = Sender;
        if (topic is { IsServer: false, IsClient: false })
        {
            _setup.Memory.Topics.Remove(topic.Topic);
        }
        else
        {
            _setup.Memory.Topics[topic.Topic] = topic;
        }

        foreach (Link link in _links.Values)
        {
            link.Machine.SetTopic(topic.Topic, topic.IsServer, topic.IsClient, Now);
        }

        Drain();
    }

    private void Handle(IMulticastDoor.PacketArrived arrived)
    {
        arrived.Credit.Return();
        if (_links.TryGetValue(arrived.Interface, out Link? link))
        {
            link.Machine.HandlePacket(arrived.Packet.Span, arrived.Source, arrived.TimeToLive, Now);
            Drain();
        }
    }

    // The port is known once the DHT has its socket, and may be another after a restart of it.
    private void Handle(Abstractions.DhtInfo info)
    {
        if (info.LocalAddress is not { Port: > 0 } local)
        {
            return;
        }

        IReadOnlyList<LocalInterface> found = _setup.Door.FindInterfaces();
        bool isOtherPort = local.Port != _port;
        _port = (ushort)local.Port;
        foreach ((LocalInterface gone, Link link) in _links.Where(l => isOtherPort || !found.Contains(l.Key)).ToArray())
        {
            Close(link);
            _links.Remove(gone);
        }

        foreach (LocalInterface link in found.Where(i => !_links.ContainsKey(i)))
        {
            Open(link);
        }

        Drain();
    }

    private void Open(LocalInterface face)
    {
        if (_setup.Door.Open(face, Self) is not { } socket)
        {
            Log.NoMulticast(_setup.Log, face.Address);
            return;
        }

        var link = new Link(new LocalDiscovery(_setup.Options, _setup.Self, _port, face, _setup.Random), socket);
        foreach (SetTopic topic in _setup.Memory.Topics.Values)
        {
            link.Machine.SetTopic(topic.Topic, topic.IsServer, topic.IsClient, Now);
        }

        _links.Add(face, link);
    }

    private static void Close(Link link)
    {
        link.Machine.Stop(Now);
        link.SendAll();
        link.Socket.Dispose();
    }

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void Drain()
    {
        TimeSpan? earliest = null;
        foreach (Link link in _links.Values)
        {
            link.SendAll();
            while (link.Machine.TryPollEvent(out LocalDiscoveryEvent? happened))
            {
                // Who has left is noticed by its connection; the swarm needs no word of it.
                if (happened is LocalDiscoveryEvent.PeerSeen seen)
                {
                    _swarm.Tell(new PeerSeen(seen.Topic, seen.PublicKey, seen.Addresses), Self);
                }
            }

            earliest = link.Machine.Deadline is { } deadline && !(earliest <= deadline) ? deadline : earliest;
        }

        if (earliest is { } due && due < _alarm)
        {
            _alarm = due;
            TimeSpan delay = due - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    private sealed record Link(LocalDiscovery Machine, IMulticastSocket Socket)
    {
        public void SendAll()
        {
            while (Machine.TryPollTransmit(out LocalPacket packet))
            {
                Socket.Send(packet.Bytes.Span, packet.To ?? LocalDiscovery.Group);
            }
        }
    }
}

/// <summary>What a <see cref="LocalDiscoveryActor"/> is made of: it keeps them over a restart.</summary>
/// <param name="Options">The limits and times.</param>
/// <param name="Self">Who the node is.</param>
/// <param name="Random">The door to chance.</param>
/// <param name="Door">The door to the local network.</param>
/// <param name="Dht">Knows at which port peers shake hands with the node.</param>
/// <param name="PollInterval">How often interfaces are looked at.</param>
/// <param name="Memory">What the swarm has told.</param>
/// <param name="Log">Where it writes what happens.</param>
public sealed record LocalDiscoverySetup(
    LocalDiscoveryOptions Options,
    PublicKey Self,
    RandomSource Random,
    IMulticastDoor Door,
    IActorRef Dht,
    TimeSpan PollInterval,
    LocalDiscoveryMemory Memory,
    ILogger Log);

/// <summary>The topics that the swarm has told, for the life after a fault. The actor's alone.</summary>
public sealed class LocalDiscoveryMemory
{
    internal Dictionary<DiscoveryKey, LocalDiscoveryActor.SetTopic> Topics { get; } = [];

    internal IActorRef? Swarm { get; set; }
}
