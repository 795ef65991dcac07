using System.Buffers.Binary;
using System.Security.Cryptography;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Simulation;

/// <summary>Nodes of the DHT as machines, thousands of them, on one virtual time: datagrams take a while, get lost, or don't pass.</summary>
internal sealed class DhtWorld(ulong seed) : IDisposable
{
    private readonly PriorityQueue<Packet, (TimeSpan At, long Order)> _packets = new();
    private readonly PriorityQueue<DhtHost, (TimeSpan At, long Order)> _alarms = new();
    private readonly Dictionary<DhtAddress, (DhtHost Host, int Socket)> _bound = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly HashSet<uint> _taken = [];
    private long _order;

    public RandomSource Random { get; } = RandomSource.Seeded(seed);

    public TimeSpan Now { get; private set; }

    public double Loss { get; set; }

    /// <summary>Hosts of different groups don't reach each other while this is so.</summary>
    public bool IsPartitioned { get; set; }

    /// <summary>Datagrams that were sent.</summary>
    public long Datagrams { get; private set; }

    /// <summary>Honest hosts that are up.</summary>
    public List<DhtHost> Hosts { get; } = [];

    /// <summary>SHA-256 over everything that was sent, and when.</summary>
    public string TakeHash() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>A host on a public address that nobody has, each in a /24 of its own as good as always.</summary>
    public DhtHost Add(DhtOptions options, DhtAddress? at = null, bool isHostile = false)
    {
        DhtAddress address = at ?? FreeAddress();
        var host = new DhtHost(this, address, isHostile) { Group = Random.NextInt32(2) };
        DhtAddress client = address with { Port = (ushort)(address.Port ^ 1) };
        _bound.Add(address, (host, DhtHost.ServerSocket));
        _bound.Add(client, (host, DhtHost.ClientSocket));
        host.Node = new DhtNode(
            options, host, RandomSource.Seeded(Random.NextUInt64()), DhtHost.ServerSocket, address, DhtHost.ClientSocket, client, Now);
        if (!isHostile)
        {
            Hosts.Add(host);
        }

        _ = host.Node.BootstrapAsync();
        SetAlarm(host);
        return host;
    }

    /// <summary>The host is gone, without a word.</summary>
    public void Remove(DhtHost host)
    {
        _bound.Remove(host.Address);
        _bound.Remove(host.Address with { Port = (ushort)(host.Address.Port ^ 1) });
        Hosts.Remove(host);
        host.IsGone = true;
        host.Node.Destroy();
    }

    public DhtAddress FreeAddress()
    {
        while (true)
        {
            uint host = (uint)Random.NextUInt64();
            if (host >> 24 is > 10 and < 120 && _taken.Add(host))
            {
                return new DhtAddress(host, 49_736);
            }
        }
    }

    public void Send(DhtHost sender, DhtAddress from, DhtAddress to, ReadOnlySpan<byte> datagram)
    {
        Datagrams++;
        Span<byte> head = stackalloc byte[20];
        BinaryPrimitives.WriteInt64LittleEndian(head, Now.Ticks);
        from.CopyTo(head[8..]);
        to.CopyTo(head[14..]);
        _hash.AppendData(head);
        _hash.AppendData(datagram);
        bool isLost = Random.NextDouble() < Loss;
        double milliseconds = 10 + (Random.NextDouble() * 80);
        if (!isLost)
        {
            _packets.Enqueue(new Packet(datagram.ToArray(), sender.Group, from, to), (Now + TimeSpan.FromMilliseconds(milliseconds), _order++));
        }
    }

    /// <summary>Tells a host the time, so that what it is asked for next happens now.</summary>
    public void Wake(DhtHost host)
    {
        host.Node.HandleTimeout(Now);
        SetAlarm(host);
    }

    /// <summary>Sees to it that a host that was asked for something is woken in time.</summary>
    public void SetAlarm(DhtHost host)
    {
        TimeSpan? deadline = host.Node.Deadline;
        if (deadline != host.Alarm)
        {
            host.Alarm = deadline;
            if (deadline is { } at)
            {
                _alarms.Enqueue(host, (at, _order++));
            }
        }
    }

    public void Run(TimeSpan duration) => RunUntil(static () => false, duration);

    /// <summary>Lets time pass until something holds.</summary>
    /// <returns>Whether it does, after <paramref name="limit"/> at the latest.</returns>
    public bool RunUntil(Func<bool> holds, TimeSpan limit)
    {
        TimeSpan end = Now + limit;
        while (!holds())
        {
            bool hasPacket = _packets.TryPeek(out _, out (TimeSpan At, long Order) packet) && packet.At <= end;
            bool hasAlarm = _alarms.TryPeek(out DhtHost? sleeper, out (TimeSpan At, long Order) alarm) && alarm.At <= end;
            if (!hasPacket && !hasAlarm)
            {
                Now = end;
                return holds();
            }

            if (hasPacket && (!hasAlarm || packet.At <= alarm.At))
            {
                Now = packet.At;
                Deliver(_packets.Dequeue());
                continue;
            }

            _alarms.Dequeue();
            if (!sleeper!.IsGone && sleeper.Alarm == alarm.At)
            {
                Now = alarm.At > Now ? alarm.At : Now;
                sleeper.Alarm = null;
                sleeper.Node.HandleTimeout(Now);
                SetAlarm(sleeper);
            }
        }

        return true;
    }

    public void Dispose() => _hash.Dispose();

    private void Deliver(Packet packet)
    {
        if (!_bound.TryGetValue(packet.To, out (DhtHost Host, int Socket) receiver)
            || (IsPartitioned && receiver.Host.Group != packet.Group))
        {
            return;
        }

        receiver.Host.Handle(packet.Bytes, receiver.Socket, packet.From);
        SetAlarm(receiver.Host);
    }

    private sealed record Packet(byte[] Bytes, int Group, DhtAddress From, DhtAddress To);
}

/// <summary>One host of a <see cref="DhtWorld"/>. A hostile one answers questions about a target with its own kind.</summary>
internal sealed class DhtHost(DhtWorld world, DhtAddress address, bool isHostile) : IDhtDoors
{
    public const int ServerSocket = 0;
    public const int ClientSocket = 1;

    // The answer to a question with a target, by hand: the machine itself would tell the truth.
    private const int RequestHead = 10;

    public DhtAddress Address => address;

    public DhtNode Node { get; set; } = null!;

    /// <summary>Whom a hostile host names, whatever it is asked.</summary>
    public IReadOnlyList<DhtAddress> Accomplices { get; set; } = [];

    public int Group { get; set; }

    public bool IsGone { get; set; }

    public TimeSpan? Alarm { get; set; }

    public IReadOnlyList<uint> LocalHosts => [address.Host];

    public void Handle(byte[] datagram, int socket, DhtAddress from)
    {
        bool asksForTarget = datagram.Length > RequestHead && datagram[0] == 0x03 && (datagram[1] & 8) != 0;
        if (isHostile && asksForTarget && Accomplices.Count > 0)
        {
            Lie(datagram, from);
            return;
        }

        Node.HandleDatagram(datagram, socket, from, world.Now);
    }

    public int? OpenSocket() => null;

    public void CloseSocket(int socket)
    {
    }

    public IRawStream? OpenStream() => null;

    public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
    {
        DhtAddress from = socket == ServerSocket ? address : address with { Port = (ushort)(address.Port ^ 1) };
        world.Send(this, from, to, datagram);
    }

    // docs/dht-rpc.md#layout: a response with an id and twenty closer nodes.
    private void Lie(byte[] question, DhtAddress from)
    {
        const int Named = 20;
        Span<byte> answer = stackalloc byte[RequestHead + Hash.Size + 1 + (Named * DhtAddress.Size)];
        answer[0] = 0x13;
        answer[1] = 1 | 4;
        question.AsSpan(2, 2).CopyTo(answer[2..]);
        from.CopyTo(answer[4..]);
        address.ToNodeId().CopyTo(answer[RequestHead..]);
        int at = RequestHead + Hash.Size;
        answer[at++] = Named;
        for (int i = 0; i < Named; i++)
        {
            Accomplices[world.Random.NextInt32(Accomplices.Count)].CopyTo(answer[at..]);
            at += DhtAddress.Size;
        }

        Send(ServerSocket, from, answer);
    }
}
