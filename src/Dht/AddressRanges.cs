namespace HyperActors.Dht;

/// <summary>What kind of network an IPv4 address belongs to.</summary>
public static class AddressRanges
{
    /// <summary>True for loopback, private and link-local addresses: whoever sends from one is a neighbour, and per-address
    /// bounds don't count it.</summary>
    public static bool IsLocal(uint host) =>
        host >> 24 is 127 or 10
        || host >> 20 == ((172 << 4) | 1)
        || host >> 16 is ((192 << 8) | 168) or ((169 << 8) | 254);

    /// <summary>True for what no single host can be asked at: 0.0.0.0/8, multicast, reserved, broadcast, and port 0.</summary>
    public static bool IsUnreachable(DhtAddress address) =>
        address.Port == 0 || address.Host >> 24 == 0 || address.Host >> 24 >= 224;

    /// <summary>The /24 that an address is in: what one party is likely to hold whole.</summary>
    public static uint NetworkOf(uint host) => host >> 8;
}
