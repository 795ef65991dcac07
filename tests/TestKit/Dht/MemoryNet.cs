using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.TestKit;

/// <summary>A machine that lives on datagrams.</summary>
public interface IDatagramMachine
{
    TimeSpan? Deadline { get; }

    void HandleDatagram(ReadOnlySpan<byte> datagram, int socket, DhtAddress from, TimeSpan now);

    void HandleTimeout(TimeSpan now);
}

/// <summary>A network of hosts on virtual time: datagrams take a while, get lost, or don't pass. Same seed, same run.</summary>
public sealed class MemoryNet(ulong seed)
{
    private readonly PriorityQueue<Packet, (TimeSpan At, long Order)> _underWay = new();
    private readonly Dictionary<DhtAddress, (MemoryHost Host, int Socket)> _bound = [];
    private readonly PriorityQueue<MemoryHost, (TimeSpan At, long Order)> _alarms = new();
    private readonly List<MemoryHost> _hosts = [];
    private long _order;

    public RandomSource Random { get; } = RandomSource.Seeded(seed);

    public TimeSpan Now { get; private set; }

    /// <summary>How long a datagram takes, and how much longer at most.</summary>
    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan Jitter { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The share of datagrams that get lost.</summary>
    public double Loss { get; set; }

    /// <summary>Who can't reach whom.</summary>
    public Func<DhtAddress, DhtAddress, bool>? Blocks { get; set; }

    /// <summary>Sees every datagram that is sent, with its sender and receiver.</summary>
    public Action<byte[], DhtAddress, DhtAddress>? Tap { get; set; }

    public long Sent { get; private set; }

    /// <summary>A host of this address, with nothing on it.</summary>
    public MemoryHost AddHost(string address) => AddHost(Address(address, 0).Host);

    /// <inheritdoc cref="AddHost(string)"/>
    public MemoryHost AddHost(uint address)
    {
        var host = new MemoryHost(this, address);
        _hosts.Add(host);
        return host;
    }

    /// <summary>A host with a node of the DHT on it, on a server and a client socket, and not started yet.</summary>
    public DhtNode AddNode(string address, ushort port, DhtOptions options)
    {
        MemoryHost host = AddHost(address);
        return host.AddNode(port, options);
    }

    public static DhtAddress Address(string host, ushort port)
    {
        uint bits = host.Split('.').Aggregate(0u, (sum, octet) => (sum << 8) | byte.Parse(octet, System.Globalization.CultureInfo.InvariantCulture));
        return new DhtAddress(bits, port);
    }

    /// <summary>Lets so much time pass.</summary>
    public void Run(TimeSpan duration) => RunUntil(() => false, duration);

    /// <summary>Lets time pass until something holds, or <paramref name="limit"/> is over.</summary>
    /// <returns>Whether it holds.</returns>
    public bool RunUntil(Func<bool> holds, TimeSpan limit)
    {
        bool isSo = RunTo(holds, Now + limit);

        // Everybody knows what time it is when tests ask machines for things.
        foreach (MemoryHost host in _hosts.ToArray())
        {
            host.Machine?.HandleTimeout(Now);
        }

        return isSo;
    }

    private bool RunTo(Func<bool> holds, TimeSpan end)
    {
        foreach (MemoryHost host in _hosts)
        {
            SetAlarm(host);
        }

        while (!holds())
        {
            (TimeSpan at, MemoryHost? sleeper) = NextTimeout();
            if (_underWay.TryPeek(out _, out (TimeSpan At, long Order) first) && first.At <= at)
            {
                (at, sleeper) = (first.At, null);
            }

            if (at > end)
            {
                Now = end;
                return holds();
            }

            Now = at > Now ? at : Now;
            if (sleeper is not null)
            {
                _alarms.Dequeue();
                sleeper.Alarm = null;
                sleeper.Machine!.HandleTimeout(Now);
                SetAlarm(sleeper);
            }
            else
            {
                Deliver(_underWay.Dequeue());
            }
        }

        return true;
    }

    /// <summary>Lets time pass until a flow has ended, and gives what it ended with.</summary>
    public T Run<T>(Flow<T> flow, int seconds = 120)
    {
        Assert.True(RunUntil(() => flow.IsCompleted, TimeSpan.FromSeconds(seconds)), "the flow has not ended");
        return flow.Result;
    }

    /// <inheritdoc cref="Run{T}(Flow{T}, int)"/>
    public void Run(Flow flow, int seconds = 120) =>
        Assert.True(RunUntil(() => flow.IsCompleted, TimeSpan.FromSeconds(seconds)) && flow.IsSuccess, $"the flow has not ended well: {flow.Failure}");

    /// <summary>A datagram out of nowhere, as if <paramref name="from"/> had sent it.</summary>
    public void Inject(ReadOnlySpan<byte> datagram, DhtAddress from, DhtAddress to)
    {
        Sent++;
        byte[] bytes = datagram.ToArray();
        Tap?.Invoke(bytes, from, to);
        bool isLost = Random.NextDouble() < Loss;
        TimeSpan delay = Latency + (Jitter * Random.NextDouble());
        if (!isLost && Blocks?.Invoke(from, to) != true)
        {
            _underWay.Enqueue(new Packet(bytes, from, to), (Now + delay, _order++));
        }
    }

    internal bool TryBind(MemoryHost host, int socket, DhtAddress address) => _bound.TryAdd(address, (host, socket));

    internal void Unbind(DhtAddress address) => _bound.Remove(address);

    internal void Remove(MemoryHost host) => _hosts.Remove(host);

    private void Deliver(Packet packet)
    {
        if (_bound.TryGetValue(packet.To, out (MemoryHost Host, int Socket) receiver))
        {
            receiver.Host.Machine?.HandleDatagram(packet.Bytes, receiver.Socket, packet.From, Now);
            SetAlarm(receiver.Host);
        }
    }

    // Read anew after every turn of a machine, and for all of them when somebody lets time pass: between, tests ask machines for things.
    private void SetAlarm(MemoryHost host)
    {
        TimeSpan? deadline = host.Machine?.Deadline;
        if (deadline != host.Alarm)
        {
            host.Alarm = deadline;
            if (deadline is { } at)
            {
                _alarms.Enqueue(host, (at, _order++));
            }
        }
    }

    private (TimeSpan At, MemoryHost? Host) NextTimeout()
    {
        while (_alarms.TryPeek(out MemoryHost? host, out (TimeSpan At, long Order) first))
        {
            if (host.Machine is not null && host.Alarm == first.At)
            {
                return (first.At, host);
            }

            _alarms.Dequeue();
        }

        return (TimeSpan.MaxValue, null);
    }

    private sealed record Packet(byte[] Bytes, DhtAddress From, DhtAddress To);
}

/// <summary>One host of a <see cref="MemoryNet"/>: its sockets are the machine's doors.</summary>
public sealed class MemoryHost(MemoryNet net, uint address) : IDhtDoors
{
    private readonly Dictionary<int, DhtAddress> _sockets = [];
    private int _nextSocket;

    public uint Address => address;

    /// <summary>Who lives here.</summary>
    public IDatagramMachine? Machine { get; set; }

    public IReadOnlyList<uint> LocalHosts => [address];

    internal TimeSpan? Alarm { get; set; }

    /// <summary>Binds a socket to a port, or to any when it is 0.</summary>
    public int Bind(ushort port)
    {
        int socket = _nextSocket++;
        ushort chosen = port;
        while (chosen == 0 || !net.TryBind(this, socket, new DhtAddress(address, chosen)))
        {
            Assert.True(port == 0, "the port is taken");
            chosen = (ushort)(32_768 + net.Random.NextInt32(28_000));
        }

        _sockets.Add(socket, new DhtAddress(address, chosen));
        return socket;
    }

    public DhtAddress LocalOf(int socket) => _sockets[socket];

    /// <summary>A node on this host, on a server and a client socket, and not started yet.</summary>
    public DhtNode AddNode(ushort port, DhtOptions options)
    {
        int server = Bind(port);
        int client = Bind(0);
        var node = new DhtNode(options, this, RandomSource.Seeded(net.Random.NextUInt64()), server, LocalOf(server), client, LocalOf(client), net.Now);
        Machine = new NodeMachine(node);
        return node;
    }

    /// <summary>The host is gone: nothing reaches it, nothing is due on it.</summary>
    public void Disappear()
    {
        foreach (DhtAddress bound in _sockets.Values)
        {
            net.Unbind(bound);
        }

        _sockets.Clear();
        Machine = null;
        net.Remove(this);
    }

    public int? OpenSocket() => Bind(0);

    public void CloseSocket(int socket)
    {
        if (_sockets.Remove(socket, out DhtAddress bound))
        {
            net.Unbind(bound);
        }
    }

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
    {
        if (_sockets.TryGetValue(socket, out DhtAddress from))
        {
            net.Inject(datagram, from, to);
        }
    }

    public IRawStream? OpenStream() => null;

    private sealed class NodeMachine(DhtNode node) : IDatagramMachine
    {
        public TimeSpan? Deadline => node.Deadline;

        public void HandleDatagram(ReadOnlySpan<byte> datagram, int socket, DhtAddress from, TimeSpan now) =>
            node.HandleDatagram(datagram, socket, from, now);

        public void HandleTimeout(TimeSpan now) => node.HandleTimeout(now);
    }
}
