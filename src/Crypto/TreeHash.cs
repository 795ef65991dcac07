using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using HyperActors.Crypto.Lanes;

namespace HyperActors.Crypto;

/// <summary>The hashes of a feed's Merkle tree (docs/crypto.md#tree-hashes).</summary>
/// <remarks>The first byte tells leaves, parents and roots apart, so that one is never taken for another.</remarks>
public static class TreeHash
{
    private const byte LeafType = 0;
    private const byte ParentType = 1;
    private const byte RootType = 2;
    private const int PrefixSize = 9;
    private const int MaxLanes = 8;
    private const int RootSize = Hash.Size + 16;

    // A length below 2^53 has at most 53 roots.
    private const int MaxRoots = 64;

    /// <summary>The leaf of one stored block.</summary>
    /// <remarks><code>| 00 | block length: uint64 LE | block |</code></remarks>
    public static Hash Leaf(ReadOnlySpan<byte> block)
    {
        Span<byte> prefix = stackalloc byte[PrefixSize];
        Span<byte> digest = stackalloc byte[Hash.Size];
        WritePrefix(prefix, LeafType, (ulong)block.Length);
        Blake2b.Concat(prefix, block, digest);
        return new Hash(digest);
    }

    /// <summary>The node above two others; <paramref name="left"/> has the smaller index.</summary>
    /// <remarks><code>| 01 | size of both: uint64 LE | left hash | right hash |</code></remarks>
    public static Hash Parent(ulong leftSize, in Hash left, ulong rightSize, in Hash right)
    {
        Span<byte> input = stackalloc byte[PrefixSize + (2 * Hash.Size)];
        Span<byte> digest = stackalloc byte[Hash.Size];
        WritePrefix(input, ParentType, unchecked(leftSize + rightSize));
        left.CopyTo(input[PrefixSize..]);
        right.CopyTo(input[(PrefixSize + Hash.Size)..]);
        Blake2b.Hash(input, digest);
        return new Hash(digest);
    }

    /// <summary>The leaves of many blocks; neighbours of one length are hashed side by side where the processor can.</summary>
    /// <param name="blocks">The stored blocks.</param>
    /// <param name="output">Room for a hash a block.</param>
    public static void Leaves(ReadOnlySpan<ReadOnlyMemory<byte>> blocks, Span<Hash> output)
    {
        Invariant.Hold(output.Length == blocks.Length);
        int next = 0;
        while (next < blocks.Length)
        {
            int run = 1;
            int length = blocks[next].Length;
            while (next + run < blocks.Length && run < MaxLanes && blocks[next + run].Length == length)
            {
                run++;
            }

            int done = LanesOf(run);
            if (done == 8)
            {
                LeavesSideBySide<EightLanes, Vector512<ulong>>(blocks.Slice(next, 8), length, output.Slice(next, 8));
            }
            else if (done == 4)
            {
                LeavesSideBySide<FourLanes, Vector256<ulong>>(blocks.Slice(next, 4), length, output.Slice(next, 4));
            }
            else
            {
                output[next] = Leaf(blocks[next].Span);
            }

            next += done;
        }
    }

    /// <summary>The parents of neighbours: node 0 and 1, 2 and 3, and so on.</summary>
    /// <param name="sizes">The size of each child; twice as many as parents.</param>
    /// <param name="hashes">The hash of each child.</param>
    /// <param name="output">Room for a hash a parent.</param>
    public static unsafe void Parents(ReadOnlySpan<ulong> sizes, ReadOnlySpan<Hash> hashes, Span<Hash> output)
    {
        Invariant.Hold(sizes.Length == 2 * output.Length && hashes.Length == sizes.Length);
        byte* prefixes = stackalloc byte[MaxLanes * PrefixSize];
        byte** prefix = stackalloc byte*[MaxLanes];
        byte** body = stackalloc byte*[MaxLanes];
        fixed (Hash* children = hashes)
        {
            int next = 0;
            while (next < output.Length)
            {
                int lanes = LanesOf(output.Length - next);
                if (lanes == 1)
                {
                    int left = 2 * next;
                    output[next] = Parent(sizes[left], hashes[left], sizes[left + 1], hashes[left + 1]);
                    next++;
                    continue;
                }

                for (int lane = 0; lane < lanes; lane++)
                {
                    int left = 2 * (next + lane);
                    prefix[lane] = prefixes + (lane * PrefixSize);
                    WritePrefix(new Span<byte>(prefix[lane], PrefixSize), ParentType, unchecked(sizes[left] + sizes[left + 1]));
                    body[lane] = (byte*)(children + left);
                }

                if (lanes == 8)
                {
                    Blake2bLanes<EightLanes, Vector512<ulong>>.Hash(prefix, PrefixSize, body, 2 * Hash.Size, output.Slice(next, lanes));
                }
                else
                {
                    Blake2bLanes<FourLanes, Vector256<ulong>>.Hash(prefix, PrefixSize, body, 2 * Hash.Size, output.Slice(next, lanes));
                }

                next += lanes;
            }
        }
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

    // How many of the messages at hand are hashed in one go.
    private static int LanesOf(int messages) =>
        messages >= 8 && EightLanes.IsSupported ? 8
        : messages >= 4 && FourLanes.IsSupported ? 4
        : 1;

    private static unsafe void LeavesSideBySide<TLanes, TVector>(
        ReadOnlySpan<ReadOnlyMemory<byte>> blocks, int length, Span<Hash> output)
        where TLanes : ILanes<TVector>
        where TVector : struct
    {
        byte* one = stackalloc byte[PrefixSize];
        byte** prefix = stackalloc byte*[MaxLanes];
        byte** body = stackalloc byte*[MaxLanes];
        WritePrefix(new Span<byte>(one, PrefixSize), LeafType, (ulong)length);
        PinnedBlocks pins = default;
        try
        {
            for (int lane = 0; lane < blocks.Length; lane++)
            {
                pins[lane] = blocks[lane].Pin();
                prefix[lane] = one;
                body[lane] = (byte*)pins[lane].Pointer;
            }

            Blake2bLanes<TLanes, TVector>.Hash(prefix, PrefixSize, body, length, output);
        }
        finally
        {
            for (int lane = 0; lane < blocks.Length; lane++)
            {
                pins[lane].Dispose();
            }
        }
    }

    private static void WritePrefix(Span<byte> output, byte type, ulong size)
    {
        output[0] = type;
        BinaryPrimitives.WriteUInt64LittleEndian(output[1..], size);
    }

    [System.Runtime.CompilerServices.InlineArray(MaxLanes)]
    private struct PinnedBlocks
    {
        private System.Buffers.MemoryHandle _first;
    }
}
