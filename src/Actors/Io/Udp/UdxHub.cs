using System.Net;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>All streams of a node on all of its UDP sockets: tells datagrams apart and hands each to its stream.</summary>
/// <remarks>
/// A node has one hub and as many sockets as it needs, opened with <see cref="Bind"/> and closed with
/// <see cref="UdpSocket.Dispose"/> at any time. A stream is found by its id alone, whatever socket its packet comes in on.
/// What is no packet of a stream (messages of the DHT, hole-punch bytes) goes to whoever bound the socket. Safe from any thread.
/// </remarks>
public sealed class UdxHub : IUdpSleeper, IDisposable
{
    // So much is taken in before it is answered: less means more calls, more makes acknowledgements late.
    private const int MaxUnansweredBytes = 64 * 1024;

    private readonly RandomSource _random;
    private readonly UdxEndpoint<UdxConnection> _endpoint;
    private readonly Lock _gate = new();

    // Of the door's thread alone.
    private readonly List<UdxConnection> _touched = [];
    private int _unanswered;

    // Streams that their owners have let go and that are not over yet.
    private int _closing;
    private TaskCompletionSource? _allClosed;

    /// <summary>A hub over <paramref name="door"/>, which it owns from now on.</summary>
    public UdxHub(UdpDoor door, UdxOptions options, RandomSource random)
    {
        Door = door;
        Options = options;
        _random = random;
        _endpoint = new UdxEndpoint<UdxConnection>(options);
    }

    /// <summary>A datagram that belongs to no stream, lent for the call, on the door's thread.</summary>
    public delegate void OtherDatagram(UdpSocket socket, DatagramKind kind, ReadOnlyMemory<byte> datagram, UdxAddress from);

    /// <summary>Bytes of a stream that are handed over together at most.</summary>
    public int ReadSize { get; init; } = 64 * 1024;

    /// <summary>The door below.</summary>
    public UdpDoor Door { get; }

    /// <summary>Bounds and clocks of the streams.</summary>
    public UdxOptions Options { get; }

    /// <summary>Open streams.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _endpoint.Count;
            }
        }
    }

    /// <summary>Opens a socket that streams may use.</summary>
    /// <param name="address">Where it listens; <c>[::]</c> takes IPv4 too, port 0 takes a free one.</param>
    /// <param name="other">Who hears of the datagrams on it that belong to no stream; without one they are dropped.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The address can't be had.</exception>
    public UdpSocket Bind(IPEndPoint address, OtherDatagram? other = null) => Door.Bind(address, new Receiver(this, other));

    /// <summary>Sends one datagram that belongs to no stream. It may be lost, as datagrams may be.</summary>
    /// <param name="socket">The socket to send from.</param>
    /// <param name="to">The address to send to.</param>
    /// <param name="datagram">At most 1472 bytes; a longer one doesn't leave most machines.</param>
    /// <param name="timeToLive">How many hops it may travel; 0 for as many as usual.</param>
    public void SendDatagram(UdpSocket socket, UdxAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
    {
        Invariant.Hold(datagram.Length <= UdxTransmit.MaxLength);
        if (datagram.IsEmpty)
        {
            return;
        }

        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        datagram.CopyTo(batch.Free);
        batch.Add(new UdxTransmit(socket.Id, to, datagram.Length, datagram.Length), timeToLive);
        Door.Send(batch);
    }

    /// <summary>Opens a stream under an id of its own.</summary>
    /// <param name="sink">Hears what happens on it.</param>
    /// <param name="gate">Who may come in on another socket, and before the stream has a remote; without one, nobody.</param>
    /// <returns>Null when there are too many.</returns>
    public UdxConnection? Open(IUdxSink sink, UdxGate? gate = null)
    {
        while (true)
        {
            uint id;
            lock (_gate)
            {
                if (_endpoint.Count >= Options.MaxStreams)
                {
                    return null;
                }

                id = (uint)_random.NextUInt64();
            }

            if (Open(id, sink, gate) is { } connection)
            {
                return connection;
            }
        }
    }

    /// <summary>Opens a stream under this id; null when it is taken, or there are too many.</summary>
    public UdxConnection? Open(uint id, IUdxSink sink, UdxGate? gate = null)
    {
        var connection = new UdxConnection(this, id, Options, sink, gate);
        lock (_gate)
        {
            return _endpoint.TryOpen(connection, id) ? connection : null;
        }
    }

    private void HandleDatagrams(
        UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from, OtherDatagram? other)
    {
        TimeSpan now = Door.Now;
        while (!datagrams.IsEmpty)
        {
            int first = Math.Min(segmentSize, datagrams.Length);
            DatagramKind kind = Route(datagrams.Span[..first], out UdxConnection? connection);
            if (kind != DatagramKind.Stream)
            {
                if (kind != DatagramKind.Lingering)
                {
                    other?.Invoke(socket, kind, datagrams[..first], from);
                }

                datagrams = datagrams[first..];
                continue;
            }

            int length = LengthForSame(datagrams.Span, segmentSize);
            connection!.HandleDatagrams(datagrams[..length], segmentSize, socket, from, now);
            Touch(connection, length);
            datagrams = datagrams[length..];
        }
    }

    private void HandleBatchEnd()
    {
        foreach (UdxConnection connection in _touched)
        {
            connection.Flush();
        }

        _touched.Clear();
        _unanswered = 0;
    }

    /// <inheritdoc/>
    public void HandleAlarm(TimeSpan now)
    {
        lock (_gate)
        {
            _endpoint.HandleTimeout(now);
            if (_endpoint.Deadline is { } deadline)
            {
                Door.SetAlarm(deadline, this);
            }
        }
    }

    /// <summary>Waits for streams that were let go (<see cref="UdxConnection.Close"/>) and still have something under way, then
    /// closes all sockets.</summary>
    /// <param name="patience">How long it waits at most.</param>
    public async Task CloseAsync(TimeSpan patience)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _allClosed = closed;
            if (_closing == 0)
            {
                closed.SetResult();
            }
        }

        Door.SetAlarm(Door.Now + patience, new Impatience(closed));
        await closed.Task;
        Dispose();
    }

    /// <summary>Closes all sockets. Streams fall silent.</summary>
    public void Dispose() => Door.Dispose();

    internal void HandleClosing()
    {
        lock (_gate)
        {
            _closing++;
        }
    }

    internal void Forget(UdxStream stream, bool wasClosing)
    {
        TimeSpan now = Door.Now;
        lock (_gate)
        {
            if (wasClosing && --_closing == 0)
            {
                _allClosed?.TrySetResult();
            }

            bool isFirst = _endpoint.Deadline is null;
            _endpoint.Close(stream.LocalId, stream.ToLinger(), now);
            if (isFirst && _endpoint.Deadline is { } deadline)
            {
                Door.SetAlarm(deadline, this);
            }
        }
    }

    private DatagramKind Route(ReadOnlySpan<byte> datagram, out UdxConnection? connection)
    {
        lock (_gate)
        {
            DatagramKind kind = _endpoint.Route(datagram, out connection);
            if (kind == DatagramKind.Lingering)
            {
                UdpSendBatch batch = UdpSendBatch.OfThisThread;
                while (_endpoint.TryPollTransmit(batch.Free, out UdxTransmit transmit))
                {
                    batch.Add(transmit);
                }

                Door.Send(batch);
            }

            return kind;
        }
    }

    /// <summary>How many bytes go to the stream of the first datagram: the kernel joins all that one sender sends.</summary>
    private static int LengthForSame(ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        ReadOnlySpan<byte> id = datagrams.Slice(4, 4);
        int length = Math.Min(segmentSize, datagrams.Length);
        while (length + PacketHeader.Size <= datagrams.Length && datagrams.Slice(length + 4, 4).SequenceEqual(id) &&
            PacketHeader.TryDecode(datagrams[length..], out _))
        {
            length += Math.Min(segmentSize, datagrams.Length - length);
        }

        return length;
    }

    private void Touch(UdxConnection connection, int bytes)
    {
        if (!_touched.Contains(connection))
        {
            _touched.Add(connection);
        }

        _unanswered += bytes;
        if (_unanswered >= MaxUnansweredBytes)
        {
            foreach (UdxConnection touched in _touched)
            {
                touched.Flush();
            }

            _touched.Clear();
            _unanswered = 0;
        }
    }

    private sealed class Receiver(UdxHub hub, OtherDatagram? other) : IUdpReceiver
    {
        public void HandleDatagrams(UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from) =>
            hub.HandleDatagrams(socket, datagrams, segmentSize, from, other);

        public void HandleBatchEnd(UdpSocket socket) => hub.HandleBatchEnd();
    }

    private sealed class Impatience(TaskCompletionSource closed) : IUdpSleeper
    {
        public void HandleAlarm(TimeSpan now) => closed.TrySetResult();
    }
}
