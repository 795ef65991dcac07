using HyperActors.Catalog;
using HyperActors.Crypto;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>A node: starts its parts from below, stops them from above.</summary>
/// <remarks>
/// Parent: the user guardian. Children: <see cref="CorestoreActor"/>, <see cref="ConnectionsActor"/>. Never restarted: what
/// its children could not mend ends the node.
/// </remarks>
public sealed class NodeActor : ReceiveActor
{
    /// <summary>Ends connections in order, then stops the feeds. Answered with <see cref="Stopped"/>.</summary>
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

    /// <summary>Whom to ask for feeds, and whom for connections.</summary>
    public sealed record Parts(IActorRef Feeds, IActorRef Connections);

    private readonly Parts _parts;
    private IActorRef? _stopping;

    public NodeActor(NodeOptions options, NodeDoors doors, FeedCatalog catalog, byte[] primaryKey, KeyPair keys)
    {
        ILogger log = options.LoggerFactory.CreateLogger("HyperActors");
        IActorRef feeds = Context.ActorOf(
            CorestoreActor.PropsFor(doors.Disk, catalog, primaryKey, options.Feeds, options.Replication, doors.Random, log), "feeds");
        IActorRef connections = Context.ActorOf(
            ConnectionsActor.PropsFor(feeds, doors.Network, keys, doors.Random, options.Links, options.Connections, log), "connections");
        _parts = new Parts(feeds, connections);

        Receive<GetParts>(_ => Sender.Tell(_parts, Self));
        Receive<Stop>(_ =>
        {
            _stopping = Sender;
            connections.Tell(ConnectionsActor.EndAll.Instance, Self);
        });
        Receive<ConnectionsActor.AllEnded>(_ =>
        {
            Context.Watch(feeds);
            Context.Stop(feeds);
        });
        Receive<Terminated>(_ =>
        {
            _stopping?.Tell(Stopped.Instance, Self);
            Context.Stop(Self);
        });
    }

    public static Props PropsFor(NodeOptions options, NodeDoors doors, FeedCatalog catalog, byte[] primaryKey, KeyPair keys) =>
        Props.Create(() => new NodeActor(options, doors, catalog, primaryKey, keys));

    /// <summary>What becomes of a part that fails: it starts anew, and if that does not help the node ends.</summary>
    public static Directive Decide(Exception failure) => failure switch
    {
        ActorInitializationException => Directive.Escalate, // could not start: the cause is inside
        _ => Directive.Restart,                             // three times a minute, then Stop
    };

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(3, TimeSpan.FromMinutes(1), Decide);
}
