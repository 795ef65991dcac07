using System.Net;
using System.Net.Sockets;
using HyperActors.Dht;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>The door to the network of one node of the DHT: its sockets and streams on a hub that others may use too.</summary>
/// <remarks>For its actor alone. Datagrams leave together at the end of a turn (<see cref="Flush"/>); what comes in on the
/// door's thread goes to the <see cref="DatagramInbox"/>, and what happens to streams to the actor as messages.</remarks>
internal sealed class DhtSockets : IDhtDoors, IDisposable
{
    private readonly UdxHub _hub;
    private readonly IPAddress _host;
    private readonly LocalAddresses _addresses;
    private readonly DatagramInbox _inbox;
    private readonly IActorRef _owner;
    private readonly Dictionary<int, DhtSocket> _sockets = [];
    private readonly uint[] _bound;
    private readonly Lock _gate = new();

    public DhtSockets(UdxHub hub, IPAddress host, LocalAddresses addresses, DatagramInbox inbox, IActorRef owner)
    {
        (_hub, _host, _addresses, _inbox, _owner) = (hub, host, addresses, inbox, owner);
        DhtAddress.TryFrom(new IPEndPoint(host, 0), out DhtAddress bound);
        _bound = bound.Host == 0 ? [] : [bound.Host];
    }

    /// <inheritdoc/>
    public IReadOnlyList<uint> LocalHosts => _bound.Length > 0 ? _bound : _addresses.Get(_hub.Door.Now);

    /// <summary>Opens a socket that stays until this is disposed.</summary>
    /// <exception cref="SocketException">The port can't be had.</exception>
    public (int Socket, DhtAddress Address) Bind(int port)
    {
        UdpSocket socket = _hub.Bind(new IPEndPoint(_host, port), HandleOther);
        _sockets.Add(socket.Id, new DhtSocket(socket));
        return (socket.Id, new DhtAddress(socket.LocalAddress.ToIPv4(), socket.LocalAddress.Port));
    }

    /// <inheritdoc/>
    public int? OpenSocket()
    {
        try
        {
            return Bind(0).Socket;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void CloseSocket(int socket)
    {
        if (_sockets.Remove(socket, out DhtSocket? opened))
        {
            lock (_gate)
            {
                opened.IsClosing = true;
                opened.CloseUnused();
            }
        }
    }

    /// <inheritdoc/>
    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
    {
        if (datagram.IsEmpty || datagram.Length > UdxTransmit.MaxLength || to.Port == 0 || !_sockets.ContainsKey(socket))
        {
            return;
        }

        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        if (!batch.HasRoom)
        {
            _hub.Door.Send(batch);
        }

        datagram.CopyTo(batch.Free);
        batch.Add(new UdxTransmit(socket, ToUdx(to), datagram.Length, datagram.Length), timeToLive);
    }

    /// <summary>Lets go of what the turn has sent.</summary>
    public void Flush() => _hub.Door.Send(UdpSendBatch.OfThisThread);

    /// <inheritdoc/>
    public IRawStream? OpenStream()
    {
        var stream = new DhtStream(this, _owner);
        return stream.Open(_hub) ? stream : null;
    }

    /// <summary>Closes every socket; those that streams run on once these are over.</summary>
    public void Dispose()
    {
        foreach (int socket in _sockets.Keys.ToArray())
        {
            CloseSocket(socket);
        }
    }

    internal static UdxAddress ToUdx(DhtAddress address) => UdxAddress.FromIPv4(address.Host, address.Port);

    /// <summary>The socket of that number, which the stream keeps open from now on instead of the one before; null when it is gone.</summary>
    internal UdpSocket? Use(DhtStream stream, int? socket)
    {
        DhtSocket? next = socket is { } number ? _sockets.GetValueOrDefault(number) : null;

        // A stream ends on the door's thread.
        lock (_gate)
        {
            if (next is not null)
            {
                next.Streams++;
            }

            if (stream.Socket is { } last)
            {
                last.Streams--;
                last.CloseUnused();
            }

            stream.Socket = next;
        }

        return next?.Socket;
    }

    // On the door's thread.
    private void HandleOther(UdpSocket socket, DatagramKind kind, ReadOnlyMemory<byte> datagram, UdxAddress from)
    {
        if (from.IsIPv4)
        {
            _inbox.Add(socket.Id, new DhtAddress(from.ToIPv4(), from.Port), datagram.Span);
        }
    }
}

/// <summary>A socket, and how many streams need it.</summary>
internal sealed class DhtSocket(UdpSocket socket)
{
    public UdpSocket Socket => socket;

    public int Streams { get; set; }

    public bool IsClosing { get; set; }

    public void CloseUnused()
    {
        if (IsClosing && Streams == 0)
        {
            socket.Dispose();
        }
    }
}
