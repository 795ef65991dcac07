using HyperActors.Dht;
using HyperActors.Udx;

namespace HyperActors.TestKit;

/// <summary>A UDX stream as the DHT's machines see it.</summary>
public sealed class PeerStream : IRawStream
{
    private readonly PeerHost _host;
    private readonly Queue<byte[]> _unwritten = new();
    private readonly Queue<byte[]> _unread = new();
    private readonly Queue<(int Socket, DhtAddress From)> _senders = new();
    private UdxStream _stream = null!;
    private (int Socket, DhtAddress From)? _lastSender;
    private bool _hasRemoteEnded;
    private bool _isMoving;
    private bool _hasMoved;
    private bool _isGone;

    internal PeerStream(PeerHost host) => _host = host;

    public uint Id => _stream.LocalId;

    public long RelayedBytes => _stream.Statistics.RelayedBytes;

    /// <summary>What runs on it; null until it is a connection.</summary>
    public PeerConnection? Link { get; internal set; }

    internal TimeSpan? Deadline => _isGone ? null : _stream.Deadline is { } own && !(Link?.Deadline < own) ? own : Link?.Deadline;

    public void Connect(int socket, uint remoteId, DhtAddress to) => _stream.Connect(socket, remoteId, ToUdx(to), _host.Now, 1500);

    public void ChangeRemote(int socket, uint remoteId, DhtAddress to)
    {
        _isMoving = true;
        _hasMoved = false;
        _stream.ChangeRemote(socket, remoteId, ToUdx(to), _host.Now, 1500);
        _stream.SendMessage([]);
    }

    public void RelayTo(IRawStream other) => _stream.RelayTo(((PeerStream)other)._stream);

    public void Destroy() => _stream.Destroy();

    internal void Start(uint id) => _stream = new UdxStream(id, _host.UdxOptions, _host.Now, (_, socket, from, _) =>
    {
        // Told when the packet is in.
        var sender = (socket, new DhtAddress(from.ToIPv4(), from.Port));
        if (sender != _lastSender)
        {
            _lastSender = sender;
            _senders.Enqueue(sender);
        }

        return true;
    });

    internal void Write(byte[] bytes) => _unwritten.Enqueue(bytes);

    internal void End() => _stream.End();

    internal void HandleDatagram(byte[] datagram, int socket, DhtAddress from)
    {
        _stream.HandleDatagram(datagram, socket, ToUdx(from), _host.Now);
        TakeEvents();
    }

    internal void HandleTimeout()
    {
        if (_stream.Deadline <= _host.Now)
        {
            _stream.HandleTimeout(_host.Now);
        }

        Link?.HandleTimeout();
    }

    /// <summary>True when something happened that may lead to more.</summary>
    internal bool Drain()
    {
        bool isBusy = false;
        while (_senders.TryDequeue(out (int Socket, DhtAddress From) sender))
        {
            isBusy = true;
            _host.Connector.HandleStreamPacket(Id, sender.Socket, sender.From, _host.Now);
        }

        while (Link is not null && _unread.TryDequeue(out byte[]? read))
        {
            isBusy = true;
            Link.HandleBytes(read);
        }

        if (_hasRemoteEnded)
        {
            _hasRemoteEnded = false;
            Link?.HandleRemoteEnded();
            _stream.End();
        }

        isBusy |= Link?.Drain() == true;
        while (_unwritten.TryPeek(out byte[]? bytes))
        {
            int taken = _stream.Write(bytes);
            if (taken < bytes.Length && !_stream.IsClosed)
            {
                break;
            }

            _unwritten.Dequeue();
        }

        while (_host.TryPollTransmit(_stream, out UdxTransmit transmit))
        {
            _host.Transmit(transmit);
        }

        TakeEvents();
        if (_stream.IsClosed && !_isGone)
        {
            _isGone = true;
            isBusy = true;
            Link?.HandleClosed();
            _host.Remove(this, _stream);
        }

        return isBusy;
    }

    private void TakeEvents()
    {
        while (_stream.TryPollEvent(out UdxEvent e))
        {
            switch (e.Kind)
            {
                case UdxEventKind.Data:
                    HandleHeard();
                    int count = e.Data.Length;
                    _unread.Enqueue(e.Data.ToArray());
                    _stream.Consumed(count);
                    break;
                case UdxEventKind.Message:
                    HandleHeard();
                    break;
                case UdxEventKind.RemoteChanged:
                    _hasMoved = true;
                    break;
                case UdxEventKind.RemoteEnded:
                    _hasRemoteEnded = true;
                    break;
            }
        }
    }

    private void HandleHeard()
    {
        if (_isMoving && _hasMoved)
        {
            _isMoving = false;
            _host.Connector.HandleStreamMoved(Id, _host.Now);
        }
    }

    private static UdxAddress ToUdx(DhtAddress address) => UdxAddress.FromIPv4(address.Host, address.Port);
}
