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

    /// <summary>Grows by blocks; many of them are hashed side by side.</summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> blocks)
    {
        _added.EnsureCapacity(_added.Count + (2 * blocks.Count));
        if (blocks.Count < Stretch.Smallest)
        {
            foreach (ReadOnlyMemory<byte> block in blocks)
            {
                Append(block.Span);
            }

            return;
        }

        var stretch = new Stretch(Math.Min(blocks.Count, Stretch.Largest));
        for (int start = 0; start < blocks.Count; start += Stretch.Largest)
        {
            int count = Math.Min(Stretch.Largest, blocks.Count - start);
            stretch.Hash(blocks, start, count, Length);
            for (int i = 0; i < count; i++)
            {
                Invariant.Hold(TryAppendRoot(stretch.Leaf(i), stretch));
            }
        }
    }

    /// <summary>Grows by one block.</summary>
    public void Append(ReadOnlySpan<byte> block) => Invariant.Hold(TryAppendRoot(TreeNode.OfBlock(Length, block)));

    /// <summary>Puts a node to the right of the last root, and joins equal neighbours into parents.</summary>
    /// <returns>False, and nothing changed that matters, when the tree would be beyond all measure.</returns>
    public bool TryAppendRoot(in TreeNode node) => TryAppendRoot(node, null);

    private bool TryAppendRoot(in TreeNode node, Stretch? stretch)
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
            if (stretch is null || !stretch.TryGetParent(_roots[^2], _roots[^1], out TreeNode parent))
            {
                TreeNode.TryParent(_roots[^2], _roots[^1], out parent);
            }

            _added.Add(parent);
            _roots.RemoveAt(_roots.Count - 1);
            _roots[^1] = parent;
        }

        return true;
    }

    public TreeHead ToHead() => new(Fork, Roots);

    /// <summary>Leaves and parents of a run of blocks, hashed level by level.</summary>
    private sealed class Stretch(int capacity)
    {
        /// <summary>Fewer blocks than this gain nothing.</summary>
        public const int Smallest = 4;

        /// <summary>Blocks at a time: their hashes stay in the processor's cache until they are joined.</summary>
        public const int Largest = 512;

        private readonly ReadOnlyMemory<byte>[] _blocks = new ReadOnlyMemory<byte>[capacity];
        private readonly ulong[] _sizes = new ulong[2 * capacity];
        private readonly Hash[] _hashes = new Hash[2 * capacity];
        private readonly (ulong From, ulong To, int Place)[] _levels = new (ulong, ulong, int)[12];
        private int _depth;

        public void Hash(IReadOnlyList<ReadOnlyMemory<byte>> blocks, int start, int count, ulong first)
        {
            for (int i = 0; i < count; i++)
            {
                _blocks[i] = blocks[start + i];
                _sizes[i] = (ulong)_blocks[i].Length;
            }

            TreeHash.Leaves(_blocks.AsSpan(0, count), _hashes.AsSpan(0, count));
            _levels[0] = (first, first + (ulong)count, 0);
            int free = count;
            for (_depth = 1; ; _depth++)
            {
                // Only parents whose two children both lie in the stretch.
                (ulong from, ulong to, int place) = _levels[_depth - 1];
                ulong left = (from + 1) >> 1;
                ulong right = to >> 1;
                if (right <= left)
                {
                    return;
                }

                int children = place + (int)((2 * left) - from);
                int parents = (int)(right - left);
                ReadOnlySpan<ulong> sizes = _sizes.AsSpan(children, 2 * parents);
                TreeHash.Parents(sizes, _hashes.AsSpan(children, 2 * parents), _hashes.AsSpan(free, parents));
                for (int i = 0; i < parents; i++)
                {
                    _sizes[free + i] = sizes[2 * i] + sizes[(2 * i) + 1];
                }

                _levels[_depth] = (left, right, free);
                free += parents;
            }
        }

        public TreeNode Leaf(int i) => new(2 * (_levels[0].From + (ulong)i), _sizes[i], _hashes[i]);

        public bool TryGetParent(in TreeNode left, in TreeNode right, out TreeNode parent)
        {
            int depth = FlatTree.Depth(left.Index) + 1;
            ulong offset = FlatTree.Offset(left.Index) >> 1;
            if (depth >= _depth || offset < _levels[depth].From)
            {
                parent = default;
                return false;
            }

            int place = _levels[depth].Place + (int)(offset - _levels[depth].From);
            parent = new TreeNode((left.Index + right.Index) / 2, _sizes[place], _hashes[place]);
            return true;
        }
    }
}
