using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Replication;

/// <summary>Opens a replication channel: what the sender can do, and proof that it knows the feed's key.</summary>
/// <remarks><code>| flags: uint (1 seeks) | capability: 32 |</code></remarks>
public readonly record struct Handshake(bool SupportsSeeks, Hash Capability) : IEncodable
{
    /// <summary>The handshake of one side of a connection.</summary>
    /// <param name="isInitiator">Whether the sender of this handshake opened the connection.</param>
    /// <param name="handshakeHash">The 64 bytes that both ends of the encrypted stream share.</param>
    /// <param name="key">The feed that the channel is for.</param>
    public static Handshake For(bool isInitiator, ReadOnlySpan<byte> handshakeHash, in FeedKey key) =>
        new(true, Crypto.Capability.ForFeed(isInitiator, handshakeHash, key));

    /// <summary>Whether the sender, whose role is given, knows the key.</summary>
    public bool Proves(bool isInitiator, ReadOnlySpan<byte> handshakeHash, in FeedKey key) =>
        Capability == For(isInitiator, handshakeHash, key).Capability;

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(SupportsSeeks ? 1u : 0);
        writer.WriteFixed(Capability.AsSpan());
    }

    public static bool TryDecode(ref CompactReader reader, out Handshake handshake)
    {
        ulong flags = reader.ReadUInt();
        ReadOnlySpan<byte> capability = reader.ReadFixed(Hash.Size);
        handshake = reader.Succeeded ? new Handshake((flags & 1) != 0, new Hash(capability)) : default;
        return reader.Succeeded;
    }
}
