using System.Net;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <content>What the swarm and the DHT say to each other.</content>
/// <remarks>
/// A request carries an id of its sender's choice, and every answer to it the same id. A request that was answered with
/// <see cref="OperationDone"/>, <see cref="Connected"/>, <see cref="ConnectFailed"/>, <see cref="Listening"/>,
/// <see cref="Suspended"/> or <see cref="Resumed"/> is over; each ends within the deadlines of the DHT's options.
/// </remarks>
public sealed partial class DhtActor
{
    /// <summary>Looks a topic up. Answered with any number of <see cref="PeerFound"/>, then <see cref="OperationDone"/>.</summary>
    /// <param name="Id">Comes back with the answers.</param>
    /// <param name="Topic">What to look up.</param>
    /// <param name="ClosestNodes">Where to begin: what the last operation on the topic ended with; empty to begin at the routing table.</param>
    public sealed record Lookup(long Id, DiscoveryKey Topic, IReadOnlyList<DhtAddress> ClosestNodes);

    /// <summary>Looks a topic up and announces the node there, under its own key and with the relays of its listener. Answered as <see cref="Lookup"/>.</summary>
    /// <param name="Id">Comes back with the answers.</param>
    /// <param name="Topic">Where to announce.</param>
    /// <param name="ShouldClear">True to take older announcements of ours back where they are met on the way.</param>
    /// <param name="ClosestNodes">Where to begin; empty to begin at the routing table.</param>
    public sealed record Announce(long Id, DiscoveryKey Topic, bool ShouldClear, IReadOnlyList<DhtAddress> ClosestNodes);

    /// <summary>Looks a topic up and takes the node's announcements back where they are met. Answered as <see cref="Lookup"/>.</summary>
    public sealed record LookupAndUnannounce(long Id, DiscoveryKey Topic, IReadOnlyList<DhtAddress> ClosestNodes);

    /// <summary>Takes the node's announcement back from these nodes alone. Answered with <see cref="OperationDone"/>.</summary>
    public sealed record Unannounce(long Id, DiscoveryKey Topic, IReadOnlyList<DhtAddress> ClosestNodes);

    /// <summary>Other limits on what is asked and answered hold from now on.</summary>
    public sealed record Limit(DhtOptions Limits);

    /// <summary>A node has told of a peer under the topic that is looked up; the same peer may come more than once.</summary>
    /// <param name="Id">Of the request.</param>
    /// <param name="PublicKey">Who it is; the node itself never.</param>
    /// <param name="Relays">Nodes that carry a handshake to it.</param>
    /// <param name="From">The node that told of it.</param>
    public sealed record PeerFound(long Id, PublicKey PublicKey, IReadOnlyList<DhtAddress> Relays, DhtAddress From);

    /// <summary>A lookup or an announcement has ended.</summary>
    /// <param name="Id">Of the request.</param>
    /// <param name="ClosestNodes">The nodes closest to the topic; empty when it failed.</param>
    /// <param name="Error">Why it failed, in words; null when it did not.</param>
    public sealed record OperationDone(long Id, IReadOnlyList<DhtAddress> ClosestNodes, string? Error);

    /// <summary>Gives a lookup, an announcement or a dial up. It is answered all the same; one that is over is ignored.</summary>
    public sealed record Cancel(long Id);

    /// <summary>Takes connections under the node's key from now on. Answered with <see cref="Listening"/>; each connection is
    /// an <see cref="Incoming"/> to the sender. A second one replaces sender and hook.</summary>
    /// <param name="Id">Comes back with the answer.</param>
    /// <param name="Rejects">True to turn a peer away before it is answered; called on any thread, and quick.</param>
    public sealed record Listen(long Id, Func<PublicKey, bool> Rejects);

    /// <summary>Peers reach the node by its key.</summary>
    /// <param name="Id">Of the request.</param>
    /// <param name="Error">Why they can't, in words; null when they can.</param>
    public sealed record Listening(long Id, string? Error = null);

    /// <summary>Connects to a peer by its key. Answered with <see cref="Connected"/> or <see cref="ConnectFailed"/>.</summary>
    /// <param name="Id">Comes back with the answer.</param>
    /// <param name="Peer">Who it is.</param>
    /// <param name="Relays">Addresses that carry a handshake to it, or its own; empty to look for some.</param>
    /// <param name="ShouldForceRelay">True to name a blind relay, where one is configured; holes are punched meanwhile.</param>
    public sealed record Connect(long Id, PublicKey Peer, IReadOnlyList<DhtAddress> Relays, bool ShouldForceRelay);

    /// <summary>The stream stands and keys are agreed. Transport and keys are the receiver's.</summary>
    public sealed record Connected(long Id, ITransport Transport, SessionKeys Keys, PublicKey Remote, EndPoint? Address);

    /// <summary>The peer can't be reached.</summary>
    /// <param name="Id">Of the request.</param>
    /// <param name="CanRelayHelp">True when no hole could be punched to it (upstream's HOLEPUNCH_ABORTED,
    /// HOLEPUNCH_DOUBLE_RANDOMIZED_NATS, CANNOT_HOLEPUNCH, REMOTE_NOT_HOLEPUNCHABLE), and a blind relay is configured.</param>
    /// <param name="Reason">Why, in words.</param>
    public sealed record ConnectFailed(long Id, bool CanRelayHelp, string Reason);

    /// <summary>A peer has connected by our key: to whom <see cref="Listen"/> came from. Transport and keys are the receiver's.</summary>
    public sealed record Incoming(ITransport Transport, SessionKeys Keys, PublicKey Remote, EndPoint? Address);

    /// <summary>To whom <see cref="Listen"/> came from: the node's network has changed, or is there again.</summary>
    public sealed record NetworkChanged
    {
        public static NetworkChanged Instance { get; } = new();
    }

    /// <summary>Told to the parent at every restart, and by it to the swarm: what was asked of a former life is not answered.</summary>
    public sealed record Restarted
    {
        public static Restarted Instance { get; } = new();
    }

    /// <summary>Stops listening and closes sockets until <see cref="Resume"/>. Answered with <see cref="Suspended"/>.</summary>
    public sealed record Suspend(long Id);

    public sealed record Suspended(long Id);

    /// <summary>Opens sockets again, and listens again where it did. Answered with <see cref="Resumed"/>.</summary>
    public sealed record Resume(long Id);

    public sealed record Resumed(long Id);
}
