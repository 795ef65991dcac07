using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Actors.Tests;

/// <summary>What a handle promises.</summary>
public sealed class FeedTests : TestWorld
{
    private readonly TestNode _node;
    private readonly Feed _feed;

    public FeedTests()
    {
        _node = StartNode();
        _feed = _node.Open("notes");
    }

    [Fact]
    public void A_handle_that_is_disposed_refuses_and_others_go_on()
    {
        Feed other = _node.Open("notes");
        Await(() => _feed.DisposeAsync());
        Await(() => _feed.DisposeAsync());

        Refused<ObjectDisposedException>(Begin(() => _feed.AppendAsync(Bytes("x"))));
        Refused<ObjectDisposedException>(Begin(() => _feed.GetAsync(0)));
        Assert.Equal(1ul, Await(() => other.AppendAsync(Bytes("x"))));
    }

    [Fact]
    public void A_wait_that_is_cancelled_is_taken_back_at_the_feed()
    {
        using var cancel = new CancellationTokenSource();
        Task<Block> get = Begin(() => _feed.GetAsync(0, cancel.Token));
        Task<bool> update = Begin(() => _feed.UpdateAsync(cancel.Token));
        Task download = Begin(() => _feed.DownloadAsync(0, 5, null, cancel.Token));

        cancel.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => Engine.Run(get));
        Assert.True(update.IsCompleted);
        Assert.ThrowsAny<OperationCanceledException>(() => Engine.Run(download));
        Engine.RunUntilIdle();
        Assert.Equal(1ul, Await(() => _feed.AppendAsync(Bytes("x"))));
        Assert.Equal(Bytes("x"), Await(() => _feed.GetAsync(0)).Bytes.ToArray());
    }

    [Theory]
    [InlineData(1UL << 48)]
    [InlineData(1UL << 52)]
    public void A_download_to_an_end_that_nobody_will_reach_costs_what_is_there(ulong end)
    {
        var steps = new List<DownloadProgress>();
        using var cancel = new CancellationTokenSource();
        Task download = Begin(() => _feed.DownloadAsync(0, end, new Steps(steps), cancel.Token));
        Engine.RunUntilIdle();
        Assert.Equal(1ul, Await(() => _feed.AppendAsync(Bytes("x"))));
        Engine.RunUntilIdle();

        Assert.Equal([new DownloadProgress(0, end, 0), new DownloadProgress(1, end, 0)], steps);
        cancel.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => Engine.Run(download));
    }

    [Fact]
    public void An_index_that_no_block_can_have_is_an_error_of_the_caller()
    {
        Refused<ArgumentOutOfRangeException>(Begin(() => _feed.GetAsync(ulong.MaxValue)));
        Refused<ArgumentOutOfRangeException>(Begin(() => _feed.TryGetAsync(1UL << 52)));
        Refused<ArgumentOutOfRangeException>(Begin(() => _feed.DownloadAsync(0, ulong.MaxValue)));
        Refused<ArgumentOutOfRangeException>(Begin(() => _feed.TruncateAsync(5).AsTask()));
        Assert.Null(Await(() => _feed.TryGetAsync((1UL << 52) - 1)));
        Assert.False(Await(() => _feed.HasAsync(ulong.MaxValue)));
    }

    [Fact]
    public void A_block_larger_than_peers_accept_is_refused_whole()
    {
        byte[] large = new byte[new FeedOptions().MaxBlockSize + 1];

        Refused<BlockTooLargeException>(Begin(() => _feed.AppendAsync([Bytes("small"), large])));

        Assert.Equal(0ul, _feed.Length);
    }

    [Fact]
    public void A_download_tells_how_far_it_is_and_ends_with_all()
    {
        TestNode reader = StartNode();
        Await(() => _feed.AppendAsync(Blocks(500, 2000)));
        Feed copy = reader.Open(_feed.Key);
        var steps = new List<DownloadProgress>();
        Connect(reader, _node);

        Await(() => copy.DownloadAsync(100, 400, new Steps(steps)));

        Assert.Equal(new DownloadProgress(300, 300, 600_000), steps[^1]);
        Assert.Equal(steps.OrderBy(s => s.Blocks), steps);
        Assert.All(steps, s => Assert.Equal(300ul, s.Total));
        Assert.True(Await(() => copy.HasAsync(399)));
    }

    [Fact]
    public void A_download_ends_when_the_feed_is_cut_below_its_end_and_one_without_an_end_goes_on()
    {
        TestNode reader = StartNode();
        Await(() => _feed.AppendAsync(Blocks(500)));
        Feed copy = reader.Open(_feed.Key);
        Task bounded = Begin(() => copy.DownloadAsync(100, 600));
        Task open = Begin(() => copy.DownloadAsync(0, null));
        Connect(reader, _node);
        Eventually(() => copy.ContiguousLength == 500);

        Await(() => _feed.TruncateAsync(300));

        FeedFailedException ended = Refused<FeedFailedException>(bounded);
        Assert.Contains("cut to 300 blocks while blocks up to 600", ended.Message, StringComparison.Ordinal);
        Assert.False(open.IsCompleted);
        Await(() => _feed.AppendAsync(Blocks(10)));
        Eventually(() => copy.ContiguousLength == 310);
        Await(() => copy.DownloadAsync(100, 310));
    }

    [Fact]
    public void A_feed_that_was_frozen_is_frozen_after_a_restart_too_and_shows_what_it_had()
    {
        // Two stores with one primary key: each writes a history of its own to the same feed.
        TestNode twin = StartNode(primaryKey: _node.Disk.ReadPrimaryKey(RandomSource.Seeded(0)));
        TestNode reader = StartNode();
        Feed other = twin.Open("notes");
        Assert.Equal(_feed.Key, other.Key);
        Await(() => _feed.AppendAsync(Blocks(5)));
        Await(() => other.AppendAsync(Blocks(7, 9)));
        Feed copy = reader.Open(_feed.Key);
        Connect(reader, _node);
        Await(() => copy.DownloadAsync(0, 5));
        Task<bool> told = Begin(async () =>
        {
            await foreach (FeedEvent e in copy.WatchAsync())
            {
                if (e is FeedEvent.Conflicted)
                {
                    return true;
                }
            }

            return false;
        });
        Connect(reader, twin);
        Assert.True(Engine.Run(told));
        Assert.True(IsFrozen(copy));
        Engine.Advance(TimeSpan.FromSeconds(1));

        reader.Kill();
        reader.Start();
        copy = reader.Open(_feed.Key);

        Assert.True(IsFrozen(copy));
        Connect(reader, _node);
        Await(() => _feed.AppendAsync(Bytes("more")));
        Engine.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal((5ul, 5ul), (copy.Length, copy.ContiguousLength));
        Assert.Equal(Blocks(5)[4].ToArray(), Await(() => copy.GetAsync(4)).Bytes.ToArray());

        // Who asks it for the feed is answered: with what it holds.
        TestNode late = StartNode();
        Feed third = late.Open(_feed.Key);
        Connect(late, reader);
        Await(() => third.DownloadAsync(0, 5), TimeSpan.FromSeconds(5));
        Assert.Equal(5ul, third.Length);
    }

    private bool IsFrozen(Feed feed)
    {
        Task<Block> asked = Begin(() => feed.GetAsync(1000));
        return asked is { IsFaulted: true, Exception.InnerException: FeedFailedException failure }
            && failure.Message.Contains("frozen", StringComparison.Ordinal);
    }

    [Fact]
    public void A_listener_that_throws_ends_its_download_and_the_feed_forgets_it()
    {
        TestNode reader = StartNode();
        Await(() => _feed.AppendAsync(Blocks(10)));
        Feed copy = reader.Open(_feed.Key);

        Refused<InvalidOperationException>(Begin(() => copy.DownloadAsync(0, 10, new Throwing())));
        Connect(reader, _node);
        Engine.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(10ul, copy.Length);
        Assert.Equal(0ul, copy.ContiguousLength);
    }

    [Fact]
    public void A_listener_that_lags_misses_the_oldest_events_and_holds_no_more_than_a_bound()
    {
        IAsyncEnumerator<FeedEvent> events = _feed.WatchAsync().GetAsyncEnumerator();
        Task<bool> first = Begin(() => events.MoveNextAsync());
        for (int i = 0; i < 3000; i++)
        {
            Await(() => _feed.AppendAsync(Bytes("x")));
        }

        Assert.True(Engine.Run(first));
        var seen = new List<FeedEvent>();
        for (Task<bool> next = Begin(() => events.MoveNextAsync()); next.IsCompleted; next = Begin(() => events.MoveNextAsync()))
        {
            seen.Add(events.Current);
        }

        Assert.InRange(seen.Count, 1000, 1024);
        Assert.Contains(new FeedEvent.Extended(3000, 0), seen);
        Assert.DoesNotContain(new FeedEvent.Extended(10, 0), seen);
    }

    [Fact]
    public void A_live_reading_follows_the_writer()
    {
        var read = new List<byte[]>();
        using var cancel = new CancellationTokenSource();
        Task reading = Begin(async () =>
        {
            await foreach (Block block in _feed.ReadAsync(live: true, cancellationToken: cancel.Token))
            {
                read.Add(block.Bytes.ToArray());
            }
        });
        Await(() => _feed.AppendAsync([Bytes("a"), Bytes("b")]));
        Await(() => _feed.AppendAsync(Bytes("c")));
        Eventually(() => read.Count == 3);

        cancel.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => Engine.Run(reading));
        Assert.Equal([Bytes("a"), Bytes("b"), Bytes("c")], read);
    }

    private sealed class Steps(List<DownloadProgress> steps) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => steps.Add(value);
    }

    private sealed class Throwing : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => throw new InvalidOperationException("no");
    }
}
