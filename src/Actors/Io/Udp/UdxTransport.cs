using System.Buffers;
using System.Net;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>A UDX stream as a <see cref="ITransport"/>: what happens on it is a message to its owner.</summary>
/// <remarks>
/// Reading is paid for by the stream's window: the peer sends no more than <see cref="UdxOptions.ReceiveWindow"/> ahead of
/// <see cref="ReturnCredit"/>. What arrives before <see cref="Start"/> waits for it. Let go after <see cref="Shutdown"/>, the
/// stream still delivers what was written; before, it is aborted.
/// </remarks>
public sealed class UdxTransport : ITransport, IUdxSink
{
    // Unordered messages in the owner's mailbox: beyond this they are dropped, as a full socket would.
    private const int MaxUnreadMessageBytes = 256 * 1024;
    private const int MessageOverhead = 64;

    private readonly Lock _gate = new();
    private readonly Queue<object> _early = new(0);
    private Early? _lastEarly;
    private IActorRef? _owner;
    private long _unreadMessageBytes;
    private bool _isDisposed;
    private readonly IUdxWatcher? _watcher;
    private bool _hasSpoken;
    private bool _hasMoved;
    private TaskCompletionSource? _listener;
    private long _received;
    private long _sent;

    private UdxTransport(IUdxWatcher? watcher) => _watcher = watcher;

    /// <summary>The stream below.</summary>
    public UdxConnection Connection { get; private set; } = null!;

    /// <inheritdoc/>
    public EndPoint? RemoteAddress => Connection.RemoteAddress is { Port: > 0 } remote ? remote.ToIPEndPoint() : null;

    /// <inheritdoc/>
    public string Kind => "udx";

    /// <inheritdoc/>
    public TransportCounts Counts => new(Interlocked.Read(ref _received), Interlocked.Read(ref _sent));

    /// <inheritdoc/>
    public TimeSpan? RoundTripTime => Connection.Statistics.RoundTrip is { Ticks: > 0 } measured ? measured : null;

    /// <summary>Opens a stream under an id of its own; connect it by <see cref="Connection"/>, or let the gate do so.</summary>
    /// <param name="hub">Where.</param>
    /// <param name="gate">Who may come in before it is connected; without one, nobody.</param>
    /// <param name="watcher">Hears of its life beside the owner.</param>
    /// <returns>Null when the hub has too many.</returns>
    public static UdxTransport? Open(UdxHub hub, UdxGate? gate = null, IUdxWatcher? watcher = null)
    {
        var transport = new UdxTransport(watcher);
        return transport.Take(hub.Open(transport, gate));
    }

    /// <summary>Opens a stream under this very id.</summary>
    /// <returns>Null when it is taken, or the hub has too many.</returns>
    public static UdxTransport? Open(UdxHub hub, uint id, UdxGate? gate = null)
    {
        var transport = new UdxTransport(null);
        return transport.Take(hub.Open(id, transport, gate));
    }

    /// <summary>Waits until the peer is heard for the first time, or the stream is over. One may wait at a time.</summary>
    public Task WaitForPeerAsync()
    {
        var listener = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            Invariant.Hold(_listener is null);
            _listener = listener;
            if (_hasSpoken)
            {
                listener.SetResult();
            }
        }

        return listener.Task;
    }

    /// <inheritdoc/>
    public void Start(IActorRef owner)
    {
        lock (_gate)
        {
            _owner = owner;
            while (_early.TryDequeue(out object? message))
            {
                owner.Tell(message is Early early ? new ITransport.BytesArrived(early.Owner, early.Count) : message, ActorRefs.NoSender);
            }

            _lastEarly = null;
        }
    }

    /// <inheritdoc/>
    public void Write(IMemoryOwner<byte> bytes) => Connection.Write(bytes);

    /// <inheritdoc/>
    public bool SendMessage(ReadOnlySpan<byte> message) => Connection.SendMessage(message);

    /// <inheritdoc/>
    public void ReturnCredit(int count) => Connection.Consumed(count);

    /// <inheritdoc/>
    public void ReturnMessage(int size) => Interlocked.Add(ref _unreadMessageBytes, -(size + MessageOverhead));

    /// <inheritdoc/>
    public void Shutdown() => Connection.End();

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_early.TryDequeue(out object? message))
            {
                (message as Early)?.Owner.Dispose();
            }
        }

        Connection.Close();
    }

    void IUdxSink.HandleBytes(IMemoryOwner<byte> bytes, int count)
    {
        TellMoved();
        Interlocked.Add(ref _received, count);
        lock (_gate)
        {
            HearPeer();
            if (_isDisposed)
            {
                bytes.Dispose();
                return;
            }

            if (_owner is { } owner)
            {
                owner.Tell(new ITransport.BytesArrived(bytes, count), ActorRefs.NoSender);
                return;
            }

            // The window counts bytes, and each may come alone in a buffer: what has to wait goes together.
            if (_lastEarly?.TryAdd(bytes, count) != true)
            {
                _lastEarly = new Early(bytes, count);
                _early.Enqueue(_lastEarly);
            }
        }
    }

    void IUdxSink.HandleWritten(int count)
    {
        Interlocked.Add(ref _sent, count);
        Report(new ITransport.Written(count));
    }

    void IUdxSink.HandleMessage(ReadOnlyMemory<byte> message)
    {
        TellMoved();
        int size = message.Length + MessageOverhead;
        lock (_gate)
        {
            // An empty one only shows that the way is open.
            bool isTaken = !message.IsEmpty && _owner is not null && !_isDisposed && Interlocked.Read(ref _unreadMessageBytes) + size <= MaxUnreadMessageBytes;
            if (isTaken)
            {
                Interlocked.Add(ref _unreadMessageBytes, size);
                _owner!.Tell(new ITransport.MessageArrived(message.ToArray()), ActorRefs.NoSender);
            }
        }
    }

    void IUdxSink.HandleRemoteEnded() => Report(ITransport.RemoteEnded.Instance);

    void IUdxSink.HandleRemoteChanged() => _hasMoved = true;

    void IUdxSink.HandleClosed(UdxCloseReason reason)
    {
        if (reason != UdxCloseReason.Ended)
        {
            Report(new ITransport.Broken(reason switch
            {
                UdxCloseReason.TimedOut => "the peer does not answer any more",
                UdxCloseReason.Reset => "the peer aborted the stream",
                _ => "the stream was aborted",
            }));
        }

        lock (_gate)
        {
            HearPeer();
        }

        _watcher?.HandleClosed(reason);
    }

    // Calls of the sink come one at a time.
    private void TellMoved()
    {
        if (_hasMoved)
        {
            _hasMoved = false;
            _watcher?.HandleMoved();
        }
    }

    private void HearPeer()
    {
        _hasSpoken = true;
        _listener?.TrySetResult();
    }

    private UdxTransport? Take(UdxConnection? connection)
    {
        Connection = connection!;
        return connection is null ? null : this;
    }

    private void Report(object message)
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            if (_owner is { } owner)
            {
                owner.Tell(message, ActorRefs.NoSender);
            }
            else
            {
                _early.Enqueue(message);
            }
        }
    }

    private sealed class Early(IMemoryOwner<byte> owner, int count)
    {
        public IMemoryOwner<byte> Owner => owner;

        public int Count { get; private set; } = count;

        public bool TryAdd(IMemoryOwner<byte> more, int moreCount)
        {
            if (owner.Memory.Length - Count < moreCount)
            {
                return false;
            }

            using (more)
            {
                more.Memory.Span[..moreCount].CopyTo(owner.Memory.Span[Count..]);
            }

            Count += moreCount;
            return true;
        }
    }
}
