using System.Diagnostics;
using System.Numerics;

namespace HyperActors.Merkle;

/// <summary>Numbers of the nodes of a binary tree that grows to the right: block i is leaf 2i, odd numbers are parents.</summary>
/// <remarks>
/// <code>
/// depth 2        3
/// depth 1    1       5
/// depth 0  0   2   4   6
/// </code>
/// Pure arithmetic that never overflows for an index up to <see cref="MaxIndex"/>. See docs/merkle.md#numbers.
/// </remarks>
public static class FlatTree
{
    /// <summary>The greatest index that the wire can carry (2^53 - 1).</summary>
    public const ulong MaxIndex = (1UL << 53) - 1;

    /// <summary>The longest tree whose indices the wire can carry.</summary>
    public const ulong MaxLength = 1UL << 52;

    /// <summary>More full roots than this no tree has.</summary>
    public const int MaxRoots = 53;

    public static ulong Index(int depth, ulong offset) => ((1 + (2 * offset)) << depth) - 1;

    /// <summary>0 for a leaf; the number of trailing one bits.</summary>
    public static int Depth(ulong index) => BitOperations.TrailingZeroCount(~index);

    /// <summary>How many nodes of the same depth lie to the left.</summary>
    public static ulong Offset(ulong index) => (index + 1) >> (Depth(index) + 1);

    public static bool IsLeaf(ulong index) => (index & 1) == 0;

    public static ulong Parent(ulong index) => Index(Depth(index) + 1, Offset(index) >> 1);

    public static ulong Sibling(ulong index)
    {
        int depth = Depth(index);
        return index ^ (2UL << depth);
    }

    /// <summary>The left child of a parent; a leaf has none.</summary>
    public static ulong LeftChild(ulong index)
    {
        Debug.Assert(!IsLeaf(index), "a leaf has no children");
        return index - (1UL << (Depth(index) - 1));
    }

    /// <summary>The right child of a parent; a leaf has none.</summary>
    public static ulong RightChild(ulong index)
    {
        Debug.Assert(!IsLeaf(index), "a leaf has no children");
        return index + (1UL << (Depth(index) - 1));
    }

    /// <summary>Index of the leftmost leaf below.</summary>
    public static ulong LeftSpan(ulong index) => index + 1 - (1UL << Depth(index));

    /// <summary>Index of the rightmost leaf below.</summary>
    public static ulong RightSpan(ulong index) => index - 1 + (1UL << Depth(index));

    /// <summary>How many blocks lie below.</summary>
    public static ulong CountLeaves(ulong index) => 1UL << Depth(index);

    /// <summary>Whether <paramref name="other"/> lies in the subtree of <paramref name="index"/>.</summary>
    public static bool Spans(ulong index, ulong other)
    {
        ulong reach = 1UL << Depth(index);
        return other + reach > index && other < index + reach;
    }

    /// <summary>The roots of a tree of <paramref name="length"/> blocks, left to right.</summary>
    /// <returns>How many were written.</returns>
    public static int FullRoots(ulong length, Span<ulong> roots)
    {
        int count = 0;
        ulong left = 0;
        while (length > 0)
        {
            ulong leaves = 1UL << BitOperations.Log2(length);
            roots[count++] = left + leaves - 1;
            left += 2 * leaves;
            length -= leaves;
        }

        return count;
    }

    /// <summary>The roots of a tree of <paramref name="length"/> blocks, left to right.</summary>
    public static ulong[] FullRoots(ulong length)
    {
        Span<ulong> roots = stackalloc ulong[64];
        return roots[..FullRoots(length, roots)].ToArray();
    }
}
