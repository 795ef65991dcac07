using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.ExceptionServices;
using HyperActors.Abstractions;

namespace HyperActors.Cli.Input;

/// <summary>Appends a stream to a feed: in large batches while the input is fast, at once when it is slow.</summary>
/// <remarks>
/// Reading and appending overlap. What is held at any time is bounded by <see cref="MaxReadAhead"/>, one batch and one block.
/// </remarks>
internal sealed class FeedAppender(IFeed feed, Action<FeedAppender> onAcknowledged)
{
    /// <summary>Bytes after which a batch is appended. More would save signatures, which at this size no longer show.</summary>
    private const int MaxBatchBytes = 4 << 20;

    /// <summary>Blocks after which a batch is appended, so that short lines do not pile up unacknowledged.</summary>
    private const int MaxBatchBlocks = 4096;

    /// <summary>Bytes that are read ahead while a batch is on its way to the disk.</summary>
    private const int MaxReadAhead = 8 << 20;

    private const int ReadSize = 256 << 10;

    private readonly ArrayBufferWriter<byte> _bytes = new(MaxBatchBytes);
    private readonly List<int> _sizes = [];

    /// <summary>Blocks that are safe on the disk, of those given to this appender.</summary>
    public ulong Blocks { get; private set; }

    /// <summary>Bytes in them.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>The feed's length with them.</summary>
    public ulong Length { get; private set; } = feed.Length;

    /// <summary>Reads <paramref name="input"/> to its end and appends what the cutter makes of it.</summary>
    public async Task AppendAsync(Stream input, BlockCutter cutter, CancellationToken cancellationToken)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: MaxReadAhead, resumeWriterThreshold: MaxReadAhead / 2, minimumSegmentSize: ReadSize, useSynchronizationContext: false));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        Task<Exception?> pumping = PumpAsync(input, pipe.Writer, stop.Token);
        try
        {
            await DrainAsync(pipe.Reader, pumping, cutter, cancellationToken);
        }
        finally
        {
            // The pump is left alone: a read of a terminal or of an idle pipe cannot be called off.
            await stop.CancelAsync();
            await pipe.Reader.CompleteAsync();
        }
    }

    /// <summary>Reads the input into the pipe.</summary>
    /// <returns>Why it ended early; null at the input's end.</returns>
    private static async Task<Exception?> PumpAsync(Stream input, PipeWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            FlushResult flushed = default;
            while (!flushed.IsCompleted)
            {
                int read = await input.ReadAsync(writer.GetMemory(ReadSize), cancellationToken);
                if (read == 0)
                {
                    break;
                }

                writer.Advance(read);
                flushed = await writer.FlushAsync(cancellationToken);
            }

            return null;
        }
#pragma warning disable CA1031 // Handed on: it is thrown once all that was read before is appended.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return failure;
        }
        finally
        {
            await writer.CompleteAsync();
        }
    }

    private async Task DrainAsync(
        PipeReader reader, Task<Exception?> pumping, BlockCutter cutter, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!reader.TryRead(out ReadResult result))
            {
                // Nothing more right now: what is complete must not wait for what may never come.
                await FlushAsync(cancellationToken);
                result = await reader.ReadAsync(cancellationToken);
            }

            Exception? failure = result.IsCompleted ? await pumping : null;
            ReadOnlySequence<byte> input = result.Buffer;
            while (cutter.TryCut(ref input, result.IsCompleted && failure is null, out ReadOnlySequence<byte> block))
            {
                await AddAsync(block, cancellationToken);
            }

            reader.AdvanceTo(input.Start, input.End);
            if (result.IsCompleted)
            {
                await FlushAsync(cancellationToken);
                if (failure is not null)
                {
                    ExceptionDispatchInfo.Throw(failure);
                }

                return;
            }
        }
    }

    private async ValueTask AddAsync(ReadOnlySequence<byte> block, CancellationToken cancellationToken)
    {
        if (_sizes.Count == MaxBatchBlocks || (_sizes.Count > 0 && _bytes.WrittenCount + block.Length > MaxBatchBytes))
        {
            await FlushAsync(cancellationToken);
        }

        int size = (int)block.Length;
        block.CopyTo(_bytes.GetSpan(Math.Max(size, 1)));
        _bytes.Advance(size);
        _sizes.Add(size);
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_sizes.Count == 0)
        {
            return;
        }

        var blocks = new ReadOnlyMemory<byte>[_sizes.Count];
        int start = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = _bytes.WrittenMemory.Slice(start, _sizes[i]);
            start += _sizes[i];
        }

        // Not called off on its way to the disk: then nobody could say how much of it is there.
        cancellationToken.ThrowIfCancellationRequested();
        Length = await feed.AppendAsync(blocks, CancellationToken.None);
        Blocks += (ulong)blocks.Length;
        Bytes += (ulong)start;
        _bytes.ResetWrittenCount();
        _sizes.Clear();
        onAcknowledged(this);
    }
}
