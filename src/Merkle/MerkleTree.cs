using System.Runtime.InteropServices;
using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>A tree that grows to the right from a <see cref="TreeHead"/>, and remembers the nodes that it made.</summary>
public sealed class MerkleTree
{
    private readonly List<TreeNode> _roots;
    private readonly List<TreeNode> _added = [];

    public MerkleTree(TreeHead head)
    {
        Fork = head.Fork;
        Length = head.Length;
        ByteLength = head.ByteLength;
        _roots = [.. head.Roots];
    }

    public ulong Fork { get; set; }

    public ulong Length { get; private set; }

    public ulong ByteLength { get; private set; }

    public ReadOnlySpan<TreeNode> Roots => CollectionsMarshal.AsSpan(_roots);

    /// <summary>Every node that was added or came to be, in the order in which it did.</summary>
    public ReadOnlySpan<TreeNode> Added => CollectionsMarshal.AsSpan(_added);

    /// <summary>Grows by blocks.</summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> blocks)
    {
        const int Stretch = 256;
        _added.EnsureCapacity(_added.Count + (2 * blocks.Count));
        Span<Hash> hashes = new Hash[Math.Min(blocks.Count, Stretch)];
        for (int start = 0; start < blocks.Count; start += Stretch)
        {
            int count = Math.Min(Stretch, blocks.Count - start);
            HashLeaves(blocks, start, hashes[..count]);
            for (int i = 0; i < count; i++)
            {
                ulong size = (ulong)blocks[start + i].Length;
                Invariant.Hold(TryAppendRoot(new TreeNode(2 * Length, size, hashes[i])));
            }
        }
    }

    /// <summary>Grows by one block.</summary>
    public void Append(ReadOnlySpan<byte> block) => Invariant.Hold(TryAppendRoot(TreeNode.OfBlock(Length, block)));

    /// <summary>Puts a node to the right of the last root, and joins equal neighbours into parents.</summary>
    /// <returns>False, and nothing changed that matters, when the tree would be beyond all measure.</returns>
    public bool TryAppendRoot(in TreeNode node)
    {
        ulong leaves = FlatTree.CountLeaves(node.Index);
        if (node.Size > TreeNode.MaxSize || ByteLength + node.Size > TreeNode.MaxSize || Length + leaves > FlatTree.MaxLength)
        {
            return false;
        }

        Length += leaves;
        ByteLength += node.Size;
        _roots.Add(node);
        _added.Add(node);
        while (_roots.Count > 1 && FlatTree.Sibling(_roots[^1].Index) == _roots[^2].Index)
        {
            // Neither can fail: all bytes together have just been measured.
            TreeNode.TryParent(_roots[^2], _roots[^1], out TreeNode parent);
            _added.Add(parent);
            _roots.RemoveAt(_roots.Count - 1);
            _roots[^1] = parent;
        }

        return true;
    }

    public TreeHead ToHead() => new(Fork, Roots);

    private static void HashLeaves(IReadOnlyList<ReadOnlyMemory<byte>> blocks, int start, Span<Hash> hashes)
    {
        for (int i = 0; i < hashes.Length; i++)
        {
            hashes[i] = TreeHash.Leaf(blocks[start + i].Span);
        }
    }
}
