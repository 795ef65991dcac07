namespace HyperActors.Dht;

/// <summary>What HyperDHT asks of a node, beside the commands of the DHT itself (docs/hyperdht.md#commands).</summary>
public enum HyperCommand : uint
{
    /// <summary>A Noise message on its way to a server.</summary>
    PeerHandshake = 0,

    /// <summary>A sealed message between two peers that want a hole in their NATs.</summary>
    PeerHolepunch = 1,

    /// <summary>Who is the server with this key?</summary>
    FindPeer = 2,

    /// <summary>Who is announced under this topic?</summary>
    Lookup = 3,

    /// <summary>I am here.</summary>
    Announce = 4,

    /// <summary>I am not here any more.</summary>
    Unannounce = 5,

    /// <summary>Keep this signed value under its key.</summary>
    MutablePut = 6,

    /// <summary>The signed value under this key, please.</summary>
    MutableGet = 7,

    /// <summary>Keep this value under its hash.</summary>
    ImmutablePut = 8,

    /// <summary>The value with this hash, please.</summary>
    ImmutableGet = 9,

    /// <summary>A command of a protocol that some nodes know.</summary>
    Plugin = 10,
}
