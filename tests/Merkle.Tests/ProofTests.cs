using System.Buffers;
using System.Text.Json;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Merkle.Tests;

public class ProofTests
{
    private static readonly JsonElement Vector = Vectors.Load("merkle.json");

    [Fact]
    public void A_proof_holds_the_nodes_that_JavaScript_sends_in_the_same_order()
    {
        int proofs = 0;
        foreach (JsonElement tree in Vector.Items("trees"))
        {
            (TreeHead head, NodeDictionary nodes) = Blocks.Tree(tree.GetProperty("length").GetUInt64());
            foreach (JsonElement entry in tree.Items("proofs"))
            {
                ProofRequest request = ReadRequest(entry.GetProperty("request"));
                ProofBuild build = ProofBuilder.Build(head, default, null, request, nodes, out Proof? proof);
                string what = $"length {head.Length}: {entry.GetRawText()}";
                if (entry.TryGetProperty("error", out _))
                {
                    Assert.True(build is ProofBuild.Invalid or ProofBuild.Unavailable, what);
                    continue;
                }

                Assert.True(build == ProofBuild.Done, $"{build} for {what}");
                JsonElement expected = entry.GetProperty("proof");
                Assert.True(Matches(expected, "block", proof!.Block?.Nodes), what);
                Assert.True(Matches(expected, "hash", proof.Hash?.Nodes), what);
                Assert.True(Matches(expected, "seek", proof.Seek?.Nodes), what);
                Assert.True(Matches(expected, "upgrade", proof.Upgrade?.Nodes), what);
                Assert.True(Matches(expected, "additional", proof.Upgrade?.AdditionalNodes), what);
                proofs++;
            }
        }

        Assert.True(proofs > 400);
    }

    [Fact]
    public void A_proof_that_is_built_is_believed()
    {
        foreach (JsonElement tree in Vector.Items("trees"))
        {
            (TreeHead head, NodeDictionary nodes) = Blocks.Tree(tree.GetProperty("length").GetUInt64());
            foreach (ProofRequest request in tree.Items("proofs").Select(p => ReadRequest(p.GetProperty("request"))))
            {
                if (ProofBuilder.Build(head, default, null, request, nodes, out Proof? proof) != ProofBuild.Done)
                {
                    continue;
                }

                // The asker's tree is as long as the upgrade's start says.
                (TreeHead mine, _) = Blocks.Tree(request.Upgrade?.Start ?? head.Length);
                Assert.Equal(ProofError.None, Verify(WithValue(proof!), mine, nodes, out VerifiedProof? verified));
                if (request.Upgrade is not null && mine.Length < head.Length)
                {
                    Assert.Equal(head.Hash, verified!.Head!.Hash);
                }
            }
        }
    }

    [Fact]
    public void A_false_byte_anywhere_in_a_block_or_its_nodes_is_not_believed() => Check.That<byte, byte, byte>((size, which, bit) =>
    {
        ulong length = 1ul + (size % 60u);
        ulong index = which % length;
        (TreeHead head, NodeDictionary nodes) = Blocks.Tree(length);
        ulong levels = Levels(length, index);
        var request = new ProofRequest { Block = new BlockRequest(index, levels) };
        Assert.Equal(ProofBuild.Done, ProofBuilder.Build(head, default, null, request, nodes, out Proof? proof));
        proof = WithValue(proof!);
        Assert.Equal(ProofError.None, Verify(proof, head, nodes, out _));

        byte[] value = [.. proof.Block!.Value.Value.Span, 0];
        Proof longer = proof with { Block = proof.Block.Value with { Value = value } };
        bool isRefused = Verify(longer, head, nodes, out _) != ProofError.None;
        TreeNode[] list = proof.Block.Value.Nodes;
        if (list.Length > 0)
        {
            list[bit % list.Length] = Flip(list[bit % list.Length], bit);
            isRefused &= Verify(proof, head, nodes, out _) != ProofError.None;
        }

        return isRefused;
    });

    [Fact]
    public void Proofs_survive_the_wire()
    {
        (TreeHead head, NodeDictionary nodes) = Blocks.Tree(21);
        var request = new ProofRequest { Block = new BlockRequest(13, 0), Upgrade = new UpgradeRequest(5, 12) };
        ProofBuilder.Build(head, new byte[68], null, request, nodes, out Proof? proof);
        proof = WithValue(proof!);

        var buffer = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(buffer);
        proof.Block!.Value.Encode(ref writer);
        proof.Upgrade!.Value.Encode(ref writer);
        var reader = new CompactReader(buffer.WrittenSpan);
        Assert.True(BlockProof.TryDecode(ref reader, buffer.WrittenMemory, out BlockProof block));
        Assert.True(UpgradeProof.TryDecode(ref reader, out UpgradeProof upgrade));
        Assert.True(reader.IsAtEnd);
        Assert.Equal(Blocks.Of(13), block.Value.ToArray());
        Assert.Equal(proof.Block.Value.Nodes, block.Nodes);
        Assert.Equal(proof.Upgrade.Value.Nodes, upgrade.Nodes);
        Assert.Equal(proof.Upgrade.Value.AdditionalNodes, upgrade.AdditionalNodes);
        Assert.Equal(68, upgrade.Signature.Length);
    }

    [Fact]
    public void Nonsense_in_requests_and_proofs_is_refused_without_a_throw() => Check.That<ulong[], byte[], byte>((numbers, shape, size) =>
    {
        (TreeHead head, NodeDictionary nodes) = Blocks.Tree(size % 20u);
        int at = 0;
        ulong Next() => at < numbers.Length ? Spread(numbers[at++]) : (ulong)(at++ % 7);
        bool Has(int i) => i < shape.Length && (shape[i] & 1) == 1;
        var request = new ProofRequest
        {
            Block = Has(0) ? new BlockRequest(Next(), Next()) : null,
            Hash = Has(1) ? new HashRequest(Next(), Next()) : null,
            Seek = Has(2) ? new SeekRequest(Next(), Next()) : null,
            Upgrade = Has(3) ? new UpgradeRequest(Next(), Next()) : null,
        };
        ProofBuilder.Build(head, default, new Prologue(head.Hash, Next()), request, nodes, out _);

        TreeNode[] List() => [.. Enumerable.Range(0, (int)(Next() % 6)).Select(_ => new TreeNode(Next(), Next(), head.Hash))];
        var proof = new Proof
        {
            Block = Has(0) ? new BlockProof(Next(), shape, List()) : null,
            Hash = Has(1) ? new HashProof(Next(), List()) : null,
            Seek = Has(2) ? new SeekProof(Next(), List()) : null,
            Upgrade = Has(3) ? new UpgradeProof(Next(), Next(), List(), List(), shape) : null,
        };
        if (ProofVerifier.Climb(proof, out ClimbedProof? climbed) == ProofError.None)
        {
            ProofVerifier.Verify(climbed!, head, new Prologue(head.Hash, Next()), out _);
            ProofVerifier.Verify(climbed!, TreeHead.Empty(0), null, out _);
        }

        return true;
    }, cases: 500);

    [Fact]
    public void A_sparse_reader_that_asks_for_what_it_lacks_ends_with_the_same_tree()
    {
        const ulong Seed = 20_260;
        RandomSource random = RandomSource.Seeded(Seed);
        for (int run = 0; run < 30; run++)
        {
            (TreeHead head, NodeDictionary full) = Blocks.Tree(1 + (random.NextUInt64() % 90));
            TreeHead mine = TreeHead.Empty(0);
            var nodes = new NodeDictionary();
            for (int step = 0; step < 60; step++)
            {
                ulong index = random.NextUInt64() % head.Length;
                var request = new ProofRequest { Block = new BlockRequest(index, Missing(nodes, mine.Length, 2 * index)) };
                if (index >= mine.Length || (mine.Length < head.Length && random.NextUInt64() % 4 == 0))
                {
                    ulong grow = 1 + (random.NextUInt64() % (head.Length - mine.Length));
                    grow = Math.Max(grow, index >= mine.Length ? index + 1 - mine.Length : 1);
                    request = request with { Upgrade = new UpgradeRequest(mine.Length, grow) };
                }

                Assert.Equal(ProofBuild.Done, ProofBuilder.Build(head, default, null, request, full, out Proof? proof));
                ProofError error = Verify(WithValue(proof!), mine, nodes, out VerifiedProof? verified);
                Assert.True(error == ProofError.None, $"seed {Seed}, run {run}, step {step}: {error} for {request}");
                nodes.AddRange(verified!.Climbed.Nodes);
                nodes.AddRange(verified.UpgradeNodes);
                mine = verified.Head ?? mine;

                Assert.Equal(NodeLookup.Found, ByteOffsets.TryFind(mine, 2 * index, nodes, out ulong offset));
                ByteOffsets.TryFind(head, 2 * index, full, out ulong expected);
                Assert.Equal(expected, offset);
            }

            Assert.True(mine.Length == 0 || mine.Hash == head.Hash);
        }
    }

    private static ulong Missing(NodeDictionary nodes, ulong length, ulong index)
    {
        ulong count = 0;
        if (FlatTree.RightSpan(index) >= 2 * length)
        {
            return 0;
        }

        while (!FlatTree.Spans(index, 2 * length) && nodes.TryGet(index, out _) != NodeLookup.Found)
        {
            count++;
            index = FlatTree.Parent(index);
        }

        return count;
    }

    private static ulong Levels(ulong length, ulong index)
    {
        ulong root = FlatTree.FullRoots(length).Single(r => FlatTree.Spans(r, 2 * index));
        return (ulong)FlatTree.Depth(root);
    }

    private static ulong Spread(ulong number) => (number % 4) switch
    {
        0 => number % 40,
        1 => number,
        2 => number % (1UL << 53),
        _ => (1UL << 53) - 1 - (number % 8),
    };

    private static ProofError Verify(Proof proof, TreeHead head, NodeDictionary nodes, out VerifiedProof? verified)
    {
        verified = null;
        ProofError error = ProofVerifier.Climb(proof, out ClimbedProof? climbed);
        if (error == ProofError.None)
        {
            error = ProofVerifier.Verify(climbed!, head, null, out verified);
        }

        if (error == ProofError.None && verified!.Anchor is { } anchor)
        {
            bool isTrue = nodes.TryGet(anchor.Index, out TreeNode stored) == NodeLookup.Found && stored == anchor;
            return isTrue ? ProofError.None : ProofError.BadChecksum;
        }

        return error;
    }

    private static Proof WithValue(Proof proof) => proof.Block is { } block
        ? proof with { Block = block with { Value = Blocks.Of(block.Index) } }
        : proof;

    private static TreeNode Flip(TreeNode node, byte bit)
    {
        byte[] hash = node.Hash.ToArray();
        hash[bit % 32] ^= (byte)(1 << (bit % 8));
        return node with { Hash = new Hash(hash) };
    }

    private static bool Matches(JsonElement expected, string name, TreeNode[]? nodes)
    {
        if (!expected.TryGetProperty(name, out JsonElement list))
        {
            return nodes is null;
        }

        return nodes is not null && list.EnumerateArray().Select(i => i.GetUInt64()).SequenceEqual(nodes.Select(n => n.Index));
    }

    private static ProofRequest ReadRequest(JsonElement element)
    {
        (ulong, ulong)? Pair(string name, string first, string second) => element.TryGetProperty(name, out JsonElement part)
            ? (part.GetProperty(first).GetUInt64(), part.GetProperty(second).GetUInt64())
            : null;

        return new ProofRequest
        {
            Block = Pair("block", "index", "nodes") is var (index, levels) ? new BlockRequest(index, levels) : null,
            Hash = Pair("hash", "index", "nodes") is var (node, up) ? new HashRequest(node, up) : null,
            Seek = Pair("seek", "bytes", "padding") is var (bytes, padding) ? new SeekRequest(bytes, padding) : null,
            Upgrade = Pair("upgrade", "start", "length") is var (start, length) ? new UpgradeRequest(start, length) : null,
        };
    }
}
