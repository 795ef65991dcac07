namespace HyperActors.Merkle;

/// <summary>Where blocks begin, from the sizes in the tree.</summary>
public static class ByteOffsets
{
    /// <summary>The byte at which the leftmost block below a node begins.</summary>
    /// <param name="head">The tree, which must hold the node.</param>
    /// <param name="index">A node, or twice the length for the end of the feed.</param>
    /// <param name="nodes">Stored nodes: the left siblings on the way down to it are needed.</param>
    /// <param name="offset">The offset when found.</param>
    public static NodeLookup TryFind(TreeHead head, ulong index, INodeSource nodes, out ulong offset)
    {
        offset = 0;
        ulong leaf = FlatTree.IsLeaf(index) ? index : FlatTree.LeftSpan(index);
        foreach (ref readonly TreeNode root in head.Roots)
        {
            if (FlatTree.RightSpan(root.Index) < leaf)
            {
                offset += root.Size;
                continue;
            }

            var result = NodeLookup.Found;
            for (ulong at = root.Index; FlatTree.LeftSpan(at) != leaf;)
            {
                if (leaf < at)
                {
                    at = FlatTree.LeftChild(at);
                    continue;
                }

                NodeLookup lookup = nodes.TryGet(FlatTree.LeftChild(at), out TreeNode left);
                if (lookup == NodeLookup.Absent)
                {
                    return lookup;
                }

                // Goes on after a node that must be fetched, so that one round fetches all of them.
                result = lookup == NodeLookup.Pending ? lookup : result;
                offset += left.Size;
                at = FlatTree.RightChild(at);
            }

            return result;
        }

        return leaf == 2 * head.Length ? NodeLookup.Found : NodeLookup.Absent;
    }

    /// <summary>The block that holds a byte, and where in it.</summary>
    /// <returns>
    /// <see cref="NodeLookup.Absent"/> when the byte is past the end or its block can't be told from what is stored;
    /// then <paramref name="block"/> is the first block of the smallest subtree that must hold it.
    /// </returns>
    public static NodeLookup TrySeek(TreeHead head, ulong bytes, INodeSource nodes, out ulong block, out ulong offset)
    {
        block = 0;
        offset = bytes;
        foreach (ref readonly TreeNode root in head.Roots)
        {
            if (offset >= root.Size)
            {
                offset -= root.Size;
                block += FlatTree.CountLeaves(root.Index);
                continue;
            }

            ulong at = root.Index;
            while (!FlatTree.IsLeaf(at))
            {
                block = FlatTree.LeftSpan(at) / 2;
                NodeLookup lookup = nodes.TryGet(FlatTree.LeftChild(at), out TreeNode left);
                if (lookup != NodeLookup.Found)
                {
                    return lookup;
                }

                bool isLeft = offset < left.Size;
                offset -= isLeft ? 0 : left.Size;
                at = isLeft ? left.Index : FlatTree.RightChild(at);
            }

            block = at / 2;
            return NodeLookup.Found;
        }

        return offset == 0 ? NodeLookup.Found : NodeLookup.Absent;
    }
}
