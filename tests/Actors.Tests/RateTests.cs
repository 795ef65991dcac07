using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Actors.Tests;

/// <summary>What a node may send and read a second.</summary>
public sealed class RateTests : TestWorld
{
    private const int Rate = 100_000;
    private const int Count = 1000;

    [Fact]
    public void What_is_moved_over_time_is_what_is_allowed() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            var allowance = new Allowance { BytesPerSecond = 1 + random.NextInt32(1_000_000) };
            TimeSpan now = TimeSpan.FromHours(random.NextInt32(100));
            TimeSpan start = now;
            long moved = 0;
            int largest = 0;
            while (now - start < TimeSpan.FromMinutes(1))
            {
                TimeSpan wait = allowance.WaitAt(now);
                if (wait > TimeSpan.Zero)
                {
                    // One wait is bounded, so that a new rate is heard of.
                    Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromSeconds(1.01));
                    now += wait;
                    continue;
                }

                int count = 1 + random.NextInt32(100_000);
                largest = Math.Max(largest, count);
                allowance.Charge(count, now);
                moved += count;
            }

            double allowed = allowance.BytesPerSecond * (now - start).TotalSeconds;
            return moved <= allowed + (0.25 * allowance.BytesPerSecond) + largest && moved >= (0.9 * allowed) - largest;
        });

    [Fact]
    public void Without_a_rate_nobody_waits_and_a_new_one_forgives_what_was_owed()
    {
        var allowance = new Allowance();
        allowance.Charge(1 << 30, TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, allowance.WaitAt(TimeSpan.Zero));
        allowance.BytesPerSecond = 10;
        allowance.Charge(1000, TimeSpan.Zero);
        Assert.NotEqual(TimeSpan.Zero, allowance.WaitAt(TimeSpan.Zero));
        allowance.BytesPerSecond = 20;
        Assert.Equal(TimeSpan.Zero, allowance.WaitAt(TimeSpan.Zero));
        allowance.Charge(1000, TimeSpan.Zero);
        allowance.BytesPerSecond = 0;
        Assert.Equal(TimeSpan.Zero, allowance.WaitAt(TimeSpan.Zero));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_node_keeps_to_its_rate_towards_all_peers_together(bool isSending)
    {
        TestNode writer = StartNode(o => o.Connections.MaxUploadRate = isSending ? Rate : 0);
        TestNode[] readers = isSending
            ? [StartNode(), StartNode()]
            : [StartNode(o => o.Connections.MaxDownloadRate = Rate), StartNode(o => o.Connections.MaxDownloadRate = Rate)];
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(Count, 1000)));
        TimeSpan begun = Engine.Now;
        Task[] downloads = [.. readers.Select(reader =>
        {
            Feed copy = reader.Open(feed.Key);
            Connect(reader, writer);
            return Begin(() => copy.DownloadAsync(0, Count));
        })];
        Engine.Advance(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(downloads, d => d.IsCompleted);

        // Two copies of 1 MB leave the writer one after the other, or come in beside each other.
        TimeSpan due = TimeSpan.FromSeconds(isSending ? 20 : 10);
        while (!downloads.All(d => d.IsCompletedSuccessfully))
        {
            Engine.Advance(TimeSpan.FromSeconds(1));
            Assert.True(Engine.Now - begun < due * 1.5, "far slower than the rate");
        }

        Assert.InRange(Engine.Now - begun, due * 0.9, due * 1.5);
    }

    [Fact]
    public void A_rate_that_is_lifted_lets_what_waits_go()
    {
        TestNode writer = StartNode(o => o.Connections.MaxUploadRate = 1000);
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(Count, 1000)));
        Feed copy = reader.Open(feed.Key);
        Connect(reader, writer);
        Task download = Begin(() => copy.DownloadAsync(0, Count));
        Engine.Advance(TimeSpan.FromMinutes(1));
        Assert.False(download.IsCompleted);

        writer.Node.Reconfigure(new NodeOptions());
        Engine.Advance(TimeSpan.FromSeconds(5));
        Assert.True(download.IsCompletedSuccessfully);
    }
}
