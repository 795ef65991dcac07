namespace HyperActors.Crypto;

/// <summary>What two ends of one encrypted connection derive from its handshake (docs/crypto.md#capability).</summary>
public static class Capability
{
    /// <summary>The size of a handshake hash in bytes.</summary>
    public const int HandshakeHashSize = 64;

    /// <summary>Shows on this connection alone that its sender knows the feed's key.</summary>
    /// <param name="isInitiator">The sender's role on the connection: what one sends is not what one expects.</param>
    /// <param name="handshakeHash">The 64-byte hash of the Noise handshake.</param>
    /// <param name="key">The feed's key.</param>
    public static Hash ForFeed(bool isInitiator, ReadOnlySpan<byte> handshakeHash, in FeedKey key)
    {
        Invariant.Hold(handshakeHash.Length == HandshakeHashSize);
        Span<byte> digest = stackalloc byte[Hash.Size];
        Blake2b.Concat(
            handshakeHash,
            isInitiator ? Namespaces.ReplicateInitiator : Namespaces.ReplicateResponder,
            key.AsSpan(),
            default,
            digest);
        return new Hash(digest);
    }

    /// <summary>The id that the sender's first frame behind the handshake carries (docs/secret-stream.md#header-frame).</summary>
    public static Hash StreamId(bool isInitiator, ReadOnlySpan<byte> handshakeHash)
    {
        Invariant.Hold(handshakeHash.Length == HandshakeHashSize);
        Span<byte> digest = stackalloc byte[Hash.Size];
        Blake2b.Keyed(handshakeHash, isInitiator ? Namespaces.StreamInitiator : Namespaces.StreamResponder, digest);
        return new Hash(digest);
    }

    /// <summary>The key that one side seals its unordered messages with (docs/secret-stream.md#unordered-messages).</summary>
    /// <param name="isInitiator">The sender's role on the connection.</param>
    /// <param name="handshakeHash">The 64-byte hash of the Noise handshake.</param>
    /// <param name="key">Takes 32 bytes.</param>
    public static void DatagramKey(bool isInitiator, ReadOnlySpan<byte> handshakeHash, Span<byte> key)
    {
        Invariant.Hold(handshakeHash.Length == HandshakeHashSize && key.Length == SecretBox.KeySize);
        Blake2b.Concat(
            handshakeHash,
            isInitiator ? Namespaces.StreamInitiator : Namespaces.StreamResponder,
            Namespaces.StreamSend,
            default,
            key);
    }
}
