using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>Signatures over a version of a feed, as they are stored and sent.</summary>
/// <remarks>
/// What is signed: <code>| TREE 32 | [not for compat feeds] context 32 | tree hash 32 | length: uint64 LE | fork: uint64 LE |</code>
/// where the context is the signer's namespace in manifests of version 0, and the manifest's hash in later ones.
/// A compat feed, and a version 0 manifest with one signer, store the 64 bytes; all others a container:
/// <code>
/// version 1+  | n x (signer: uint | signature 64 | patch: uint) | m x node |
/// version 0   | n x (flags: uint | signer: uint | signature 64 | [1] start: uint, length: uint, k x uint) | m x node |
/// </code>
/// See docs/merkle.md#signatures.
/// </remarks>
public static class FeedSignature
{
    private const int MaxSignableSize = (3 * Hash.Size) + 16;

    /// <summary>Nodes of all patches in one container, at most.</summary>
    private const int MaxPatchNodes = 4096;

    /// <summary>Signs as the only signer that is needed.</summary>
    /// <returns>Null when this key pair alone can't: it is no signer, or more than one must sign.</returns>
    public static byte[]? Sign(in FeedKey key, Manifest manifest, TreeHead head, KeyPair keyPair)
    {
        bool isCompat = manifest.IsCompat(key);
        int index = IndexOf(manifest, keyPair.PublicKey);
        if (index < 0 || (!isCompat && !IsPlain(manifest) && manifest.Quorum > 1))
        {
            return null;
        }

        Span<byte> signable = stackalloc byte[MaxSignableSize];
        signable = signable[..WriteSignable(key, manifest, isCompat, manifest.Signers[index], head, signable)];
        var signature = new byte[Ed25519.SignatureSize];
        keyPair.Sign(signable, signature);
        if (isCompat || IsPlain(manifest))
        {
            return signature;
        }

        var buffer = new ArrayBufferWriter<byte>(Ed25519.SignatureSize + 8);
        var writer = new CompactWriter(buffer);
        writer.WriteUInt(1);
        if (manifest.Version == 0)
        {
            writer.WriteUInt(0);
        }

        writer.WriteUInt((ulong)index);
        writer.WriteFixed(signature);
        if (manifest.Version > 0)
        {
            writer.WriteUInt(0);
        }

        writer.WriteUInt(0);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether enough signers stand behind <paramref name="head"/>. Total: no bytes make it throw.</summary>
    public static bool Verify(in FeedKey key, Manifest manifest, TreeHead head, ReadOnlySpan<byte> signature)
    {
        if (manifest.IsCompat(key))
        {
            return VerifyOne(key, manifest, true, manifest.Signers[0], head, signature);
        }

        if (IsPlain(manifest))
        {
            return VerifyOne(key, manifest, false, manifest.Signers[0], head, signature);
        }

        if (manifest.Version > 0 && manifest.Prologue is { } prologue && head.Length <= prologue.Length)
        {
            return head.Length == prologue.Length && head.Hash == prologue.Hash;
        }

        return VerifyMany(key, manifest, head, signature);
    }

    private static bool VerifyMany(in FeedKey key, Manifest manifest, TreeHead head, ReadOnlySpan<byte> signature)
    {
        if (manifest.Quorum == 0 || manifest.Quorum > (ulong)manifest.Signers.Count)
        {
            return false;
        }

        var reader = new CompactReader(signature);
        int count = reader.ReadCount(Manifest.MaxSigners);
        if ((ulong)count < manifest.Quorum)
        {
            return false;
        }

        // Only the first signatures count, as many as it takes: a good one later does not rescue a bad one.
        var parts = new (ulong Signer, int Signature, ulong Patch)[manifest.Quorum];
        for (int i = 0; i < count; i++)
        {
            (ulong Signer, int Signature, ulong Patch) part =
                manifest.Version == 0 ? ReadPartVersion0(ref reader) : ReadPart(ref reader);
            if (i < parts.Length)
            {
                parts[i] = part;
            }
        }

        if (!TreeNode.TryDecodeList(ref reader, MaxPatchNodes, out TreeNode[] patch))
        {
            return false;
        }

        var hasSigned = new bool[manifest.Signers.Count];
        foreach ((ulong signer, int start, ulong length) in parts)
        {
            TreeHead? signed = length > 0 && manifest.AllowPatch ? Patch(head, length, patch) : head;
            if (signed is null || signer >= (ulong)hasSigned.Length || hasSigned[signer])
            {
                return false;
            }

            hasSigned[signer] = true;
            ReadOnlySpan<byte> bytes = signature.Slice(start, Ed25519.SignatureSize);
            if (!VerifyOne(key, manifest, false, manifest.Signers[(int)signer], signed, bytes))
            {
                return false;
            }
        }

        return true;
    }

    private static (ulong Signer, int Signature, ulong Patch) ReadPart(ref CompactReader reader)
    {
        ulong signer = reader.ReadUInt();
        int signature = reader.Consumed;
        reader.ReadFixed(Ed25519.SignatureSize);
        return (signer, signature, reader.ReadUInt());
    }

    private static (ulong Signer, int Signature, ulong Patch) ReadPartVersion0(ref CompactReader reader)
    {
        ulong flags = reader.ReadUInt();
        ulong signer = reader.ReadUInt();
        int signature = reader.Consumed;
        reader.ReadFixed(Ed25519.SignatureSize);
        if ((flags & 1) == 0)
        {
            return (signer, signature, 0);
        }

        reader.ReadUInt();
        ulong length = reader.ReadUInt();
        int nodes = reader.ReadCount(MaxPatchNodes);
        for (int i = 0; i < nodes && reader.Succeeded; i++)
        {
            reader.ReadUInt();
        }

        return (signer, signature, length);
    }

    /// <summary>The longer tree that a signer signed, rebuilt from the nodes of the container.</summary>
    private static TreeHead? Patch(TreeHead head, ulong length, TreeNode[] patch)
    {
        if (length > FlatTree.MaxLength || head.Length + length > FlatTree.MaxLength)
        {
            return null;
        }

        var nodes = new Dictionary<ulong, TreeNode>(patch.Length);
        foreach (TreeNode node in patch)
        {
            nodes[node.Index] = node;
        }

        List<ulong> needed = ProofBuilder.UpgradeNodes(2 * head.Length, 2 * (head.Length + length));
        var list = new TreeNode[needed.Count];
        for (int i = 0; i < list.Length; i++)
        {
            if (!nodes.TryGetValue(needed[i], out list[i]))
            {
                return null;
            }
        }

        var upgrade = new UpgradeProof(head.Length, length, list, [], default);
        return ProofVerifier.TryGrow(head, head.Fork, upgrade, null, null, out MerkleTree? tree, out _) ? tree.ToHead() : null;
    }

    private static bool VerifyOne(
        in FeedKey key, Manifest manifest, bool isCompat, Signer signer, TreeHead head, ReadOnlySpan<byte> signature)
    {
        Span<byte> signable = stackalloc byte[MaxSignableSize];
        signable = signable[..WriteSignable(key, manifest, isCompat, signer, head, signable)];
        return Ed25519.Verify(signature, signable, signer.PublicKey);
    }

    // For a feed that is not compat the key is the manifest's hash.
    private static int WriteSignable(
        in FeedKey key, Manifest manifest, bool isCompat, Signer signer, TreeHead head, Span<byte> output)
    {
        Span<byte> rest = output;
        Namespaces.Tree.CopyTo(rest);
        rest = rest[Hash.Size..];
        if (!isCompat)
        {
            (manifest.Version == 0 ? signer.Namespace.AsSpan() : key.AsSpan()).CopyTo(rest);
            rest = rest[Hash.Size..];
        }

        head.Hash.CopyTo(rest);
        BinaryPrimitives.WriteUInt64LittleEndian(rest[Hash.Size..], head.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(rest[(Hash.Size + 8)..], head.Fork);
        return output.Length - rest.Length + Hash.Size + 16;
    }

    /// <summary>Version 0 with one signer: no container, whatever the quorum says.</summary>
    private static bool IsPlain(Manifest manifest) =>
        manifest.Version == 0 && manifest.Signers.Count == 1 && !manifest.AllowPatch;

    private static int IndexOf(Manifest manifest, PublicKey publicKey)
    {
        for (int i = 0; i < manifest.Signers.Count; i++)
        {
            if (manifest.Signers[i].PublicKey == publicKey)
            {
                return i;
            }
        }

        return -1;
    }
}
