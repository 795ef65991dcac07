using System.Buffers;
using System.Buffers.Binary;

namespace HyperActors.Crypto;

/// <summary>The hashes of a feed's Merkle tree (docs/crypto.md#tree-hashes).</summary>
/// <remarks>The first byte tells leaves, parents and roots apart, so that one is never taken for another.</remarks>
public static class TreeHash
{
    private const byte LeafType = 0;
    private const byte ParentType = 1;
    private const byte RootType = 2;
    private const int RootSize = Hash.Size + 16;

    // A length below 2^53 has at most 53 roots.
    private const int MaxRoots = 64;

    /// <summary>The leaf of one stored block.</summary>
    /// <remarks><code>| 00 | block length: uint64 LE | block |</code></remarks>
    public static Hash Leaf(ReadOnlySpan<byte> block)
    {
        Span<byte> prefix = stackalloc byte[9];
        Span<byte> digest = stackalloc byte[Hash.Size];
        prefix[0] = LeafType;
        BinaryPrimitives.WriteUInt64LittleEndian(prefix[1..], (ulong)block.Length);
        Blake2b.Concat(prefix, block, digest);
        return new Hash(digest);
    }

    /// <summary>The node above two others; <paramref name="left"/> has the smaller index.</summary>
    /// <remarks><code>| 01 | size of both: uint64 LE | left hash | right hash |</code></remarks>
    public static Hash Parent(ulong leftSize, in Hash left, ulong rightSize, in Hash right)
    {
        Span<byte> input = stackalloc byte[9 + (2 * Hash.Size)];
        Span<byte> digest = stackalloc byte[Hash.Size];
        input[0] = ParentType;
        BinaryPrimitives.WriteUInt64LittleEndian(input[1..], unchecked(leftSize + rightSize));
        left.CopyTo(input[9..]);
        right.CopyTo(input[(9 + Hash.Size)..]);
        Blake2b.Hash(input, digest);
        return new Hash(digest);
    }

    /// <summary>The hash of a whole tree: of its roots, from left to right.</summary>
    /// <remarks><code>| 02 | per root: hash, index: uint64 LE, size: uint64 LE |</code></remarks>
    public static Hash Tree(ReadOnlySpan<(Hash Hash, ulong Index, ulong Size)> roots)
    {
        Invariant.Hold(roots.Length <= MaxRoots);
        Span<byte> input = stackalloc byte[1 + (MaxRoots * RootSize)];
        input[0] = RootType;
        int length = 1;
        foreach (ref readonly (Hash Hash, ulong Index, ulong Size) root in roots)
        {
            Span<byte> output = input[length..];
            root.Hash.CopyTo(output);
            BinaryPrimitives.WriteUInt64LittleEndian(output[Hash.Size..], root.Index);
            BinaryPrimitives.WriteUInt64LittleEndian(output[(Hash.Size + 8)..], root.Size);
            length += RootSize;
        }

        return Blake2b.Hash256(input[..length]);
    }
}
