using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

/// <summary>A feed as a list, and its history.</summary>
internal sealed class FeedModel
{
    /// <summary>The blocks after each change, the empty feed first.</summary>
    public List<(ulong Fork, List<byte[]> Blocks, string? Name)> History { get; } = [(0, [], null)];

    public (ulong Fork, List<byte[]> Blocks, string? Name) Now => History[^1];

    /// <summary>The next random change: told to the model here, and to the feed by what is returned.</summary>
    public Action<FeedHarness> Next(RandomSource random)
    {
        (ulong fork, List<byte[]> blocks, string? name) = Now;
        switch (random.NextInt32(12))
        {
            case 0 when blocks.Count > 0:
                int length = random.NextInt32(blocks.Count + 1);
                History.Add((fork + 1, blocks[..length], name));
                return feed => feed.Truncate((ulong)length);
            case 1:
                string text = $"name {random.NextInt32(1000)}";
                History.Add((fork, blocks, text));
                return feed => feed.Ask<FeedLogEvent.UserDataSet>(id =>
                    feed.Log.SetUserData(id, "corestore/name", System.Text.Encoding.UTF8.GetBytes(text)));
            case 2:
                History.Add((fork, blocks, name));
                return feed => feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            default:
                byte[][] added = new byte[1 + random.NextInt32(random.NextInt32(10) == 0 ? 300 : 5)][];
                for (int i = 0; i < added.Length; i++)
                {
                    added[i] = new byte[random.NextInt32(60)];
                    random.Fill(added[i]);
                }

                History.Add((fork, [.. blocks, .. added], name));
                return feed => feed.Append(added);
        }
    }

    /// <summary>Whether the feed is as it was after some change.</summary>
    public static bool IsSame(FeedHarness feed, (ulong Fork, List<byte[]> Blocks, string? Name) state)
    {
        if (feed.Log.Head.Fork != state.Fork || feed.Log.Head.Length != (ulong)state.Blocks.Count
            || feed.Log.ContiguousLength != feed.Log.Head.Length
            || feed.Log.GetUserText("corestore/name") != state.Name)
        {
            return false;
        }

        for (int i = 0; i < state.Blocks.Count; i++)
        {
            if (feed.Get((ulong)i) is not { } block || !block.AsSpan().SequenceEqual(state.Blocks[i]))
            {
                return false;
            }
        }

        return feed.Get((ulong)state.Blocks.Count) is null;
    }
}

public class FeedLogModel
{
    [Fact]
    public void Random_changes_on_a_feed_and_on_a_list_agree_also_after_opening_anew()
    {
        for (ulong seed = 1; seed <= 25; seed++)
        {
            RandomSource random = RandomSource.Seeded(seed);
            var options = new FeedOptions { MaxOplogBytes = 4096 << random.NextInt32(5), MaxTreePages = 512 };
            var device = new MemoryDevice();
            var model = new FeedModel();
            FeedHarness feed = FeedHarness.Writer(device, options);
            for (int step = 0; step < 40; step++)
            {
                model.Next(random)(feed);
                if (random.NextInt32(5) == 0)
                {
                    feed.Dispose();
                    feed = FeedHarness.Writer(device, options);
                }

                if (random.NextInt32(4) == 0)
                {
                    Assert.True(FeedModel.IsSame(feed, model.Now), $"seed {seed}, step {step}");
                }
            }

            Assert.True(FeedModel.IsSame(feed, model.Now), $"seed {seed}");
            feed.Dispose();
        }
    }

    [Fact]
    public void The_same_steps_leave_the_same_bytes_every_time()
    {
        MemoryDevice[] devices = [new(), new()];
        foreach (MemoryDevice device in devices)
        {
            RandomSource random = RandomSource.Seeded(7);
            var model = new FeedModel();
            using FeedHarness feed = FeedHarness.Writer(device);
            for (int step = 0; step < 60; step++)
            {
                model.Next(random)(feed);
            }
        }

        foreach (FeedFile file in Enum.GetValues<FeedFile>())
        {
            Assert.True(devices[0][file].SequenceEqual(devices[1][file]), file.ToString());
        }
    }
}
