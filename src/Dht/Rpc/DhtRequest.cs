using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A question to one node.</summary>
public readonly record struct DhtRequest
{
    /// <summary>Whom to ask.</summary>
    public required DhtAddress To { get; init; }

    /// <summary>The id under which the node stands in the routing table; it is taken out when it does not answer.</summary>
    public Hash? ToId { get; init; }

    /// <summary>True for a command of the RPC itself, false for one of the application.</summary>
    public bool IsInternal { get; init; }

    public uint Command { get; init; }

    public Hash? Target { get; init; }

    /// <summary>The token of an earlier reply of this node.</summary>
    public Hash? Token { get; init; }

    /// <summary>Null for none, which is not the same as empty.</summary>
    public ReadOnlyMemory<byte>? Value { get; init; }

    /// <summary>The socket to ask from; null for the one that requests leave by.</summary>
    public int? Socket { get; init; }

    /// <summary>How often it is sent again; null for <see cref="DhtOptions.Retries"/>.</summary>
    public int? Retries { get; init; }

    /// <summary>How long each attempt waits; null for <see cref="DhtOptions.RequestTimeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Hops that it may take; 0 for the system's default.</summary>
    public byte TimeToLive { get; init; }

    /// <summary>Sends at once, however many are under way.</summary>
    public bool IsForced { get; init; }
}
