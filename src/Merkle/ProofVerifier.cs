using System.Diagnostics.CodeAnalysis;
using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>What is wrong with a proof.</summary>
public enum ProofError
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A node is missing, out of order, or beyond all measure; also what a stale answer looks like.</summary>
    BadNodes,

    /// <summary>The block or node does not lead to what we know of the tree.</summary>
    BadChecksum,

    /// <summary>The upgrade does not respect the prologue of the manifest.</summary>
    BadPrologue,

    /// <summary>The manifest is not that of the feed, or missing where it is needed.</summary>
    BadManifest,

    /// <summary>The signature is not that of the feed's signers.</summary>
    BadSignature,
}

/// <summary>A proof whose own hashes are computed: what remains is to compare its top with a tree that is trusted.</summary>
/// <remarks>Owns nothing: the block's bytes are the proof's.</remarks>
public sealed class ClimbedProof
{
    private readonly TreeNode[] _nodes;

    internal ClimbedProof(Proof proof, TreeNode? root, TreeNode[] nodes)
    {
        Proof = proof;
        Root = root;
        _nodes = nodes;
    }

    public Proof Proof { get; }

    /// <summary>Where the climb from the block, hash or seek position ended; null when there was none of them.</summary>
    public TreeNode? Root { get; }

    /// <summary>Every node that was given or computed on the way; the last is <see cref="Root"/>.</summary>
    public ReadOnlySpan<TreeNode> Nodes => _nodes;

    /// <summary>The same climb for a proof that differs in its upgrade alone.</summary>
    public ClimbedProof With(UpgradeProof? upgrade) => new(Proof with { Upgrade = upgrade }, Root, _nodes);
}

/// <summary>A proof that fits a tree, as far as the tree's roots can tell.</summary>
public sealed class VerifiedProof
{
    private readonly TreeNode[] _upgradeNodes;

    internal VerifiedProof(ClimbedProof climbed, TreeNode? anchor, TreeHead? head, ReadOnlySpan<TreeNode> upgradeNodes)
    {
        Climbed = climbed;
        Anchor = anchor;
        Head = head;
        _upgradeNodes = upgradeNodes.ToArray();
    }

    public ClimbedProof Climbed { get; }

    /// <summary>The node that must equal the stored one of its index, or all is false; null when the upgrade covers it.</summary>
    public TreeNode? Anchor { get; }

    /// <summary>The tree that the upgrade makes: its signature is not looked at yet. Null when nothing grew.</summary>
    public TreeHead? Head { get; }

    /// <summary>Nodes to store if the signature holds, beside those of <see cref="ClimbedProof.Nodes"/>.</summary>
    public ReadOnlySpan<TreeNode> UpgradeNodes => _upgradeNodes;
}

/// <summary>Checks proofs, in two steps that touch no storage. Total: no proof makes it throw.</summary>
/// <remarks>
/// <see cref="Climb(Proof, out ClimbedProof?)"/> does the costly hashing and needs nothing but the proof, so it may run wherever the proof arrived;
/// <see cref="Verify"/> compares with a head; the owner of the tree then compares <see cref="VerifiedProof.Anchor"/> and
/// the signature. See docs/merkle.md#verification.
/// </remarks>
public static class ProofVerifier
{
    /// <summary>Hashes the block and climbs to the top of its list of siblings.</summary>
    public static ProofError Climb(Proof proof, out ClimbedProof? climbed) => Climb(proof, null, out climbed);

    /// <summary>Climbs to the top of the list of siblings from a block that is hashed already.</summary>
    /// <param name="proof">The proof.</param>
    /// <param name="leaf">What <see cref="TreeHash.Leaf"/> gives for its block; null when that is still to be done.</param>
    /// <param name="climbed">The proof with its hashes computed.</param>
    public static ProofError Climb(Proof proof, Hash? leaf, out ClimbedProof? climbed)
    {
        climbed = null;
        TreeNode[] seek = proof.Seek?.Nodes ?? [];
        TreeNode[]? list = proof.Block?.Nodes ?? proof.Hash?.Nodes;
        int climbs = list is null ? 0 : list.Length + (seek.Length > 0 ? 1 : 0) - (proof.Block is null ? 1 : 0);
        if (climbs < 0)
        {
            return ProofError.BadNodes;
        }

        // Each step up adds a sibling and the parent that it leads to.
        int room = (seek.Length == 0 ? 0 : (2 * seek.Length) - 1) + (list is null ? 0 : 1 + (2 * climbs));
        TreeNode[] nodes = room == 0 ? [] : new TreeNode[room];
        int count = 0;
        TreeNode? root = null;
        if (seek.Length > 0)
        {
            var queue = new NodeQueue(seek, null);
            queue.TryTake(seek[0].Index, out TreeNode first);
            if (!TryClimb(first, ref queue, nodes, ref count, out TreeNode top))
            {
                return ProofError.BadNodes;
            }

            root = top;
        }

        if (list is not null)
        {
            if (!TryStart(proof, leaf, root, list, out NodeQueue queue, out TreeNode start)
                || !TryClimb(start, ref queue, nodes, ref count, out TreeNode top))
            {
                return ProofError.BadNodes;
            }

            root = top;
        }

        Invariant.Hold(count == nodes.Length);
        climbed = new ClimbedProof(proof, root, nodes);
        return ProofError.None;
    }

    /// <summary>Holds a climbed proof against a head.</summary>
    public static ProofError Verify(ClimbedProof climbed, TreeHead head, Prologue? prologue, out VerifiedProof? verified)
    {
        verified = null;
        if (climbed.Proof.Upgrade is not { } upgrade)
        {
            verified = new VerifiedProof(climbed, climbed.Root, null, []);
            return ProofError.None;
        }

        if (prologue is { } fixedPart && upgrade.Start < fixedPart.Length
            && (upgrade.Start != 0 || upgrade.Length < fixedPart.Length))
        {
            return ProofError.BadPrologue;
        }

        ulong fork = climbed.Proof.Fork;
        if (!TryGrow(head, fork, upgrade, climbed.Root, prologue, out MerkleTree? tree, out bool isRootUsed))
        {
            return ProofError.BadNodes;
        }

        TreeNode? anchor = isRootUsed ? null : climbed.Root;
        verified = new VerifiedProof(climbed, anchor, tree.Length > head.Length ? tree.ToHead() : null, tree.Added);
        return ProofError.None;
    }

    /// <summary>Grows a tree by an upgrade's nodes.</summary>
    internal static bool TryGrow(
        TreeHead head,
        ulong fork,
        UpgradeProof upgrade,
        TreeNode? blockRoot,
        Prologue? prologue,
        [NotNullWhen(true)] out MerkleTree? tree,
        out bool isRootUsed)
    {
        tree = null;
        isRootUsed = false;
        if (upgrade.Start > FlatTree.MaxLength || upgrade.Length > FlatTree.MaxLength
            || upgrade.Start + upgrade.Length is 0 or > FlatTree.MaxLength)
        {
            return false;
        }

        var queue = new NodeQueue(upgrade.Nodes, blockRoot);
        var growing = new MerkleTree(head) { Fork = fork };
        if (!TryGrowTo(growing, upgrade.Start + upgrade.Length, ref queue))
        {
            return false;
        }

        if (prologue is { } fixedPart && growing.Length == fixedPart.Length
            && TreeHead.HashRoots(growing.Roots) != fixedPart.Hash)
        {
            return false;
        }

        if (!TryGrowOn(growing, upgrade.AdditionalNodes))
        {
            return false;
        }

        tree = growing;
        isRootUsed = blockRoot is null || queue.IsExtraUsed;
        return true;
    }

    private static bool TryGrowTo(MerkleTree tree, ulong length, ref NodeQueue queue)
    {
        Span<ulong> wanted = stackalloc ulong[64];
        wanted = wanted[..FlatTree.FullRoots(length, wanted)];
        bool connects = tree.Roots.Length > 0;
        for (int i = 0, known = 0; i < wanted.Length; i++)
        {
            if (known < tree.Roots.Length && tree.Roots[known].Index == wanted[i])
            {
                known++;
                continue;
            }

            // Our last root becomes part of this one: its siblings come first.
            if (connects && known < tree.Roots.Length)
            {
                connects = false;
                while (tree.Roots[^1].Index != wanted[i])
                {
                    if (!TryAppend(tree, FlatTree.Sibling(tree.Roots[^1].Index), ref queue))
                    {
                        return false;
                    }
                }

                continue;
            }

            connects = false;
            if (!TryAppend(tree, wanted[i], ref queue))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryAppend(MerkleTree tree, ulong index, ref NodeQueue queue) =>
        queue.TryTake(index, out TreeNode node)
        && FlatTree.LeftSpan(index) == 2 * tree.Length
        && tree.TryAppendRoot(node);

    private static bool TryGrowOn(MerkleTree tree, TreeNode[] nodes)
    {
        int next = 0;
        while (next < nodes.Length && nodes[next].Index == FlatTree.Sibling(tree.Roots[^1].Index))
        {
            if (!TryAppendInPlace(tree, nodes[next++]))
            {
                return false;
            }
        }

        // The rest lies ever further right, in ever smaller subtrees of the place where the next sibling would be.
        ulong place = FlatTree.Sibling(tree.Roots[^1].Index);
        for (; next < nodes.Length; next++)
        {
            while (nodes[next].Index != place)
            {
                if (FlatTree.IsLeaf(place))
                {
                    return false;
                }

                place = FlatTree.LeftChild(place);
            }

            if (!TryAppendInPlace(tree, nodes[next]))
            {
                return false;
            }

            place = FlatTree.Sibling(place);
        }

        return true;
    }

    private static bool TryAppendInPlace(MerkleTree tree, in TreeNode node) =>
        node.Index <= FlatTree.MaxIndex && FlatTree.LeftSpan(node.Index) == 2 * tree.Length && tree.TryAppendRoot(node);

    /// <summary>The node that the climb starts from: the block's leaf, or the first of the list.</summary>
    private static bool TryStart(
        Proof proof, Hash? leaf, TreeNode? seekRoot, TreeNode[] list, out NodeQueue queue, out TreeNode start)
    {
        queue = new NodeQueue(list, seekRoot);
        if (proof.Block is { } block)
        {
            if (block.Index >= FlatTree.MaxLength)
            {
                start = default;
                return false;
            }

            start = leaf is { } hash
                ? new TreeNode(2 * block.Index, (ulong)block.Value.Length, hash)
                : TreeNode.OfBlock(block.Index, block.Value.Span);
            return true;
        }

        return queue.TryTake(proof.Hash!.Value.Index, out start);
    }

    private static bool TryClimb(
        TreeNode start, ref NodeQueue queue, TreeNode[] nodes, ref int count, out TreeNode root)
    {
        root = start;
        nodes[count++] = start;
        while (queue.Count > 0)
        {
            if (root.Index > FlatTree.MaxIndex
                || !queue.TryTake(FlatTree.Sibling(root.Index), out TreeNode sibling)
                || !TreeNode.TryParent(root, sibling, out root))
            {
                return false;
            }

            nodes[count++] = sibling;
            nodes[count++] = root;
        }

        return true;
    }

    /// <summary>Nodes in the order in which they must be needed, and one extra that may come in when its turn is.</summary>
    private ref struct NodeQueue(TreeNode[] nodes, TreeNode? extra)
    {
        private TreeNode? _extra = extra;
        private int _next;

        public readonly int Count => nodes.Length - _next + (_extra is null ? 0 : 1);

        public readonly bool IsExtraUsed => _extra is null;

        public bool TryTake(ulong index, out TreeNode node)
        {
            if (_extra is { } it && it.Index == index)
            {
                _extra = null;
                node = it;
                return true;
            }

            node = _next < nodes.Length ? nodes[_next] : default;
            if (_next == nodes.Length || node.Index != index)
            {
                return false;
            }

            _next++;
            return true;
        }
    }
}
