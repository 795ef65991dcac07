namespace HyperActors.Dht;

/// <summary>What a node lends to others as their blind relay.</summary>
public sealed record RelayOptions
{
    /// <summary>Public keys of those who may ask for it; null for everybody. Both ends of a pair have to be among them.</summary>
    public IList<string>? AllowedPeers { get; set; }

    /// <summary>Connections of peers that want something joined. More serves more, and costs some 100 kB each.</summary>
    public int MaxPeers { get; set; } = 512;

    /// <summary>How long a connection may be without a pair before it is ended; up to twice as long.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the first of two peers may wait for the second. Upstream's peers give up after so long.</summary>
    public TimeSpan PairTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Pairs, waiting and joined, of one connection. More serves peers with many connections, and those who hoard.</summary>
    public int MaxPairsPerPeer { get; set; } = 64;

    /// <summary>Pairs of all connections: each holds two streams.</summary>
    public int MaxPairs { get; set; } = 1024;

    /// <summary>Bytes that one pair may send through us, both directions together; a pair beyond is ended.</summary>
    public long MaxBytesPerPair { get; set; } = 10L * 1024 * 1024 * 1024;

    /// <summary>How often the bytes of pairs are looked at.</summary>
    public TimeSpan MeterInterval { get; set; } = TimeSpan.FromSeconds(1);
}
