using System.Net;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>All streams of a node on all of its UDP sockets: tells datagrams apart and hands each to its stream.</summary>
/// <remarks>What is no packet of a stream (messages of the DHT, hole-punch bytes) goes to <see cref="Other"/>.</remarks>
public sealed class UdxHub : IUdpReceiver, IUdpSleeper, IDisposable
{
    // So much is taken in before it is answered: less means more calls, more makes acknowledgements late.
    private const int MaxUnansweredBytes = 64 * 1024;

    private readonly UdxOptions _options;
    private readonly RandomSource _random;
    private readonly UdxEndpoint<UdxConnection> _endpoint;
    private readonly Lock _gate = new();

    // Of the door's thread alone.
    private readonly List<UdxConnection> _touched = [];
    private int _unanswered;

    /// <summary>A hub over <paramref name="door"/>, which it owns from now on.</summary>
    public UdxHub(UdpDoor door, UdxOptions options, RandomSource random)
    {
        Door = door;
        _options = options;
        _random = random;
        _endpoint = new UdxEndpoint<UdxConnection>(options);
    }

    /// <summary>A datagram that belongs to no stream, lent for the call, on the door's thread.</summary>
    public delegate void OtherDatagram(UdpSocket socket, DatagramKind kind, ReadOnlyMemory<byte> datagram, UdxAddress from);

    /// <summary>Bytes of a stream that are handed over together at most.</summary>
    public int ReadSize { get; init; } = 64 * 1024;

    /// <summary>Who hears of datagrams that belong to no stream.</summary>
    public OtherDatagram? Other { get; init; }

    /// <summary>The door below.</summary>
    public UdpDoor Door { get; }

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
    public UdpSocket Bind(IPEndPoint address) => Door.Bind(address, this);

    /// <summary>Opens a stream under an id of its own.</summary>
    /// <returns>Null when there are too many.</returns>
    public UdxConnection? Open(IUdxSink sink, UdxFirewall? firewall = null)
    {
        while (true)
        {
            uint id;
            lock (_gate)
            {
                if (_endpoint.Count >= _options.MaxStreams)
                {
                    return null;
                }

                id = (uint)_random.NextUInt64();
            }

            if (Open(id, sink, firewall) is { } connection)
            {
                return connection;
            }
        }
    }

    /// <summary>Opens a stream under this id; null when it is taken, or there are too many.</summary>
    public UdxConnection? Open(uint id, IUdxSink sink, UdxFirewall? firewall = null)
    {
        var connection = new UdxConnection(this, new UdxStream(id, _options, Door.Now, firewall), sink);
        lock (_gate)
        {
            return _endpoint.TryOpen(connection, id) ? connection : null;
        }
    }

    /// <inheritdoc/>
    public void HandleDatagrams(UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from)
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
                    Other?.Invoke(socket, kind, datagrams[..first], from);
                }

                datagrams = datagrams[first..];
                continue;
            }

            int length = LengthForSame(datagrams.Span, segmentSize);
            connection!.HandleDatagrams(datagrams[..length], segmentSize, socket.Id, from, now);
            Touch(connection, length);
            datagrams = datagrams[length..];
        }
    }

    /// <inheritdoc/>
    public void HandleBatchEnd(UdpSocket socket)
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

    /// <summary>Closes all sockets. Streams fall silent.</summary>
    public void Dispose() => Door.Dispose();

    internal void Forget(UdxStream stream)
    {
        TimeSpan now = Door.Now;
        lock (_gate)
        {
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
}
