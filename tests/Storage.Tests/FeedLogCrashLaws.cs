using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Storage.Tests;

/// <summary>Cut the device after any write, reopen, and every acknowledged change is there, whole.</summary>
public class FeedLogCrashLaws
{
    [Theory]
    [InlineData(Durability.None)]
    [InlineData(Durability.Flush)]
    public void A_crash_of_the_process_loses_nothing_that_was_acknowledged(Durability durability) =>
        CutEverywhere(durability, seed: 3, (device, _) => device.Cache);

    [Fact]
    public void A_loss_of_power_loses_nothing_that_was_flushed() =>
        CutEverywhere(Durability.Flush, seed: 4, (device, random) => device.AfterPowerLoss(random));

    [Fact]
    public void What_a_reopened_feed_shows_survives_a_loss_of_power_though_the_process_that_wrote_it_died_before_it_flushed()
    {
        var options = new FeedOptions { Durability = Durability.Flush };
        using var device = new FaultyDevice();
        using (FeedHarness feed = FeedHarness.Writer(device, options))
        {
            feed.Append([1]);
            device.Fault = request => request is { Kind: IoKind.Flush, File: FeedFile.Oplog } ? new IOException("gone") : null;
            Assert.IsType<FeedLogEvent.Refused>(feed.Ask(id => feed.Log.Append(id, [new byte[] { 2 }])));
        }

        device.Fault = null;
        using FeedHarness opened = FeedHarness.Writer(device, options);
        Assert.Equal(2ul, opened.Log.Head.Length);
        for (ulong seed = 0; seed < 20; seed++)
        {
            using FeedHarness again = FeedHarness.Writer(device.AfterPowerLoss(RandomSource.Seeded(seed)), options);
            Assert.Equal(2ul, again.Log.ContiguousLength);
            Assert.Equal([2], again.Get(1)!);
        }
    }

    private static void CutEverywhere(Durability durability, ulong seed, Func<FaultyDevice, RandomSource, MemoryDevice> survive)
    {
        var options = new FeedOptions { Durability = durability, MaxOplogBytes = 4096 };
        for (int cut = 1; ; cut++)
        {
            RandomSource random = RandomSource.Seeded(seed);
            RandomSource chaos = RandomSource.Seeded(seed + (ulong)cut);
            using var device = new FaultyDevice { CutAt = cut, TornPart = chaos.NextInt32(257) };
            var model = new FeedModel();
            using FeedHarness feed = FeedHarness.Writer(device, options);
            int acknowledged = Drive(feed, device, model, random, steps: 25);
            if (!device.IsCut)
            {
                Assert.True(cut > 50);
                return;
            }

            // More than once: what the power takes is a matter of chance.
            for (int again = 0; again < 3; again++)
            {
                using FeedHarness opened = FeedHarness.Writer(survive(device, chaos).Clone(), options);
                Assert.True(opened.Failure is null, $"seed {seed}, cut {cut}: {opened.Failure?.Message}");
                Assert.True(
                    model.History.Skip(acknowledged).Any(state => FeedModel.IsSame(opened, state)),
                    $"seed {seed}, cut {cut}: not one of the states from {acknowledged} on, but {opened.Log.Head.Length} blocks");
                opened.Append([1, 2, 3]);
                Assert.Equal([1, 2, 3], opened.Get(opened.Log.Head.Length - 1)!);
            }
        }
    }

    private static int Drive(FeedHarness feed, FaultyDevice device, FeedModel model, RandomSource random, int steps)
    {
        int acknowledged = 0;
        for (int step = 0; step < steps && !device.IsCut; step++)
        {
            Action<FeedHarness> change = model.Next(random);
            try
            {
                change(feed);
                acknowledged = model.History.Count - 1;
            }
            catch (InvalidOperationException) when (device.IsCut)
            {
                // Refused: it may be there after the crash, or not, but not in part.
            }
        }

        return acknowledged;
    }
}
