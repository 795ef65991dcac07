using System.Buffers;

namespace HyperActors.Wire;

/// <summary>Cuts the bytes of a connection into frames, and writes frames.</summary>
/// <remarks>
/// A frame that arrives whole is lent as it lies in the input. One that arrives in pieces is gathered in memory that
/// grows with the bytes that are here, not with what its length promises.
/// </remarks>
public sealed class FrameStage : IStage<FrameEvent>, IDisposable
{
    // The first piece of a long frame reserves this much at most: small beside what a connection costs anyway.
    private const int FirstReserve = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _unsent = new();
    private ReadOnlySequence<byte> _input;
    private ReadOnlyMemory<byte> _segment;
    private byte[] _partial = [];
    private int _partialLength;
    private bool _partialLent;
    private bool _failed;

    public FrameStage(int maxBodySize) => MaxBodySize = maxBodySize;

    /// <summary>The longest frame that is accepted from now on.</summary>
    public int MaxBodySize { get; set; }

    public TimeSpan? Deadline => null;

    public void HandleTimeout(TimeSpan now)
    {
    }

    public void HandleInput(ReadOnlySequence<byte> input, TimeSpan now)
    {
        Invariant.Hold(_input.IsEmpty && _segment.IsEmpty);
        if (!_failed)
        {
            _input = input;
        }
    }

    /// <summary>Queues one frame.</summary>
    public void Send(ReadOnlySpan<byte> body)
    {
        FrameCodec.EncodeHeader(_unsent.GetSpan(FrameCodec.HeaderSize), body.Length);
        _unsent.Advance(FrameCodec.HeaderSize);
        _unsent.Write(body);
    }

    public bool TryPollTransmit(IBufferWriter<byte> output, TimeSpan now)
    {
        if (_failed || _unsent.WrittenCount == 0)
        {
            return false;
        }

        output.Write(_unsent.WrittenSpan);
        _unsent.ResetWrittenCount();
        return true;
    }

    public bool TryPollEvent(out FrameEvent stageEvent)
    {
        stageEvent = default;
        if (_partialLent)
        {
            DropPartial();
        }

        while (!_failed && TryTakeSegment())
        {
            if (_partialLength > 0)
            {
                if (TryCompletePartial(out stageEvent))
                {
                    return true;
                }

                continue;
            }

            ReadOnlySpan<byte> rest = _segment.Span;
            switch (FrameCodec.Decode(ref rest, MaxBodySize, out ReadOnlySpan<byte> body))
            {
                case OperationStatus.Done:
                    _segment = _segment[^rest.Length..];
                    stageEvent = new FrameEvent(body);
                    return true;
                case OperationStatus.InvalidData:
                    stageEvent = Fail();
                    return true;
                default:
                    KeepPartial(rest.Length);
                    break;
            }
        }

        return false;
    }

    /// <summary>How many bytes of bodies lie whole behind the frame that was polled last.</summary>
    internal int MeasureWhole()
    {
        int whole = 0;
        ReadOnlySpan<byte> rest = _segment.Span;
        while (FrameCodec.Decode(ref rest, MaxBodySize, out ReadOnlySpan<byte> body) == OperationStatus.Done)
        {
            whole += body.Length;
        }

        return whole;
    }

    public void Dispose()
    {
        _failed = true;
        _input = default;
        _segment = default;
        DropPartial();
    }

    private bool TryTakeSegment()
    {
        while (_segment.IsEmpty && !_input.IsEmpty)
        {
            _segment = _input.First;
            _input = _input.Slice(_segment.Length);
        }

        return !_segment.IsEmpty;
    }

    // Takes what the gathered frame lacks; false when the segment ran out first.
    private bool TryCompletePartial(out FrameEvent stageEvent)
    {
        stageEvent = default;
        if (_partialLength < FrameCodec.HeaderSize)
        {
            KeepPartial(Math.Min(FrameCodec.HeaderSize - _partialLength, _segment.Length));
        }

        switch (FrameCodec.DecodeHeader(_partial.AsSpan(0, _partialLength), MaxBodySize, out int length))
        {
            case OperationStatus.InvalidData:
                stageEvent = Fail();
                return true;
            case OperationStatus.NeedMoreData:
                return false;
        }

        int missing = FrameCodec.HeaderSize + length - _partialLength;
        KeepPartial(Math.Min(missing, _segment.Length), FrameCodec.HeaderSize + length);
        if (_partialLength < FrameCodec.HeaderSize + length)
        {
            return false;
        }

        stageEvent = new FrameEvent(_partial.AsSpan(FrameCodec.HeaderSize, length));
        _partialLent = true;
        return true;
    }

    private void KeepPartial(int count, int frameSize = FirstReserve)
    {
        int needed = _partialLength + count;
        if (needed > _partial.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Min(frameSize, Math.Max(FirstReserve, 4 * needed))));
            _partial.AsSpan(0, _partialLength).CopyTo(larger);
            ReturnPartial();
            _partial = larger;
        }

        _segment.Span[..count].CopyTo(_partial.AsSpan(_partialLength));
        _partialLength = needed;
        _segment = _segment[count..];
    }

    private FrameEvent Fail()
    {
        Dispose();
        return new FrameEvent(WireError.FrameTooLarge);
    }

    private void DropPartial()
    {
        ReturnPartial();
        _partial = [];
        _partialLength = 0;
        _partialLent = false;
    }

    private void ReturnPartial()
    {
        if (_partial.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_partial);
        }
    }
}
