using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Actors;

public sealed partial class LocalDiscoveryActor
{
    /// <summary>Announces a topic on the local network, or looks for it there, or neither any more.</summary>
    public sealed record SetTopic(DiscoveryKey Topic, bool IsServer, bool IsClient);

    /// <summary>To the swarm: a peer of a topic is on the local network.</summary>
    public sealed record PeerSeen(DiscoveryKey Topic, PublicKey PublicKey, IReadOnlyList<IPEndPoint> Addresses);
}
