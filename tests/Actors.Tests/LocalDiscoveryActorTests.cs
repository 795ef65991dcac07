using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Swarm;
using HyperActors.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>Local discovery over sockets that a test plays.</summary>
public sealed class LocalDiscoveryActorTests : ActorTest
{
    private static readonly DiscoveryKey _topic = new(Enumerable.Repeat((byte)7, 32).ToArray());
    private static readonly LocalInterface _first = new(IPAddress.Parse("192.168.7.1"), 24);
    private static readonly LocalInterface _second = new(IPAddress.Parse("10.1.1.1"), 8);

    private readonly FakeDoor _door = new() { Interfaces = [_first] };
    private readonly TestProbe _dht;
    private readonly TestProbe _swarm;
    private readonly IActorRef _local;

    public LocalDiscoveryActorTests()
    {
        _dht = CreateProbe("dht");
        _swarm = CreateProbe("swarm");
        var setup = new LocalDiscoverySetup(
            new LocalDiscoveryOptions(), Key(1), RandomSource.Seeded(1), _door, _dht.Ref, TimeSpan.FromSeconds(5), new LocalDiscoveryMemory(),
            NullLogger.Instance);
        _local = Start(LocalDiscoveryActor.PropsFor(setup));
        _swarm.Send(_local, new LocalDiscoveryActor.SetTopic(_topic, true, true));
    }

    [Fact]
    public void Nothing_is_said_before_the_port_of_the_DHT_is_known_and_then_the_topics_are()
    {
        Pass(5);
        Assert.Empty(_door.Sockets);
        TellPort(4000);
        Pass(3);
        Assert.Contains(_door.Of(_first).Sent, m => m.IsResponse && m.Answers.OfType<DnsRecord.Srv>().Any(s => s.Port == 4000));
    }

    [Fact]
    public void Peers_that_are_heard_of_are_told_to_the_swarm_and_the_packet_is_paid_for()
    {
        TellPort(4000);
        Hear(_first, Other(_first, "192.168.7.9"));
        LocalDiscoveryActor.PeerSeen seen = _swarm.ExpectMsg<LocalDiscoveryActor.PeerSeen>();
        Assert.Equal((_topic, Key(2)), (seen.Topic, seen.PublicKey));
        Assert.Equal([new IPEndPoint(IPAddress.Parse("192.168.7.9"), 4000)], seen.Addresses);
        Assert.True(_door.Of(_first).Credit.TryTake());
    }

    [Fact]
    public void An_interface_that_comes_is_used_and_one_that_goes_is_let_go_of()
    {
        TellPort(4000);
        FakeSocket first = _door.Of(_first);
        Pass(3);
        _door.Interfaces = [_second];
        TellPort(4000);
        Assert.True(first.IsDisposed);
        Assert.All(first.Sent[^1].Answers, r => Assert.Equal(TimeSpan.Zero, r.TimeToLive));
        Pass(3);
        Assert.Contains(
            _door.Of(_second).Sent, m => m.Answers.OfType<DnsRecord.Host>().Any(h => h.Address.Equals(_second.Address)));
        Hear(_first, Other(_first, "192.168.7.9"));
        Assert.Equal(0, _swarm.Waiting);
    }

    [Fact]
    public void Another_port_of_the_DHT_is_told_anew_and_one_that_cannot_be_joined_is_tried_again()
    {
        _door.Interfaces = [_first, _second];
        _door.Refuses = _second;
        TellPort(4000);
        Assert.Single(_door.Sockets);
        FakeSocket first = _door.Of(_first);
        _door.Refuses = null;
        TellPort(4001);
        Assert.True(first.IsDisposed);
        Pass(3);
        Assert.Contains(_door.Of(_second).Sent, m => m.Answers.OfType<DnsRecord.Srv>().Any(s => s.Port == 4001));
    }

    [Fact]
    public void Stopping_says_goodbye()
    {
        TellPort(4000);
        Pass(3);
        FakeSocket socket = _door.Of(_first);
        System.Stop(_local);
        Run.RunUntilIdle();
        Assert.True(socket.IsDisposed);
        Assert.All(socket.Sent[^1].Answers, r => Assert.Equal(TimeSpan.Zero, r.TimeToLive));
    }

    private static PublicKey Key(int n) => new([(byte)n, .. new byte[31]]);

    private void Pass(int seconds) => Run.RunUntil(() => false, TimeSpan.FromSeconds(seconds));

    private void TellPort(int port) => Tell(
        _local,
        new DhtInfo
        {
            IsReady = true,
            PublicAddress = null,
            LocalAddress = new IPEndPoint(IPAddress.Any, port),
            Nat = NatKind.Unknown,
            IsEphemeral = true,
            IsOnline = true,
            IsDegraded = false,
            Buckets = [],
            Records = new Dictionary<string, int>(StringComparer.Ordinal),
            Statistics = new Dictionary<string, long>(StringComparer.Ordinal),
        });

    private void Hear(LocalInterface face, IReadOnlyList<byte[]> packets)
    {
        var credit = new PacketCredit(1);
        _door.Of(face).Credit = credit;
        foreach (byte[] packet in packets)
        {
            Assert.True(credit.TryTake());
            var source = new IPEndPoint(IPAddress.Parse("192.168.7.9"), LocalDiscovery.Port);
            Tell(_local, new IMulticastDoor.PacketArrived(face, packet, source, null, credit));
        }
    }

    // What a machine of another node says within its first seconds.
    private static List<byte[]> Other(LocalInterface face, string address)
    {
        var machine = new LocalDiscovery(
            new LocalDiscoveryOptions(), Key(2), 4000, face with { Address = IPAddress.Parse(address) }, RandomSource.Seeded(2));
        machine.SetTopic(_topic, true, false, TimeSpan.Zero);
        var packets = new List<byte[]>();
        while (machine.Deadline is { } deadline)
        {
            machine.HandleTimeout(deadline);
            while (machine.TryPollTransmit(out LocalPacket packet))
            {
                packets.Add(packet.Bytes.ToArray());
            }
        }

        return packets;
    }

    private sealed class FakeDoor : IMulticastDoor
    {
        public IReadOnlyList<LocalInterface> Interfaces { get; set; } = [];

        public LocalInterface? Refuses { get; set; }

        public List<FakeSocket> Sockets { get; } = [];

        public FakeSocket Of(LocalInterface face) => Sockets.Last(s => s.Face == face);

        public IReadOnlyList<LocalInterface> FindInterfaces() => Interfaces;

        public IMulticastSocket? Open(LocalInterface face, IActorRef owner)
        {
            if (face == Refuses)
            {
                return null;
            }

            var socket = new FakeSocket(face);
            Sockets.Add(socket);
            return socket;
        }
    }

    private sealed class FakeSocket(LocalInterface face) : IMulticastSocket
    {
        public LocalInterface Face => face;

        public List<DnsMessage> Sent { get; } = [];

        public bool IsDisposed { get; private set; }

        public PacketCredit Credit { get; set; } = new(1);

        public void Send(ReadOnlySpan<byte> packet, IPEndPoint to)
        {
            Assert.False(IsDisposed);
            Assert.True(DnsCodec.TryDecode(packet, out DnsMessage message));
            Sent.Add(message);
        }

        public void Dispose() => IsDisposed = true;
    }
}
