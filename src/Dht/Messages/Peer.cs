using System.Collections.Immutable;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Somebody who can be connected to: a key, and the nodes that pass a handshake on to it.</summary>
/// <param name="PublicKey">Who it is.</param>
/// <param name="RelayAddresses">Nodes where it is known; often none, then its key is looked for.</param>
/// <remarks><code>| public key: 32 | count: uint | addresses: 6 each |</code></remarks>
public sealed record Peer(PublicKey PublicKey, ImmutableArray<DhtAddress> RelayAddresses) : IEncodable
{
    /// <summary>Bytes of a peer without addresses.</summary>
    public const int MinSize = PublicKey.Size + 1;

    public static bool TryDecode(ref CompactReader reader, out Peer peer)
    {
        peer = new Peer(reader.ReadPublicKey(), reader.ReadAddresses());
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        PublicKey key = PublicKey;
        writer.WriteFixed(key.AsSpan());
        writer.WriteAddresses(RelayAddresses);
    }

    public bool Equals(Peer? other) =>
        other is not null && PublicKey == other.PublicKey && RelayAddresses.AsSpan().SequenceEqual(other.RelayAddresses.AsSpan());

    public override int GetHashCode() => PublicKey.GetHashCode();
}
