using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Merkle.Tests;

public class FlatTreeTests
{
    private static readonly JsonElement Vector = Vectors.Load("merkle.json");

    [Fact]
    public void Numbers_are_those_of_JavaScript()
    {
        foreach (JsonElement number in Vector.Items("numbers"))
        {
            ulong index = number.GetProperty("index").GetUInt64();
            Assert.Equal(number.GetProperty("depth").GetInt32(), FlatTree.Depth(index));
            Assert.Equal(number.GetProperty("offset").GetUInt64(), FlatTree.Offset(index));
            Assert.Equal(number.GetProperty("parent").GetUInt64(), FlatTree.Parent(index));
            Assert.Equal(number.GetProperty("sibling").GetUInt64(), FlatTree.Sibling(index));
            Assert.Equal(number.GetProperty("spans")[0].GetUInt64(), FlatTree.LeftSpan(index));
            Assert.Equal(number.GetProperty("spans")[1].GetUInt64(), FlatTree.RightSpan(index));
            if (number.GetProperty("children") is { ValueKind: JsonValueKind.Array } children)
            {
                Assert.Equal(children[0].GetUInt64(), FlatTree.LeftChild(index));
                Assert.Equal(children[1].GetUInt64(), FlatTree.RightChild(index));
            }
        }
    }

    [Fact]
    public void Full_roots_are_those_of_JavaScript()
    {
        foreach (JsonElement entry in Vector.Items("fullRoots"))
        {
            ulong[] roots = [.. entry.GetProperty("roots").EnumerateArray().Select(r => r.GetUInt64())];
            Assert.Equal(roots, FlatTree.FullRoots(entry.GetProperty("length").GetUInt64()));
        }
    }

    [Fact]
    public void A_node_is_named_by_its_depth_and_offset() => Check.That<uint>(value =>
    {
        ulong index = (ulong)value * 4_000_037 % FlatTree.MaxIndex;
        return FlatTree.Index(FlatTree.Depth(index), FlatTree.Offset(index)) == index;
    });

    [Fact]
    public void A_sibling_has_the_same_parent_which_spans_both() => Check.That<uint>(value =>
    {
        ulong index = (ulong)value * 4_000_037 % FlatTree.MaxIndex;
        ulong sibling = FlatTree.Sibling(index);
        ulong parent = FlatTree.Parent(index);
        return sibling != index
            && FlatTree.Sibling(sibling) == index
            && FlatTree.Parent(sibling) == parent
            && FlatTree.LeftChild(parent) == Math.Min(index, sibling)
            && FlatTree.RightChild(parent) == Math.Max(index, sibling)
            && FlatTree.Spans(parent, index) && FlatTree.Spans(parent, sibling) && !FlatTree.Spans(index, sibling);
    });
}
