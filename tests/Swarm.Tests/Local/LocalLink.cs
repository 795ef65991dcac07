using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm.Tests;

/// <summary>Machines on one link: what one multicasts all hear, the sender too.</summary>
internal sealed class LocalLink(ulong seed = 1, LocalDiscoveryOptions? options = null)
{
    private readonly List<Node> _nodes = [];

    public TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    /// <summary>What was sent, as it was read.</summary>
    public List<(int From, DnsMessage Message, IPEndPoint? To)> Sent { get; } = [];

    /// <summary>How long a packet may be; longest seen.</summary>
    public int LongestPacket { get; private set; }

    public bool LosesAll { get; set; }

    public Node Add(PublicKey? key = null)
    {
        int number = _nodes.Count;
        var address = new IPAddress([192, 168, 7, (byte)(number + 1)]);
        PublicKey self = key ?? SwarmHarness.Key(number + 1);
        var machine = new LocalDiscovery(
            options ?? new LocalDiscoveryOptions(), self, (ushort)(4000 + number), new LocalInterface(address, 24),
            RandomSource.Seeded(seed + (ulong)number));
        var node = new Node(number, self, machine, new IPEndPoint(address, LocalDiscovery.Port));
        _nodes.Add(node);
        return node;
    }

    public void Do(Node node, Action<LocalDiscovery, TimeSpan> step)
    {
        step(node.Machine, Now);
        Drain(node);
    }

    public void Set(Node node, DiscoveryKey topic, bool isServer = false, bool isClient = false) =>
        Do(node, (m, now) => m.SetTopic(topic, isServer, isClient, now));

    public void Inject(Node to, DnsMessage message, IPEndPoint source, byte? timeToLive = LocalDiscovery.HopLimit)
    {
        byte[] bytes = DnsCodec.Encode(message);
        Do(to, (m, now) => m.HandlePacket(bytes, source, timeToLive, now));
    }

    public void Run(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (_nodes.Where(n => n.Machine.Deadline <= end).MinBy(n => n.Machine.Deadline) is { } next)
        {
            Now = next.Machine.Deadline!.Value > Now ? next.Machine.Deadline.Value : Now;
            Do(next, (m, now) => m.HandleTimeout(now));
        }

        Now = end;
    }

    private void Drain(Node from)
    {
        while (from.Machine.TryPollEvent(out LocalDiscoveryEvent? e))
        {
            from.Events.Add(e);
        }

        while (from.Machine.TryPollTransmit(out LocalPacket packet))
        {
            Assert.True(DnsCodec.TryDecode(packet.Bytes.Span, out DnsMessage message));
            LongestPacket = Math.Max(LongestPacket, packet.Bytes.Length);
            Sent.Add((from.Number, message, packet.To));
            foreach (Node to in LosesAll ? [] : _nodes.Where(n => packet.To is null || n.Address.Equals(packet.To)).ToArray())
            {
                to.Machine.HandlePacket(packet.Bytes.Span, from.Address, LocalDiscovery.HopLimit, Now);
                if (to != from)
                {
                    Drain(to);
                }
            }
        }
    }

    internal sealed record Node(int Number, PublicKey Key, LocalDiscovery Machine, IPEndPoint Address)
    {
        public List<LocalDiscoveryEvent> Events { get; } = [];

        public IEnumerable<LocalDiscoveryEvent.PeerSeen> Seen => Events.OfType<LocalDiscoveryEvent.PeerSeen>();

        public IEnumerable<LocalDiscoveryEvent.PeerGone> Gone => Events.OfType<LocalDiscoveryEvent.PeerGone>();
    }
}
