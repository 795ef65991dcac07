using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The value of announce and unannounce.</summary>
/// <remarks>
/// <code>
/// | flags: uint | [1] peer | [2] refresh: 32 | [4] signature: 64 | [8] bump: uint |
/// </code>
/// </remarks>
public sealed record AnnounceRequest : IEncodable
{
    /// <summary>Who is announced; null when an announcement is only refreshed.</summary>
    public Peer? Peer { get; init; }

    /// <summary>With a peer: the hash of what will refresh the announcement. Without: what refreshes it.</summary>
    public Hash? Refresh { get; init; }

    /// <summary>The peer's signature (see <see cref="RecordSignatures"/>).</summary>
    public Signature? Signature { get; init; }

    /// <summary>When the peer asks for attention, in milliseconds since 1970; 0 for not at all.</summary>
    public ulong Bump { get; init; }

    public static bool TryDecode(ref CompactReader reader, out AnnounceRequest request)
    {
        ulong flags = reader.ReadUInt();
        Peer? peer = (flags & 1) != 0 && Peer.TryDecode(ref reader, out Peer read) ? read : null;
        request = new AnnounceRequest
        {
            Peer = peer,
            Refresh = (flags & 2) != 0 ? reader.ReadHash() : null,
            Signature = (flags & 4) != 0 ? reader.ReadSignature() : null,
            Bump = (flags & 8) != 0 ? reader.ReadUInt() : 0,
        };
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(
            (Peer is null ? 0 : 1u) | (Refresh is null ? 0 : 2u) | (Signature is null ? 0 : 4u) | (Bump == 0 ? 0 : 8u));
        Peer?.Encode(ref writer);
        if (Refresh is { } refresh)
        {
            writer.WriteFixed(refresh.AsSpan());
        }

        if (Signature is { } signature)
        {
            writer.WriteFixed(signature.AsSpan());
        }

        if (Bump != 0)
        {
            writer.WriteUInt(Bump);
        }
    }
}
