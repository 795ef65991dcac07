using System.Buffers;
using System.Threading.Channels;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>A UDX stream as a <see cref="Stream"/>, for who wants to await bytes and has no actor.</summary>
/// <remarks>One may read and one may write at a time. Disposing it after <see cref="EndAsync"/> lets what was written arrive; before, it aborts.</remarks>
public sealed class UdxByteStream : Stream, IUdxSink
{
    private const int MaxChunk = 64 * 1024;
    private const int MaxChunksAhead = 32;

    private readonly Channel<(IMemoryOwner<byte> Owner, int Count)> _arrived =
        Channel.CreateUnbounded<(IMemoryOwner<byte> Owner, int Count)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private readonly Channel<UdxCloseReason> _closed = Channel.CreateBounded<UdxCloseReason>(1);
    private readonly SemaphoreSlim _room = new(MaxChunksAhead);
    private readonly Queue<int> _underWay = new();
    private IMemoryOwner<byte>? _current;
    private int _currentCount;
    private int _currentStart;
    private int _taken;
    private volatile bool _isOver;

    private UdxByteStream()
    {
    }

    /// <summary>The stream below.</summary>
    public UdxConnection Connection { get; private set; } = null!;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens a stream under this id; connect it by <see cref="Connection"/>, or let the gate do so.</summary>
    /// <returns>Null when the id is taken, or the hub has too many.</returns>
    public static UdxByteStream? Open(UdxHub hub, uint id, UdxGate? gate = null)
    {
        var stream = new UdxByteStream();
        stream.Connection = hub.Open(id, stream, gate)!;
        return stream.Connection is null ? null : stream;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_current is null)
        {
            if (!await _arrived.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false)
                || !_arrived.Reader.TryRead(out (IMemoryOwner<byte> Owner, int Count) next))
            {
                return 0;
            }

            (_current, _currentCount, _currentStart) = (next.Owner, next.Count, 0);
        }

        int count = Math.Min(buffer.Length, _currentCount - _currentStart);
        _current.Memory.Slice(_currentStart, count).CopyTo(buffer);
        _currentStart += count;
        if (_currentStart == _currentCount)
        {
            _current.Dispose();
            _current = null;
            Connection.Consumed(_currentCount);
        }

        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (_isOver)
            {
                throw new IOException("the stream is over");
            }

            int count = Math.Min(MaxChunk, buffer.Length);
            var chunk = new Chunk(MemoryPool<byte>.Shared.Rent(count), count);
            buffer[..count].CopyTo(chunk.Memory);
            lock (_underWay)
            {
                _underWay.Enqueue(count);
            }

            Connection.Write(chunk);
            buffer = buffer[count..];
        }
    }

    /// <summary>Ends our direction and waits until the peer has ended its own too, and both know it.</summary>
    /// <exception cref="IOException">The stream broke before that.</exception>
    public async Task EndAsync(CancellationToken cancellationToken = default)
    {
        Connection.End();
        UdxCloseReason reason = await _closed.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (reason != UdxCloseReason.Ended)
        {
            throw Explain(reason);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
        // What is written is under way.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    void IUdxSink.HandleBytes(IMemoryOwner<byte> bytes, int count)
    {
        if (!_arrived.Writer.TryWrite((bytes, count)))
        {
            bytes.Dispose();
        }
    }

    void IUdxSink.HandleWritten(int count)
    {
        lock (_underWay)
        {
            _taken += count;
            while (_underWay.TryPeek(out int first) && _taken >= first)
            {
                _taken -= first;
                _underWay.Dequeue();
                _room.Release();
            }
        }
    }

    void IUdxSink.HandleMessage(ReadOnlyMemory<byte> message)
    {
        // A stream of bytes has no place for it.
    }

    void IUdxSink.HandleRemoteEnded() => _arrived.Writer.TryComplete();

    void IUdxSink.HandleRemoteChanged()
    {
        // Whoever changed it does not wait for what is under way.
    }

    void IUdxSink.HandleClosed(UdxCloseReason reason)
    {
        _isOver = true;
        _arrived.Writer.TryComplete(reason == UdxCloseReason.Ended ? null : Explain(reason));
        _closed.Writer.TryWrite(reason);
        _room.Release(MaxChunksAhead);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Connection.Close();
            _arrived.Writer.TryComplete();
        }

        base.Dispose(disposing);
    }

    private static IOException Explain(UdxCloseReason reason) => new(reason switch
    {
        UdxCloseReason.TimedOut => "the peer does not answer any more",
        UdxCloseReason.Reset => "the peer aborted the stream",
        _ => "the stream was aborted",
    });

    private sealed class Chunk(IMemoryOwner<byte> rented, int count) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => rented.Memory[..count];

        public void Dispose() => rented.Dispose();
    }
}
