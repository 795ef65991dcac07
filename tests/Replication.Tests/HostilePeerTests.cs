using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

/// <summary>Peers that lie, flood, contradict themselves or never answer.</summary>
public sealed class HostilePeerTests
{
    private const int Length = 64;

    private static readonly MemoryFeed Source = MemoryFeed.Writer().AppendMany(Length);

    [Fact]
    public void No_messages_in_any_order_make_it_throw() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            Side side = random.NextInt32(2) == 0 ? new Side(Source.Copy()) : Reader();
            side.Replicator.SetDownloading(true, default);
            side.Replicator.Download(1, 0, null, default);
            for (ulong id = 2; id < 4; id++)
            {
                side.Open(id);
            }

            for (int i = 0; i < 200; i++)
            {
                ulong id = 2 + random.NextUInt64(2);
                ReplicationMessage message = MessageLaws.Any(random);
                if (message is SyncMessage sync && random.NextInt32(2) == 0)
                {
                    message = sync with
                    {
                        Fork = random.NextUInt64(3),
                        Length = random.NextUInt64(100),
                        RemoteLength = side.Replicator.State.Length,
                    };
                }

                side.Receive(id, message);
                if (random.NextInt32(10) == 0)
                {
                    side.Advance(TimeSpan.FromMilliseconds(random.NextInt32(2000)));
                }
            }

            // Nothing false has come in.
            Assert.All(side.Feed.Blocks, block => Assert.Equal(Source.Blocks[block.Key], block.Value));
            return side.Feed.Head.Fork == 0 && side.Feed.Head.Length is 0 or Length;
        },
        400);

    [Fact]
    public void An_honest_peer_is_served_whatever_another_one_says() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            Side reader = Reader();
            reader.Open(1);
            reader.Open(2);
            reader.Replicator.Download(1, 0, Length, default);
            var honest = new Side(Source.Copy());
            honest.Replicator.SetDownloading(true, default);
            honest.Open(1);
            for (int i = 0; i < 400 && reader.Finished.Count == 0; i++)
            {
                reader.Receive(2, MessageLaws.Any(random), Claim(random, reader));
                reader.Receive(1, [.. honest.TakeSent()]);
                honest.Receive(1, [.. reader.TakeSent()]);
                reader.Advance(TimeSpan.FromMilliseconds(100));
            }

            Assert.Equal([1UL], reader.Finished);
            Assert.DoesNotContain(Side.Peer(), reader.Failed.Keys);
            return reader.Feed.Blocks.Count == Length;
        },
        100);

    [Fact]
    public void Data_that_nobody_asked_for_is_dropped_and_in_the_end_costs_the_connection()
    {
        Side reader = Synced();
        DataMessage data = Serve(new RequestMessage(77, new ProofRequest { Block = new BlockRequest(3, 6) }));
        for (int i = 0; i < 63; i++)
        {
            reader.Receive(data);
        }

        Assert.Empty(reader.Failed);
        reader.Receive(data);
        Assert.Equal(ReplicationError.UnsolicitedData, reader.Failed[Side.Peer()]);
        Assert.Empty(reader.Feed.Blocks);
    }

    [Fact]
    public void An_answer_to_something_else_than_was_asked_is_not_taken()
    {
        Side reader = Synced();
        RequestMessage request = Get(reader, 5);
        DataMessage other = Serve(new RequestMessage(request.Id, new ProofRequest { Block = new BlockRequest(9, 6) }));
        reader.Receive(other);

        Assert.Empty(reader.Feed.Blocks);
        Assert.Equal(5u, Assert.Single(reader.TakeSent<RequestMessage>()).Request.Block!.Value.Index);
    }

    [Fact]
    public void More_requests_than_may_wait_cost_the_connection()
    {
        var writer = new Side(Source.Copy(), new ReplicationOptions { MaxQueuedRequests = 100, MaxUnsentBytes = 1 }) { FeedAnswers = false };
        writer.Replicator.SetDownloading(true, default);
        writer.Open();
        writer.Receive([.. Enumerable.Range(1, 102).Select(i => Ask((ulong)i, 1))]);

        Assert.Equal(ReplicationError.TooManyRequests, writer.Failed[Side.Peer()]);
    }

    [Fact]
    public void Requests_that_are_taken_back_and_made_again_do_not_grow_the_queue()
    {
        var queue = new ServeQueue();
        for (ulong i = 0; i < 100_000; i++)
        {
            queue.Add(new InRequest(i % 7, i, new ProofRequest(), isUrgent: i % 2 == 0));
            if (i % 3 == 0)
            {
                queue.Cancel(i % 7);
            }

            Assert.InRange(queue.Waiting, 0, 7);
        }

        int taken = 0;
        while (queue.TryTake(out _))
        {
            taken++;
        }

        Assert.InRange(taken, 1, 7);
    }

    [Fact]
    public void The_64th_impossible_request_costs_the_connection()
    {
        var writer = new Side(Source.Copy());
        writer.Replicator.SetDownloading(true, default);
        writer.Open();
        for (ulong i = 1; i <= 63; i++)
        {
            writer.Receive(new RequestMessage(i, new ProofRequest { Upgrade = new UpgradeRequest(0, 1000) }));
        }

        Assert.Empty(writer.Failed);
        writer.Receive(new RequestMessage(64, new ProofRequest { Upgrade = new UpgradeRequest(0, 1000) }));
        Assert.Equal(ReplicationError.TooManyInvalidRequests, writer.Failed[Side.Peer()]);
    }

    [Fact]
    public void A_false_block_costs_the_connection_when_no_second_history_explains_it()
    {
        Side reader = Synced();
        RequestMessage request = Get(reader, 5);
        reader.Receive(Falsify(Serve(request)));
        RequestMessage check = Assert.Single(reader.TakeSent<RequestMessage>());
        Assert.Equal((0UL, new UpgradeRequest(0, Length)), (check.Id, check.Request.Upgrade!.Value));
        Assert.Empty(reader.Failed);
        reader.Receive(Serve(check));

        Assert.Equal(ReplicationError.InvalidProof, reader.Failed[Side.Peer()]);
        Assert.Empty(reader.Feed.Blocks);
        Assert.False(reader.Replicator.IsFrozen);
    }

    [Fact]
    public void A_peer_that_owes_evidence_is_given_up_after_a_while()
    {
        Side reader = Synced();
        reader.Receive(Falsify(Serve(Get(reader, 5))));
        Assert.Equal(TimeSpan.FromSeconds(10), reader.Replicator.Deadline);
        reader.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(ReplicationError.InvalidProof, reader.Failed[Side.Peer()]);
    }

    [Fact]
    public void A_block_that_one_peer_falsified_comes_from_another()
    {
        Side reader = Synced();
        reader.Open(2);
        reader.Receive(2, Sync(Length, Length), new RangeMessage(0, Length));
        reader.TakeSent(2);
        reader.Receive(Falsify(Serve(Get(reader, 5))));
        reader.Receive(2, Serve(Assert.Single(reader.TakeSent<RequestMessage>(2))));

        Assert.Equal(Source.Blocks[5], reader.Feed.Blocks[5]);
    }

    [Fact]
    public void A_proof_with_nodes_out_of_order_costs_the_connection_at_once()
    {
        Side reader = Synced();
        DataMessage data = Serve(Get(reader, 5));
        TreeNode[] nodes = [.. data.Proof.Block!.Value.Nodes.Reverse()];
        reader.Receive(new DataMessage(data.Request, data.Proof with { Block = data.Proof.Block.Value with { Nodes = nodes } }));

        Assert.Equal(ReplicationError.InvalidProof, reader.Failed[Side.Peer()]);
    }

    [Fact]
    public void Two_signed_histories_freeze_the_feed_and_everyone_is_shown_ours()
    {
        MemoryFeed backup = Source.Copy();
        MemoryFeed ours = Source.Copy().Append("one history");
        backup.Append("another history", "and more");
        var reader = new Side(Follow(ours));
        reader.Replicator.SetDownloading(true, default);
        reader.Open(1);
        reader.Open(2);
        reader.Receive(2, Sync(Length, Length + 1));
        reader.TakeSent(2);
        reader.Receive(Sync(Length + 2, Length + 1, canUpgrade: true));
        RequestMessage upgrade = Assert.Single(reader.TakeSent<RequestMessage>());
        reader.Receive(Serve(upgrade, backup));
        RequestMessage check = Assert.Single(reader.TakeSent<RequestMessage>());
        reader.Receive(Serve(check, backup));

        Assert.True(reader.Replicator.IsFrozen);
        var found = Assert.Single(reader.Events.OfType<ReplicatorEvent.ConflictFound>());
        Assert.Equal(Side.Peer(), found.Peer);
        DataMessage shown = Assert.Single(reader.TakeSent<DataMessage>(2));
        Assert.Equal((0UL, new UpgradeProof(0, Length, [], [], default).Length), (shown.Request, shown.Proof.Upgrade!.Value.Length));
        Assert.Equal([Side.Peer(1), Side.Peer(2)], reader.Closed.OrderBy(peer => peer.Value).ToArray());
        Assert.Empty(reader.Failed);

        // Whoever is shown it, and has the other history, comes to the same conclusion.
        var other = new Side(backup.Copy());
        other.Replicator.SetDownloading(true, default);
        other.Open();
        other.Receive(Serve(new RequestMessage(0, new ProofRequest { Upgrade = new UpgradeRequest(0, Length + 1) }), ours));
        Assert.True(other.Replicator.IsFrozen);
    }

    [Fact]
    public void A_feed_that_was_frozen_in_an_earlier_life_answers_who_asks_and_asks_for_nothing()
    {
        MemoryFeed backup = Source.Copy();
        MemoryFeed ours = Source.Copy().Append("one history");
        backup.Append("another history", "and more");
        var frozen = new Side(ours, isFrozen: true);
        frozen.Replicator.SetDownloading(true, default);
        frozen.Replicator.Attach(Side.Peer(), default);
        frozen.Drain();
        Assert.Empty(frozen.Events);

        frozen.Replicator.HandleOpened(Side.Peer(), Side.Handshake, default);
        frozen.Drain();
        SyncMessage sync = Assert.Single(frozen.TakeSent<SyncMessage>());
        Assert.Equal<(ulong, ulong, bool)>((0UL, Length + 1, false), (sync.Fork, sync.Length, sync.IsDownloading));

        // It is longer, and of a later fork, and has what we lack: still it is asked for nothing.
        frozen.Receive(Sync(Length + 2, Length + 1, canUpgrade: true), new RangeMessage(0, Length + 2, false));
        Assert.Empty(frozen.TakeSent<RequestMessage>());
        frozen.Replicator.Update(9, default);
        frozen.Drain();
        Assert.Equal([9UL], frozen.Finished);

        // A block is served, and so is the proof by which the peer finds out itself.
        frozen.Receive(new RequestMessage(1, new ProofRequest { Block = new BlockRequest(2, 0) }));
        DataMessage block = Assert.Single(frozen.TakeSent<DataMessage>());
        Assert.Equal(1UL, block.Request);
        Assert.Equal(ours.Blocks[2], block.Proof.Block!.Value.Value.ToArray());
        frozen.Receive(new RequestMessage(0, new ProofRequest { Upgrade = new UpgradeRequest(0, Length + 1) }));
        DataMessage evidence = Assert.Single(frozen.TakeSent<DataMessage>());
        var other = new Side(backup);
        other.Replicator.SetDownloading(true, default);
        other.Open();
        other.Receive(evidence);
        Assert.True(other.Replicator.IsFrozen);

        // Whoever wants nothing either is let go.
        Assert.Empty(frozen.Closed);
        frozen.Receive(Sync(Length + 2, Length + 1) with { IsDownloading = false });
        Assert.Equal([Side.Peer()], frozen.Closed);
        Assert.Empty(frozen.Failed);
    }

    [Fact]
    public void Evidence_that_proves_nothing_is_counted_and_no_conflict()
    {
        Side reader = Synced();
        DataMessage same = Serve(new RequestMessage(0, new ProofRequest { Upgrade = new UpgradeRequest(0, Length) }));
        var signature = new byte[68];
        DataMessage unsigned = new(0, same.Proof with { Upgrade = same.Proof.Upgrade!.Value with { Signature = signature } });
        for (int i = 0; i < 32; i++)
        {
            reader.Receive(same);
            reader.Receive(unsigned);
        }

        Assert.False(reader.Replicator.IsFrozen);
        Assert.Equal(ReplicationError.UnsolicitedData, reader.Failed[Side.Peer()]);
    }

    [Fact]
    public void A_peer_that_claims_a_long_feed_and_never_proves_it_does_not_keep_us_from_the_real_one()
    {
        Side reader = Reader();
        reader.Open(1);
        reader.Open(2);
        reader.Receive(1, Sync(1UL << 50, Length, canUpgrade: true));
        Assert.Single(reader.TakeSent<RequestMessage>(1));
        MemoryFeed longer = Source.Copy().Append("more");
        reader.Receive(2, Sync(Length + 1, Length, canUpgrade: true));
        Assert.Empty(reader.TakeSent<RequestMessage>(2));
        reader.Advance(TimeSpan.FromSeconds(1));
        reader.Receive(2, Serve(Assert.Single(reader.TakeSent<RequestMessage>(2)), longer));

        Assert.Equal(Length + 1u, reader.Feed.Head.Length);
    }

    [Fact]
    public void An_upgrade_of_another_length_than_was_asked_for_costs_the_connection()
    {
        Side reader = Reader().Open();
        MemoryFeed longer = Source.Copy().Append("a", "b", "c");
        reader.Receive(Sync(Length + 3, Length, canUpgrade: true));
        RequestMessage request = Assert.Single(reader.TakeSent<RequestMessage>());
        Proof other = longer.Serve(new ServeRequest(0, new ProofRequest { Upgrade = new UpgradeRequest(7, 30) })).Proof!;
        reader.FeedAnswers = false;
        reader.Receive(new DataMessage(request.Id, other));
        var apply = Assert.Single(reader.Events.OfType<ReplicatorEvent.Apply>());
        reader.Replicator.HandleApplied(apply.Id, [ApplyVerdict.Stale], reader.Feed.State, default);
        reader.Drain();

        Assert.Equal(ReplicationError.InvalidProof, reader.Failed[Side.Peer()]);
    }

    [Fact]
    public void A_peer_that_claims_a_late_fork_and_never_proves_it_does_not_keep_us_from_the_real_one()
    {
        Side reader = Reader();
        reader.Open(1);
        reader.Open(2);
        reader.Receive(1, Sync(Length, fork: 1UL << 50));
        MemoryFeed cut = Source.Copy();
        cut.Truncate(10);
        reader.Receive(2, Sync(10, fork: 1), new RangeMessage(0, 10));
        reader.Receive(2, Serve(Assert.Single(reader.TakeSent<RequestMessage>(2)), cut));

        // With no block of ours in common, every comparison ends at our own missing nodes: the search goes on by paths.
        while (reader.TakeSent<RequestMessage>(2) is [var request, ..])
        {
            reader.Receive(2, Serve(request, cut));
        }

        Assert.Equal((1UL, 10UL), (reader.Feed.Head.Fork, reader.Feed.Head.Length));
    }

    [Fact]
    public void A_fork_with_a_false_signature_costs_the_connection_and_changes_nothing()
    {
        Side reader = Reader();
        reader.Open();
        reader.Receive(Sync(10, fork: 1));
        MemoryFeed cut = Source.Copy();
        cut.Truncate(10);
        DataMessage data = Serve(reader.TakeSent<RequestMessage>()[^1], cut);
        UpgradeProof upgrade = data.Proof.Upgrade!.Value;
        byte[] signature = upgrade.Signature.ToArray();
        signature[10] ^= 1;
        reader.Receive(new DataMessage(data.Request, data.Proof with { Upgrade = upgrade with { Signature = signature } }));

        Assert.Equal(ReplicationError.InvalidProof, reader.Failed[Side.Peer()]);
        Assert.Equal((0UL, (ulong)Length), (reader.Feed.Head.Fork, reader.Feed.Head.Length));
    }

    [Fact]
    public void A_peer_that_changes_its_fork_all_the_time_holds_one_search()
    {
        Side reader = Reader();
        reader.Open();
        for (ulong fork = 1; fork < 1000; fork++)
        {
            reader.Receive(Sync(10, fork: fork));
        }

        Assert.InRange(reader.TakeSent<RequestMessage>().Count, 1, 999);
        Assert.Equal(1, reader.Replicator.ForkSearches);
    }

    [Fact]
    public void Claims_of_blocks_without_end_take_no_memory_without_end()
    {
        Side reader = Synced();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (ulong i = 0; i < 5000; i++)
        {
            reader.Receive(new RangeMessage(1 + (i << 35), 1UL << 52), new RangeMessage((i << 30) + 7, 3));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 40 << 20);
        Assert.Empty(reader.Failed);
    }

    [Fact]
    public void More_wants_than_can_be_answered_cost_the_connection()
    {
        MemoryFeed feed = Source.Copy();
        feed.Clear(3);
        var writer = new Side(feed, new ReplicationOptions { MaxUnsentBytes = 1, MaxWants = 16 });
        writer.Replicator.SetDownloading(true, default);
        writer.Replicator.Attach(Side.Peer(), default);
        writer.Replicator.HandleOpened(Side.Peer(), Side.Handshake, default);
        while (writer.Replicator.TryPollTransmit(out _))
        {
        }

        writer.Receive([.. Enumerable.Range(0, 17).Select(i => new WantMessage((ulong)i * 32, 32))]);

        Assert.Equal(ReplicationError.TooManyWants, writer.Failed[Side.Peer()]);
    }

    [Fact]
    public void A_peer_that_does_not_read_is_given_up()
    {
        MemoryFeed feed = Source.Copy();
        var replicator = new Replicator(
            feed.Key, feed.State, feed.Have(), new ReplicationOptions { MaxBacklogBytes = 10_000 }, RandomSource.Seeded(1));
        replicator.SetDownloading(true, default);
        replicator.Attach(Side.Peer(), default);
        replicator.HandleOpened(Side.Peer(), Side.Handshake, default);
        var errors = new List<ReplicationError>();
        for (ulong i = 0; i < 1000 && errors.Count == 0; i++)
        {
            // It asks for what is not there, which is refused at once, and takes nothing.
            replicator.HandleMessages(Side.Peer(), [Ask(i + 1, 5000)], null, default);
            while (replicator.TryPollEvent(out ReplicatorEvent? e))
            {
                if (e is ReplicatorEvent.PeerFailed failed)
                {
                    errors.Add(failed.Error);
                }
            }

            while (replicator.TryPollTransmit(out _))
            {
            }
        }

        Assert.Equal([ReplicationError.TooSlow], errors);
    }

    private static Side Reader()
    {
        var side = new Side(Follow(Source));
        side.Replicator.SetDownloading(true, default);
        return side;
    }

    /// <summary>A reader that is open to a peer with all blocks.</summary>
    private static Side Synced()
    {
        Side reader = Reader().Open();
        reader.Receive(Sync(Length, Length), new RangeMessage(0, Length));
        reader.TakeSent();
        return reader;
    }

    /// <summary>A reader's feed that knows the whole length of another and has none of its blocks.</summary>
    private static MemoryFeed Follow(MemoryFeed source)
    {
        MemoryFeed feed = MemoryFeed.Reader(source.Key);
        Proof proof = source.Serve(new ServeRequest(0, new ProofRequest { Upgrade = new UpgradeRequest(0, source.Head.Length) })).Proof!;
        Assert.Equal(ProofError.None, ProofVerifier.Climb(proof with { Manifest = source.Manifest }, out ClimbedProof? climbed));
        Assert.Equal(ApplyVerdict.Applied, feed.Apply(climbed!));
        return feed;
    }

    private static RequestMessage Get(Side reader, ulong index)
    {
        reader.Replicator.Get(100 + index, index, reader.Now);
        return Assert.Single(reader.Drain().TakeSent<RequestMessage>());
    }

    private static DataMessage Serve(RequestMessage request, MemoryFeed? source = null) =>
        new(request.Id, (source ?? Source).Serve(new ServeRequest(0, request.Request)).Proof!);

    private static DataMessage Falsify(DataMessage data) =>
        new(data.Request, data.Proof with { Block = data.Proof.Block!.Value with { Value = "false"u8.ToArray() } });

    private static RequestMessage Ask(ulong id, ulong index) => new(id, new ProofRequest { Block = new BlockRequest(index, 0) });

    private static ReplicationMessage Claim(RandomSource random, Side reader) => random.NextInt32(3) switch
    {
        0 => new RangeMessage(0, random.NextUInt64(100)),
        1 => Sync(random.NextUInt64(200), reader.Replicator.State.Length, true, random.NextUInt64(2)),
        _ => new NoDataMessage(random.NextUInt64(20), NoDataReason.NotAvailable),
    };

    private static SyncMessage Sync(ulong length, ulong remoteLength = 0, bool canUpgrade = false, ulong fork = 0) => new()
    {
        Fork = fork,
        Length = length,
        RemoteLength = remoteLength,
        CanUpgrade = canUpgrade,
        IsUploading = true,
        IsDownloading = true,
    };
}
