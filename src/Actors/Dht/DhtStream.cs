using HyperActors.Dht;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>A stream on its way to be a connection: a UDX stream on the hub, seen by the machines of the DHT.</summary>
/// <remarks>What the door's thread notices reaches the machine as messages to its actor.</remarks>
internal sealed class DhtStream(DhtSockets sockets, IActorRef owner) : IRawStream, IUdxWatcher
{
    /// <summary>A packet came from somebody who was not told of last.</summary>
    public sealed record Spoke(DhtStream Stream, int Socket, DhtAddress From);

    /// <summary>What was sent to the former remote has arrived, and the peer has shown itself on the new way.</summary>
    public sealed record Moved(DhtStream Stream);

    /// <summary>The stream is over.</summary>
    public sealed record Closed(DhtStream Stream, bool InOrder);

    private UdxTransport _transport = null!;
    private (int Socket, DhtAddress From)? _last;

    /// <summary>The stream, for whoever the connection is handed to.</summary>
    public UdxTransport Transport => _transport;

    /// <inheritdoc/>
    public uint Id => _transport.Connection.LocalId;

    /// <inheritdoc/>
    public long RelayedBytes => _transport.Connection.Statistics.RelayedBytes;

    /// <summary>The socket that the stream keeps open; <see cref="DhtSockets"/> sees to it.</summary>
    internal DhtSocket? Socket { get; set; }

    /// <inheritdoc/>
    public void Connect(int socket, uint remoteId, DhtAddress to)
    {
        if (sockets.Use(this, socket) is { } found)
        {
            _transport.Connection.Connect(found, remoteId, DhtSockets.ToUdx(to));
        }
    }

    /// <inheritdoc/>
    public void ChangeRemote(int socket, uint remoteId, DhtAddress to)
    {
        if (sockets.Use(this, socket) is { } found)
        {
            _transport.Connection.ChangeRemote(found, remoteId, DhtSockets.ToUdx(to));
            _transport.Connection.SendMessage([]);
        }
    }

    /// <inheritdoc/>
    public void RelayTo(IRawStream other) => _transport.Connection.RelayTo(((DhtStream)other)._transport.Connection);

    /// <inheritdoc/>
    public void Destroy() => _transport.Connection.Destroy();

    /// <summary>Opens it on the hub; false when that has too many.</summary>
    internal bool Open(UdxHub hub)
    {
        UdxTransport? transport = UdxTransport.Open(hub, Admit, this);
        _transport = transport!;
        return transport is not null;
    }

    void IUdxWatcher.HandleMoved() => owner.Tell(new Moved(this), ActorRefs.NoSender);

    void IUdxWatcher.HandleClosed(UdxCloseReason reason)
    {
        sockets.Use(this, null);
        owner.Tell(new Closed(this, reason == UdxCloseReason.Ended), ActorRefs.NoSender);
    }

    // On the door's thread, under the stream's lock.
    private bool Admit(UdxConnection connection, UdpSocket socket, UdxAddress from)
    {
        if (!from.IsIPv4)
        {
            return false;
        }

        var sender = (socket.Id, new DhtAddress(from.ToIPv4(), from.Port));
        if (_last != sender)
        {
            _last = sender;
            owner.Tell(new Spoke(this, sender.Id, sender.Item2), ActorRefs.NoSender);
        }

        return true;
    }
}
