using System.Net;
using HyperActors.Actors;
using HyperActors.Udx;

namespace HyperActors.Simulation;

/// <summary>The door to UDP of one simulated process. All calls come from the one thread of a deterministic run.</summary>
internal sealed class SimulatedUdpDoor(SimulatedDatagrams network, IPAddress address) : UdpDoor(new UdpOptions(), () => network.Now)
{
    private readonly List<SimulatedUdpSocket> _sockets = [];
    private TimeSpan _busyUntil;
    private bool _isClosed;
    private int _lastId = -1;

    public override IReadOnlyList<string> Features { get; } = ["simulated"];

    public override UdpSocket Bind(IPEndPoint wanted, IUdpReceiver receiver)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        var socket = new SimulatedUdpSocket(this, ++_lastId, network.Take(address, wanted), receiver);
        network.Add(socket);
        _sockets.Add(socket);
        return socket;
    }

    public override void Send(UdpSendBatch batch)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            UdxTransmit transmit = batch.Read(i, out _, out ReadOnlySpan<byte> datagrams);
            SimulatedUdpSocket? socket = _sockets.Find(s => s.Id == transmit.Socket);
            while (socket is not null && !datagrams.IsEmpty)
            {
                int length = Math.Min(transmit.SegmentSize, datagrams.Length);
                network.Send(socket, transmit.Remote, datagrams[..length]);
                datagrams = datagrams[length..];
            }
        }

        batch.Clear();
    }

    public override int RouteMtu(UdxAddress remote) => int.MaxValue;

    public override void SetAlarm(TimeSpan due, IUdpSleeper sleeper)
    {
        TimeSpan delay = due - Now;
        network.After(delay > TimeSpan.Zero ? delay : TimeSpan.Zero, () =>
        {
            if (!_isClosed)
            {
                sleeper.HandleAlarm(Now);
            }
        });
    }

    /// <summary>When a datagram of that size has left the host; never, when its queue is full.</summary>
    public TimeSpan Leave(int size)
    {
        long rate = network.Options.BytesPerSecond;
        if (rate == 0)
        {
            return Now;
        }

        TimeSpan begins = _busyUntil > Now ? _busyUntil : Now;
        if ((begins - Now).TotalSeconds * rate > network.Options.QueueBytes)
        {
            CountDropped(1);
            return TimeSpan.MaxValue;
        }

        _busyUntil = begins + TimeSpan.FromSeconds((double)size / rate);
        return _busyUntil;
    }

    protected override void Dispose(bool disposing)
    {
        _isClosed = true;
        foreach (SimulatedUdpSocket socket in _sockets)
        {
            network.Remove(socket);
        }

        _sockets.Clear();
    }

    protected internal override void Close(UdpSocket socket)
    {
        if (socket is SimulatedUdpSocket mine && _sockets.Remove(mine))
        {
            network.Remove(mine);
        }
    }
}

/// <summary>One socket of a simulated process.</summary>
internal sealed class SimulatedUdpSocket(SimulatedUdpDoor door, int id, UdxAddress address, IUdpReceiver receiver)
    : UdpSocket(door, id, address, receiver)
{
    public SimulatedUdpDoor SimulatedDoor => door;

    public void Hear(byte[] datagram, UdxAddress from)
    {
        Receiver.HandleDatagrams(this, datagram, Math.Max(1, datagram.Length), from);
        Receiver.HandleBatchEnd(this);
    }
}
