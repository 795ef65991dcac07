using System.Buffers;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>Decides whether a packet may enter that came in on another socket than the stream's own, or before there is one.</summary>
/// <remarks>It runs on the door's thread, and may <see cref="UdxConnection.Connect"/> the stream or change its remote on the
/// spot: that is how a server learns from the first packet where its client is.</remarks>
/// <param name="connection">The stream.</param>
/// <param name="socket">The socket that the packet came in on.</param>
/// <param name="from">Who sent it, as far as one can tell.</param>
/// <returns>True to let the packet in; false swallows it.</returns>
public delegate bool UdxGate(UdxConnection connection, UdpSocket socket, UdxAddress from);

/// <summary>One stream of a <see cref="UdxHub"/>: drives its machine between the door's thread and its owner's.</summary>
/// <remarks>What the owner does is sent on the owner's thread; what arrives is handled on the door's. A lock of its own keeps
/// the two apart, and no call is made under it but to the sink and the gate. The two sides of a relay share one lock.</remarks>
public sealed class UdxConnection : IUdpSleeper
{
    // Bytes that arrive together at first; a stream that fills its buffers gets larger ones.
    private const int MinReadSize = 4 * 1024;

    private readonly UdxHub _hub;
    private readonly UdxStream _stream;
    private readonly IUdxSink _sink;
    private readonly UdxGate? _admits;
    private readonly Queue<IMemoryOwner<byte>> _unwritten = new(0);
    private Lock _gate = new();
    private UdxConnection? _partner;
    private UdpSocket? _arrivesOn;
    private IMemoryOwner<byte>? _arrived;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private TimeSpan _closeBy = TimeSpan.MaxValue;
    private int _readSize = MinReadSize;
    private int _written;
    private int _arrivedCount;
    private bool _isDraining;
    private bool _isEnding;
    private bool _isClosing;
    private bool _isClosed;

    internal UdxConnection(UdxHub hub, uint id, UdxOptions options, IUdxSink sink, UdxGate? gate)
    {
        (_hub, _sink, _admits) = (hub, sink, gate);
        _stream = new UdxStream(id, options, hub.Door.Now, gate is null ? null : Admit);
    }

    /// <summary>Our id of the stream.</summary>
    public uint LocalId => _stream.LocalId;

    /// <summary>The peer's id; 0 while unconnected.</summary>
    public uint RemoteId
    {
        get
        {
            using Scope scope = Hold();
            return _stream.RemoteId;
        }
    }

    /// <summary>Where packets go; default while unconnected.</summary>
    public UdxAddress RemoteAddress
    {
        get
        {
            using Scope scope = Hold();
            return _stream.RemoteAddress;
        }
    }

    /// <summary>Whether the stream has a remote and is not over.</summary>
    public bool IsConnected
    {
        get
        {
            using Scope scope = Hold();
            return _stream.IsConnected;
        }
    }

    /// <summary>How the stream fares.</summary>
    public UdxStatistics Statistics
    {
        get
        {
            using Scope scope = Hold();
            return _stream.Statistics;
        }
    }

    /// <summary>Gives the stream its remote, once; when it has one this does nothing.</summary>
    /// <param name="socket">The socket to use.</param>
    /// <param name="remoteId">The peer's id for its end.</param>
    /// <param name="remote">The peer's address.</param>
    public void Connect(UdpSocket socket, uint remoteId, UdxAddress remote)
    {
        int mtu = _hub.Door.RouteMtu(remote);
        using Scope scope = Hold();
        if (!_stream.IsConnected && !_stream.IsClosed)
        {
            _stream.Connect(socket.Id, remoteId, remote, _hub.Door.Now, mtu);
            Drain();
        }
    }

    /// <summary>Moves the stream to another remote, or another socket; without a remote yet this connects it.</summary>
    /// <remarks>What is under way is repeated to where it went first. <see cref="IUdxSink.HandleRemoteChanged"/> tells when all of it has arrived.</remarks>
    public void ChangeRemote(UdpSocket socket, uint remoteId, UdxAddress remote)
    {
        int mtu = _hub.Door.RouteMtu(remote);
        using Scope scope = Hold();
        if (_stream.IsConnected)
        {
            _stream.ChangeRemote(socket.Id, remoteId, remote, _hub.Door.Now, mtu);
        }
        else if (!_stream.IsClosed)
        {
            _stream.Connect(socket.Id, remoteId, remote, _hub.Door.Now, mtu);
        }

        Drain();
    }

    /// <summary>From now on every packet for this stream goes out to the remote of <paramref name="other"/> as it came, but for the id.</summary>
    /// <remarks>When one of them is over, so is the other. A relay is of two streams, one way or both, which carry nothing of their own.</remarks>
    public void RelayTo(UdxConnection other)
    {
        Invariant.Hold(other != this && other._hub == _hub);
        (UdxConnection first, UdxConnection second) = LocalId < other.LocalId ? (this, other) : (other, this);
        using Scope outer = first.Hold();
        using Scope inner = second.Hold();
        Invariant.Hold((_partner ?? other) == other && (other._partner ?? this) == this);
        second._gate = first._gate;
        (first._partner, second._partner) = (second, first);
        _stream.RelayTo(other._stream);

        // One that was over already takes the other with it.
        if (_stream.IsClosed || other._stream.IsClosed)
        {
            _stream.Destroy();
            other._stream.Destroy();
        }

        Drain();
    }

    /// <summary>Sends <paramref name="bytes"/> behind all that was given before, and disposes them.</summary>
    public void Write(IMemoryOwner<byte> bytes)
    {
        using Scope scope = Hold();
        if (_isClosed || _isEnding)
        {
            bytes.Dispose();
            return;
        }

        _unwritten.Enqueue(bytes);
        Drain();
    }

    /// <summary>Sends an unordered datagram; false when it can't be sent now.</summary>
    public bool SendMessage(ReadOnlySpan<byte> message)
    {
        using Scope scope = Hold();
        bool isSent = _stream.SendMessage(message);
        Drain();
        return isSent;
    }

    /// <summary>The owner is done with so many bytes that arrived.</summary>
    public void Consumed(int count)
    {
        using Scope scope = Hold();
        _stream.Consumed(count);
        Drain();
    }

    /// <summary>Sends a heartbeat after so long without traffic; null for none.</summary>
    public void SetKeepalive(TimeSpan? interval)
    {
        using Scope scope = Hold();
        _stream.SetKeepalive(interval, _hub.Door.Now);
        Drain();
    }

    /// <summary>Ends our direction once everything is written.</summary>
    public void End()
    {
        using Scope scope = Hold();
        _isEnding = true;
        Drain();
    }

    /// <summary>Aborts the stream.</summary>
    public void Destroy()
    {
        using Scope scope = Hold();
        _stream.Destroy();
        Drain();
    }

    /// <summary>Lets go of the stream: what was written before <see cref="End"/> still gets its chance to arrive, for
    /// <see cref="UdxOptions.CloseTimeout"/>; a stream that was not ended is aborted.</summary>
    public void Close()
    {
        using Scope scope = Hold();
        if (_isClosing || _isClosed)
        {
            return;
        }

        _isClosing = true;
        _hub.HandleClosing();
        if (_isEnding && _stream.IsConnected)
        {
            _closeBy = _hub.Door.Now + _hub.Options.CloseTimeout;
        }
        else
        {
            _stream.Destroy();
        }

        Drain();
    }

    /// <inheritdoc/>
    public void HandleAlarm(TimeSpan now)
    {
        using Scope scope = Hold();

        // Alarms can't be taken back: one that comes before the one we wait for was replaced by an earlier one.
        if (now < _alarm)
        {
            return;
        }

        _alarm = TimeSpan.MaxValue;
        _stream.HandleTimeout(now);
        if (_closeBy <= now)
        {
            _stream.Destroy();
        }

        Drain();
    }

    /// <summary>Takes in datagrams; what they call for is done in <see cref="Flush"/>.</summary>
    internal void HandleDatagrams(ReadOnlyMemory<byte> datagrams, int segmentSize, UdpSocket socket, UdxAddress from, TimeSpan now)
    {
        using Scope scope = Hold();

        // The sink may call us back while an event is still lent: that must not poll the next one.
        bool wasDraining = _isDraining;
        _isDraining = true;
        _arrivesOn = socket;
        while (!datagrams.IsEmpty)
        {
            int length = Math.Min(segmentSize, datagrams.Length);
            _stream.HandleDatagram(datagrams[..length], socket.Id, from, now);
            Report();
            datagrams = datagrams[length..];
        }

        _isDraining = wasDraining;
    }

    /// <summary>Hands over what arrived and answers it.</summary>
    internal void Flush()
    {
        using Scope scope = Hold();
        Drain();
    }

    private bool Admit(UdxStream stream, int socket, UdxAddress from, TimeSpan now) => _admits!(this, _arrivesOn!, from);

    // Where a relay begins both sides come under one lock: who waited for the other one looks again.
    private Scope Hold()
    {
        while (true)
        {
            Lock gate = Volatile.Read(ref _gate);
            gate.Enter();
            if (gate == _gate)
            {
                return new Scope(gate);
            }

            gate.Exit();
        }
    }

    private void Drain()
    {
        DrainThis();
        _partner?.DrainThis();
    }

    private void DrainThis()
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

        if (_isClosing && _stream.HasEnded)
        {
            _stream.Destroy();
        }

        Transmit();
        Report();
        if (_isClosed)
        {
            DropUnwritten();
        }

        _isDraining = false;
        SetAlarm();
    }

    private void SetAlarm()
    {
        TimeSpan deadline = _stream.Deadline is { } due && due < _closeBy ? due : _closeBy;
        if (deadline < _alarm && !_isClosed)
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
                    _hub.Forget(_stream, _isClosing);
                    _sink.HandleClosed(e.Reason);
                    break;
            }
        }
    }

    private void Collect(ReadOnlySpan<byte> data)
    {
        if (_arrived is not null && _arrived.Memory.Length - _arrivedCount < data.Length)
        {
            _readSize = Math.Min(4 * _readSize, _hub.ReadSize);
            HandOver();
        }

        _arrived ??= MemoryPool<byte>.Shared.Rent(Math.Max(_readSize, data.Length));
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
            _readSize = count < _readSize / 8 ? Math.Max(_readSize / 2, MinReadSize) : _readSize;
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

    private readonly ref struct Scope(Lock gate)
    {
        public void Dispose() => gate.Exit();
    }
}
