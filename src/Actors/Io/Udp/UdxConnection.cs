using System.Buffers;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>One stream of a <see cref="UdxHub"/>: drives its machine between the door's thread and its owner's.</summary>
/// <remarks>What the owner does is sent on the owner's thread; what arrives is handled on the door's. A lock of its own keeps
/// the two apart, and no call is made under it but to the sink.</remarks>
public sealed class UdxConnection : IUdpSleeper
{
    private readonly UdxHub _hub;
    private readonly UdxStream _stream;
    private readonly IUdxSink _sink;
    private readonly Lock _gate = new();
    private readonly Queue<IMemoryOwner<byte>> _unwritten = new();
    private int _written;
    private IMemoryOwner<byte>? _arrived;
    private int _arrivedCount;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private bool _isDraining;
    private bool _isEnding;
    private bool _isClosed;

    internal UdxConnection(UdxHub hub, UdxStream stream, IUdxSink sink) => (_hub, _stream, _sink) = (hub, stream, sink);

    /// <summary>Our id of the stream.</summary>
    public uint LocalId => _stream.LocalId;

    /// <summary>Where packets go; default while unconnected.</summary>
    public UdxAddress RemoteAddress
    {
        get
        {
            lock (_gate)
            {
                return _stream.RemoteAddress;
            }
        }
    }

    /// <summary>How the stream fares.</summary>
    public UdxStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                return _stream.Statistics;
            }
        }
    }

    /// <summary>Gives the stream its remote.</summary>
    public void Connect(UdpSocket socket, uint remoteId, UdxAddress remote)
    {
        int mtu = _hub.Door.RouteMtu(remote);
        lock (_gate)
        {
            _stream.Connect(socket.Id, remoteId, remote, _hub.Door.Now, mtu);
            Drain();
        }
    }

    /// <summary>Moves the stream to another remote, or another socket.</summary>
    public void ChangeRemote(UdpSocket socket, uint remoteId, UdxAddress remote)
    {
        int mtu = _hub.Door.RouteMtu(remote);
        lock (_gate)
        {
            _stream.ChangeRemote(socket.Id, remoteId, remote, _hub.Door.Now, mtu);
            Drain();
        }
    }

    /// <summary>Sends <paramref name="bytes"/> behind all that was given before, and disposes them.</summary>
    public void Write(IMemoryOwner<byte> bytes)
    {
        lock (_gate)
        {
            if (_isClosed || _isEnding)
            {
                bytes.Dispose();
                return;
            }

            _unwritten.Enqueue(bytes);
            Drain();
        }
    }

    /// <summary>Sends an unordered datagram; false when it can't be sent now.</summary>
    public bool SendMessage(ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            bool isSent = _stream.SendMessage(message);
            Drain();
            return isSent;
        }
    }

    /// <summary>The owner is done with so many bytes that arrived.</summary>
    public void Consumed(int count)
    {
        lock (_gate)
        {
            _stream.Consumed(count);
            Drain();
        }
    }

    /// <summary>Sends a heartbeat after so long without traffic; null for none.</summary>
    public void SetKeepalive(TimeSpan? interval)
    {
        lock (_gate)
        {
            _stream.SetKeepalive(interval, _hub.Door.Now);
            Drain();
        }
    }

    /// <summary>Ends our direction once everything is written.</summary>
    public void End()
    {
        lock (_gate)
        {
            _isEnding = true;
            Drain();
        }
    }

    /// <summary>Aborts the stream.</summary>
    public void Destroy()
    {
        lock (_gate)
        {
            _stream.Destroy();
            Drain();
        }
    }

    /// <inheritdoc/>
    public void HandleAlarm(TimeSpan now)
    {
        lock (_gate)
        {
            // Alarms can't be taken back: one that comes before the one we wait for was replaced by an earlier one.
            if (now < _alarm)
            {
                return;
            }

            _alarm = TimeSpan.MaxValue;
            _stream.HandleTimeout(now);
            Drain();
        }
    }

    /// <summary>Takes in datagrams; what they call for is done in <see cref="Flush"/>.</summary>
    internal void HandleDatagrams(ReadOnlyMemory<byte> datagrams, int segmentSize, int socket, UdxAddress from, TimeSpan now)
    {
        lock (_gate)
        {
            // The sink may call us back while an event is still lent: that must not poll the next one.
            bool wasDraining = _isDraining;
            _isDraining = true;
            while (!datagrams.IsEmpty)
            {
                int length = Math.Min(segmentSize, datagrams.Length);
                _stream.HandleDatagram(datagrams[..length], socket, from, now);
                Report();
                datagrams = datagrams[length..];
            }

            _isDraining = wasDraining;
        }
    }

    /// <summary>Hands over what arrived and answers it.</summary>
    internal void Flush()
    {
        lock (_gate)
        {
            Drain();
        }
    }

    private void Drain()
    {
        // The sink may call us back.
        if (_isDraining)
        {
            return;
        }

        _isDraining = true;
        do
        {
            Report();
            HandOver();
        }
        while (Pump());

        Transmit();
        Report();
        if (_isClosed)
        {
            DropUnwritten();
        }

        _isDraining = false;
        if (_stream.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            _hub.Door.SetAlarm(deadline, this);
        }
    }

    private void Report()
    {
        while (_stream.TryPollEvent(out UdxEvent e))
        {
            switch (e.Kind)
            {
                case UdxEventKind.Data:
                    Collect(e.Data.Span);
                    break;
                case UdxEventKind.Message:
                    _sink.HandleMessage(e.Data);
                    break;
                case UdxEventKind.RemoteEnded:
                    HandOver();
                    _sink.HandleRemoteEnded();
                    break;
                case UdxEventKind.RemoteChanged:
                    _sink.HandleRemoteChanged();
                    break;
                case UdxEventKind.Closed:
                    HandOver();
                    _isClosed = true;
                    _hub.Forget(_stream);
                    _sink.HandleClosed(e.Reason);
                    break;
            }
        }
    }

    private void Collect(ReadOnlySpan<byte> data)
    {
        if (_arrived is not null && _arrived.Memory.Length - _arrivedCount < data.Length)
        {
            HandOver();
        }

        _arrived ??= MemoryPool<byte>.Shared.Rent(Math.Max(_hub.ReadSize, data.Length));
        data.CopyTo(_arrived.Memory.Span[_arrivedCount..]);
        _arrivedCount += data.Length;
    }

    private void HandOver()
    {
        if (_arrived is { } arrived)
        {
            _arrived = null;
            int count = _arrivedCount;
            _arrivedCount = 0;
            _sink.HandleBytes(arrived, count);
        }
    }

    /// <summary>Gives the stream what it takes; true when that changed something worth another look.</summary>
    private bool Pump()
    {
        int taken = 0;
        while (!_isClosed && _unwritten.TryPeek(out IMemoryOwner<byte>? bytes))
        {
            ReadOnlySpan<byte> rest = bytes.Memory.Span[_written..];
            int count = _stream.Write(rest);
            taken += count;
            _written += count;
            if (count < rest.Length)
            {
                break;
            }

            _unwritten.Dequeue().Dispose();
            _written = 0;
        }

        if (_isEnding && _unwritten.Count == 0)
        {
            _stream.End();
        }

        if (taken > 0)
        {
            _sink.HandleWritten(taken);
        }

        return taken > 0 && _unwritten.Count > 0 && _stream.SendCapacity > 0;
    }

    private void Transmit()
    {
        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        TimeSpan now = _hub.Door.Now;
        while (_stream.TryPollTransmit(batch.Free, now, out UdxTransmit transmit))
        {
            batch.Add(transmit);
            if (!batch.HasRoom)
            {
                _hub.Door.Send(batch);
            }
        }

        _hub.Door.Send(batch);
    }

    private void DropUnwritten()
    {
        while (_unwritten.TryDequeue(out IMemoryOwner<byte>? bytes))
        {
            bytes.Dispose();
        }
    }
}
