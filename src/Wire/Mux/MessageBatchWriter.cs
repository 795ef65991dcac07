using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Wire;

/// <summary>Builds batches of messages where they will be encrypted and sent from: nothing is copied afterwards.</summary>
/// <remarks>
/// Messages are packed into frames of about the target size, with room in front for the mux and the frame header and
/// behind for the MAC. One message never spans frames. The writer is used again and again; one thread at a time.
/// </remarks>
public sealed class MessageBatchWriter : IBufferWriter<byte>, IDisposable
{
    /// <summary>What a frame needs in front of its first item: length, tag, two zeros and a channel id.</summary>
    internal const int HeadRoom = FrameCodec.HeaderSize + 1 + 2 + 9;

    /// <summary>What a frame needs behind its last item: the MAC.</summary>
    internal const int TailRoom = 16;

    /// <summary>The largest payload: what is left of a frame beside its cipher, the channel's id and the message's type.</summary>
    public const int MaxPayloadSize = LinkOptions.LargestFrame - SecretStream.Overhead - 9 - MaxTypeSize;

    /// <summary>What frames are filled to: small enough for a core's cache, large enough to be worth a system call.</summary>
    public const int DefaultFrameSize = 64 * 1024;

    /// <summary>The largest target for a frame of several messages.</summary>
    public const int MaxFrameSize = 1024 * 1024;

    private const int LongPrefix = 5;
    private const int MaxTypeSize = 5;

    private readonly int _frameSize;
    private readonly int _initialSize;
    private MessageBatch? _batch;
    private PooledBlock? _block;
    private int _position;
    private int _items;
    private int _itemStart;
    private int _prefixSize;
    private int _firstBody;
    private bool _isInMessage;
    private long _sealedBytes;
    private int _sealedCount;

    /// <summary>Makes a writer.</summary>
    /// <param name="frameSize">What frames are filled to. More means fewer frames, less means memory that is let go sooner.</param>
    /// <param name="initialSize">What the first messages of a batch reserve; small batches hold no more than that.</param>
    public MessageBatchWriter(int frameSize = DefaultFrameSize, int initialSize = 1024)
    {
        Invariant.Hold(frameSize is > 0 and <= MaxFrameSize);
        _frameSize = frameSize;
        _initialSize = initialSize;
    }

    /// <summary>Messages written since the last <see cref="Build"/>.</summary>
    public int Count => _sealedCount + _items;

    /// <summary>Bytes written since the last <see cref="Build"/>.</summary>
    public long ByteLength => _sealedBytes + (_block is null ? 0 : _position - HeadRoom);

    /// <summary>Reserves memory for <paramref name="bytes"/> more, when the owner knows what is coming; a frame at most.</summary>
    public void Reserve(int bytes)
    {
        Invariant.Hold(!_isInMessage);
        int wanted = Math.Min(bytes + HeadRoom + TailRoom, _frameSize);
        if (_block is null)
        {
            StartFrame(wanted);
        }
        else if (_position + bytes + TailRoom <= _frameSize)
        {
            EnsureCapacity(bytes);
        }
    }

    /// <summary>Starts a message; its payload is written to this writer.</summary>
    /// <param name="type">The message's number in its protocol.</param>
    /// <param name="sizeHint">About how long the payload will be; a good guess saves a copy.</param>
    public void BeginMessage(uint type, int sizeHint = 0)
    {
        Invariant.Hold(!_isInMessage);
        int bodySize = CompactSize.OfUInt(type) + sizeHint;
        int needed = LongPrefix + bodySize;
        if (_block is null)
        {
            StartFrame(Math.Max(HeadRoom + needed + TailRoom, _initialSize));
        }
        else if (_position + needed + TailRoom > _frameSize)
        {
            SealFrame(_position);
            StartFrame(Math.Max(HeadRoom + needed + TailRoom, _frameSize));
        }
        else
        {
            EnsureCapacity(needed);
        }

        _isInMessage = true;
        _itemStart = _position;
        _prefixSize = CompactSize.OfUInt((ulong)bodySize);
        _position += _prefixSize;
        _position += CompactSize.WriteUInt(_block!.Array.AsSpan(_position), type);
    }

    /// <summary>Ends the message.</summary>
    public void EndMessage()
    {
        Invariant.Hold(_isInMessage);
        byte[] array = _block!.Array;
        int bodyStart = _itemStart + _prefixSize;
        int bodySize = _position - bodyStart;
        Invariant.Hold(bodySize <= MaxPayloadSize + MaxTypeSize);
        int prefixSize = CompactSize.OfUInt((ulong)bodySize);
        if (prefixSize != _prefixSize)
        {
            // The guess was in another class of sizes: short messages move by little, long ones come with a hint.
            EnsureCapacity(prefixSize);
            array = _block.Array;
            bodyStart = _itemStart + _prefixSize;
            array.AsSpan(bodyStart, bodySize).CopyTo(array.AsSpan(_itemStart + prefixSize));
            _position = _itemStart + prefixSize + bodySize;
        }

        CompactSize.WriteUInt(array.AsSpan(_itemStart), (ulong)bodySize);
        if (_items == 0)
        {
            _firstBody = _itemStart + prefixSize;
        }

        _items++;
        _isInMessage = false;
    }

    /// <summary>Writes one whole message.</summary>
    public void Write<T>(uint type, in T message, int sizeHint = 0)
        where T : IEncodable
    {
        BeginMessage(type, sizeHint);
        var writer = new CompactWriter(this);
        message.Encode(ref writer);
        EndMessage();
    }

    /// <summary>Writes one whole message whose payload is at hand.</summary>
    public void Write(uint type, ReadOnlySpan<byte> payload)
    {
        BeginMessage(type, payload.Length);
        payload.CopyTo(GetSpan(payload.Length));
        Advance(payload.Length);
        EndMessage();
    }

    /// <summary>Hands over what was written; null when there was nothing. The writer starts anew.</summary>
    public MessageBatch? Build()
    {
        Invariant.Hold(!_isInMessage);
        if (_block is not null)
        {
            SealFrame(_position);
        }

        MessageBatch? batch = _batch;
        _batch = null;
        _sealedBytes = 0;
        _sealedCount = 0;
        return batch;
    }

    /// <summary>Room for the payload of the message; good until the next call of this writer.</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Invariant.Hold(_isInMessage);
        EnsureCapacity(Math.Max(sizeHint, 1));
        return _block!.Array.AsMemory(_position, _block.Capacity - TailRoom - _position);
    }

    /// <inheritdoc cref="GetMemory"/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Invariant.Hold(_isInMessage);
        EnsureCapacity(Math.Max(sizeHint, 1));
        return _block!.Array.AsSpan(_position, _block.Capacity - TailRoom - _position);
    }

    /// <summary>That many bytes of the payload have been written.</summary>
    public void Advance(int count)
    {
        Invariant.Hold(_isInMessage && (uint)count <= (uint)(_block!.Capacity - TailRoom - _position));
        _position += count;
    }

    /// <summary>Returns what was written and not handed over.</summary>
    public void Dispose()
    {
        _isInMessage = false;
        Build()?.Dispose();
    }

    private void StartFrame(int size)
    {
        _block = PooledBlock.Rent(size);
        _position = HeadRoom;
        _items = 0;
    }

    private void SealFrame(int end)
    {
        if (_items == 0)
        {
            _block!.Release();
        }
        else
        {
            _batch ??= new MessageBatch();
            _batch.AppendOwned(_block!, _items == 1 ? _firstBody : HeadRoom, end, _items == 1 ? 0 : _items);
            _sealedBytes += end - HeadRoom;
            _sealedCount += _items;
        }

        _block = null;
        _items = 0;
    }

    private void EnsureCapacity(int more)
    {
        int needed = _position + more + TailRoom;
        if (needed <= _block!.Capacity)
        {
            return;
        }

        PooledBlock old = _block;
        int oldPosition = _position;
        if (_isInMessage && _items > 0 && needed > _frameSize)
        {
            // The message outgrows the frame that it was begun in: it moves on alone.
            int started = oldPosition - _itemStart;
            int itemStart = _itemStart;
            old.Hold();
            SealFrame(itemStart);
            StartFrame(Math.Max(HeadRoom + (2 * started) + more + TailRoom, _frameSize));
            old.Array.AsSpan(itemStart, started).CopyTo(_block.Array.AsSpan(HeadRoom));
            _itemStart = HeadRoom;
            _position = HeadRoom + started;
        }
        else
        {
            _block = PooledBlock.Rent(Math.Max(needed, 2 * old.Capacity));
            old.Array.AsSpan(HeadRoom, oldPosition - HeadRoom).CopyTo(_block.Array.AsSpan(HeadRoom));
        }

        old.Release();
    }
}
