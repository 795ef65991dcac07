using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Wire;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>What a <see cref="DhtActor"/> is made of: it keeps them over a restart.</summary>
/// <param name="Network">The node's part in the network.</param>
/// <param name="Hub">The sockets and streams, which others may use too.</param>
/// <param name="Addresses">This machine's own addresses.</param>
/// <param name="Keys">Who the node is: what it announces, and what others dial.</param>
/// <param name="Random">The door to chance.</param>
/// <param name="Notes">Where contacts are remembered; null to forget them.</param>
/// <param name="Connections">Takes streams over once they are connected; null where there are no connections.</param>
/// <param name="Log">Where it writes what happens.</param>
public sealed record DhtSetup(
    NetworkOptions Network,
    UdxHub Hub,
    LocalAddresses Addresses,
    KeyPair Keys,
    RandomSource Random,
    INotes? Notes,
    IActorRef? Connections,
    ILogger Log)
{
    /// <summary>What was changed since the node began.</summary>
    public DhtMemory Memory { get; } = new();

    /// <summary>The limits and times of the links to blind relays, and to those who relay through the node.</summary>
    public LinkOptions Links { get; init; } = new();

    /// <summary>How such connections are made.</summary>
    public ConnectionOptions RelayConnections { get; init; } = new();
}

/// <summary>What was changed while a DHT ran, for the life after a fault. The actor's alone; it is read and written in its turns only.</summary>
public sealed class DhtMemory
{
    /// <summary>What holds in place of the limits that the node began with; null while those hold.</summary>
    internal DhtOptions? Limits { get; set; }
}
