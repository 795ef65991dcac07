using System.Globalization;
using System.Net;
using System.Net.Sockets;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Udx;

namespace HyperActors.Simulation;

/// <summary>Datagrams between simulated hosts: latency, loss, reordering, duplication, bandwidth and partitions, all decided by one
/// seed on virtual time.</summary>
public sealed class SimulatedDatagrams
{
    private const int IpOverhead = 28;

    private const int FirstPort = 49_152;

    private readonly DeterministicSystem _world;
    private readonly RandomSource _random;
    private readonly SimulatedNetwork _network;
    private readonly Dictionary<UdxAddress, SimulatedUdpSocket> _sockets = [];
    private readonly Dictionary<IPAddress, SimulatedUdpDoor> _hosts = [];
    private readonly Dictionary<(UdxAddress From, UdxAddress To), TimeSpan> _lastArrival = [];
    private int _nextPort = FirstPort;

    /// <param name="world">The engine with its virtual time.</param>
    /// <param name="random">Decides the fate of each datagram.</param>
    /// <param name="options">How they fare.</param>
    /// <param name="network">Knows which hosts can't reach each other.</param>
    public SimulatedDatagrams(DeterministicSystem world, RandomSource random, DatagramOptions options, SimulatedNetwork network)
    {
        _world = world;
        _random = random;
        Options = options;
        _network = network;
    }

    /// <summary>How datagrams fare. May be changed while the world runs.</summary>
    public DatagramOptions Options { get; set; }

    /// <summary>Datagrams that left a host.</summary>
    public long Sent { get; private set; }

    /// <summary>Datagrams that arrived nowhere.</summary>
    public long Lost { get; private set; }

    internal TimeSpan Now => _world.Now;

    /// <summary>A door to UDP for a new process of the host at <paramref name="address"/>.</summary>
    public UdpDoor At(IPAddress address)
    {
        var door = new SimulatedUdpDoor(this, address);
        _hosts[address] = door;
        return door;
    }

    /// <summary>The process at that address is gone, and with it its sockets and alarms.</summary>
    public void Kill(IPAddress address)
    {
        if (_hosts.Remove(address, out SimulatedUdpDoor? door))
        {
            door.Dispose();
        }
    }

    internal void After(TimeSpan delay, Action action) => _world.System.Scheduler.Advanced.ScheduleOnce(delay, action);

    internal UdxAddress Take(IPAddress host, IPEndPoint wanted)
    {
        IPAddress address = wanted.Address.Equals(IPAddress.Any) || wanted.Address.Equals(IPAddress.IPv6Any) ? host : wanted.Address;
        if (!address.Equals(host))
        {
            throw new SocketException((int)SocketError.AddressNotAvailable);
        }

        var bound = new UdxAddress(address, wanted.Port == 0 ? TakePort(address) : wanted.Port);
        return _sockets.ContainsKey(bound) ? throw new SocketException((int)SocketError.AddressAlreadyInUse) : bound;
    }

    internal void Add(SimulatedUdpSocket socket) => _sockets.Add(socket.LocalAddress, socket);

    internal void Remove(SimulatedUdpSocket socket)
    {
        _sockets.Remove(socket.LocalAddress);
        foreach ((UdxAddress From, UdxAddress To) line in _lastArrival.Keys.Where(
            l => l.From == socket.LocalAddress || l.To == socket.LocalAddress).ToArray())
        {
            _lastArrival.Remove(line);
        }
    }

    private int TakePort(IPAddress address)
    {
        int port;
        do
        {
            port = _nextPort;
            _nextPort = port == IPEndPoint.MaxPort ? FirstPort : port + 1;
        }
        while (_sockets.ContainsKey(new UdxAddress(address, port)));
        return port;
    }

    /// <summary>Lets chance decide what becomes of one datagram.</summary>
    internal void Send(SimulatedUdpSocket from, UdxAddress to, ReadOnlySpan<byte> datagram)
    {
        Sent++;
        TimeSpan leaves = from.SimulatedDoor.Leave(datagram.Length + IpOverhead);
        bool isLost = leaves == TimeSpan.MaxValue
            || datagram.Length + IpOverhead > Options.Mtu
            || IsParted(from.LocalAddress, to)
            || Happens(Options.Loss);
        _world.Note(
            string.Create(CultureInfo.InvariantCulture, $"{(isLost ? "lost" : "udp")} {from.LocalAddress}>{to}"), datagram);
        if (isLost)
        {
            Lost++;
            return;
        }

        byte[] bytes = datagram.ToArray();
        Deliver(from.LocalAddress, to, bytes, leaves);
        if (Happens(Options.Duplication))
        {
            Deliver(from.LocalAddress, to, bytes, leaves);
        }
    }

    private void Deliver(UdxAddress from, UdxAddress to, byte[] bytes, TimeSpan leaves)
    {
        TimeSpan arrival = leaves + Draw(Options.MinLatency, Options.MaxLatency);
        if (Happens(Options.Reordering))
        {
            arrival += Draw(TimeSpan.Zero, Options.MaxReorderDelay);
        }
        else
        {
            TimeSpan last = _lastArrival.GetValueOrDefault((from, to));
            arrival = arrival > last ? arrival : last;
            _lastArrival[(from, to)] = arrival;
        }

        After(arrival - Now, () =>
        {
            if (_sockets.TryGetValue(to, out SimulatedUdpSocket? socket) && !IsParted(from, to))
            {
                socket.Hear(bytes, from);
            }
        });
    }

    private bool IsParted(UdxAddress one, UdxAddress other) => _network.IsParted(one.ToIPEndPoint(), other.ToIPEndPoint());

    // Chance that can't happen draws nothing: a world without loss is the same with and without the option.
    private bool Happens(double part) => part > 0 && _random.NextDouble() < part;

    private TimeSpan Draw(TimeSpan least, TimeSpan most) =>
        least + TimeSpan.FromMicroseconds(Math.Floor(_random.NextDouble() * (most - least).TotalMicroseconds));
}
