namespace HyperActors.Merkle.Tests;

/// <summary>The blocks of the vectors: block i is (i * 7) % 5 bytes of value i.</summary>
internal static class Blocks
{
    public static byte[] Of(ulong index)
    {
        var block = new byte[index * 7 % 5];
        Array.Fill(block, (byte)index);
        return block;
    }

    public static List<ReadOnlyMemory<byte>> Range(ulong start, ulong count) =>
        [.. Enumerable.Range((int)start, (int)count).Select(i => (ReadOnlyMemory<byte>)Of((ulong)i))];

    /// <summary>A tree of the first blocks, and all of its nodes.</summary>
    public static (TreeHead Head, NodeDictionary Nodes) Tree(ulong length, ulong fork = 0)
    {
        var tree = new MerkleTree(TreeHead.Empty(fork));
        tree.Append(Range(0, length));
        var nodes = new NodeDictionary();
        nodes.AddRange(tree.Added);
        return (tree.ToHead(), nodes);
    }
}
