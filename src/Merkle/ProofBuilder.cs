using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>How the building of a proof ended.</summary>
public enum ProofBuild
{
    /// <summary>The proof is there; the value of its block is still empty.</summary>
    Done,

    /// <summary>Nodes have to be fetched first; then ask again.</summary>
    Pending,

    /// <summary>A node that it takes is not stored here.</summary>
    Unavailable,

    /// <summary>The request makes no sense for this tree.</summary>
    Invalid,
}

/// <summary>Builds proofs from stored nodes: exactly the lists, in exactly the order, that a verifier will expect.</summary>
/// <remarks>Pure. Total: no request makes it throw. See docs/merkle.md#proofs.</remarks>
public static class ProofBuilder
{
    /// <summary>Builds the answer to one request.</summary>
    /// <param name="head">The version that is proven; its fork is not compared with the request's.</param>
    /// <param name="signature">The signature over <paramref name="head"/>.</param>
    /// <param name="prologue">The fixed prefix, if the manifest has one.</param>
    /// <param name="request">What the peer wants.</param>
    /// <param name="nodes">The stored nodes.</param>
    /// <param name="proof">The proof when the answer is <see cref="ProofBuild.Done"/>.</param>
    public static ProofBuild Build(
        TreeHead head,
        ReadOnlyMemory<byte> signature,
        Prologue? prologue,
        ProofRequest request,
        INodeSource nodes,
        out Proof? proof)
    {
        proof = null;
        if (head.Length == 0)
        {
            return ProofBuild.Unavailable;
        }

        UpgradeRequest? upgrade = request.Upgrade;
        if (prologue is { } fixedPart && upgrade is { } early && early.Start < fixedPart.Length)
        {
            upgrade = new UpgradeRequest(0, fixedPart.Length);
        }

        var walk = new Walk(nodes, request, upgrade, 2 * head.Length);
        if (!walk.Run(head))
        {
            return walk.Failure;
        }

        proof = new Proof
        {
            Fork = head.Fork,
            Block = request.Block is { } block ? new BlockProof(block.Index, default, walk.NodeList!.ToArray()) : null,
            Hash = request is { Block: null, Hash: { } hash } ? new HashProof(hash.Index, walk.NodeList!.ToArray()) : null,
            Seek = request.Seek is { } seek && walk.SeekList is { } list ? new SeekProof(seek.Bytes, list.ToArray()) : null,
            Upgrade = upgrade is { } wanted
                ? new UpgradeProof(
                    wanted.Start,
                    wanted.Length,
                    walk.UpgradeList!.ToArray(),
                    walk.AdditionalList?.ToArray() ?? [],
                    signature)
                : null,
        };
        return ProofBuild.Done;
    }

    /// <summary>Indices of the nodes that grow a tree, both ends in leaf indices (twice the length).</summary>
    internal static List<ulong> UpgradeNodes(ulong from, ulong to)
    {
        var list = new List<ulong>();
        bool connects = from > 0;
        foreach (ulong root in FlatTree.FullRoots(to / 2))
        {
            if (root + FlatTree.CountLeaves(root) < from)
            {
                continue;
            }

            if (connects && FlatTree.Spans(root, from - 2))
            {
                for (ulong at = from - 2; at != root; at = FlatTree.Parent(at))
                {
                    ulong sibling = FlatTree.Sibling(at);
                    if (sibling > from - 2)
                    {
                        list.Add(sibling);
                    }
                }
            }
            else
            {
                list.Add(root);
            }

            connects = false;
        }

        return list;
    }

    private sealed class Walk(INodeSource source, ProofRequest request, UpgradeRequest? upgrade, ulong head)
    {
        private readonly bool _hasNode = request.Block is not null || request.Hash is not null;
        private readonly ulong _node = request.Block is { } block ? 2 * block.Index : request.Hash?.Index ?? 0;
        private readonly bool _isBlock = request.Block is not null;

        public ProofBuild Failure { get; private set; } = ProofBuild.Done;

        public List<TreeNode>? NodeList { get; private set; }

        public List<TreeNode>? SeekList { get; private set; }

        public List<TreeNode>? UpgradeList { get; private set; }

        public List<TreeNode>? AdditionalList { get; private set; }

        public bool Run(TreeHead tree)
        {
            if (_hasNode && (request.Block?.Index > FlatTree.MaxLength || _node > FlatTree.MaxIndex))
            {
                return Fail(ProofBuild.Invalid);
            }

            if (upgrade is { } u && (u.Start > FlatTree.MaxLength || u.Length > FlatTree.MaxLength))
            {
                return Fail(ProofBuild.Invalid);
            }

            ulong from = upgrade is { } start ? 2 * start.Start : 0;
            ulong to = upgrade is { } end ? from + (2 * end.Length) : head;
            if (from >= to || to > head || (request.Seek is not null && upgrade is not null && _hasNode && _node >= from))
            {
                return Fail(ProofBuild.Invalid);
            }

            ulong subtree = head;
            if (_hasNode && (upgrade is null || FlatTree.RightSpan(_node) < from))
            {
                ulong levels = request.Block?.Nodes ?? request.Hash!.Value.Nodes;
                if (FlatTree.RightSpan(_node) >= to || !TryClimb(_node, levels, to, out subtree))
                {
                    return Fail(ProofBuild.Invalid);
                }

                ulong seekRoot = head;
                if (request.Seek is { } seek && !TrySeekBelow(tree, subtree, seek, out seekRoot))
                {
                    return false;
                }

                AddNodeAndSeek(seekRoot, subtree);
            }
            else if (upgrade is not null && (_hasNode || request.Seek is not null))
            {
                subtree = _node;
                if (request.Seek is { } seek && !TrySeekFromHead(to, seek, out subtree))
                {
                    return false;
                }
            }

            if (upgrade is not null)
            {
                AddUpgrade(subtree, from, to);
                if (head > to)
                {
                    AdditionalList = [];
                    foreach (ulong index in UpgradeNodes(to, head))
                    {
                        Add(AdditionalList, index);
                    }
                }
            }

            // A node beyond the upgrade is in none of its lists.
            if (Failure == ProofBuild.Done && _hasNode && NodeList is null)
            {
                Fail(ProofBuild.Invalid);
            }

            return Failure == ProofBuild.Done;
        }

        private static bool TryClimb(ulong node, ulong levels, ulong head, out ulong root)
        {
            root = node;
            for (ulong i = 0; i < levels; i++)
            {
                root = FlatTree.Parent(root);
                if (FlatTree.Spans(root, head))
                {
                    return false;
                }
            }

            return true;
        }

        private void AddUpgrade(ulong subtree, ulong from, ulong to)
        {
            UpgradeList = [];
            foreach (ulong index in UpgradeNodes(from, to))
            {
                if (NodeList is null && SeekList is null && FlatTree.Spans(index, subtree))
                {
                    AddNodeAndSeek(subtree, index);
                }
                else
                {
                    Add(UpgradeList, index);
                }
            }
        }

        private void AddNodeAndSeek(ulong seekRoot, ulong root)
        {
            if (!_hasNode)
            {
                AddSeek(seekRoot, root);
                return;
            }

            // A hash that reaches across the start of the upgrade is below none of its nodes.
            if (!FlatTree.Spans(root, _node))
            {
                Fail(ProofBuild.Invalid);
                return;
            }

            NodeList = [];
            if (!_isBlock)
            {
                Add(NodeList, _node);
            }

            for (ulong at = _node; at != root; at = FlatTree.Parent(at))
            {
                ulong sibling = FlatTree.Sibling(at);
                if (request.Seek is not null && FlatTree.Spans(sibling, seekRoot) && sibling != seekRoot)
                {
                    AddSeek(seekRoot, sibling);
                }
                else
                {
                    Add(NodeList, sibling);
                }
            }
        }

        private void AddSeek(ulong seekRoot, ulong root)
        {
            SeekList = [];
            Add(SeekList, seekRoot);
            for (ulong at = seekRoot; at != root; at = FlatTree.Parent(at))
            {
                Add(SeekList, FlatTree.Sibling(at));
            }
        }

        /// <summary>The node that holds a byte, looked for below a node that may not hold it at all.</summary>
        private bool TrySeekBelow(TreeHead tree, ulong root, SeekRequest seek, out ulong seekRoot)
        {
            seekRoot = root;
            NodeLookup lookup = ByteOffsets.TryFind(tree, root, source, out ulong offset);
            if (lookup != NodeLookup.Found)
            {
                return Fail(lookup);
            }

            Int128 bytes = (Int128)seek.Bytes - ((Int128)offset - ((Int128)seek.Padding * (FlatTree.LeftSpan(root) / 2)));
            if (bytes == 0)
            {
                return true;
            }

            if (!TryGet(root, out TreeNode node))
            {
                return false;
            }

            return bytes < 0 || UnpaddedSize(node, seek.Padding) <= bytes
                ? Fail(ProofBuild.Invalid)
                : TrySeekInside(root, bytes, seek.Padding, out seekRoot);
        }

        private bool TrySeekFromHead(ulong to, SeekRequest seek, out ulong seekRoot)
        {
            seekRoot = to;
            Int128 bytes = seek.Bytes;
            foreach (ulong root in FlatTree.FullRoots(to / 2))
            {
                if (!TryGet(root, out TreeNode node))
                {
                    return false;
                }

                Int128 size = UnpaddedSize(node, seek.Padding);
                if (bytes == size)
                {
                    seekRoot = root;
                    return true;
                }

                if (bytes < size)
                {
                    return TrySeekInside(root, bytes, seek.Padding, out seekRoot);
                }

                bytes -= size;
            }

            return true;
        }

        private bool TrySeekInside(ulong root, Int128 bytes, ulong padding, out ulong seekRoot)
        {
            seekRoot = root;
            while (bytes != 0 && !FlatTree.IsLeaf(seekRoot))
            {
                NodeLookup lookup = source.TryGet(FlatTree.LeftChild(seekRoot), out TreeNode left);
                if (lookup == NodeLookup.Pending)
                {
                    return Fail(lookup);
                }

                // We know no better than this parent.
                if (lookup == NodeLookup.Absent)
                {
                    return true;
                }

                Int128 size = UnpaddedSize(left, padding);
                if (size >= bytes)
                {
                    seekRoot = left.Index;
                    if (size == bytes)
                    {
                        return true;
                    }
                }
                else
                {
                    bytes -= size;
                    seekRoot = FlatTree.RightChild(seekRoot);
                }
            }

            return true;
        }

        private static Int128 UnpaddedSize(in TreeNode node, ulong padding) =>
            (Int128)node.Size - ((Int128)padding * FlatTree.CountLeaves(node.Index));

        private void Add(List<TreeNode> list, ulong index)
        {
            // Goes on after a node that must be fetched, so that one round fetches all of them.
            if (TryGet(index, out TreeNode node))
            {
                list.Add(node);
            }
        }

        private bool TryGet(ulong index, out TreeNode node)
        {
            NodeLookup lookup = source.TryGet(index, out node);
            return lookup == NodeLookup.Found || Fail(lookup);
        }

        private bool Fail(NodeLookup lookup) =>
            Fail(lookup == NodeLookup.Pending ? ProofBuild.Pending : ProofBuild.Unavailable);

        private bool Fail(ProofBuild failure)
        {
            if (Failure is ProofBuild.Done or ProofBuild.Pending)
            {
                Failure = failure;
            }

            return false;
        }
    }
}
