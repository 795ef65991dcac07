using System.IO.Pipelines;
using System.Text;
using HyperActors.Cli.Input;
using HyperActors.Cli.Tests.Fakes;

namespace HyperActors.Cli.Tests.Input;

public sealed class FeedAppenderTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly MemoryFeed _feed = new MemoryWorld().Storage("a").Make("notes");

    [Fact]
    public async Task Fast_input_is_appended_in_large_batches()
    {
        byte[] input = new byte[20 << 20];
        new Random(1).NextBytes(input);
        var appender = new FeedAppender(_feed, _ => { });
        await appender.AppendAsync(new MemoryStream(input), new ChunkCutter(64 << 10), CancellationToken.None).WaitAsync(Deadline);
        Assert.True(Joined().AsSpan().SequenceEqual(input));
        Assert.Equal((320UL, (ulong)input.Length, 320UL), (appender.Blocks, appender.Bytes, appender.Length));
        Assert.All(_feed.Batches, count => Assert.InRange(count, 1, 64));
    }

    [Fact]
    public async Task A_batch_of_short_lines_is_bounded()
    {
        byte[] input = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{i}\n")));
        await new FeedAppender(_feed, _ => { }).AppendAsync(new MemoryStream(input), new LineCutter(), CancellationToken.None).WaitAsync(Deadline);
        Assert.Equal(10_000, _feed.Blocks.Count);
        Assert.InRange(_feed.Batches.Max(), 1, 4096);
    }

    [Fact]
    public async Task A_line_is_appended_at_once_when_no_other_follows()
    {
        var pipe = new Pipe();
        var acknowledged = new SemaphoreSlim(0);
        Task appending = new FeedAppender(_feed, _ => acknowledged.Release())
            .AppendAsync(pipe.Reader.AsStream(), new LineCutter(), CancellationToken.None);
        await pipe.Writer.WriteAsync("first\nsecond without its e"u8.ToArray());
        Assert.True(await acknowledged.WaitAsync(Deadline));
        Assert.Equal("first", Encoding.UTF8.GetString(Assert.Single(_feed.Blocks)!));
        await pipe.Writer.WriteAsync("nd\n"u8.ToArray());
        Assert.True(await acknowledged.WaitAsync(Deadline));
        Assert.Equal("second without its end", Encoding.UTF8.GetString(_feed.Blocks[1]!));
        await pipe.Writer.CompleteAsync();
        await appending.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Blocks_of_15_MiB_pass_though_the_read_ahead_is_smaller()
    {
        byte[] input = new byte[40 << 20];
        new Random(2).NextBytes(input);
        await new FeedAppender(_feed, _ => { }).AppendAsync(new MemoryStream(input), new ChunkCutter(15 << 20), CancellationToken.None)
            .WaitAsync(Deadline);
        Assert.Equal(3, _feed.Blocks.Count);
        Assert.True(Joined().AsSpan().SequenceEqual(input));
    }

    [Fact]
    public async Task An_input_that_never_ends_is_left_when_stopped()
    {
        using var stop = new CancellationTokenSource();
        Task appending = new FeedAppender(_feed, _ => stop.Cancel())
            .AppendAsync(new StuckAfter("one\n"u8.ToArray()), new LineCutter(), stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => appending.WaitAsync(Deadline));
        Assert.Single(_feed.Blocks);
    }

    [Fact]
    public async Task A_read_error_reaches_the_caller_after_what_was_read_before()
    {
        var failure = await Assert.ThrowsAsync<IOException>(() => new FeedAppender(_feed, _ => { })
            .AppendAsync(new FailsAfter("one\ntw"u8.ToArray()), new LineCutter(), CancellationToken.None).WaitAsync(Deadline));
        Assert.Equal("the disk is gone", failure.Message);
    }

    private byte[] Joined() => _feed.Blocks.Aggregate(new MemoryStream(), (all, block) =>
    {
        all.Write(block);
        return all;
    }).ToArray();

    /// <summary>A terminal: its read cannot be called off.</summary>
    private sealed class StuckAfter(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await base.ReadAsync(buffer, CancellationToken.None);
            if (read == 0)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
            }

            return read;
        }
    }

    private sealed class FailsAfter(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : throw new IOException("the disk is gone");
        }
    }
}
