using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using HyperActors.Crypto;

namespace HyperActors.Wire;

public sealed partial class Link
{
    // From here on a frame goes out in the memory that it was written in; below, frames share a buffer and a system call.
    private const int LargeFrame = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _setup = new();
    private PooledBlock? _ready;
    private int _readyStart;
    private int _readyLength;

    /// <summary>Gives bytes to send, in order, at most <paramref name="maxSize"/> of them; the caller owns and disposes them.</summary>
    public bool TryPollTransmit(int maxSize, TimeSpan now, [NotNullWhen(true)] out IMemoryOwner<byte>? bytes)
    {
        Invariant.Hold(maxSize > 0);
        if (_ready is null && !_failed)
        {
            Prepare(maxSize, now);
        }

        bytes = _ready is null ? null : TakeReady(maxSize);
        return bytes is not null;
    }

    /// <inheritdoc/>
    public bool TryPollTransmit(IBufferWriter<byte> output, TimeSpan now)
    {
        if (!TryPollTransmit(int.MaxValue, now, out IMemoryOwner<byte>? bytes))
        {
            return false;
        }

        using (bytes)
        {
            output.Write(bytes.Memory.Span);
        }

        return true;
    }

    private void Prepare(int maxSize, TimeSpan now)
    {
        // A keep-alive is for a line that is silent: any frame that waits does the same.
        if (_encrypt.HasSetup || (_encrypt.IsKeepAliveDue && _mux.Queue.Count == 0))
        {
            PrepareSetup(now);
            return;
        }

        if (!_encrypt.CanEncrypt || _mux.Queue.Count == 0)
        {
            return;
        }

        int size = MeasureSmallFrames(maxSize, out int count);
        if (count > 1)
        {
            PrepareSmallFrames(size, count, now);
        }
        else
        {
            PrepareInPlace(now);
        }
    }

    // Messages of the handshake, the stream header and keep-alives: few and short, so they go through the stages.
    private void PrepareSetup(TimeSpan now)
    {
        _setup.ResetWrittenCount();
        while (_encrypt.TryPollTransmit(_setup, now))
        {
            _frames.Send(_setup.WrittenSpan);
            _setup.ResetWrittenCount();
        }

        _frames.TryPollTransmit(_setup, now);
        _ready = PooledBlock.Rent(_setup.WrittenCount);
        _readyStart = 0;
        _readyLength = _setup.WrittenCount;
        _setup.WrittenSpan.CopyTo(_ready.Array);
    }

    private int MeasureSmallFrames(int maxSize, out int count)
    {
        int size = 0;
        count = 0;
        foreach (MuxStage.OutgoingFrame frame in _mux.Queue)
        {
            if (frame.WireSize >= LargeFrame || frame.WireSize > maxSize - size)
            {
                break;
            }

            size += frame.WireSize;
            count++;
        }

        return size;
    }

    private void PrepareSmallFrames(int size, int count, TimeSpan now)
    {
        _ready = PooledBlock.Rent(size);
        _readyStart = 0;
        _readyLength = size;
        Span<byte> output = _ready.Array.AsSpan(0, size);
        for (; count > 0; count--)
        {
            _mux.TryDequeue(out MuxStage.OutgoingFrame frame);
            FrameCodec.EncodeHeader(output, frame.Length + SecretStream.Overhead);
            _encrypt.Encrypt(frame.Message, output[FrameCodec.HeaderSize..frame.WireSize], now);
            output = output[frame.WireSize..];
            frame.Block.Release();
        }
    }

    private void PrepareInPlace(TimeSpan now)
    {
        _mux.TryDequeue(out MuxStage.OutgoingFrame frame);
        _ready = frame.Block;
        _readyStart = frame.Start - SecretStream.PlaintextOffset - FrameCodec.HeaderSize;
        _readyLength = frame.WireSize;
        Span<byte> output = _ready.Array.AsSpan(_readyStart, _readyLength);
        FrameCodec.EncodeHeader(output, frame.Length + SecretStream.Overhead);
        _encrypt.Encrypt(frame.Message, output[FrameCodec.HeaderSize..], now);
    }

    private OwnedBytes TakeReady(int maxSize)
    {
        PooledBlock block = _ready!;
        int start = _readyStart;
        int length = Math.Min(_readyLength, maxSize);
        _readyStart += length;
        _readyLength -= length;
        if (_readyLength == 0)
        {
            _ready = null;
        }
        else
        {
            block.Hold();
        }

        return new OwnedBytes(block, start, length);
    }

    private void DropReady()
    {
        _ready?.Release();
        _ready = null;
        _readyLength = 0;
    }
}
