using System.Text;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

public class FeedLogFaultTests
{
    private static readonly byte[] Block = "a block"u8.ToArray();

    [Theory]
    [InlineData(FeedFile.Data)]
    [InlineData(FeedFile.Oplog)]
    public void A_full_disk_refuses_the_append_and_nothing_of_it_is_seen(FeedFile full)
    {
        using var device = new FaultyDevice();
        using FeedHarness feed = FeedHarness.Writer(device);
        feed.Append(Block, Block);
        device.Fault = request => request.Kind == IoKind.Write && request.File == full ? new DiskFullException("full") : null;

        var refused = (FeedLogEvent.Refused)feed.Ask(id => feed.Log.Append(id, [Block, Block, Block]));
        Assert.Equal(Refusal.DiskFull, refused.Reason);
        Assert.Equal(2ul, feed.Log.Head.Length);
        Assert.Equal(Block, feed.Get(1));
        Assert.Null(feed.Get(2));

        device.Fault = null;
        Assert.Equal(2ul, feed.Append("after"u8.ToArray()).Start);
        using FeedHarness opened = FeedHarness.Writer(device.Cache.Clone());
        Assert.Equal(3ul, opened.Log.Head.Length);
        Assert.Equal("after"u8.ToArray(), opened.Get(2));
    }

    [Fact]
    public void A_disk_that_is_full_at_a_checkpoint_takes_nothing_back()
    {
        using var device = new FaultyDevice();
        using FeedHarness feed = FeedHarness.Writer(device, new FeedOptions { MaxOplogBytes = 4096 });
        device.Fault = request =>
            request.Kind == IoKind.Write && request.File is FeedFile.Tree or FeedFile.Bitfield ? new DiskFullException("full") : null;
        for (int i = 0; i < 100; i++)
        {
            feed.Append(Block);
        }

        Assert.Null(feed.Failure);
        using (FeedHarness opened = FeedHarness.Writer(device.Cache.Clone()))
        {
            Assert.Equal(100ul, opened.Log.ContiguousLength);
        }

        device.Fault = null;
        feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
        Assert.Equal(0, feed.Log.OplogBytes);
        using FeedHarness later = FeedHarness.Writer(device.Cache.Clone());
        Assert.Equal(Block, later.Get(99));
    }

    [Fact]
    public void A_disk_that_fails_fails_the_feed_and_whoever_waits_hears_of_it()
    {
        using var device = new FaultyDevice();
        using FeedHarness feed = FeedHarness.Writer(device);
        feed.Append(Block);
        device.Fault = request => request.Kind == IoKind.Write ? new IOException("broken") : null;
        var refused = (FeedLogEvent.Refused)feed.Ask(id => feed.Log.Append(id, [Block]));
        Assert.Equal(Refusal.Failed, refused.Reason);
        Assert.IsType<IOException>(feed.Failure);
        Assert.True(feed.Log.IsFailed);
        Assert.Equal(Refusal.Failed, ((FeedLogEvent.Refused)feed.Ask(id => feed.Log.Append(id, [Block]))).Reason);

        using FeedHarness opened = FeedHarness.Writer(device.Cache.Clone());
        Assert.Equal(Block, opened.Get(0));
    }

    [Fact]
    public void Block_bytes_that_are_gone_are_refused_by_name()
    {
        using var device = new FaultyDevice();
        using FeedHarness feed = FeedHarness.Writer(device);
        feed.Append(Block);
        device.ShortBy = 3;
        var refused = (FeedLogEvent.Refused)feed.Ask(id => feed.Log.Read(id, 0, 1));
        Assert.IsType<FeedCorruptException>(refused.Error);
        Assert.Contains("data", refused.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_file_that_lost_its_end_is_not_opened()
    {
        var device = new MemoryDevice();
        using (FeedHarness feed = FeedHarness.Writer(device))
        {
            feed.Append(Block, Block);
        }

        device.Truncate(FeedFile.Data, Block.Length + 1);
        using FeedHarness opened = FeedHarness.Writer(device);
        Assert.Contains("file data has 8 bytes", Assert.IsType<FeedCorruptException>(opened.Failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tree_file_of_hypercore_9_is_refused_by_name()
    {
        var device = new MemoryDevice();
        device.Write(FeedFile.Tree, 0, Convert.FromHexString("0502570200002807424c414b453262"));
        using FeedHarness feed = FeedHarness.Writer(device);
        Assert.Contains("hypercore 9", Assert.IsType<FeedCorruptException>(feed.Failure).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not an oplog at all, but a text that someone left here")]
    public void A_missing_or_foreign_oplog_beside_blocks_is_not_taken_for_a_new_feed(string content)
    {
        var device = new MemoryDevice();
        using (FeedHarness feed = FeedHarness.Writer(device))
        {
            feed.Append(Block);
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
        }

        device.Truncate(FeedFile.Oplog, 0);
        device.Write(FeedFile.Oplog, 0, Encoding.UTF8.GetBytes(content));
        using FeedHarness opened = FeedHarness.Writer(device);
        Assert.Contains("oplog", Assert.IsType<FeedCorruptException>(opened.Failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tree_that_lost_its_end_is_refused_by_name()
    {
        var device = new MemoryDevice();
        using (FeedHarness feed = FeedHarness.Writer(device))
        {
            feed.Append(Block, Block, Block);
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
        }

        device.Truncate(FeedFile.Tree, 60);
        using FeedHarness opened = FeedHarness.Writer(device);
        Assert.Contains("tree", Assert.IsType<FeedCorruptException>(opened.Failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_feed_in_the_folder_is_a_conflict()
    {
        var device = new MemoryDevice();
        FeedHarness.Writer(device).Dispose();
        using FeedHarness other = FeedHarness.Writer(device, seed: 2);
        Assert.IsType<FeedConflictException>(other.Failure);
        using FeedHarness unknown = new(new MemoryDevice(), new FeedIdentity { KeyPair = FeedHarness.Pair(), Create = false });
        Assert.IsType<FeedConflictException>(unknown.Failure);
    }

    [Fact]
    public void Garbage_in_any_file_opens_or_is_refused_and_never_throws()
    {
        var whole = new MemoryDevice();
        using (FeedHarness feed = FeedHarness.Writer(whole))
        {
            feed.Append(Block, Block, Block);
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            feed.Append(Block, Block);
            feed.Ask<FeedLogEvent.UserDataSet>(id => feed.Log.SetUserData(id, "a", "b"u8.ToArray()));
        }

        for (ulong seed = 0; seed < 400; seed++)
        {
            RandomSource random = RandomSource.Seeded(seed);
            MemoryDevice device = whole.Clone();
            var file = (FeedFile)random.NextInt32(5);
            for (int i = random.NextInt32(4); i >= 0; i--)
            {
                var bytes = new byte[1 + random.NextInt32(20)];
                random.Fill(bytes);
                int length = device[file].Length;
                int at = random.NextInt32(length + 20);
                at = random.NextInt32(2) == 0 && file == FeedFile.Oplog ? at % 600 : at;
                device.Write(file, at, bytes);
                if (random.NextInt32(4) == 0)
                {
                    device.Truncate(file, random.NextInt32(length + 1));
                }
            }

            using FeedHarness opened = FeedHarness.Writer(device);
            Assert.True(opened.Failure is null or FeedCorruptException or FeedConflictException, $"seed {seed}: {opened.Failure}");
            if (opened.Failure is null)
            {
                for (ulong i = 0; i < Math.Min(10, opened.Log.Head.Length); i++)
                {
                    opened.Ask(id => opened.Log.Read(id, i, 3));
                }
            }
        }
    }
}
