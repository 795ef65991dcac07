using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What peers sign: that they are, or are no longer, under a topic at a node, and the values that they put.</summary>
/// <remarks>
/// <code>
/// announce, unannounce  namespace | BLAKE2b-256(target | id of the storing node | token | peer | refresh, if any)
/// mutable put           namespace | BLAKE2b-256(sequence: uint | value: buffer)
/// </code>
/// The bump is not signed. The token and the id bind an announcement to one node and to some minutes.
/// </remarks>
public static class RecordSignatures
{
    private const int SignableSize = 2 * Hash.Size;

    /// <summary>Signs an announcement for one node.</summary>
    public static Signature SignAnnounce(KeyPair keyPair, in Hash target, in Hash nodeId, in Hash token, Peer peer, Hash? refresh = null) =>
        Sign(keyPair, Namespaces.DhtAnnounce, target, nodeId, token, peer, refresh);

    /// <summary>Signs for one node that a peer is gone.</summary>
    public static Signature SignUnannounce(KeyPair keyPair, in Hash target, in Hash nodeId, in Hash token, Peer peer) =>
        Sign(keyPair, Namespaces.DhtUnannounce, target, nodeId, token, peer, null);

    /// <summary>True when the request is its peer's own announcement to this node.</summary>
    public static bool VerifyAnnounce(AnnounceRequest request, in Hash target, in Hash nodeId, in Hash token) =>
        Verify(request, Namespaces.DhtAnnounce, target, nodeId, token);

    /// <summary>True when the request is its peer's own farewell to this node.</summary>
    public static bool VerifyUnannounce(AnnounceRequest request, in Hash target, in Hash nodeId, in Hash token) =>
        Verify(request, Namespaces.DhtUnannounce, target, nodeId, token);

    /// <summary>Makes a signed value.</summary>
    public static MutableRecord SignMutable(KeyPair keyPair, ulong sequence, ReadOnlyMemory<byte> value)
    {
        Span<byte> signable = stackalloc byte[SignableSize];
        Span<byte> signature = stackalloc byte[Ed25519.SignatureSize];
        MakeMutableSignable(sequence, value.Span, signable);
        keyPair.Sign(signable, signature);
        return new MutableRecord(sequence, value, new Signature(signature));
    }

    /// <summary>True when the value is the key's own.</summary>
    public static bool VerifyMutable(MutableRecord record, in PublicKey publicKey)
    {
        Span<byte> signable = stackalloc byte[SignableSize];
        MakeMutableSignable(record.Sequence, record.Value.Span, signable);
        Signature signature = record.Signature;
        return Ed25519.Verify(signature.AsSpan(), signable, publicKey);
    }

    private static Signature Sign(
        KeyPair keyPair, ReadOnlySpan<byte> ns, in Hash target, in Hash nodeId, in Hash token, Peer peer, Hash? refresh)
    {
        Span<byte> signable = stackalloc byte[SignableSize];
        Span<byte> signature = stackalloc byte[Ed25519.SignatureSize];
        MakeSignable(ns, target, nodeId, token, peer, refresh, signable);
        keyPair.Sign(signable, signature);
        return new Signature(signature);
    }

    private static bool Verify(AnnounceRequest request, ReadOnlySpan<byte> ns, in Hash target, in Hash nodeId, in Hash token)
    {
        if (request.Peer is not { } peer || request.Signature is not { } signature)
        {
            return false;
        }

        Span<byte> signable = stackalloc byte[SignableSize];
        MakeSignable(ns, target, nodeId, token, peer, request.Refresh, signable);
        return Ed25519.Verify(signature.AsSpan(), signable, peer.PublicKey);
    }

    private static void MakeSignable(
        ReadOnlySpan<byte> ns, in Hash target, in Hash nodeId, in Hash token, Peer peer, Hash? refresh, Span<byte> signable)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CompactWriter(buffer);
        writer.WriteFixed(target.AsSpan());
        writer.WriteFixed(nodeId.AsSpan());
        writer.WriteFixed(token.AsSpan());
        peer.Encode(ref writer);
        if (refresh is { } next)
        {
            writer.WriteFixed(next.AsSpan());
        }

        ns.CopyTo(signable);
        Blake2b.Hash(buffer.WrittenSpan, signable[Hash.Size..]);
    }

    private static void MakeMutableSignable(ulong sequence, ReadOnlySpan<byte> value, Span<byte> signable)
    {
        var buffer = new ArrayBufferWriter<byte>(value.Length + 18);
        var writer = new CompactWriter(buffer);
        writer.WriteUInt(sequence);
        writer.WriteBuffer(value);
        Namespaces.DhtMutablePut.CopyTo(signable);
        Blake2b.Hash(buffer.WrittenSpan, signable[Hash.Size..]);
    }
}
