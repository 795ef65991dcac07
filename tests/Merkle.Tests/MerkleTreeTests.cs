using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Merkle.Tests;

public class MerkleTreeTests
{
    private static readonly JsonElement Vector = Vectors.Load("merkle.json");

    [Fact]
    public void A_tree_of_blocks_hashes_as_in_JavaScript()
    {
        foreach (JsonElement entry in Vector.Items("trees"))
        {
            (TreeHead head, _) = Blocks.Tree(entry.GetProperty("length").GetUInt64());
            Assert.Equal(entry.GetProperty("byteLength").GetUInt64(), head.ByteLength);
            Assert.Equal(entry.GetProperty("hash").GetString(), head.Hash.ToString());
        }
    }

    [Fact]
    public void An_empty_tree_has_a_hash_too() => Assert.Equal(
        "bb30a42c1e62f0afda5f0a4e8a562f7a13a24cea00ee81917b86b89e801314aa", TreeHead.Empty(0).Hash.ToString());

    [Fact]
    public void However_blocks_are_batched_the_tree_is_the_same() => Check.That<byte[], ushort>((cuts, extra) =>
    {
        ulong length = (ulong)(extra % 1500);
        var one = new MerkleTree(TreeHead.Empty(0));
        for (ulong i = 0; i < length; i++)
        {
            one.Append(Blocks.Of(i));
        }

        var many = new MerkleTree(TreeHead.Empty(0));
        for (int i = 0; many.Length < length; i++)
        {
            ulong cut = i < cuts.Length ? cuts[i] : length;
            many.Append(Blocks.Range(many.Length, Math.Min(cut, length - many.Length)));
        }

        return one.Added.SequenceEqual(many.Added) && one.ToHead().Hash == many.ToHead().Hash;
    });

    [Fact]
    public void A_block_begins_where_the_ones_before_it_end()
    {
        (TreeHead head, NodeDictionary nodes) = Blocks.Tree(77);
        ulong sum = 0;
        for (ulong i = 0; i <= 77; i++)
        {
            Assert.Equal(NodeLookup.Found, ByteOffsets.TryFind(head, 2 * i, nodes, out ulong offset));
            Assert.Equal(sum, offset);
            sum += (ulong)Blocks.Of(i).Length;
        }
    }

    [Fact]
    public void A_seek_finds_the_block_that_holds_a_byte()
    {
        (TreeHead head, NodeDictionary nodes) = Blocks.Tree(77);
        ulong at = 0;
        for (ulong i = 0; i < 77; i++)
        {
            for (ulong inner = 0; inner < (ulong)Blocks.Of(i).Length; inner++, at++)
            {
                Assert.Equal(NodeLookup.Found, ByteOffsets.TrySeek(head, at, nodes, out ulong block, out ulong offset));
                Assert.Equal((i, inner), (block, offset));
            }
        }

        Assert.Equal(NodeLookup.Found, ByteOffsets.TrySeek(head, at, nodes, out ulong end, out _));
        Assert.Equal(77ul, end);
        Assert.Equal(NodeLookup.Absent, ByteOffsets.TrySeek(head, at + 1, nodes, out _, out _));
    }
}
