namespace HyperActors.Dht;

/// <summary>The sockets that hole punching uses, each with a NAT mapping of its own, and how long they stay.</summary>
/// <remarks>
/// A socket belongs to one puncher at a time. One that a connection runs on, when both sides may come back to it, stays until the
/// connection has ended and <see cref="ConnectorOptions.SocketLinger"/> has passed.
/// </remarks>
internal sealed class PunchSockets(IDhtDoors doors, FlowRunner runner, FlowScope scope, ConnectorOptions options)
{
    private readonly Dictionary<int, Entry> _sockets = [];

    public int Count => _sockets.Count;

    /// <summary>A fresh socket; null when there are too many, or none is to be had.</summary>
    public int? Acquire(Holepuncher owner)
    {
        if (_sockets.Count >= options.MaxPunchSockets || doors.OpenSocket() is not { } socket)
        {
            return null;
        }

        _sockets.Add(socket, new Entry { Owner = owner, Holders = 1 });
        return socket;
    }

    /// <summary>Whose probes come in on the socket; null when nobody's.</summary>
    public Holepuncher? OwnerOf(int socket) => _sockets.GetValueOrDefault(socket)?.Owner;

    /// <summary>True for a socket that is here, and can be used again.</summary>
    public bool Has(int socket) => _sockets.ContainsKey(socket);

    /// <summary>The puncher is done with it.</summary>
    public void Release(int socket)
    {
        if (_sockets.TryGetValue(socket, out Entry? entry) && entry.Owner is not null)
        {
            entry.Owner = null;
            Drop(socket, entry);
        }
    }

    /// <summary>Keeps a socket that a connection runs on; false for one that is none of these.</summary>
    public bool Hold(int socket)
    {
        if (!_sockets.TryGetValue(socket, out Entry? entry))
        {
            return false;
        }

        entry.Holders++;
        return true;
    }

    /// <summary>Lets go of what was held, after a while in which the peer may come back.</summary>
    public void LetGo(int socket, bool lingers, Action closed)
    {
        if (_sockets.TryGetValue(socket, out Entry? entry))
        {
            LingerAsync(socket, entry, lingers ? options.SocketLinger : TimeSpan.Zero, closed).Forget(Connector.Rethrow);
        }
    }

    private async Flow LingerAsync(int socket, Entry entry, TimeSpan linger, Action closed)
    {
        if (linger > TimeSpan.Zero)
        {
            await runner.Sleep(linger, scope);
        }

        if (Drop(socket, entry))
        {
            closed();
        }
    }

    private bool Drop(int socket, Entry entry)
    {
        if (--entry.Holders > 0)
        {
            return false;
        }

        _sockets.Remove(socket);
        doors.CloseSocket(socket);
        return true;
    }

    private sealed class Entry
    {
        public Holepuncher? Owner { get; set; }

        public int Holders { get; set; }
    }
}
