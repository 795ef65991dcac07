using HyperActors.Catalog;
using HyperActors.Crypto;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>A node: starts its parts from below, stops them from above.</summary>
/// <remarks>
/// Parent: the user guardian. Children: <see cref="CorestoreActor"/>, <see cref="ConnectionsActor"/> and, with a
/// network, <see cref="DhtActor"/>, <see cref="SwarmActor"/> and <see cref="LocalDiscoveryActor"/>. Never restarted: what its children could not mend ends the node.
/// </remarks>
public sealed class NodeActor : ReceiveActor
{
    /// <summary>Leaves the network, ends connections in order, then stops the feeds. Answered with <see cref="Stopped"/>.</summary>
    public sealed record Stop
    {
        public static Stop Instance { get; } = new();
    }

    public sealed record Stopped
    {
        public static Stopped Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="Parts"/>.</summary>
    public sealed record GetParts
    {
        public static GetParts Instance { get; } = new();
    }

    /// <summary>Whom to ask for what, and how to know that all of them are gone.</summary>
    /// <param name="Feeds">For feeds.</param>
    /// <param name="Connections">For connections.</param>
    /// <param name="Dht">For the DHT; null for a node without a network.</param>
    /// <param name="Swarm">For the swarm; null for a node without a network.</param>
    /// <param name="End">When all of them are gone.</param>
    public sealed record Parts(IActorRef Feeds, IActorRef Connections, IActorRef? Dht, IActorRef? Swarm, StopSignal End);

    private readonly Parts _parts;
    private IActorRef? _stopping;
    private bool _areFeedsStopping;

    public NodeActor(NodeOptions options, NodeDoors doors, FeedCatalog catalog, byte[] primaryKey, KeyPair keys, Lazy<UdxHub> udx)
    {
        ILogger log = options.LoggerFactory.CreateLogger("HyperActors");
        IActorRef feeds = Context.ActorOf(
            CorestoreActor.PropsFor(doors.Disk, catalog, primaryKey, options.Feeds, options.Replication, doors.Random, log), "feeds");
        IActorRef connections = Context.ActorOf(
            ConnectionsActor.PropsFor(feeds, doors.Network, keys, doors.Random, options.Links, options.Connections, log), "connections");
        Context.Watch(feeds);
        Context.Watch(connections);
        IActorRef? dht = null;
        IActorRef? swarm = null;
        if (options.Network is { } network)
        {
            var setup = new DhtSetup(
                network, udx.Value, doors.Addresses ?? new LocalAddresses(), keys, doors.Random, doors.Disk as INotes, connections, log)
            {
                Links = options.Links,
                RelayConnections = options.Connections,
            };
            dht = Context.ActorOf(DhtActor.PropsFor(setup), "dht");
            IActorRef? local = null;
            if (doors.Multicast is { } multicast && network.UsesLocalDiscovery)
            {
                // Not watched: a node without it has the DHT still.
                local = Context.ActorOf(
                    LocalDiscoveryActor.PropsFor(new LocalDiscoverySetup(
                        network.LocalDiscovery, keys.PublicKey, doors.Random, multicast, dht, network.NetworkPollInterval,
                        new LocalDiscoveryMemory(), log)),
                    "local");
            }

            var memory = new SwarmMemory();
            swarm = Context.ActorOf(
                SwarmActor.PropsFor(new SwarmSetup(
                    network.Swarm, keys.PublicKey, doors.Random, options.Firewall, network.UsesDht, dht, connections, local, memory)),
                "swarm");
            Context.Watch(dht);
            Context.Watch(swarm);
        }

        _parts = new Parts(feeds, connections, dht, swarm, new StopSignal());

        Receive<GetParts>(_ => Sender.Tell(_parts, Self));
        Receive<CorestoreActor.Started>(_ => connections.Tell(ConnectionsActor.AnnounceAll.Instance, Self));
        Receive<Stop>(_ =>
        {
            _stopping = Sender;
            if (swarm is null)
            {
                connections.Tell(ConnectionsActor.EndAll.Instance, Self);
            }
            else
            {
                swarm.Tell(SwarmActor.Stop.Instance, Self);
            }
        });
        Receive<DhtActor.Restarted>(m => swarm?.Tell(m, Self));
        Receive<SwarmActor.Stopped>(_ => dht!.Tell(DhtActor.Leave.Instance, Self));
        Receive<DhtActor.Left>(_ => connections.Tell(ConnectionsActor.EndAll.Instance, Self));
        Receive<ConnectionsActor.AllEnded>(_ => StopFeeds());
        Receive<Terminated>(Handle);
    }

    public static Props PropsFor(NodeOptions options, NodeDoors doors, FeedCatalog catalog, byte[] primaryKey, KeyPair keys, Lazy<UdxHub> udx) =>
        Props.Create(() => new NodeActor(options, doors, catalog, primaryKey, keys, udx));

    /// <summary>What becomes of a part that fails: it starts anew, and if that does not help the node ends.</summary>
    public static Directive Decide(Exception failure) => failure switch
    {
        ActorInitializationException => Directive.Escalate, // could not start: the cause is inside
        _ => Directive.Restart,                             // three times a minute, then Stop
    };

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(3, TimeSpan.FromMinutes(1), Judge);

    protected override void PostStop()
    {
        _parts.End.Stop();
        _stopping?.Tell(Stopped.Instance, Self);
    }

    private Directive Judge(Exception failure)
    {
        _parts.End.Failure = failure is ActorInitializationException { InnerException: { } cause } ? cause : failure;
        return Decide(failure);
    }

    private void StopFeeds()
    {
        _areFeedsStopping = true;
        Context.Stop(_parts.Feeds);
    }

    private void Handle(Terminated terminated)
    {
        if (_stopping is not null && !_areFeedsStopping)
        {
            // Connections were lost instead of ended; the feeds can still be closed in order.
            StopFeeds();
            return;
        }

        // The feeds are closed: all is done. Or a part has stopped for good, and half a node is none.
        Context.Stop(Self);
    }
}
