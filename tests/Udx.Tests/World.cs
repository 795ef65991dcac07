using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Udx.Tests;

/// <summary>Hosts, the links between them, and one clock that only runs when something happens.</summary>
internal sealed class World(ulong seed)
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _agenda = new();
    private readonly Dictionary<UdxAddress, (Host Host, int Socket)> _sockets = [];
    private readonly Dictionary<(UdxAddress From, UdxAddress To), LinkModel> _links = [];
    private long _order;
    private ulong _lastSeed = seed;

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    public ulong Seed { get; } = seed;

    public RandomSource Chance { get; } = RandomSource.Seeded(seed ^ 0xabcdef);

    /// <summary>Every datagram that was sent: when, from where, to where, and its bytes.</summary>
    public List<(TimeSpan At, UdxAddress From, UdxAddress To, byte[] Bytes)>? Trace { get; set; }

    /// <summary>Drops what it says true to.</summary>
    public Func<UdxAddress, UdxAddress, byte[], bool>? Filter { get; set; }

    public LinkSettings DefaultLink { get; set; } = new() { Delay = TimeSpan.FromMilliseconds(10) };

    public Host AddHost(string address, UdxOptions? options = null)
    {
        var host = new Host(this, options ?? new UdxOptions());
        Bind(host, address);
        return host;
    }

    public int Bind(Host host, string address)
    {
        Assert.True(UdxAddress.TryParse(address, out UdxAddress bound));
        int socket = host.AddSocket(bound);
        _sockets.Add(bound, (host, socket));
        return socket;
    }

    public LinkModel Link(UdxAddress from, UdxAddress to)
    {
        if (!_links.TryGetValue((from, to), out LinkModel? link))
        {
            link = new LinkModel(DefaultLink, ++_lastSeed * 0x9e3779b9);
            _links.Add((from, to), link);
        }

        return link;
    }

    /// <summary>Shares one link (a bottleneck) among several pairs of addresses.</summary>
    public void ShareLink(LinkModel link, params (UdxAddress From, UdxAddress To)[] pairs)
    {
        foreach (var pair in pairs)
        {
            _links[pair] = link;
        }
    }

    public void At(TimeSpan time, Action action) =>
        _agenda.Enqueue(action, (time > Now ? time : Now, _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    public void Send(UdxAddress from, UdxAddress to, ReadOnlySpan<byte> datagram, bool mayFragment)
    {
        byte[] bytes = datagram.ToArray();
        Trace?.Add((Now, from, to, bytes));
        if (Filter is { } filter && filter(from, to, bytes))
        {
            return;
        }

        LinkFate fate = Link(from, to).Send(bytes.Length, Now, mayFragment);
        if (fate.FlippedBit >= 0)
        {
            bytes = bytes.ToArray();
            bytes[fate.FlippedBit / 8] ^= (byte)(1 << (fate.FlippedBit % 8));
        }

        Deliver(fate.Arrival, from, to, bytes);
        Deliver(fate.SecondArrival, from, to, bytes);
    }

    /// <summary>Lets time pass until <paramref name="isDone"/>, or fails.</summary>
    public void RunUntil(Func<bool> isDone, double seconds, string? what = null)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (!isDone())
        {
            bool goesOn = _agenda.TryPeek(out _, out var next) && next.At <= end;
            Assert.True(goesOn, $"{what ?? "it"} did not happen within {seconds} s (seed {Seed}, at {Now})");
            Step();
        }
    }

    /// <summary>Lets so much time pass.</summary>
    public void Run(double seconds)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (_agenda.TryPeek(out _, out var next) && next.At <= end)
        {
            Step();
        }

        Now = end;
    }

    private void Step()
    {
        Assert.True(_agenda.TryDequeue(out Action? action, out var key));
        Now = key.At;
        action();
    }

    private void Deliver(TimeSpan? arrival, UdxAddress from, UdxAddress to, byte[] bytes)
    {
        if (arrival is { } time && _sockets.TryGetValue(to, out var target))
        {
            At(time, () => target.Host.Receive(bytes, target.Socket, from));
        }
    }
}
