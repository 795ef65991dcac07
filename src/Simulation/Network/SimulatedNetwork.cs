using System.Net;
using HyperActors.Actors;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>Streams between simulated hosts: latency, partitions and cuts, all decided by one seed on virtual time.</summary>
public sealed class SimulatedNetwork
{
    private const int FirstPort = 49_152;

    private readonly DeterministicSystem _world;
    private readonly RandomSource _random;
    private readonly NetworkOptions _options;
    private readonly Dictionary<IPEndPoint, Listener> _listeners = [];
    private readonly List<SimulatedTransport> _open = [];
    private readonly HashSet<(IPAddress, IPAddress)> _parted = [];
    private readonly Dictionary<IPAddress, Host> _hosts = [];
    private int _nextPort = FirstPort;

    public SimulatedNetwork(DeterministicSystem world, RandomSource random, NetworkOptions options)
    {
        _world = world;
        _random = random;
        _options = options;
    }

    /// <summary>Ends of streams that are open.</summary>
    public int OpenStreams => _open.Count;

    internal int MaxUnreadBytes => _options.MaxUnreadBytes;

    internal TimeSpan Now => _world.Now;

    /// <summary>The network as a new process of the host at <paramref name="address"/> sees it.</summary>
    public INetwork At(IPAddress address) => _hosts[address] = new Host(this, address);

    /// <summary>Lets nothing pass between two hosts until <see cref="Join"/>: streams stand still, dials find nobody.</summary>
    /// <param name="one">One of them.</param>
    /// <param name="other">The other one.</param>
    /// <param name="breaksStreams">Their streams break, as when the system has given them up.</param>
    public void Part(IPAddress one, IPAddress other, bool breaksStreams)
    {
        _parted.Add(Pair(one, other));
        if (breaksStreams)
        {
            Cut(one, other);
        }
    }

    /// <summary>Ends the partition of two hosts; what waited goes on.</summary>
    public void Join(IPAddress one, IPAddress other)
    {
        if (_parted.Remove(Pair(one, other)))
        {
            foreach (SimulatedTransport transport in _open.ToArray())
            {
                transport.Pump();
            }
        }
    }

    /// <summary>Breaks every stream between two hosts, once.</summary>
    public void Cut(IPAddress one, IPAddress other)
    {
        foreach (SimulatedTransport transport in _open.ToArray())
        {
            if (Pair(transport.Local.Address, transport.Remote.Address).Equals(Pair(one, other)))
            {
                transport.Break("the simulated link was cut");
            }
        }
    }

    /// <summary>The process at that address is gone: its listeners, its streams, and all that it might still do.</summary>
    public void Kill(IPAddress address)
    {
        if (_hosts.Remove(address, out Host? host))
        {
            host.IsDead = true;
        }

        foreach (IPEndPoint endPoint in _listeners.Keys.Where(e => e.Address.Equals(address)).ToArray())
        {
            _listeners.Remove(endPoint);
        }

        foreach (SimulatedTransport transport in _open.ToArray())
        {
            if (transport.Local.Address.Equals(address) || transport.Remote.Address.Equals(address))
            {
                transport.Break("the simulated host died");
            }
        }
    }

    internal TimeSpan DrawLatency()
    {
        double spread = _options.MaxLatency.TotalMicroseconds - _options.MinLatency.TotalMicroseconds;
        return _options.MinLatency + TimeSpan.FromMicroseconds(Math.Floor(_random.NextDouble() * spread));
    }

    internal bool IsParted(IPEndPoint one, IPEndPoint other) => _parted.Contains(Pair(one.Address, other.Address));

    internal TimeSpan TimeToSend(int length) =>
        _options.BytesPerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)length / _options.BytesPerSecond);

    internal int DrawPiece(int length) =>
        _options.MaxPiece >= length ? length : 1 + _random.NextInt32(Math.Min(length, _options.MaxPiece));

    internal void Record(string kind, IPEndPoint from, IPEndPoint to, ReadOnlySpan<byte> bytes = default) =>
        _world.Note($"{kind} {from}>{to}", bytes);

    internal void Deliver(TimeSpan at, IActorRef to, object message)
    {
        TimeSpan delay = at - Now;
        _world.System.Scheduler.ScheduleTellOnce(delay < TimeSpan.Zero ? TimeSpan.Zero : delay, to, message, ActorRefs.NoSender);
    }

    internal void Remove(SimulatedTransport transport) => _open.Remove(transport);

    private static (IPAddress, IPAddress) Pair(IPAddress one, IPAddress other) =>
        one.GetAddressBytes().AsSpan().SequenceCompareTo(other.GetAddressBytes()) <= 0 ? (one, other) : (other, one);

    private int TakePort()
    {
        int port = _nextPort;
        _nextPort = port == IPEndPoint.MaxPort ? FirstPort : port + 1;
        return port;
    }

    private void Listen(long requestId, IPEndPoint address, IActorRef owner)
    {
        IPEndPoint bound = address.Port == 0 ? new IPEndPoint(address.Address, TakePort()) : address;
        if (_listeners.ContainsKey(bound))
        {
            owner.Tell(new INetwork.ListenFailed(requestId, $"cannot listen on {bound}: another host uses that port"), ActorRefs.NoSender);
            return;
        }

        var listener = new Listener(this, bound, owner);
        _listeners.Add(bound, listener);
        owner.Tell(new INetwork.Listening(requestId, bound, listener), ActorRefs.NoSender);
    }

    private void Connect(long requestId, IPAddress from, string host, int port, TimeSpan deadline, IActorRef owner)
    {
        var remote = new IPEndPoint(IPAddress.Parse(host), port);
        var local = new IPEndPoint(from, TakePort());
        Record("dial", local, remote);
        if (_parted.Contains(Pair(from, remote.Address)))
        {
            Deliver(Now + deadline, owner, new INetwork.ConnectFailed(requestId, $"cannot connect to {remote}: no answer within {deadline.TotalSeconds:0.#} s"));
            return;
        }

        TimeSpan there = Now + DrawLatency();
        if (!_listeners.TryGetValue(remote, out Listener? listener))
        {
            Deliver(there + DrawLatency(), owner, new INetwork.ConnectFailed(requestId, $"cannot connect to {remote}: nobody listens there"));
            return;
        }

        var ours = new SimulatedTransport(this, local, remote);
        var theirs = new SimulatedTransport(this, remote, local);
        ours.Peer = theirs;
        theirs.Peer = ours;
        _open.Add(ours);
        _open.Add(theirs);
        Deliver(there, listener.Owner, new INetwork.Accepted(theirs));
        Deliver(there + DrawLatency(), owner, new INetwork.Connected(requestId, ours));
    }

    private sealed record Listener(SimulatedNetwork Network, IPEndPoint Address, IActorRef Owner) : IDisposable
    {
        public void Dispose()
        {
            if (Network._listeners.TryGetValue(Address, out Listener? mine) && ReferenceEquals(mine, this))
            {
                Network._listeners.Remove(Address);
            }
        }
    }

    private sealed class Host(SimulatedNetwork network, IPAddress address) : INetwork
    {
        public bool IsDead { get; set; }

        public void Listen(long requestId, IPEndPoint endPoint, IActorRef owner)
        {
            if (!IsDead)
            {
                network.Listen(requestId, endPoint, owner);
            }
        }

        public void Connect(long requestId, string host, int port, TimeSpan deadline, IActorRef owner)
        {
            if (!IsDead)
            {
                network.Connect(requestId, address, host, port, deadline, owner);
            }
        }
    }
}
