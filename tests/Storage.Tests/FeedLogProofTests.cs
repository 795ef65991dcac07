using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

/// <summary>Feeds that copy each other by proofs, without anything in between.</summary>
public class FeedLogProofTests
{
    [Fact]
    public void A_reader_that_copies_block_by_block_in_any_order_ends_with_the_same_feed()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            RandomSource random = RandomSource.Seeded(seed);
            using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
            var device = new MemoryDevice();
            FeedHarness reader = FeedHarness.Reader(device, writer.Log.Key);
            for (int round = 0; round < 4; round++)
            {
                writer.Append(Blocks(random, 1 + random.NextInt32(60)));
                for (int i = 0; i < 40; i++)
                {
                    ulong block = random.NextUInt64() % writer.Log.Head.Length;
                    Assert.Equal(ApplyStatus.Applied, Copy(writer, reader, block).Single().Status);
                    Assert.Equal(writer.Get(block), reader.Get(block));
                }

                if (random.NextInt32(2) == 0)
                {
                    reader.Dispose();
                    reader = FeedHarness.Reader(device, writer.Log.Key);
                }
            }

            for (ulong block = 0; block < writer.Log.Head.Length; block++)
            {
                Copy(writer, reader, block);
            }

            Assert.Equal(writer.Log.Head.Hash, reader.Log.Head.Hash);
            Assert.Equal(writer.Log.Head.Length, reader.Log.ContiguousLength);
            Assert.Equal(writer.Log.Manifest, reader.Log.Manifest);
            reader.Dispose();
            using FeedHarness opened = FeedHarness.Reader(device, writer.Log.Key);
            Assert.Equal(writer.Log.Head.Length, opened.Log.ContiguousLength);
            Assert.All(Enumerable.Range(0, (int)writer.Log.Head.Length), i => Assert.Equal(writer.Get((ulong)i), opened.Get((ulong)i)));
        }
    }

    [Fact]
    public void A_batch_of_proofs_is_one_commit_with_one_write_of_neighbours()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append(Blocks(RandomSource.Seeded(1), 64));
        using var device = new FaultyDevice();
        using FeedHarness reader = FeedHarness.Reader(device, writer.Log.Key);

        ProofRequest first = reader.RequestFor(0, 64);
        List<ProofAnswer> answers = writer.Prove(
            [first, .. Enumerable.Range(1, 63).Select(i => new ProofRequest { Block = new BlockRequest((ulong)i, Levels(i)) })]);
        int changes = device.Changes;
        reader.Apply([.. answers.Select(a => a.Proof!)]);
        var committed = Assert.Single(reader.Events.OfType<FeedLogEvent.Committed>());
        Assert.Equal([new BlockRange(0, 64)], committed.Added);
        Assert.True(committed.HasNewManifest);

        // Data, oplog; then, for the manifest, bitfield, tree, header and the cut of the oplog.
        Assert.Equal(6, device.Changes - changes);
        Assert.Equal(writer.Log.Head.Hash, reader.Log.Head.Hash);

        // What a reader lacks that took block 0 and then each next one.
        static ulong Levels(int block) => (block & 1) == 1 ? 0 : (ulong)System.Numerics.BitOperations.TrailingZeroCount(block);
    }

    [Fact]
    public void Proofs_through_the_old_kind_of_feed_need_no_manifest()
    {
        using KeyPair pair = FeedHarness.Pair();
        var key = new FeedKey(pair.PublicKey.AsSpan());
        using var writer = new FeedHarness(new MemoryDevice(), new FeedIdentity { Key = key, KeyPair = pair });
        writer.Append([1], [2]);
        using FeedHarness reader = FeedHarness.Reader(new MemoryDevice(), key);
        ProofRequest request = reader.RequestFor(1, 2) with { Manifest = false };
        Assert.Equal(ApplyStatus.Applied, reader.Apply(writer.Prove(request)[0].Proof!).Single().Status);
        Assert.Equal([2], reader.Get(1)!);
        Assert.True(reader.Log.Manifest!.IsCompat(key));
    }

    [Fact]
    public void False_proofs_change_nothing_and_say_why()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append(Blocks(RandomSource.Seeded(2), 20));
        using FeedHarness stranger = FeedHarness.Writer(new MemoryDevice(), seed: 2);
        stranger.Append(Blocks(RandomSource.Seeded(3), 20));
        using FeedHarness reader = FeedHarness.Reader(new MemoryDevice(), writer.Log.Key);

        Proof foreign = stranger.Prove(reader.RequestFor(3, 20))[0].Proof!;
        Assert.Equal(new ApplyOutcome(ApplyStatus.Invalid, ProofError.BadManifest), reader.Apply(foreign)[0]);
        Assert.Equal(new ApplyOutcome(ApplyStatus.Invalid, ProofError.BadSignature), reader.Apply(foreign with { Manifest = writer.Log.Manifest })[0]);
        Assert.Equal(0ul, reader.Log.Head.Length);

        Copy(writer, reader, 3);
        Proof good = writer.Prove(reader.RequestFor(9, 20))[0].Proof!;
        Proof bad = good with { Block = good.Block!.Value with { Value = new byte[5] } };
        Assert.Equal(new ApplyOutcome(ApplyStatus.Invalid, ProofError.BadChecksum), reader.Apply(bad)[0]);
        Assert.Null(reader.Get(9));
        Assert.Equal(ApplyStatus.WrongFork, reader.Apply(good with { Fork = 3 })[0].Status);
        Assert.Equal(ApplyStatus.Applied, reader.Apply(bad, good)[1].Status);
        Assert.Equal(writer.Get(9), reader.Get(9));
    }

    [Fact]
    public void A_block_that_comes_with_an_upgrade_that_is_outdated_is_not_taken_and_reported_so()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append(Blocks(RandomSource.Seeded(4), 20));
        using FeedHarness reader = FeedHarness.Reader(new MemoryDevice(), writer.Log.Key);
        Proof first = writer.Prove(reader.RequestFor(3, 20))[0].Proof!;
        Proof second = writer.Prove(reader.RequestFor(9, 20))[0].Proof!;

        Assert.Equal([ApplyStatus.Applied, ApplyStatus.Stale], reader.Apply(first, second).Select(o => o.Status));
        Assert.Equal(ApplyStatus.Applied, reader.Apply(first)[0].Status);
        Assert.Null(reader.Get(9));
        Assert.Equal(ApplyStatus.Applied, Copy(writer, reader, 9)[0].Status);
    }

    [Fact]
    public void A_reader_follows_its_writer_to_a_new_fork_and_keeps_what_both_have()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            RandomSource random = RandomSource.Seeded(seed);
            using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
            writer.Append(Blocks(random, 1 + random.NextInt32(80)));
            var device = new MemoryDevice();
            using FeedHarness reader = FeedHarness.Reader(device, writer.Log.Key);
            for (ulong i = 0; i < writer.Log.Head.Length; i++)
            {
                Copy(writer, reader, i);
            }

            int stay = random.NextInt32((int)writer.Log.Head.Length);
            writer.Truncate((ulong)stay);
            int more = random.NextInt32(3) == 0 ? 0 : 1 + random.NextInt32(50);
            if (more > 0)
            {
                writer.Append(Blocks(random, more));
            }

            if (writer.Log.Head.Length == 0)
            {
                continue;
            }

            ProofRequest whole = new() { Fork = 1, Upgrade = new UpgradeRequest(0, writer.Log.Head.Length) };
            Assert.Equal(ApplyStatus.Reorganized, reader.Apply(writer.Prove(whole)[0].Proof!)[0].Status);
            Assert.Equal(writer.Log.Head.Hash, reader.Log.Head.Hash);
            Assert.Equal(1ul, reader.Log.Head.Fork);
            using (FeedHarness opened = FeedHarness.Reader(device.Clone(), writer.Log.Key))
            {
                Assert.Equal(reader.Log.ContiguousLength, opened.Log.ContiguousLength);
            }

            for (ulong i = 0; i < writer.Log.Head.Length; i++)
            {
                Assert.True(reader.Get(i) is not { } kept || kept.AsSpan().SequenceEqual(writer.Get(i)), $"seed {seed}, block {i}");
                Copy(writer, reader, i);
                Assert.Equal(writer.Get(i), reader.Get(i));
            }
        }
    }

    [Fact]
    public void A_feed_moves_to_a_fork_that_was_compared_for_it_and_keeps_every_common_block()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append(Blocks(RandomSource.Seeded(4), 13));
        var device = new MemoryDevice();
        using FeedHarness reader = FeedHarness.Reader(device, writer.Log.Key);
        for (ulong i = 0; i < 13; i++)
        {
            Copy(writer, reader, i);
        }

        writer.Truncate(11);
        writer.Append([1], [2]);
        ulong[] indices = [.. FlatTree.FullRoots(13), 20, 22, 21];
        TreeNode[] nodes = [.. writer.Ask<FeedLogEvent.NodesRead>(id => writer.Log.ReadNodes(id, indices)).Nodes.Select(n => n!.Value)];
        Assert.Equal(indices, nodes.Select(n => n.Index));
        reader.Ask<FeedLogEvent.Reorganized>(
            id => reader.Log.Reorganize(id, writer.Log.Head, 11, nodes, writer.Log.Signature, null));
        Assert.Equal(writer.Log.Head.Hash, reader.Log.Head.Hash);
        Assert.Equal(11ul, reader.Log.ContiguousLength);
        Assert.Equal(11ul, reader.Events.OfType<FeedLogEvent.Committed>().Last().TruncatedTo);
        using FeedHarness opened = FeedHarness.Reader(device.Clone(), writer.Log.Key);
        Assert.Equal((1ul, 13ul, 11ul), (opened.Log.Head.Fork, opened.Log.Head.Length, opened.Log.ContiguousLength));
        for (ulong i = 0; i < 13; i++)
        {
            Copy(writer, opened, i);
            Assert.Equal(writer.Get(i), opened.Get(i));
        }
    }

    [Fact]
    public void A_fork_that_is_not_newer_or_has_more_in_common_than_there_is_is_refused()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append([1], [2]);
        var head = new TreeHead(1, writer.Log.Head.Roots);
        foreach ((TreeHead to, ulong ancestors) in ((TreeHead, ulong)[])[(writer.Log.Head, 2), (head, 3)])
        {
            var refused = writer.Ask<FeedLogEvent.Refused>(id => writer.Log.Reorganize(id, to, ancestors, [], default, null));
            Assert.Equal(Refusal.OutOfBounds, refused.Reason);
        }

        Assert.Equal(2ul, writer.Log.ContiguousLength);
    }

    [Fact]
    public void Nodes_that_are_not_held_are_read_as_none()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append([1], [2], [3]);
        IReadOnlyList<TreeNode?> nodes = writer.Ask<FeedLogEvent.NodesRead>(id => writer.Log.ReadNodes(id, [1, 3, 4, 6, ulong.MaxValue])).Nodes;
        Assert.Equal([true, false, true, false, false], nodes.Select(n => n is not null));
        Assert.Equal(writer.Log.Head.Roots[0], nodes[0]!.Value);
    }

    [Fact]
    public void A_proof_that_ends_at_a_node_we_lack_is_not_called_false()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice());
        writer.Append(Blocks(RandomSource.Seeded(5), 8));
        using FeedHarness reader = FeedHarness.Reader(new MemoryDevice(), writer.Log.Key);
        reader.Apply(writer.Prove(new ProofRequest { Upgrade = new UpgradeRequest(0, 8), Manifest = true })[0].Proof!);
        Proof proof = writer.Prove(new ProofRequest { Block = new BlockRequest(2, 0) })[0].Proof!;
        Assert.Equal(ApplyStatus.Unverifiable, reader.Apply(proof)[0].Status);
        Assert.Null(reader.Get(2));
    }

    [Fact]
    public void Two_feeds_under_one_key_are_a_conflict()
    {
        using FeedHarness one = FeedHarness.Writer(new MemoryDevice());
        using FeedHarness other = FeedHarness.Writer(new MemoryDevice());
        one.Append([1], [2], [3], [4], [5]);
        other.Append([1], [2], [3], [9]);
        Proof prefix = other.Prove(new ProofRequest { Upgrade = new UpgradeRequest(0, 4) })[0].Proof!;
        Assert.Equal(ApplyStatus.Conflict, one.Apply(prefix)[0].Status);
        Proof shorter = other.Prove(new ProofRequest { Upgrade = new UpgradeRequest(0, 3) })[0].Proof!;
        Assert.Equal(ApplyStatus.Applied, one.Apply(shorter)[0].Status);
        Assert.Equal(5ul, one.Log.Head.Length);
    }

    [Fact]
    public void What_is_not_held_or_makes_no_sense_is_not_proven()
    {
        using FeedHarness writer = FeedHarness.Writer(new MemoryDevice(), new FeedOptions { MaxReadBytes = 10 });
        writer.Append(new byte[6], new byte[6], new byte[6]);
        List<ProofAnswer> answers = writer.Prove(
            new ProofRequest { Block = new BlockRequest(0, 0) },
            new ProofRequest { Block = new BlockRequest(1, 0) },
            new ProofRequest { Block = new BlockRequest(7, 0) },
            new ProofRequest { Fork = 1, Block = new BlockRequest(0, 0) },
            new ProofRequest { Upgrade = new UpgradeRequest(3, 9) });
        Assert.Equal(
            [ProofStatus.Done, ProofStatus.Later, ProofStatus.Unavailable, ProofStatus.Unavailable, ProofStatus.Invalid],
            answers.Select(a => a.Status));
    }

    private static IReadOnlyList<ApplyOutcome> Copy(FeedHarness writer, FeedHarness reader, ulong block) =>
        reader.Apply(writer.Prove(reader.RequestFor(block, writer.Log.Head.Length))[0].Proof!);

    private static byte[][] Blocks(RandomSource random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        var block = new byte[random.NextInt32(40)];
        random.Fill(block);
        return block;
    })];
}
