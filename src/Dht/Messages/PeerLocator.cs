using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A server's key with nodes that know it, as it is handed from person to person: bytes or z-base-32.</summary>
/// <param name="PublicKey">The server.</param>
/// <param name="Nodes">Nodes to ask first; null when there are none to tell.</param>
/// <remarks><code>| public key: 32 | flags: uint, may be missing | [1] nodes: 6 each |</code></remarks>
public sealed record PeerLocator(PublicKey PublicKey, ImmutableArray<DhtAddress>? Nodes = null) : IEncodable
{
    // Longer than any address that somebody would paste.
    private const int MaxTextSize = 4096;

    public static bool TryDecode(ref CompactReader reader, out PeerLocator locator)
    {
        PublicKey publicKey = reader.ReadPublicKey();
        bool hasNodes = !reader.IsAtEnd && (reader.ReadUInt() & 1) != 0;
        locator = new PeerLocator(publicKey, hasNodes ? reader.ReadAddresses() : null);
        return reader.Succeeded;
    }

    /// <summary>Reads a key in z-base-32 or hex, or a longer address in z-base-32.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out PeerLocator? locator)
    {
        if (PublicKey.TryParse(text, null, out PublicKey key))
        {
            locator = new PeerLocator(key);
            return true;
        }

        locator = null;
        byte[] bytes = new byte[text.Length > MaxTextSize ? 0 : text.Length * 5 / 8];
        var reader = new CompactReader(bytes);
        return bytes.Length > PublicKey.Size && ZBase32.TryDecode(text, bytes) && TryDecode(ref reader, out locator);
    }

    public void Encode(ref CompactWriter writer)
    {
        PublicKey key = PublicKey;
        writer.WriteFixed(key.AsSpan());
        writer.WriteUInt(Nodes is null ? 0 : 1u);
        if (Nodes is { } nodes)
        {
            writer.WriteAddresses(nodes);
        }
    }

    /// <summary>z-base-32: of the key alone when there are no nodes.</summary>
    public override string ToString() => Nodes is null ? PublicKey.ToString() : ZBase32.Encode(this.ToBytes());
}
