using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>A node of the tree: where it is, how many bytes of blocks lie below it, and its hash.</summary>
/// <remarks><code>| index: uint | size: uint | hash: 32 |</code></remarks>
public readonly record struct TreeNode(ulong Index, ulong Size, Hash Hash) : IEncodable
{
    /// <summary>Bytes below one node, at most: what a compact uint carries.</summary>
    public const ulong MaxSize = (1UL << 53) - 1;

    /// <summary>Nodes in one list of a proof, at most: a climb of all depths and as many roots.</summary>
    public const int MaxListLength = 128;

    /// <summary>The leaf of a block.</summary>
    public static TreeNode OfBlock(ulong block, ReadOnlySpan<byte> value) =>
        new(2 * block, (ulong)value.Length, TreeHash.Leaf(value));

    /// <summary>The parent of two siblings; false when the sum of their sizes is beyond all measure.</summary>
    public static bool TryParent(in TreeNode one, in TreeNode other, out TreeNode parent)
    {
        // Both are at most 2^53 - 1 here, so the sum can't wrap.
        if (one.Size > MaxSize || other.Size > MaxSize || one.Size + other.Size > MaxSize)
        {
            parent = default;
            return false;
        }

        bool isInOrder = one.Index < other.Index;
        TreeNode left = isInOrder ? one : other;
        TreeNode right = isInOrder ? other : one;
        Hash hash = TreeHash.Parent(left.Size, left.Hash, right.Size, right.Hash);
        parent = new TreeNode(FlatTree.Parent(left.Index), left.Size + right.Size, hash);
        return true;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Index);
        writer.WriteUInt(Size);
        writer.WriteFixed(Hash.AsSpan());
    }

    public static bool TryDecode(ref CompactReader reader, out TreeNode node)
    {
        ulong index = reader.ReadUInt();
        ulong size = reader.ReadUInt();
        ReadOnlySpan<byte> hash = reader.ReadFixed(Hash.Size);
        node = reader.Succeeded ? new TreeNode(index, size, new Hash(hash)) : default;
        return reader.Succeeded;
    }

    /// <summary>Writes a list: its count, then the nodes.</summary>
    public static void EncodeList(ref CompactWriter writer, ReadOnlySpan<TreeNode> nodes)
    {
        writer.WriteUInt((ulong)nodes.Length);
        foreach (ref readonly TreeNode node in nodes)
        {
            node.Encode(ref writer);
        }
    }

    /// <summary>Reads a list of at most <paramref name="max"/> nodes.</summary>
    public static bool TryDecodeList(ref CompactReader reader, int max, out TreeNode[] nodes)
    {
        // A node takes 34 bytes at least: a count that the rest can't hold takes no memory.
        int count = reader.ReadCount(Math.Min(max, reader.Remaining.Length / 34));
        nodes = count == 0 ? [] : new TreeNode[count];
        for (int i = 0; i < count && TryDecode(ref reader, out nodes[i]); i++)
        {
        }

        return reader.Succeeded;
    }
}
