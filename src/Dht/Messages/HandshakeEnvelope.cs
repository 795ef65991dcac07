using HyperActors.Compact;

namespace HyperActors.Dht;

/// <summary>A Noise message on its way between a client and a server.</summary>
/// <param name="Mode">Which leg it is on.</param>
/// <param name="Noise">The message, which only the two ends can read.</param>
/// <param name="PeerAddress">The other end, as the relay saw it.</param>
/// <param name="RelayAddress">From a client: whom the node should pass it to. From a second relay: the first one.</param>
/// <remarks>
/// <code>| flags: uint | mode: uint | noise: buffer | [1] peer address: 6 | [2] relay address: 6 |</code>
/// </remarks>
public sealed record HandshakeEnvelope(
    RelayMode Mode, ReadOnlyMemory<byte> Noise, DhtAddress? PeerAddress = null, DhtAddress? RelayAddress = null) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out HandshakeEnvelope envelope)
    {
        ulong flags = reader.ReadUInt();
        RelayMode mode = reader.ReadRelayMode();
        byte[] noise = reader.ReadBuffer().ToArray();
        DhtAddress? peerAddress = (flags & 1) != 0 ? reader.ReadAddress() : null;
        DhtAddress? relayAddress = (flags & 2) != 0 ? reader.ReadAddress() : null;
        envelope = new HandshakeEnvelope(mode, noise, peerAddress, relayAddress);
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt((PeerAddress is null ? 0 : 1u) | (RelayAddress is null ? 0 : 2u));
        writer.WriteUInt((byte)Mode);
        writer.WriteBuffer(Noise.Span);
        PeerAddress?.Encode(ref writer);
        RelayAddress?.Encode(ref writer);
    }
}
