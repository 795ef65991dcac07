using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Decides about a hole punch once both NATs are judged.</summary>
/// <param name="remote">The peer's NAT.</param>
/// <param name="local">Our own.</param>
/// <returns>False to give it up.</returns>
public delegate bool HolepunchPolicy(Firewall remote, Firewall local);

/// <summary>How to connect to one peer.</summary>
public sealed record ConnectOptions
{
    /// <summary>Who we are; null for the node's own keys.</summary>
    public KeyPair? Keys { get; init; }

    /// <summary>Nodes that may carry the handshake, or the peer's own address; empty to look for some.</summary>
    public IReadOnlyList<DhtAddress> RelayAddresses { get; init; } = [];

    /// <summary>Blind relays that may carry the connection while no direct way is found; one of them is picked.</summary>
    public IReadOnlyList<PublicKey> RelayThrough { get; init; } = [];

    /// <summary>Whether a blind relay that the peer names is used.</summary>
    public bool FollowsRelays { get; init; } = true;

    /// <summary>Whether our local addresses are shown, and a neighbour is reached directly.</summary>
    public bool LocalConnection { get; init; } = true;

    /// <summary>Whether our NAT is opened towards the peer with the first message: it may then reach us at once.</summary>
    public bool FastOpen { get; init; } = true;

    /// <summary>Whether the peer and we may come back to the same socket later.</summary>
    public bool ReusableSocket { get; init; }

    /// <summary>Asked before probes are sent; null to punch always.</summary>
    public HolepunchPolicy? Holepunch { get; init; }
}

/// <summary>Somebody who wants to connect.</summary>
/// <param name="PublicKey">Who it is, which is proved already.</param>
/// <param name="Payload">What it says of itself.</param>
/// <param name="Address">Where it is, as the node that carried the handshake says.</param>
public readonly record struct IncomingHandshake(PublicKey PublicKey, NoisePayload Payload, DhtAddress Address);

/// <summary>How to listen under a key.</summary>
public sealed record ListenOptions
{
    /// <summary>True turns a peer away: it gets no answer at all. Null lets everybody in. Quick, and never throws.</summary>
    public Func<IncomingHandshake, bool>? Firewall { get; init; }

    /// <summary>Asked before probes are sent; null to punch always.</summary>
    public HolepunchPolicy? Holepunch { get; init; }

    /// <summary>False for a listener that never punches: it waits to be reached.</summary>
    public bool CanPunch { get; init; } = true;

    /// <summary>Whether peers behind the same NAT are shown our local addresses.</summary>
    public bool ShareLocalAddresses { get; init; } = true;

    /// <summary>Blind relays that may carry connections while no direct way is found; one of them is picked for each.</summary>
    public IReadOnlyList<PublicKey> RelayThrough { get; init; } = [];

    /// <summary>Asked for each peer whether a relay is named to it; null to name one always.</summary>
    public Func<bool>? NeedsRelay { get; init; }

    /// <summary>Whether a blind relay that the peer names is used.</summary>
    public bool FollowsRelays { get; init; } = true;

    /// <summary>Whether peers may come back to the same socket later.</summary>
    public bool ReusableSocket { get; init; }
}
