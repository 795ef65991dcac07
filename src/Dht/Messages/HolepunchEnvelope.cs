using HyperActors.Compact;

namespace HyperActors.Dht;

/// <summary>A sealed <see cref="HolepunchPayload"/> on its way between a client and a server.</summary>
/// <param name="Mode">Which leg it is on.</param>
/// <param name="Id">The server's number for the session, from its handshake.</param>
/// <param name="Payload">The sealed payload, which only the two ends can read.</param>
/// <param name="PeerAddress">From a client: where the server is. Later: the other end, as the relay saw it.</param>
/// <remarks><code>| flags: uint | mode: uint | id: uint | payload: buffer | [1] peer address: 6 |</code></remarks>
public sealed record HolepunchEnvelope(
    RelayMode Mode, ulong Id, ReadOnlyMemory<byte> Payload, DhtAddress? PeerAddress = null) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out HolepunchEnvelope envelope)
    {
        ulong flags = reader.ReadUInt();
        RelayMode mode = reader.ReadRelayMode();
        ulong id = reader.ReadUInt();
        byte[] payload = reader.ReadBuffer().ToArray();
        DhtAddress? peerAddress = (flags & 1) != 0 ? reader.ReadAddress() : null;
        envelope = new HolepunchEnvelope(mode, id, payload, peerAddress);
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(PeerAddress is null ? 0 : 1u);
        writer.WriteUInt((byte)Mode);
        writer.WriteUInt(Id);
        writer.WriteBuffer(Payload.Span);
        PeerAddress?.Encode(ref writer);
    }
}
