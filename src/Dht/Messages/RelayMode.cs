namespace HyperActors.Dht;

/// <summary>Which leg of its way a relayed message is on (docs/hyperdht.md#relaying).</summary>
public enum RelayMode : byte
{
    /// <summary>From the client to a node that may know the server, or to the server itself.</summary>
    FromClient = 0,

    /// <summary>From the server back to the relay.</summary>
    FromServer = 1,

    /// <summary>From a relay to the server, or to a second relay.</summary>
    FromRelay = 2,

    /// <summary>From the second relay to the server.</summary>
    FromSecondRelay = 3,

    /// <summary>The answer that the client gets.</summary>
    Reply = 4,

    /// <summary>A mode that nobody knows.</summary>
    Unknown = 255,
}
