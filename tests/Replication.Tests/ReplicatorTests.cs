using HyperActors.Merkle;

namespace HyperActors.Replication.Tests;

/// <summary>The rules of docs/replication.md, one by one: messages in, exact messages out.</summary>
public sealed class ReplicatorTests
{
    private static readonly MemoryFeed Hundred = MemoryFeed.Writer().AppendMany(100);

    [Fact]
    public void A_longer_peer_answers_every_sync_of_a_shorter_one_with_its_length_acknowledged()
    {
        Side writer = Writer();
        writer.TakeSent();
        for (int i = 0; i < 3; i++)
        {
            writer.Receive(Sync(length: 40));
            SyncMessage answer = Assert.IsType<SyncMessage>(Assert.Single(writer.TakeSent()));
            Assert.Equal(40u, answer.RemoteLength);
            Assert.True(answer.CanUpgrade);
        }
    }

    [Fact]
    public void Peers_of_the_same_length_stay_silent()
    {
        Side writer = Writer();
        writer.TakeSent();
        writer.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));

        Assert.Empty(writer.TakeSent());
    }

    [Fact]
    public void An_upgrade_is_asked_for_only_when_the_peer_knows_our_length_and_says_that_it_can()
    {
        Side reader = Reader(length: 100);
        reader.TakeSent();
        reader.Receive(Sync(length: 200, remoteLength: 0, canUpgrade: true));
        reader.Receive(Sync(length: 200, remoteLength: 100, canUpgrade: false));
        Assert.Empty(reader.TakeSent<RequestMessage>());
        reader.Receive(Sync(length: 200, remoteLength: 100, canUpgrade: true));

        RequestMessage request = Assert.Single(reader.TakeSent<RequestMessage>());
        Assert.Equal(new UpgradeRequest(100, 100), request.Request.Upgrade);
    }

    [Fact]
    public void A_manifest_is_asked_for_even_of_a_peer_without_blocks()
    {
        var reader = new Side(MemoryFeed.Reader(Hundred.Key));
        reader.Replicator.SetDownloading(true, default);
        reader.Open().TakeSent();
        reader.Receive(Sync(length: 0, hasManifest: true));

        RequestMessage request = Assert.Single(reader.TakeSent<RequestMessage>());
        Assert.True(request.Request is { Manifest: true, Upgrade: null, Block: null });
        reader.Receive(new DataMessage(request.Id, new Proof { Manifest = Hundred.Manifest }));
        Assert.NotNull(reader.Feed.Manifest);
        Assert.NotNull(reader.Replicator.State.Manifest);
    }

    [Fact]
    public void The_manifest_is_sent_to_whoever_asks_even_when_the_rest_is_not_there()
    {
        Side writer = Writer();
        writer.TakeSent();
        writer.Receive(Request(1, new ProofRequest { Manifest = true }));
        writer.Receive(Request(2, new ProofRequest { Fork = 7, Block = new BlockRequest(0, 0), Manifest = true }));

        DataMessage[] sent = [.. writer.TakeSent<DataMessage>()];
        Assert.Equal(2, sent.Length);
        Assert.All(sent, data => Assert.Equal(Hundred.Manifest, data.Proof.Manifest));
    }

    [Fact]
    public void A_feed_of_the_old_kind_says_that_it_has_no_manifest_and_sends_none()
    {
        MemoryFeed feed = MemoryFeed.Writer(isCompat: true).AppendMany(3);
        var writer = new Side(feed);
        writer.Replicator.SetDownloading(true, default);
        writer.Open();
        Assert.False(writer.TakeSent<SyncMessage>()[0].HasManifest);
        writer.Receive(Request(1, new ProofRequest { Upgrade = new UpgradeRequest(0, 3), Manifest = true }));

        Assert.Null(Assert.Single(writer.TakeSent<DataMessage>()).Proof.Manifest);
    }

    [Fact]
    public void A_block_that_is_missing_is_refused_and_another_fork_is_refused_without_a_reason()
    {
        Side reader = Reader(length: 100);
        reader.TakeSent();
        reader.Receive(Request(1, new ProofRequest { Block = new BlockRequest(5, 0) }));
        reader.Receive(Request(2, new ProofRequest { Fork = 3, Block = new BlockRequest(5, 0) }));

        Assert.Equal([new NoDataMessage(1, NoDataReason.NotAvailable), new NoDataMessage(2, NoDataReason.None)], reader.TakeSent());
    }

    [Fact]
    public void Urgent_requests_are_served_first_the_last_come_before_the_others()
    {
        Side writer = Writer(new ReplicationOptions { MaxUnsentBytes = 1 });
        writer.FeedAnswers = false;
        writer.Receive(Block(1, 10));
        writer.Events.Clear();
        writer.Receive(Block(2, 20), Block(3, 30, 1), Block(4, 40), Block(5, 50, 1));
        Assert.Empty(writer.Events);
        writer.FeedAnswers = true;
        writer.TakeSent();
        writer.Replicator.HandleServed(Side.Peer(), [new ServeAnswer(1, ServeResult.NotAvailable, null)], null, writer.Now);
        writer.Drain();

        Assert.Equal([5UL, 3, 2, 4], writer.TakeSent<DataMessage>().Select(data => data.Request));
    }

    [Fact]
    public void Nothing_is_served_while_too_much_is_on_its_way()
    {
        var options = new ReplicationOptions { MaxUnsentBytes = 5000, MaxServeBatch = 4 };
        MemoryFeed feed = MemoryFeed.Writer().Append([.. Enumerable.Range(0, 50).Select(_ => new byte[1000])]);
        var replicator = new Replicator(feed.Key, feed.State, feed.Have(), options, Crypto.RandomSource.Seeded(1));
        replicator.Attach(Side.Peer(), default);
        replicator.HandleOpened(Side.Peer(), Side.Handshake, default);
        replicator.HandleMessages(Side.Peer(), [.. Enumerable.Range(0, 50).Select(i => Block((ulong)i + 1, (ulong)i))], null, default);
        var unsent = new Queue<long>();
        int served = 0;
        int mostAtOnce = 0;
        while (true)
        {
            long before = unsent.Sum();
            while (replicator.TryPollEvent(out ReplicatorEvent? e))
            {
                if (e is ReplicatorEvent.Serve serve)
                {
                    Assert.InRange(serve.Requests.Count, 1, 4);
                    served += serve.Requests.Count;
                    replicator.HandleServed(Side.Peer(), [.. serve.Requests.Select(feed.Serve)], null, default);
                }
            }

            while (replicator.TryPollTransmit(out Transmission transmission))
            {
                unsent.Enqueue(transmission.Size);
            }

            mostAtOnce = Math.Max(mostAtOnce, (int)unsent.Sum());
            if (!unsent.TryDequeue(out long sent))
            {
                break;
            }

            Assert.True(before <= 10_000);
            replicator.HandleSent(Side.Peer(), sent, default);
        }

        Assert.Equal(50, served);
        Assert.InRange(mostAtOnce, 4000, 12_000);
    }

    [Fact]
    public void A_cancelled_request_is_not_answered()
    {
        Side writer = Writer();
        writer.FeedAnswers = false;
        writer.Receive(Block(1, 10), Block(2, 20));
        writer.TakeSent();
        writer.Receive(new CancelMessage(1));
        var serve = (ReplicatorEvent.Serve)writer.Events.Last(e => e is ReplicatorEvent.Serve);
        writer.Replicator.HandleServed(Side.Peer(), [.. serve.Requests.Select(writer.Feed.Serve)], null, writer.Now);
        writer.Drain();

        Assert.Equal(2u, Assert.Single(writer.TakeSent<DataMessage>()).Request);
    }

    [Fact]
    public void A_request_with_the_id_of_another_replaces_it()
    {
        Side writer = Writer();
        writer.FeedAnswers = false;
        writer.Receive(Block(1, 10), Block(1, 20));
        writer.TakeSent();
        var serve = (ReplicatorEvent.Serve)writer.Events.Last(e => e is ReplicatorEvent.Serve);
        Assert.Single(serve.Requests);
        writer.Replicator.HandleServed(Side.Peer(), [.. serve.Requests.Select(writer.Feed.Serve)], null, writer.Now);
        writer.Drain();

        Assert.Equal(20u, Assert.Single(writer.TakeSent<DataMessage>()).Proof.Block!.Value.Index);
    }

    [Fact]
    public void An_impossible_request_is_refused_late()
    {
        Side writer = Writer();
        writer.TakeSent();
        writer.Receive(Request(1, new ProofRequest { Upgrade = new UpgradeRequest(50, 1000) }));
        Assert.Empty(writer.TakeSent());
        Assert.Equal(TimeSpan.FromMilliseconds(200), writer.Replicator.Deadline);
        writer.Advance(TimeSpan.FromMilliseconds(199));
        Assert.Empty(writer.TakeSent());
        writer.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal([new NoDataMessage(1, NoDataReason.InvalidRequest)], writer.TakeSent());
        Assert.Null(writer.Replicator.Deadline);
    }

    [Fact]
    public void A_want_of_a_full_feed_is_answered_with_its_range()
    {
        Side writer = Writer();
        writer.TakeSent();
        writer.Receive(new WantMessage(0, WantMessage.SegmentLength));

        Assert.Equal([new RangeMessage(0, 100)], writer.TakeSent());
    }

    [Fact]
    public void A_want_of_a_feed_with_gaps_is_answered_with_its_bits()
    {
        Side writer = Writer();
        writer.Replicator.HandleCleared(2, 2, default);
        writer.Drain().TakeSent();
        writer.Receive(new WantMessage(0, WantMessage.SegmentLength));
        BitfieldMessage bits = Assert.IsType<BitfieldMessage>(Assert.Single(writer.TakeSent()));
        Assert.Equal(0u, bits.Start);
        Assert.Equal("f3ffffffffffffffffffffff0f000000", Convert.ToHexStringLower(bits.Words.Span));
        writer.Receive(new WantMessage(64, 32));
        Assert.Equal("ffffffff", Convert.ToHexStringLower(Assert.IsType<BitfieldMessage>(Assert.Single(writer.TakeSent())).Words.Span));
        writer.Receive(new WantMessage(3, 20, Any: true));
        Assert.Equal([new RangeMessage(4, 1)], writer.TakeSent());
        writer.Receive(new WantMessage(0, 4 * WantMessage.SegmentLength));
        Assert.Empty(writer.TakeSent());
        writer.Receive(new WantMessage(4096, 32));

        Assert.Empty(writer.TakeSent());
    }

    [Fact]
    public void Blocks_of_a_feed_with_gaps_are_announced_near_its_end_and_where_they_are_wanted()
    {
        MemoryFeed source = MemoryFeed.Writer().AppendMany(1000);
        Side reader = Reader(source);
        reader.Open(2);
        reader.Receive(2, Sync(length: 1000, remoteLength: 1000));
        reader.Receive(Sync(length: 1000, remoteLength: 1000), new RangeMessage(0, 1000));
        Fetch(reader, source, 100);
        Assert.Empty(reader.TakeSent<RangeMessage>(2));
        Fetch(reader, source, 900);
        Assert.Equal([new RangeMessage(900, 1)], reader.TakeSent<RangeMessage>(2));
        reader.Receive(2, new WantMessage(0, 1024));
        reader.TakeSent(2);
        Fetch(reader, source, 101);
        Assert.Equal([new RangeMessage(101, 1)], reader.TakeSent<RangeMessage>(2));
        reader.Receive(2, new UnwantMessage(0, 1024));
        Fetch(reader, source, 102);

        Assert.Empty(reader.TakeSent<RangeMessage>(2));
    }

    [Fact]
    public void A_block_that_the_peer_is_not_known_to_have_is_wanted_once_and_asked_for_when_it_is()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100));
        reader.TakeSent();
        reader.Replicator.Get(1, 70, default);
        reader.Replicator.Get(2, 71, default);
        Assert.Equal([new WantMessage(0, WantMessage.SegmentLength)], reader.Drain().TakeSent());
        reader.Receive(new BitfieldMessage(64, new byte[] { 0xc0, 0, 0, 0 }));

        Assert.Equal([70UL, 71], reader.TakeSent<RequestMessage>().Select(r => r.Request.Block!.Value.Index).Order().ToArray());
    }

    [Fact]
    public void A_block_beyond_our_length_is_asked_for_together_with_the_upgrade()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 150, remoteLength: 0), new RangeMessage(0, 150));
        reader.TakeSent();
        reader.Replicator.Get(1, 120, default);
        Assert.Empty(reader.Drain().TakeSent<RequestMessage>());
        reader.Receive(Sync(length: 150, remoteLength: 100, canUpgrade: true));

        RequestMessage request = Assert.Single(reader.TakeSent<RequestMessage>());
        Assert.Equal(1u, request.Priority);
        Assert.Equal(new BlockRequest(120, 0), request.Request.Block);
        Assert.Equal(new UpgradeRequest(100, 50), request.Request.Upgrade);
    }

    [Fact]
    public void Who_follows_a_feed_gets_the_newest_block_with_the_proof_of_its_length()
    {
        Side reader = Reader(length: 100);
        reader.Replicator.Download(1, 100, null, default);
        reader.Receive(Sync(length: 103, remoteLength: 100, canUpgrade: true), new RangeMessage(0, 103));

        ProofRequest request = reader.TakeSent<RequestMessage>()[0].Request;
        Assert.Equal(new UpgradeRequest(100, 3), request.Upgrade);
        Assert.Equal(102u, request.Block!.Value.Index);
    }

    [Fact]
    public void A_run_of_blocks_is_asked_for_at_once_with_nodes_only_where_none_is_on_its_way()
    {
        Side reader = Reader(length: 100);
        reader.Replicator.Download(1, 0, 8, default);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));

        Assert.Equal(
            [(0UL, 6UL), (1, 0), (2, 1), (3, 0), (4, 2), (5, 0), (6, 1), (7, 0)],
            reader.TakeSent<RequestMessage>().Select(r => (r.Request.Block!.Value.Index, r.Request.Block.Value.Nodes)));
    }

    [Fact]
    public void An_answer_that_overtakes_the_one_it_rests_on_waits_for_it()
    {
        Side reader = Reader(length: 100);
        reader.Replicator.Download(1, 0, 4, default);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        DataMessage[] answers = Answers(reader);
        reader.Receive(answers[3], answers[2]);
        Assert.Empty(reader.Feed.Blocks);
        reader.Receive(answers[1]);
        Assert.Empty(reader.Feed.Blocks);
        reader.Receive(answers[0]);

        Assert.Equal(4, reader.Feed.Blocks.Count);
        Assert.Equal(0, reader.Feed.Unverifiable);
        Assert.Equal([1UL], reader.Finished);
    }

    [Fact]
    public void When_the_answer_that_others_rest_on_does_not_come_they_are_asked_for_again()
    {
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.Replicator.Download(1, 0, 4, default);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        DataMessage[] answers = Answers(reader);
        reader.Receive(answers[1], answers[3], answers[2]);
        Assert.Empty(reader.Feed.Blocks);
        reader.Receive(new NoDataMessage(answers[0].Request, NoDataReason.NotAvailable));
        answers = Answers(reader);
        Assert.Equal([1UL, 2, 3], answers.Select(a => a.Proof.Block!.Value.Index).Order().ToArray());
        reader.Receive(answers);

        Assert.Equal([1UL, 2, 3], reader.Feed.Blocks.Keys.ToArray());
    }

    [Fact]
    public void A_block_that_was_refused_is_not_asked_of_that_peer_again_until_it_announces_it()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Get(1, 5, default);
        RequestMessage request = Assert.Single(reader.Drain().TakeSent<RequestMessage>());
        reader.Receive(new NoDataMessage(request.Id, NoDataReason.NotAvailable));
        Assert.Empty(reader.TakeSent<RequestMessage>());
        reader.Receive(new RangeMessage(5, 1));

        Assert.Single(reader.TakeSent<RequestMessage>());
    }

    [Fact]
    public void After_32_refusals_nothing_more_is_asked_of_a_peer_until_it_has_another_fork()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Download(1, 0, 100, default);
        RequestMessage[] requests = [.. reader.Drain().TakeSent<RequestMessage>()];
        Assert.Equal(100, requests.Length);
        reader.Receive([.. requests.Take(32).Select(r => new NoDataMessage(r.Id, NoDataReason.NotAvailable))]);

        Assert.True(reader.Replicator.GetPeers()[0].IsPaused);
        reader.Receive(Sync(length: 10, fork: 1));
        Assert.False(reader.Replicator.GetPeers()[0].IsPaused);
    }

    [Fact]
    public void Refusals_are_forgiven_after_a_while()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Download(1, 0, 100, default);
        RequestMessage[] requests = [.. reader.Drain().TakeSent<RequestMessage>()];
        reader.Receive([.. requests.Select(r => new NoDataMessage(r.Id, NoDataReason.NotAvailable))]);
        Assert.Empty(reader.TakeSent<RequestMessage>());
        Assert.Equal(TimeSpan.FromSeconds(30), reader.Replicator.Deadline);
        reader.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(100, reader.TakeSent<RequestMessage>().Count);
    }

    [Fact]
    public void When_as_many_requests_are_cancelled_as_may_be_in_flight_one_may_go_that_frees_their_ids()
    {
        Side reader = Reader(Hundred, new ReplicationOptions { MinInFlight = 1, MaxInFlight = 2 });
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Download(1, 0, 2, default);
        Assert.Equal(2, reader.Drain().TakeSent<RequestMessage>().Count);
        reader.Replicator.Cancel(1, default);
        reader.Drain().TakeSent();
        reader.Replicator.Download(2, 10, 20, default);
        RequestMessage probe = Assert.Single(reader.Drain().TakeSent<RequestMessage>());
        reader.Receive(Answer(probe));

        Assert.Equal(2, reader.TakeSent<RequestMessage>().Count);
    }

    [Fact]
    public void A_peer_that_outgrows_us_hears_the_length_that_was_of_no_use_to_it_before()
    {
        MemoryFeed longer = Hundred.Copy().AppendMany(40);
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.Receive(1, Sync(length: 121, remoteLength: 100));
        Upgrade(reader, longer);
        Assert.DoesNotContain(reader.TakeSent<SyncMessage>(1), sync => sync.Length == 140);
        reader.Receive(1, Sync(length: 150, remoteLength: 100, canUpgrade: true));

        SyncMessage told = Assert.Single(reader.TakeSent<SyncMessage>(1));
        Assert.Equal((140UL, 150UL), (told.Length, told.RemoteLength));
    }

    [Fact]
    public void A_sync_that_waited_for_a_look_at_storage_is_sent_when_nothing_was_found_there()
    {
        MemoryFeed longer = Hundred.Copy().AppendMany(40);
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.Receive(1, Sync(length: 121, remoteLength: 100));
        reader.AnswersReads = false;
        Upgrade(reader, longer);
        var read = Assert.Single(reader.Events.OfType<ReplicatorEvent.ReadNodes>());
        Upgrade(reader, longer.AppendMany(5));
        Assert.DoesNotContain(reader.TakeSent<SyncMessage>(1), sync => sync.Length > 100);
        reader.Replicator.HandleNodes(read.Id, new TreeNode?[read.Indices.Count], default);

        Assert.Equal(145UL, Assert.Single(reader.Drain().TakeSent<SyncMessage>(1)).Length);
    }

    [Fact]
    public void A_fork_that_could_not_be_taken_over_is_looked_for_again_after_a_rest()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 50, fork: 1));
        Assert.Equal(1UL, Assert.Single(reader.TakeSent<RequestMessage>()).Request.Fork);
        reader.Replicator.HandleReorganizeFailed(default);
        Assert.Empty(reader.Drain().TakeSent<RequestMessage>());
        reader.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(new UpgradeRequest(0, 50), Assert.Single(reader.TakeSent<RequestMessage>()).Request.Upgrade);
    }

    [Fact]
    public void Large_blocks_are_asked_for_in_smaller_numbers()
    {
        MemoryFeed source = MemoryFeed.Writer().Append([.. Enumerable.Range(0, 100).Select(_ => new byte[128 * 1024])]);
        Side reader = Reader(source);
        reader.Replicator.Download(1, 0, 100, default);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));

        Assert.Equal(64, reader.TakeSent<RequestMessage>().Count);
    }

    [Fact]
    public void A_block_that_is_slow_is_asked_of_another_peer_too_and_the_loser_is_cancelled()
    {
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.Receive(1, Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Get(1, 42, default);
        reader.Drain();
        reader.Receive(2, Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.TakeSent();
        Assert.Empty(reader.TakeSent<RequestMessage>(2));
        reader.Advance(TimeSpan.FromSeconds(1));
        RequestMessage again = Assert.Single(reader.TakeSent<RequestMessage>(2));
        reader.Receive(2, Answer(again));

        Assert.Equal([1UL], reader.Finished);
        Assert.Single(reader.TakeSent<CancelMessage>(1));
        Assert.Equal(0, reader.Replicator.GetPeers()[0].InFlight);
    }

    [Fact]
    public void The_id_of_a_cancelled_request_is_used_again_only_when_a_later_request_is_answered()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.TakeSent();
        reader.Replicator.Get(1, 5, default);
        Assert.Equal(1u, Assert.Single(reader.Drain().TakeSent<RequestMessage>()).Id);
        reader.Replicator.Cancel(1, default);
        Assert.Contains(new CancelMessage(1), reader.Drain().TakeSent());
        reader.Replicator.Get(2, 6, default);
        RequestMessage second = Assert.Single(reader.Drain().TakeSent<RequestMessage>());
        Assert.Equal(2u, second.Id);

        // The answer to the first crossed its cancel: it is no fault and changes nothing.
        reader.Receive(Answer(second) with { Request = 1 });
        Assert.Empty(reader.Failed);
        Assert.Empty(reader.Feed.Blocks);
        reader.Receive(Answer(second));
        reader.Replicator.Get(3, 7, default);
        reader.Replicator.Get(4, 8, default);

        Assert.Equal([1UL, 2], reader.Drain().TakeSent<RequestMessage>().Select(r => r.Id).Order().ToArray());
    }

    [Fact]
    public void What_a_download_no_longer_wants_is_cancelled_but_not_what_another_does()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Download(1, 0, 4, default);
        reader.Replicator.Download(2, 2, 4, default);
        reader.Drain().TakeSent();
        reader.Replicator.Cancel(1, default);

        Assert.Equal(2, reader.Drain().TakeSent<CancelMessage>().Count);
        Assert.False(reader.Replicator.TryGetProgress(1, out _));
        Assert.True(reader.Replicator.TryGetProgress(2, out DownloadProgress progress));
        Assert.Equal(new DownloadProgress(2, 2), progress);
    }

    [Fact]
    public void A_dropped_block_takes_only_itself_away()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100), new RangeMessage(3, 1, IsDropped: true));
        reader.Replicator.Get(1, 3, default);
        reader.Replicator.Get(2, 50, default);

        Assert.Equal(50u, Assert.Single(reader.Drain().TakeSent<RequestMessage>()).Request.Block!.Value.Index);
    }

    [Fact]
    public void When_blocks_can_not_be_stored_downloads_rest_and_go_on_later()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.Replicator.Download(1, 0, 1, default);
        reader.Drain();
        reader.Feed.RefusesToStore = true;
        reader.Receive(Answers(reader));
        Assert.Empty(reader.TakeSent<RequestMessage>());
        reader.Feed.RefusesToStore = false;
        Assert.Equal(TimeSpan.FromSeconds(5), reader.Replicator.Deadline);
        reader.Advance(TimeSpan.FromSeconds(5));
        reader.Receive(Answers(reader));

        Assert.Equal([1UL], reader.Finished);
        Assert.Empty(reader.Failed);
    }

    [Fact]
    public void A_proof_that_ends_at_a_node_we_lack_is_asked_for_again_with_its_whole_path()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100), new RangeMessage(0, 100));
        reader.FeedAnswers = false;
        reader.Replicator.Get(1, 0, default);
        reader.Drain();
        reader.Receive(Answers(reader));
        var apply = Assert.Single(reader.Events.OfType<ReplicatorEvent.Apply>());
        reader.Replicator.HandleApplied(apply.Id, [ApplyVerdict.Unverifiable], reader.Feed.State, default);
        RequestMessage again = Assert.Single(reader.Drain().TakeSent<RequestMessage>());

        Assert.Equal(new BlockRequest(0, 6), again.Request.Block);
        Assert.Empty(reader.Failed);
    }

    [Fact]
    public void An_upgrade_that_comes_second_is_no_fault_and_the_next_one_is_asked_for()
    {
        MemoryFeed one = Hundred.Copy().Append("a");
        MemoryFeed two = Hundred.Copy().Append("a", "b", "c");
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.Receive(1, Sync(length: 101, remoteLength: 100, canUpgrade: true));
        RequestMessage first = Assert.Single(reader.TakeSent<RequestMessage>(1));
        reader.Receive(2, Sync(length: 103, remoteLength: 100, canUpgrade: true));
        reader.Advance(TimeSpan.FromSeconds(1));
        RequestMessage second = Assert.Single(reader.TakeSent<RequestMessage>(2));
        reader.Receive(1, new DataMessage(first.Id, one.Serve(new ServeRequest(0, first.Request)).Proof!));
        reader.Receive(2, new DataMessage(second.Id, two.Serve(new ServeRequest(0, second.Request)).Proof!));
        Assert.Empty(reader.Failed);
        Assert.Equal(101u, reader.Feed.Head.Length);
        reader.TakeSent(2);
        reader.Receive(2, Sync(length: 103, remoteLength: 101, canUpgrade: true));

        Assert.Equal(new UpgradeRequest(101, 2), Assert.Single(reader.TakeSent<RequestMessage>(2)).Request.Upgrade);
    }

    [Fact]
    public void A_peer_of_which_we_can_not_tell_is_looked_up_in_storage_before_it_is_promised_an_upgrade()
    {
        Side reader = Reader(length: 100);
        reader.FeedAnswers = false;
        reader.TakeSent();
        reader.Receive(Sync(length: 37));
        Assert.Empty(reader.TakeSent());
        var read = Assert.Single(reader.Events.OfType<ReplicatorEvent.ReadNodes>());
        Assert.Equal(FlatTree.FullRoots(37), read.Indices);
        reader.Replicator.HandleNodes(read.Id, [.. read.Indices.Select(i => (TreeNode?)new TreeNode(i, 1, default))], default);

        Assert.True(Assert.IsType<SyncMessage>(Assert.Single(reader.Drain().TakeSent())).CanUpgrade);
    }

    [Fact]
    public void When_the_last_user_has_gone_peers_hear_of_it_after_a_while_and_idle_ones_are_closed()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100, isDownloading: false));
        reader.TakeSent();
        reader.Replicator.SetDownloading(false, default);
        Assert.InRange(reader.Replicator.Deadline!.Value, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(40));
        reader.Advance(TimeSpan.FromSeconds(19));
        Assert.Empty(reader.TakeSent());
        reader.Advance(TimeSpan.FromSeconds(21));

        Assert.False(Assert.IsType<SyncMessage>(Assert.Single(reader.TakeSent())).IsDownloading);
        Assert.Equal([Side.Peer()], reader.Closed);
        reader.Replicator.SetDownloading(true, reader.Now);
        Assert.Contains(new ReplicatorEvent.OpenChannel(Side.Peer()), reader.Drain().Events);
    }

    [Fact]
    public void A_channel_that_the_peer_closed_as_idle_is_opened_again_while_blocks_are_wanted()
    {
        Side reader = Reader(length: 100);
        reader.Receive(Sync(length: 100, remoteLength: 100, isDownloading: false));
        reader.Events.Clear();
        reader.Replicator.HandleClosed(Side.Peer(), default);
        reader.Drain();

        Assert.Equal([new ReplicatorEvent.OpenChannel(Side.Peer())], reader.Events);
    }

    [Fact]
    public void Pushed_blocks_are_taken_only_when_that_is_allowed()
    {
        DataMessage pushed = Answer(Block(0, 5)) with { Request = 0 };
        pushed = new DataMessage(0, Hundred.Serve(new ServeRequest(0, new ProofRequest { Block = new BlockRequest(5, 6) })).Proof!);
        Side strict = Reader(length: 100);
        strict.Receive(pushed);
        Assert.Empty(strict.Feed.Blocks);
        Side open = Reader(Hundred, new ReplicationOptions { AllowPush = true });
        Assert.True(open.TakeSent<SyncMessage>()[0].AllowsPush);
        open.Receive(pushed);

        Assert.Equal([5UL], open.Feed.Blocks.Keys.ToArray());
    }

    [Fact]
    public void A_later_fork_that_is_compared_while_the_feed_moves_to_an_earlier_one_is_taken_over_after_it()
    {
        MemoryFeed first = Hundred.Copy();
        first.Truncate(90);
        MemoryFeed second = first.Copy();
        second.Truncate(64);
        Side reader = Reader(length: 100);
        reader.Open(2);
        reader.TakeSent();
        reader.Reorganizes = false;
        reader.Receive(Sync(length: 90, fork: 1), new RangeMessage(0, 90));
        reader.Receive(2, Sync(length: 64, fork: 2), new RangeMessage(0, 64));
        RequestMessage later = Assert.Single(reader.TakeSent<RequestMessage>(2));
        Serve(1, first);
        var move = Assert.Single(reader.Events.OfType<ReplicatorEvent.Reorganize>());

        reader.Receive(2, new DataMessage(later.Id, second.Serve(new ServeRequest(0, later.Request)).Proof!));
        reader.Reorganizes = true;
        reader.Reorganize(move);
        reader.Drain();
        Serve(2, second);

        Assert.Equal((2UL, 64UL), (reader.Feed.Head.Fork, reader.Feed.Head.Length));

        void Serve(ulong peer, MemoryFeed feed)
        {
            while (reader.TakeSent<RequestMessage>(peer) is { Count: > 0 } requests)
            {
                reader.Receive(peer, [.. requests.Select(r => new DataMessage(r.Id, feed.Serve(new ServeRequest(0, r.Request)).Proof!))]);
            }
        }
    }

    private static Side Writer(ReplicationOptions? options = null)
    {
        var side = new Side(Hundred.Copy(), options);
        side.Replicator.SetDownloading(true, default);
        return side.Open();
    }

    private static Side Reader(int length) => Reader(length == 100 ? Hundred : MemoryFeed.Writer().AppendMany(length));

    /// <summary>A reader that has the whole length of a feed and none of its blocks.</summary>
    private static Side Reader(MemoryFeed source, ReplicationOptions? options = null)
    {
        MemoryFeed feed = MemoryFeed.Reader(source.Key);
        var upgrade = new ProofRequest { Upgrade = new UpgradeRequest(0, source.Head.Length) };
        Proof proof = source.Serve(new ServeRequest(0, upgrade)).Proof! with { Manifest = source.Manifest };
        Assert.Equal(ProofError.None, ProofVerifier.Climb(proof, out ClimbedProof? climbed));
        Assert.Equal(ApplyVerdict.Applied, feed.Apply(climbed!));
        var side = new Side(feed, options);
        side.Replicator.SetDownloading(true, default);
        return side.Open();
    }

    private static void Fetch(Side reader, MemoryFeed source, ulong index)
    {
        reader.Replicator.Get(1000 + index, index, default);
        RequestMessage request = Assert.Single(reader.Drain().TakeSent<RequestMessage>());
        reader.Receive(new DataMessage(request.Id, source.Serve(new ServeRequest(0, request.Request)).Proof!));
        Assert.Contains(1000 + index, reader.Finished);
    }

    /// <summary>Peer 2 brings the length of a feed.</summary>
    private static void Upgrade(Side reader, MemoryFeed source)
    {
        reader.Receive(2, Sync(length: source.Head.Length, remoteLength: reader.Feed.Head.Length, canUpgrade: true));
        RequestMessage request = Assert.Single(reader.TakeSent<RequestMessage>(2));
        reader.Receive(2, new DataMessage(request.Id, source.Serve(new ServeRequest(0, request.Request)).Proof!));
        Assert.Equal(source.Head.Length, reader.Feed.Head.Length);
    }

    private static DataMessage Answer(RequestMessage request) =>
        new(request.Id, Hundred.Serve(new ServeRequest(0, request.Request)).Proof!);

    private static DataMessage[] Answers(Side reader) => [.. reader.TakeSent<RequestMessage>().Select(Answer)];

    private static SyncMessage Sync(
        ulong length, ulong remoteLength = 0, bool canUpgrade = false, ulong fork = 0, bool hasManifest = false, bool isDownloading = true) => new()
        {
            Fork = fork,
            Length = length,
            RemoteLength = remoteLength,
            CanUpgrade = canUpgrade,
            IsUploading = true,
            IsDownloading = isDownloading,
            HasManifest = hasManifest,
        };

    private static RequestMessage Request(ulong id, ProofRequest request) => new(id, request);

    private static RequestMessage Block(ulong id, ulong index, ulong priority = 0) =>
        new(id, new ProofRequest { Block = new BlockRequest(index, 0) }, priority);
}
