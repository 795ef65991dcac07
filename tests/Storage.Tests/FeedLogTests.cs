using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

public class FeedLogTests
{
    [Fact]
    public void A_new_feed_has_the_key_of_its_manifest_and_is_writable()
    {
        using FeedHarness feed = FeedHarness.Writer(new MemoryDevice());
        using KeyPair pair = FeedHarness.Pair();
        Assert.Equal(new FeedLogEvent.Opened(IsNew: true), feed.Events[0]);
        Assert.Equal(Manifest.ForSigner(pair.PublicKey).ToKey(), feed.Log.Key);
        Assert.True(feed.Log.IsWritable);
        Assert.Equal(0ul, feed.Log.Head.Length);
    }

    [Fact]
    public void The_key_pair_is_found_again_in_the_files()
    {
        var device = new MemoryDevice();
        FeedKey key;
        using (FeedHarness feed = FeedHarness.Writer(device))
        {
            key = feed.Log.Key;
        }

        using FeedHarness opened = FeedHarness.Reader(device, key);
        Assert.True(opened.Log.IsWritable);
        Assert.Equal(0ul, opened.Append([1]).Start);
    }

    [Fact]
    public void A_feed_known_by_key_alone_takes_no_appends()
    {
        using FeedHarness feed = FeedHarness.Reader(new MemoryDevice(), new FeedKey(new byte[32]));
        Assert.False(feed.Log.IsWritable);
        Assert.Equal(Refusal.NotWritable, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Append(id, [new byte[1]]))).Reason);
        Assert.Equal(Refusal.NotWritable, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Truncate(id, 0))).Reason);
    }

    [Fact]
    public void A_block_that_is_too_large_is_refused_and_its_owner_let_go()
    {
        using FeedHarness feed = FeedHarness.Writer(new MemoryDevice(), new FeedOptions { MaxBlockSize = 10 });
        var owner = BlockBatch.Rent([5, 11]);
        FeedLogEvent answer = feed.Ask(id => feed.Log.Append(id, owner, owner));
        Assert.Equal(Refusal.BlockTooLarge, ((FeedLogEvent.Refused)answer).Reason);
        Assert.Throws<ObjectDisposedException>(() => owner.Bytes);
    }

    [Fact]
    public void Appends_that_arrive_while_one_is_written_share_the_next_entry()
    {
        var device = new MemoryDevice();
        using var log = new FeedLog(new FeedIdentity { KeyPair = FeedHarness.Pair() }, new FeedOptions());
        log.Open();
        Drain(log, device, []);
        while (log.TryPollEvent(out _))
        {
        }

        for (int i = 0; i < 10; i++)
        {
            log.Append(i, [new byte[] { (byte)i }]);
        }

        Assert.Equal(0ul, log.Head.Length);
        var writes = new List<string>();
        Drain(log, device, writes);
        Assert.Equal(["Write Data", "Write Oplog", "Write Data", "Write Oplog"], writes);
        var events = new List<FeedLogEvent>();
        while (log.TryPollEvent(out FeedLogEvent? e))
        {
            events.Add(e);
        }

        Assert.Equal(Enumerable.Range(0, 10), events.OfType<FeedLogEvent.Appended>().Select(a => (int)a.Id));
        Assert.Equal(Enumerable.Range(0, 10), events.OfType<FeedLogEvent.Appended>().Select(a => (int)a.Start));
        Assert.Equal(
            [new BlockRange(0, 1), new BlockRange(1, 9)],
            events.OfType<FeedLogEvent.Committed>().SelectMany(c => c.Added));
        Assert.IsType<FeedLogEvent.Appended>(events[0]);
        Assert.IsType<FeedLogEvent.Committed>(events[1]);
    }

    [Fact]
    public void Nothing_is_seen_of_an_append_before_it_is_in_the_oplog()
    {
        var device = new MemoryDevice();
        using var log = new FeedLog(new FeedIdentity { KeyPair = FeedHarness.Pair() }, new FeedOptions());
        log.Open();
        Drain(log, device, []);
        log.Append(1, [new byte[3]]);
        Assert.True(log.TryPollIo(out IoRequest? data));
        Assert.Equal(FeedFile.Data, data.File);
        Assert.False(log.TryPollIo(out _));
        device.Execute(data, (_, _) => { }, out IoResult done);
        log.HandleIo(data, done, default);
        Assert.Equal(0ul, log.Head.Length);
        Assert.False(log.Has(0));
        log.Read(2, 0, 1);
        Drain(log, device, []);
        Assert.Equal(1ul, log.Head.Length);
        Assert.True(log.Has(0));
    }

    [Fact]
    public void With_durability_flush_nothing_is_acknowledged_before_it_is_flushed()
    {
        var device = new MemoryDevice();
        var options = new FeedOptions { Durability = Durability.Flush, MaxOplogBytes = 4096 };
        using var log = new FeedLog(new FeedIdentity { KeyPair = FeedHarness.Pair() }, options);
        log.Open();
        Drain(log, device, []);
        var steps = new List<string>();
        log.Append(1, [new byte[3]]);
        Drain(log, device, steps);
        Assert.Equal(["Write Data", "Flush Data", "Write Oplog", "Flush Oplog"], steps);
        steps.Clear();
        log.Checkpoint(2);
        Drain(log, device, steps);
        Assert.Equal(
            ["Write Bitfield", "Write Tree", "Flush Bitfield", "Flush Tree", "Write Oplog", "Flush Oplog", "Truncate Oplog"], steps);
    }

    [Fact]
    public void A_range_is_read_as_far_as_it_is_held_and_may_be_sent()
    {
        using FeedHarness feed = FeedHarness.Writer(new MemoryDevice(), new FeedOptions { MaxReadBytes = 100 });
        feed.Append([.. Enumerable.Range(0, 20).Select(i => Enumerable.Repeat((byte)i, i).ToArray())]);
        using BlockBatch some = feed.Ask<FeedLogEvent.BlocksRead>(id => feed.Log.Read(id, 10, 50)).Blocks;
        Assert.Equal(7, some.Count);
        Assert.All(Enumerable.Range(0, 7), i => Assert.Equal(Enumerable.Repeat((byte)(10 + i), 10 + i), some[i].ToArray()));
        using BlockBatch rest = feed.Ask<FeedLogEvent.BlocksRead>(id => feed.Log.Read(id, 17, 50)).Blocks;
        Assert.Equal(3, rest.Count);
        Assert.Equal(Refusal.BlockMissing, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Read(id, 20, 1))).Reason);
    }

    [Fact]
    public void A_cut_raises_the_fork_and_only_the_first_blocks_stay()
    {
        using FeedHarness feed = FeedHarness.Writer(new MemoryDevice());
        feed.Append([.. Enumerable.Range(0, 9).Select(i => new[] { (byte)i })]);
        feed.Truncate(5);
        Assert.Equal((1ul, 5ul, 5ul), (feed.Log.Head.Fork, feed.Log.Head.Length, feed.Log.ContiguousLength));
        var committed = (FeedLogEvent.Committed)feed.Events[^1];
        Assert.Equal(5ul, committed.TruncatedTo);
        Assert.Null(feed.Get(5));
        feed.Append([42]);
        Assert.Equal([42], feed.Get(5)!);
        Assert.Equal(Refusal.OutOfBounds, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Truncate(id, 7))).Reason);
        Assert.Equal(Refusal.OutOfBounds, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Truncate(id, 3, fork: 1))).Reason);
    }

    [Fact]
    public void An_idle_feed_writes_its_entries_out()
    {
        using FeedHarness feed = FeedHarness.Writer(new MemoryDevice());
        feed.Now = TimeSpan.FromSeconds(100);
        feed.Append([1]);
        Assert.Equal(TimeSpan.FromSeconds(110), feed.Log.Deadline);
        feed.Log.HandleTimeout(TimeSpan.FromSeconds(109));
        feed.Run();
        Assert.True(feed.Log.OplogBytes > 0);
        feed.Log.HandleTimeout(TimeSpan.FromSeconds(110));
        feed.Run();
        Assert.Equal(0, feed.Log.OplogBytes);
        Assert.Null(feed.Log.Deadline);
    }

    [Fact]
    public void A_read_that_was_under_way_when_its_block_was_cut_off_gives_no_other_bytes()
    {
        var device = new MemoryDevice();
        using var log = new FeedLog(new FeedIdentity { KeyPair = FeedHarness.Pair() }, new FeedOptions());
        log.Open();
        Drain(log, device, []);
        log.Append(1, [new byte[] { 1 }, new byte[] { 2 }]);
        Drain(log, device, []);
        log.Read(2, 1, 1);
        Assert.True(log.TryPollIo(out IoRequest? read));
        log.Truncate(3, 1);
        Drain(log, device, []);
        log.Append(4, [new byte[] { 9 }]);
        Drain(log, device, []);
        device.Execute(read, (_, _) => { }, out IoResult result);
        log.HandleIo(read, result, default);
        Drain(log, device, []);
        FeedLogEvent.BlocksRead? answer = null;
        while (log.TryPollEvent(out FeedLogEvent? e))
        {
            answer = e as FeedLogEvent.BlocksRead ?? answer;
        }

        Assert.Equal([9], answer!.Blocks[0].ToArray());
    }

    private static void Drain(FeedLog log, MemoryDevice device, List<string> steps)
    {
        while (log.TryPollIo(out IoRequest? request))
        {
            device.Execute(request, (_, _) => { }, out IoResult result);
            if (request.Kind is not IoKind.Read and not IoKind.Length)
            {
                steps.Add($"{request.Kind} {request.File}");
            }

            log.HandleIo(request, result, default);
        }
    }
}
