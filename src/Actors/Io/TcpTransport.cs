using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace HyperActors.Actors;

/// <summary>A TCP socket as a <see cref="ITransport"/>: one loop that reads against credit, one that writes what is queued.</summary>
internal sealed class TcpTransport : ITransport
{
    private readonly Socket _socket;
    private readonly TransportOptions _options;
    private readonly Lock _gate = new();
    private readonly Queue<IMemoryOwner<byte>> _unwritten = new();
    private IActorRef _owner = ActorRefs.Nobody;
    private int _credit;
    private TaskCompletionSource? _creditArrived;
    private bool _isWriting;
    private bool _endsAfterWrites;
    private bool _disposed;
    private long _received;
    private long _sent;

    public TcpTransport(Socket socket, TransportOptions options)
    {
        _socket = socket;
        _options = options;
        _credit = options.MaxUnreadBytes;
        try
        {
            RemoteAddress = socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            // Gone already: the first read will say so.
        }
    }

    public EndPoint? RemoteAddress { get; }

    public TransportCounts Counts => new(Interlocked.Read(ref _received), Interlocked.Read(ref _sent));

    public void Start(IActorRef owner)
    {
        _owner = owner;
        _ = ReadAsync();
    }

    public void Write(IMemoryOwner<byte> bytes)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                bytes.Dispose();
                return;
            }

            _unwritten.Enqueue(bytes);
            if (_isWriting)
            {
                return;
            }

            _isWriting = true;
        }

        _ = WriteAsync();
    }

    public void ReturnCredit(int count)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _credit += count;
            if (_credit <= 0 || _creditArrived is null)
            {
                return;
            }

            waiting = _creditArrived;
            _creditArrived = null;
        }

        waiting.SetResult();
    }

    public void Shutdown()
    {
        lock (_gate)
        {
            _endsAfterWrites = true;
            if (_isWriting || _disposed)
            {
                return;
            }
        }

        EndWriting();
    }

    public void Dispose()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            waiting = _creditArrived;
            _creditArrived = null;
            while (_unwritten.TryDequeue(out IMemoryOwner<byte>? bytes))
            {
                bytes.Dispose();
            }
        }

        waiting?.SetResult();
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        // An idle connection holds a small buffer; one that fills its buffers gets larger ones.
        int size = _options.MinReadSize;
        try
        {
            while (await HasCreditAsync().ConfigureAwait(false))
            {
                IMemoryOwner<byte> owner = MemoryPool<byte>.Shared.Rent(size);
                int count;
                try
                {
                    count = await _socket.ReceiveAsync(owner.Memory[..size], SocketFlags.None).ConfigureAwait(false);
                }
                catch
                {
                    owner.Dispose();
                    throw;
                }

                if (count == 0)
                {
                    owner.Dispose();
                    Report(ITransport.RemoteEnded.Instance);
                    return;
                }

                Interlocked.Add(ref _received, count);
                lock (_gate)
                {
                    _credit -= count;
                }

                size = count >= size ? Math.Min(2 * size, _options.MaxReadSize)
                    : count < size / 4 ? Math.Max(size / 2, _options.MinReadSize)
                    : size;
                Report(new ITransport.BytesArrived(owner, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Report(new ITransport.Broken(e.Message));
        }
    }

    private async ValueTask<bool> HasCreditAsync()
    {
        TaskCompletionSource arrived;
        lock (_gate)
        {
            if (_disposed || _credit > 0)
            {
                return !_disposed;
            }

            // Continues on the pool: the actor that returns credit must not run our loop in its turn.
            arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _creditArrived = arrived;
        }

        await arrived.Task.ConfigureAwait(false);
        return !_disposed;
    }

    private async Task WriteAsync()
    {
        try
        {
            while (TryTakeNext(out IMemoryOwner<byte>? bytes))
            {
                int count = bytes.Memory.Length;
                using (bytes)
                {
                    ReadOnlyMemory<byte> rest = bytes.Memory;
                    while (!rest.IsEmpty)
                    {
                        rest = rest[await _socket.SendAsync(rest, SocketFlags.None).ConfigureAwait(false)..];
                    }
                }

                Interlocked.Add(ref _sent, count);
                Report(new ITransport.Written(count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Report(new ITransport.Broken(e.Message));
        }
    }

    private bool TryTakeNext([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IMemoryOwner<byte>? bytes)
    {
        lock (_gate)
        {
            if (_unwritten.TryDequeue(out bytes))
            {
                return true;
            }

            _isWriting = false;
            if (!_endsAfterWrites || _disposed)
            {
                return false;
            }
        }

        EndWriting();
        return false;
    }

    private void EndWriting()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster: its end is on its way to us.
        }
    }

    private void Report(object message)
    {
        if (!_disposed)
        {
            _owner.Tell(message, ActorRefs.NoSender);
        }
        else if (message is ITransport.BytesArrived arrived)
        {
            arrived.Owner.Dispose();
        }
    }
}
