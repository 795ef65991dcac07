using System.Buffers;
using System.Text;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Wire;

public sealed partial class MuxStage
{
    // What a frame has on the wire besides its message.
    private const int FrameOverhead = FrameCodec.HeaderSize + SecretStream.Overhead;

    private readonly Queue<OutgoingFrame> _queue = new();
    private long _queuedControlBytes;
    private bool _ended;

    /// <summary>Bytes on the wire of what waits to be sent.</summary>
    public long QueuedBytes { get; private set; }

    internal Queue<OutgoingFrame> Queue => _queue;

    /// <summary>Queues messages of a channel; the stage disposes of them.</summary>
    /// <returns>False when the channel is closed, so that they will not be sent.</returns>
    public bool Send(ulong channelId, MessageBatch messages)
    {
        if (_failed || !_channels.TryGetValue(channelId, out Channel? channel))
        {
            messages.Dispose();
            return false;
        }

        for (int i = 0; i < messages.Runs; i++)
        {
            ref MessageBatch.Run run = ref messages.RunAt(i);
            int start = run.Count > 0
                ? WriteBatchHeader(run.Block.Array, run.Start, channel.LocalId)
                : WriteChannelId(run.Block.Array, run.Start, channel.LocalId);
            Enqueue(new OutgoingFrame(run.Block, start, run.End - start, IsControl: false));
        }

        // The blocks are the queue's now.
        messages.MarkSent();
        if (QueuedBytes > _options.MaxQueuedBytes)
        {
            Fail(WireError.SendQueueOverflow);
            return false;
        }

        return true;
    }

    public bool TryPollTransmit(IBufferWriter<byte> output, TimeSpan now)
    {
        if (!TryDequeue(out OutgoingFrame frame))
        {
            return false;
        }

        output.Write(frame.Message);
        frame.Block.Release();
        return true;
    }

    /// <summary>What is queued goes out, and nothing after it: not even answers to what still arrives.</summary>
    internal void End() => _ended = true;

    internal bool TryDequeue(out OutgoingFrame frame)
    {
        if (!_queue.TryDequeue(out frame))
        {
            return false;
        }

        QueuedBytes -= frame.WireSize;
        if (frame.IsControl)
        {
            _queuedControlBytes -= frame.WireSize;
        }

        return true;
    }

    private static int WriteChannelId(byte[] array, int end, ulong localId)
    {
        int start = end - CompactSize.OfUInt(localId);
        CompactSize.WriteUInt(array.AsSpan(start), localId);
        return start;
    }

    private static int WriteBatchHeader(byte[] array, int end, ulong localId)
    {
        int start = WriteChannelId(array, end, localId) - 2;
        array[start] = (byte)ChannelCodec.ControlChannel;
        array[start + 1] = (byte)ChannelCodec.Batch;
        return start;
    }

    private void QueueOpen(Channel channel, in ChannelKey key, ReadOnlySpan<byte> handshake)
    {
        int size = ChannelCodec.SizeOfOpen(channel.LocalId, key, handshake.Length);
        Span<byte> span = StartControl(ChannelCodec.Open, size, out PooledBlock block);
        span = span[CompactSize.WriteUInt(span, channel.LocalId)..];
        span = span[CompactSize.WriteUInt(span, (ulong)Encoding.UTF8.GetByteCount(key.Protocol))..];
        span = span[Encoding.UTF8.GetBytes(key.Protocol, span)..];
        span = span[CompactSize.WriteUInt(span, (ulong)key.Id.Length)..];
        key.Id.CopyTo(span);
        handshake.CopyTo(span[key.Id.Length..]);
        Enqueue(new OutgoingFrame(block, MessageBatchWriter.HeadRoom, size, IsControl: true));
    }

    private void QueueControl(ulong type, ulong id)
    {
        int size = 2 + CompactSize.OfUInt(id);
        Span<byte> span = StartControl(type, size, out PooledBlock block);
        CompactSize.WriteUInt(span, id);
        Enqueue(new OutgoingFrame(block, MessageBatchWriter.HeadRoom, size, IsControl: true));
    }

    private static Span<byte> StartControl(ulong type, int size, out PooledBlock block)
    {
        block = PooledBlock.Rent(MessageBatchWriter.HeadRoom + size + MessageBatchWriter.TailRoom);
        Span<byte> span = block.Array.AsSpan(MessageBatchWriter.HeadRoom, size);
        span[0] = (byte)ChannelCodec.ControlChannel;
        span[1] = (byte)type;
        return span[2..];
    }

    private void Enqueue(in OutgoingFrame frame)
    {
        if (_ended)
        {
            frame.Block.Release();
            return;
        }

        _queue.Enqueue(frame);
        QueuedBytes += frame.WireSize;
        if (frame.IsControl)
        {
            _queuedControlBytes += frame.WireSize;
        }
    }

    private void DropQueue()
    {
        while (TryDequeue(out OutgoingFrame frame))
        {
            frame.Block.Release();
        }
    }

    /// <summary>One message of the stream, with room around it to be encrypted and framed where it lies.</summary>
    internal readonly record struct OutgoingFrame(PooledBlock Block, int Start, int Length, bool IsControl)
    {
        public int WireSize => Length + FrameOverhead;

        public ReadOnlySpan<byte> Message => Block.Array.AsSpan(Start, Length);
    }
}
