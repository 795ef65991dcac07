using HyperActors.Crypto;

namespace HyperActors.Merkle;

/// <summary>A version of a feed: its fork, its length and the roots of its tree. Never changes.</summary>
public sealed class TreeHead
{
    private readonly TreeNode[] _roots;
    private Hash? _hash;

    /// <param name="fork">How often the feed was cut, as its writer counts.</param>
    /// <param name="roots">The full roots of its length, left to right.</param>
    public TreeHead(ulong fork, ReadOnlySpan<TreeNode> roots)
    {
        Fork = fork;
        _roots = roots.ToArray();
        foreach (ref readonly TreeNode root in roots)
        {
            Length += FlatTree.CountLeaves(root.Index);
            ByteLength += root.Size;
        }
    }

    public ulong Fork { get; }

    /// <summary>Blocks.</summary>
    public ulong Length { get; }

    /// <summary>Bytes of all blocks.</summary>
    public ulong ByteLength { get; }

    public ReadOnlySpan<TreeNode> Roots => _roots;

    /// <summary>The tree hash: what a signature covers, beside length and fork.</summary>
    public Hash Hash => _hash ??= HashRoots(_roots);

    /// <summary>A feed without blocks.</summary>
    public static TreeHead Empty(ulong fork) => new(fork, []);

    /// <summary>The tree hash of these roots.</summary>
    public static Hash HashRoots(ReadOnlySpan<TreeNode> roots)
    {
        Span<(Hash Hash, ulong Index, ulong Size)> parts = stackalloc (Hash, ulong, ulong)[roots.Length];
        for (int i = 0; i < roots.Length; i++)
        {
            parts[i] = (roots[i].Hash, roots[i].Index, roots[i].Size);
        }

        return TreeHash.Tree(parts);
    }
}
