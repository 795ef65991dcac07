using System.Collections.Immutable;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What the two ends of a connection tell each other inside the handshake.</summary>
/// <remarks>
/// <code>
/// | version: 1 | flags: uint | error: uint | firewall: uint
///   [1] holepunch: id uint, relays | [2] addresses: 6 each | [4] IPv6 addresses: 18 each
///   [8] udx: 1, features uint, id uint, sequence uint | [16] secret stream: version uint
///   [32] relay through: 1, flags uint, public key 32, token 32 | [64] relay addresses: 6 each |
/// </code>
/// Of another version only the number is read.
/// </remarks>
public sealed record NoisePayload : IEncodable
{
    /// <summary>The version that is spoken here.</summary>
    public const ulong CurrentVersion = 1;

    private const int IPv6AddressSize = 18;

    public ulong Version { get; init; } = CurrentVersion;

    public HyperError Error { get; init; }

    public Firewall Firewall { get; init; }

    /// <summary>How the server's NAT can be opened; null when that isn't needed or not wanted.</summary>
    public HolepunchInfo? Holepunch { get; init; }

    /// <summary>Addresses where the sender might be reached, its own network's among them.</summary>
    public ImmutableArray<DhtAddress> Addresses { get; init; } = [];

    /// <summary>The same for IPv6, as they came: 16 bytes and a port each. Nobody uses them yet.</summary>
    public ImmutableArray<byte> IPv6Addresses { get; init; } = [];

    /// <summary>The stream that waits for the other side.</summary>
    public UdxInfo? Udx { get; init; }

    /// <summary>The version of the encrypted stream; null when the sender has none.</summary>
    public ulong? SecretStreamVersion { get; init; }

    /// <summary>A third party that passes the connection on.</summary>
    public RelayThroughInfo? RelayThrough { get; init; }

    /// <summary>Nodes to ask the next time; null when the sender says nothing about it.</summary>
    public ImmutableArray<DhtAddress>? RelayAddresses { get; init; }

    public static bool TryDecode(ref CompactReader reader, out NoisePayload payload)
    {
        ulong version = reader.ReadUInt();
        if (version != CurrentVersion)
        {
            payload = new NoisePayload { Version = version };
            return reader.Succeeded;
        }

        ulong flags = reader.ReadUInt();
        payload = new NoisePayload
        {
            Error = (HyperError)reader.ReadUInt32Value(),
            Firewall = (Firewall)reader.ReadUInt32Value(),
            Holepunch = (flags & 1) != 0 ? HolepunchInfo.Read(ref reader) : null,
            Addresses = (flags & 2) != 0 ? reader.ReadAddresses() : [],
            IPv6Addresses = (flags & 4) != 0 ? ReadIPv6Addresses(ref reader) : [],
            Udx = (flags & 8) != 0 ? UdxInfo.Read(ref reader) : null,
            SecretStreamVersion = (flags & 16) != 0 ? reader.ReadUInt() : null,
            RelayThrough = (flags & 32) != 0 ? RelayThroughInfo.Read(ref reader) : null,
            RelayAddresses = (flags & 64) != 0 ? reader.ReadAddresses() : null,
        };
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Version);
        writer.WriteUInt(
            (Holepunch is null ? 0 : 1u) | (Addresses.IsEmpty ? 0 : 2u) | (IPv6Addresses.IsEmpty ? 0 : 4u) | (Udx is null ? 0 : 8u)
            | (SecretStreamVersion is null ? 0 : 16u) | (RelayThrough is null ? 0 : 32u) | (RelayAddresses is null ? 0 : 64u));
        writer.WriteUInt((uint)Error);
        writer.WriteUInt((uint)Firewall);
        Holepunch?.Encode(ref writer);
        if (!Addresses.IsEmpty)
        {
            writer.WriteAddresses(Addresses);
        }

        if (!IPv6Addresses.IsEmpty)
        {
            writer.WriteUInt((ulong)(IPv6Addresses.Length / IPv6AddressSize));
            writer.WriteFixed(IPv6Addresses.AsSpan());
        }

        Udx?.Encode(ref writer);
        if (SecretStreamVersion is { } version)
        {
            writer.WriteUInt(version);
        }

        RelayThrough?.Encode(ref writer);
        if (RelayAddresses is { } relayAddresses)
        {
            writer.WriteAddresses(relayAddresses);
        }
    }

    private static ImmutableArray<byte> ReadIPv6Addresses(ref CompactReader reader) =>
        [.. reader.ReadFixed(reader.ReadCount(reader.Remaining.Length / IPv6AddressSize) * IPv6AddressSize)];
}

/// <summary>Where a server can be asked to open its NAT.</summary>
/// <param name="Id">The server's number for the session.</param>
/// <param name="Relays">The nodes that pass it on.</param>
public sealed record HolepunchInfo(ulong Id, ImmutableArray<RelayInfo> Relays) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Id);
        writer.WriteUInt((ulong)Relays.Length);
        foreach (RelayInfo relay in Relays)
        {
            relay.RelayAddress.Encode(ref writer);
            relay.PeerAddress.Encode(ref writer);
        }
    }

    internal static HolepunchInfo Read(ref CompactReader reader)
    {
        ulong id = reader.ReadUInt();
        int count = reader.ReadCount(reader.Remaining.Length / (2 * DhtAddress.Size));
        ImmutableArray<RelayInfo>.Builder relays = ImmutableArray.CreateBuilder<RelayInfo>(count);
        while (relays.Count < count && reader.ReadAddress() is { } relay && reader.ReadAddress() is { } peer)
        {
            relays.Add(new RelayInfo(relay, peer));
        }

        return new HolepunchInfo(id, relays.DrainToImmutable());
    }
}

/// <summary>One of a server's relays.</summary>
/// <param name="RelayAddress">The node.</param>
/// <param name="PeerAddress">The server's address, as the node sees it.</param>
public readonly record struct RelayInfo(DhtAddress RelayAddress, DhtAddress PeerAddress);

/// <summary>The stream of one side, before it is connected.</summary>
/// <param name="Id">What the other side puts into its packets.</param>
/// <param name="Sequence">The number of its first packet.</param>
/// <param name="IsReusableSocket">True when the other side may come back to the same socket.</param>
public sealed record UdxInfo(uint Id, uint Sequence = 0, bool IsReusableSocket = false) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(1);
        writer.WriteUInt(IsReusableSocket ? 1u : 0);
        writer.WriteUInt(Id);
        writer.WriteUInt(Sequence);
    }

    internal static UdxInfo Read(ref CompactReader reader)
    {
        reader.ReadUInt();
        bool isReusable = (reader.ReadUInt() & 1) != 0;
        return new UdxInfo(reader.ReadUInt32Value(), reader.ReadUInt32Value(), isReusable);
    }
}

/// <summary>A blind relay, and what it knows the connection by.</summary>
/// <param name="PublicKey">The relay.</param>
/// <param name="Token">Both sides show it the same one.</param>
public sealed record RelayThroughInfo(PublicKey PublicKey, Hash Token) : IEncodable
{
    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(1);
        writer.WriteUInt(0);
        PublicKey key = PublicKey;
        Hash token = Token;
        writer.WriteFixed(key.AsSpan());
        writer.WriteFixed(token.AsSpan());
    }

    internal static RelayThroughInfo Read(ref CompactReader reader)
    {
        reader.ReadUInt();
        reader.ReadUInt();
        return new RelayThroughInfo(reader.ReadPublicKey(), reader.ReadHash());
    }
}
