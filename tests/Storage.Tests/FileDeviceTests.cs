using HyperActors.Crypto;

namespace HyperActors.Storage.Tests;

/// <summary>The same feed, on a real disk and with answers that come late.</summary>
public sealed class FileDeviceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-storage-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Durability.None)]
    [InlineData(Durability.Flush)]
    public void A_feed_in_a_folder_holds_what_was_appended(Durability durability)
    {
        var options = new FeedOptions { Durability = durability };
        using KeyPair pair = KeyPair.FromSeed(new byte[32]);
        string path = Path.Combine(_folder, "aa", "bb");
        byte[][] blocks = [.. Enumerable.Range(0, 3000).Select(i => new byte[i % 300 == 7 ? 300_000 : i % 90])];
        foreach ((int i, byte[] block) in blocks.Index())
        {
            Array.Fill(block, (byte)i);
        }

        using (var driver = new Driver(path, pair, options))
        {
            driver.Until<FeedLogEvent.Opened>();
            driver.Log.Append(1, [.. blocks[..2000].Select(b => (ReadOnlyMemory<byte>)b)]);
            driver.Until<FeedLogEvent.Appended>();
            for (int i = 2000; i < 3000; i++)
            {
                driver.Log.Append(i, [blocks[i]]);
                driver.Until<FeedLogEvent.Appended>();
            }
        }

        Assert.Equal(["bitfield", "data", "oplog", "tree"], Directory.GetFiles(path).Select(Path.GetFileName).Order());
        using var again = new Driver(path, pair, options);
        Assert.False(again.Until<FeedLogEvent.Opened>().IsNew);
        Assert.Equal(3000ul, again.Log.ContiguousLength);
        for (int start = 0; start < 3000;)
        {
            again.Log.Read(start + 1, (ulong)start, 500);
            using BlockBatch batch = again.Until<FeedLogEvent.BlocksRead>().Blocks;
            foreach (ReadOnlyMemory<byte> block in batch)
            {
                Assert.True(block.Span.SequenceEqual(blocks[start++]), $"block {start - 1}");
            }
        }
    }

    [Fact]
    public void A_bitfield_that_is_nearly_all_hole_is_opened_whatever_its_length()
    {
        using KeyPair pair = KeyPair.FromSeed(new byte[32]);
        using (var driver = new Driver(_folder, pair, new FeedOptions()))
        {
            driver.Until<FeedLogEvent.Opened>();
            driver.Log.Append(1, [new byte[] { 7 }]);
            driver.Until<FeedLogEvent.Appended>();
        }

        // As one block at an index of 2^34 leaves it: longer than an array can be.
        using (FileStream bitfield = File.OpenWrite(Path.Combine(_folder, "bitfield")))
        {
            bitfield.SetLength((1L << 31) + 4096);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        using var again = new Driver(_folder, pair, new FeedOptions());
        Assert.False(again.Until<FeedLogEvent.Opened>().IsNew);
        Assert.Equal(1ul, again.Log.ContiguousLength);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void A_folder_that_can_not_be_written_fails_the_feed_with_its_path()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "in the way");
        using KeyPair pair = KeyPair.FromSeed(new byte[32]);
        using var driver = new Driver(Path.Combine(file, "feed"), pair, new FeedOptions());
        Exception error = driver.Until<FeedLogEvent.Failed>().Error;
        Assert.IsAssignableFrom<IOException>(error);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Drives a feed over a device whose answers may come from other threads.</summary>
    private sealed class Driver : IDisposable
    {
        private readonly FileDevice _device;
        private readonly System.Collections.Concurrent.BlockingCollection<(IoRequest Request, IoResult Result)> _late = [];

        public Driver(string path, KeyPair pair, FeedOptions options)
        {
            _device = new FileDevice(path);
            Log = new FeedLog(new FeedIdentity { KeyPair = pair }, options);
            Log.Open();
        }

        public FeedLog Log { get; }

        public T Until<T>()
            where T : FeedLogEvent
        {
            while (true)
            {
                while (Log.TryPollIo(out IoRequest? request))
                {
                    if (_device.Execute(request, (r, result) => _late.Add((r, result)), out IoResult now))
                    {
                        Log.HandleIo(request, now, default);
                    }
                }

                while (Log.TryPollEvent(out FeedLogEvent? e))
                {
                    if (e is T wanted)
                    {
                        return wanted;
                    }

                    Assert.True(e is FeedLogEvent.Committed or FeedLogEvent.Opened or FeedLogEvent.Refused, e.ToString());
                }

                Assert.True(_late.TryTake(out (IoRequest Request, IoResult Result) late, TimeSpan.FromSeconds(30)), "the disk does not answer");
                Log.HandleIo(late.Request, late.Result, default);
            }
        }

        public void Dispose()
        {
            Log.Dispose();
            _device.Dispose();
        }
    }
}
