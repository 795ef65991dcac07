using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.TestKit;

/// <summary>What a network translator does with ports, and whom it lets in.</summary>
public enum NatBehavior
{
    /// <summary>One outer port for each inner one; lets everybody in.</summary>
    FullCone,

    /// <summary>One outer port for each inner one; lets in hosts that were sent to.</summary>
    AddressRestricted,

    /// <summary>One outer port for each inner one; lets in addresses that were sent to.</summary>
    PortRestricted,

    /// <summary>An outer port for each inner one and each destination; lets in that destination.</summary>
    Symmetric,
}

/// <summary>An internet with translators in it, on virtual time: datagrams take a while, get lost, or run out of hops. Same seed, same run.</summary>
public sealed class NatNetwork(ulong seed)
{
    /// <summary>Hops from one host to another, translators included; a datagram with fewer to live is lost behind the first translator.</summary>
    public const int Hops = 12;

    private readonly PriorityQueue<(byte[] Bytes, DhtAddress From, DhtAddress To), (TimeSpan At, long Order)> _underWay = new();
    private readonly Dictionary<DhtAddress, (NatHost Host, int Socket)> _outer = [];
    private readonly Dictionary<uint, NatBox> _boxes = [];
    private readonly List<NatHost> _hosts = [];
    private long _order;

    public RandomSource Random { get; } = RandomSource.Seeded(seed);

    public ulong Seed { get; } = seed;

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan Jitter { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The share of datagrams that get lost.</summary>
    public double Loss { get; set; }

    /// <summary>Loses what it says true to: bytes, outer sender, receiver.</summary>
    public Func<byte[], DhtAddress, DhtAddress, bool>? Filter { get; set; }

    /// <summary>Sees every datagram on the open net: bytes, outer sender, receiver.</summary>
    public Action<byte[], DhtAddress, DhtAddress>? Tap { get; set; }

    /// <summary>A translator with this outer host.</summary>
    public NatBox AddBox(string host, NatBehavior behavior)
    {
        var box = new NatBox(this, MemoryNet.Address(host, 0).Host, behavior);
        _boxes.Add(box.Host, box);
        return box;
    }

    /// <summary>A host on the open net, or behind a translator.</summary>
    public NatHost AddHost(string host, NatBox? box = null)
    {
        var added = new NatHost(this, MemoryNet.Address(host, 0).Host, box);
        _hosts.Add(added);
        return added;
    }

    /// <summary>Lets time pass until something holds; fails when it does not within so many seconds.</summary>
    public void RunUntil(Func<bool> holds, double seconds, string what)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (!holds())
        {
            Assert.True(TryStep(end), $"{what} has not happened within {seconds} s (seed {Seed}, at {Now})");
        }
    }

    /// <summary>Lets so much time pass.</summary>
    public void Run(double seconds)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (TryStep(end))
        {
        }

        Now = end;
    }

    /// <summary>Lets time pass until a flow has ended, and gives what it ended with.</summary>
    public T Run<T>(Flow<T> flow, double seconds = 120)
    {
        RunUntil(() => flow.IsCompleted, seconds, "the end of the flow");
        return flow.Result;
    }

    /// <summary>A datagram as if <paramref name="from"/> had sent it.</summary>
    public void Inject(ReadOnlySpan<byte> datagram, DhtAddress from, DhtAddress to)
    {
        byte[] bytes = datagram.ToArray();
        Tap?.Invoke(bytes, from, to);
        bool isLost = Random.NextDouble() < Loss;
        TimeSpan delay = Latency + (Jitter * Random.NextDouble());
        if (!isLost && Filter?.Invoke(bytes, from, to) != true)
        {
            _underWay.Enqueue((bytes, from, to), (Now + delay, _order++));
        }
    }

    internal void Bind(DhtAddress address, NatHost host, int socket) => _outer.Add(address, (host, socket));

    internal void Unbind(DhtAddress address) => _outer.Remove(address);

    internal void Send(NatHost host, DhtAddress from, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive)
    {
        if (host.Box is not { } box)
        {
            if (timeToLive is 0 or >= Hops)
            {
                Inject(datagram, from, to);
            }
        }
        else if (box.FindInside(to) is { } neighbour)
        {
            byte[] bytes = datagram.ToArray();
            _underWay.Enqueue((bytes, from, to), (Now + TimeSpan.FromMilliseconds(1), _order++));
        }
        else
        {
            DhtAddress outer = box.Translate(from, to);
            if (timeToLive is 0 or >= Hops)
            {
                Inject(datagram, outer, to);
            }
        }
    }

    private bool TryStep(TimeSpan end)
    {
        NatHost? sleeper = null;
        TimeSpan at = TimeSpan.MaxValue;
        foreach (NatHost host in _hosts)
        {
            if (host.Peer?.Deadline is { } deadline && deadline < at)
            {
                (at, sleeper) = (deadline, host);
            }
        }

        if (_underWay.TryPeek(out _, out (TimeSpan At, long Order) first) && first.At <= at)
        {
            (at, sleeper) = (first.At, null);
        }

        if (at > end)
        {
            return false;
        }

        Now = at > Now ? at : Now;
        if (sleeper is not null)
        {
            sleeper.Peer!.HandleTimeout(Now);
        }
        else
        {
            (byte[] bytes, DhtAddress from, DhtAddress to) = _underWay.Dequeue();
            Deliver(bytes, from, to);
        }

        return true;
    }

    private void Deliver(byte[] bytes, DhtAddress from, DhtAddress to)
    {
        if (_boxes.TryGetValue(to.Host, out NatBox? box))
        {
            if (box.Admit(from, to) is { } inner && box.FindInside(inner) is { } receiver)
            {
                receiver.Host.Peer?.HandleDatagram(bytes, receiver.Socket, from, Now);
            }
        }
        else if (_outer.TryGetValue(to, out (NatHost Host, int Socket) open))
        {
            open.Host.Peer?.HandleDatagram(bytes, open.Socket, from, Now);
        }
        else
        {
            foreach (NatBox inside in _boxes.Values)
            {
                if (inside.Contains(from) && inside.FindInside(to) is { } neighbour)
                {
                    neighbour.Host.Peer?.HandleDatagram(bytes, neighbour.Socket, from, Now);
                    return;
                }
            }
        }
    }
}

/// <summary>A network translator.</summary>
public sealed class NatBox
{
    private readonly NatNetwork _net;
    private readonly NatBehavior _behavior;
    private readonly Dictionary<(DhtAddress Inner, DhtAddress To), ushort> _ports = [];
    private readonly Dictionary<ushort, DhtAddress> _inner = [];
    private readonly HashSet<(ushort Port, DhtAddress To)> _allowed = [];
    private readonly Dictionary<DhtAddress, (NatHost Host, int Socket)> _inside = [];

    internal NatBox(NatNetwork net, uint host, NatBehavior behavior) => (_net, Host, _behavior) = (net, host, behavior);

    /// <summary>The outer host.</summary>
    public uint Host { get; }

    /// <summary>Ports that it has given out so far.</summary>
    public int Ports => _inner.Count;

    internal void Bind(DhtAddress address, NatHost host, int socket) => _inside.Add(address, (host, socket));

    internal void Unbind(DhtAddress address) => _inside.Remove(address);

    internal bool Contains(DhtAddress address) => _inside.ContainsKey(address);

    internal (NatHost Host, int Socket)? FindInside(DhtAddress address) =>
        _inside.TryGetValue(address, out (NatHost Host, int Socket) found) ? found : null;

    internal DhtAddress Translate(DhtAddress from, DhtAddress to)
    {
        (DhtAddress Inner, DhtAddress To) key = (from, _behavior == NatBehavior.Symmetric ? to : default);
        if (!_ports.TryGetValue(key, out ushort port))
        {
            do
            {
                port = (ushort)(1024 + _net.Random.NextInt32(64_512));
            }
            while (!_inner.TryAdd(port, from));
            _ports.Add(key, port);
        }

        _allowed.Add((port, Allowance(to)));
        return new DhtAddress(Host, port);
    }

    internal DhtAddress? Admit(DhtAddress from, DhtAddress to) =>
        _inner.TryGetValue(to.Port, out DhtAddress inner) && _allowed.Contains((to.Port, Allowance(from))) ? inner : null;

    private DhtAddress Allowance(DhtAddress address) => _behavior switch
    {
        NatBehavior.FullCone => default,
        NatBehavior.AddressRestricted => address with { Port = 0 },
        _ => address,
    };
}

/// <summary>A host of a <see cref="NatNetwork"/>, with its sockets.</summary>
public sealed class NatHost : IPeerNetwork
{
    private readonly NatNetwork _net;
    private readonly Dictionary<int, DhtAddress> _sockets = [];
    private int _nextSocket;

    internal NatHost(NatNetwork net, uint host, NatBox? box) => (_net, Host, Box) = (net, host, box);

    public uint Host { get; }

    /// <summary>The translator that it is behind; null on the open net.</summary>
    public NatBox? Box { get; }

    /// <summary>Who lives here.</summary>
    public PeerHost? Peer { get; set; }

    public IReadOnlyList<uint> LocalHosts => [Host];

    public (int Socket, DhtAddress Local) Bind(ushort port)
    {
        int socket = _nextSocket++;
        DhtAddress local;
        do
        {
            local = new DhtAddress(Host, port != 0 ? port : (ushort)(32_768 + _net.Random.NextInt32(28_000)));
        }
        while (_sockets.ContainsValue(local));
        _sockets.Add(socket, local);
        if (Box is { } box)
        {
            box.Bind(local, this, socket);
        }
        else
        {
            _net.Bind(local, this, socket);
        }

        return (socket, local);
    }

    public void Close(int socket)
    {
        // As a real one, it stays as long as streams run on it: they hold it, and nobody else knows it any more.
    }

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive) =>
        _net.Send(this, _sockets[socket], to, datagram, timeToLive);
}
