using System.Collections.Immutable;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What two peers tell each other about their NATs; sealed by <see cref="HolepunchCipher"/>.</summary>
/// <remarks>
/// <code>
/// | flags: uint (1 connected, 2 punching) | error: uint | firewall: uint | round: uint
///   [4] addresses: 6 each | [8] remote address: 6 | [16] token: 32 | [32] remote token: 32 |
/// </code>
/// </remarks>
public sealed record HolepunchPayload : IEncodable
{
    public HyperError Error { get; init; }

    public Firewall Firewall { get; init; }

    public ulong Round { get; init; }

    public bool IsConnected { get; init; }

    public bool IsPunching { get; init; }

    /// <summary>The sender's addresses, as others see it; null when it says nothing.</summary>
    public ImmutableArray<DhtAddress>? Addresses { get; init; }

    /// <summary>The receiver's address, as the sender knows it.</summary>
    public DhtAddress? RemoteAddress { get; init; }

    /// <summary>To be sent back: who can is where it says that it is.</summary>
    public Hash? Token { get; init; }

    /// <summary>The token that the receiver sent.</summary>
    public Hash? RemoteToken { get; init; }

    public static bool TryDecode(ref CompactReader reader, out HolepunchPayload payload)
    {
        ulong flags = reader.ReadUInt();
        payload = new HolepunchPayload
        {
            Error = (HyperError)reader.ReadUInt32Value(),
            Firewall = (Firewall)reader.ReadUInt32Value(),
            Round = reader.ReadUInt(),
            IsConnected = (flags & 1) != 0,
            IsPunching = (flags & 2) != 0,
            Addresses = (flags & 4) != 0 ? reader.ReadAddresses() : null,
            RemoteAddress = (flags & 8) != 0 ? reader.ReadAddress() : null,
            Token = (flags & 16) != 0 ? reader.ReadHash() : null,
            RemoteToken = (flags & 32) != 0 ? reader.ReadHash() : null,
        };
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(
            (IsConnected ? 1u : 0) | (IsPunching ? 2u : 0) | (Addresses is null ? 0 : 4u) | (RemoteAddress is null ? 0 : 8u)
            | (Token is null ? 0 : 16u) | (RemoteToken is null ? 0 : 32u));
        writer.WriteUInt((uint)Error);
        writer.WriteUInt((uint)Firewall);
        writer.WriteUInt(Round);
        if (Addresses is { } addresses)
        {
            writer.WriteAddresses(addresses);
        }

        RemoteAddress?.Encode(ref writer);
        if (Token is { } token)
        {
            writer.WriteFixed(token.AsSpan());
        }

        if (RemoteToken is { } remoteToken)
        {
            writer.WriteFixed(remoteToken.AsSpan());
        }
    }
}
