namespace HyperActors.Dht;

/// <summary>Hosts that mean something else, or nothing, outside of one network: what a peer says of its own must not be tried from anywhere.</summary>
internal static class SpecialAddresses
{
    /// <summary>Hosts of private networks, of carriers' inner networks, of the link and of the machine itself.</summary>
    public static bool IsPrivate(uint host) =>
        AddressRanges.IsLocal(host) || host >> 22 == ((100u << 2) | 1);

    /// <summary>Hosts that nobody has: set aside for tests, for protocols, for groups, for later.</summary>
    public static bool IsReserved(uint host) =>
        host >> 24 == 0
        || host >> 8 is 0xc0_00_00 or 0xc0_00_02 or 0xc6_33_64 or 0xcb_00_71
        || host >> 17 == 0xc612 >> 1
        || host >> 24 >= 224;

    /// <summary>True when an address may be tried from another network.</summary>
    public static bool IsPublic(DhtAddress address) => address.Port != 0 && !IsPrivate(address.Host) && !IsReserved(address.Host);

    /// <summary>The address of a peer behind the same NAT that shares most leading octets with one of ours; null when none shares the first.</summary>
    public static DhtAddress? MatchLocal(IReadOnlyList<uint> ours, IReadOnlyList<DhtAddress> theirs)
    {
        DhtAddress? best = null;
        int most = 0;
        foreach (uint host in ours)
        {
            foreach (DhtAddress address in theirs)
            {
                uint difference = host ^ address.Host;
                int shared = difference >> 8 == 0 ? 3 : difference >> 16 == 0 ? 2 : difference >> 24 == 0 ? 1 : 0;
                if (shared > most)
                {
                    (best, most) = (address, shared);
                }
            }
        }

        return best;
    }
}
