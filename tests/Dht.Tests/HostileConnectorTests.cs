using System.Buffers;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>What connections by key cost when those on the way, or at the other end, mean harm.</summary>
public class HostileConnectorTests
{
    private readonly PunchWorld _world = new();
    private readonly PeerHost _listening;
    private readonly Listener _listener;

    public HostileConnectorTests()
    {
        _listening = _world.AddPeer(NatBehavior.FullCone);
        _listener = _world.ListenAndWait(_listening);
    }

    private NatNetwork Net => _world.Net;

    // Where the server's main socket is seen from outside.
    private DhtAddress Server => _listener.Announcer.Relays[0].PeerAddress;

    private DhtAddress Relay => _listener.Announcer.Relays[0].RelayAddress;

    [Fact]
    public void A_forged_answer_does_not_end_the_attempt()
    {
        // The first answer of each relay is nonsense under the relay's own address.
        int forged = 0;
        PeerHost calling = _world.AddPeer(NatBehavior.PortRestricted);
        Net.Filter = (bytes, from, to) =>
        {
            RpcMessage message = default;
            bool isAnswer = _world.Nodes.Exists(n => n.Node.PublicAddress == from) && to.Host == MemoryNet.Address("70.0.2.1", 0).Host &&
                RpcCodec.TryDecode(bytes, out message) && message.IsResponse && IsHandshake(message.Value);
            if (isAnswer && forged == 0)
            {
                forged++;
                byte[] answer = Encode(new HandshakeEnvelope(RelayMode.Reply, new byte[120], MemoryNet.Address("66.6.6.6", 1)));
                byte[] buffer = new byte[2048];
                int length = RpcCodec.EncodeResponse(buffer, message.Tid, to, null, null, default, 0, true, answer);
                Net.Inject(buffer.AsSpan(0, length), from, to);
                return true;
            }

            return false;
        };
        PeerConnection connection = Net.Run(_world.Connect(calling, _listening.Keys.PublicKey));
        Assert.Equal(1, forged);
        Assert.Equal(1, calling.Connector.Counters.ForgedReplies);
        _world.Talk(calling, connection, _listening);
    }

    [Fact]
    public void Relay_addresses_that_lead_nowhere_cost_time_and_nothing_else()
    {
        PeerHost calling = _world.AddPeer(NatBehavior.PortRestricted);
        DhtAddress[] nowhere = [MemoryNet.Address("66.6.6.6", 1), _world.Nodes[0].Node.PublicAddress!.Value, MemoryNet.Address("66.6.6.7", 1)];
        PeerConnection connection = Net.Run(
            _world.Connect(calling, _listening.Keys.PublicKey, new ConnectOptions { RelayAddresses = nowhere }));
        _world.Talk(calling, connection, _listening);
    }

    [Fact]
    public void A_handshake_that_is_repeated_is_one_session_with_one_answer()
    {
        var client = new FakeClient(_world, _listening.Keys.PublicKey);
        byte[] first = client.Handshake();
        for (int i = 0; i < 50; i++)
        {
            client.Send(first, Relay);
        }

        Net.Run(2);
        Assert.Equal(1, _listener.Sessions);
        Assert.Equal(1, _listening.Streams);
        Assert.Equal(49, _listening.Connector.Counters.RepeatedHandshakes);
        Assert.Single(client.Answers.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal));
        Assert.Empty(_listening.Incoming);

        Net.Run(60);
        Assert.Equal((0, 0, 0), (_listener.Sessions, _listening.Streams, _listening.PunchSockets));
    }

    [Fact]
    public void A_flood_of_handshakes_is_bounded_for_a_host_and_in_all()
    {
        var client = new FakeClient(_world, _listening.Keys.PublicKey);
        ConnectorOptions bounds = _listening.Connector.Options;
        for (int i = 0; i < 100; i++)
        {
            client.Send(client.Handshake(), Server, RelayMode.FromRelay, MemoryNet.Address("66.6.6.6", (ushort)(i + 1)), Relay);
        }

        Net.Run(1);
        Assert.Equal(bounds.MaxSessionsPerHost, _listener.Sessions);
        Assert.Equal(100 - bounds.MaxSessionsPerHost, _listening.Connector.Counters.Dropped);

        for (int i = 0; i < 1000; i++)
        {
            client.Send(client.Handshake(), Server, RelayMode.FromRelay, MemoryNet.Address($"67.{i / 200}.{i % 200}.1", 1), MemoryNet.Address($"68.0.{i % 200}.1", 9));
        }

        Net.Run(3);
        Assert.InRange(_listener.Sessions, bounds.MaxSessionsPerHost + 1, bounds.MaxSessions);
        Assert.InRange(_listening.Streams, 1, bounds.MaxSessions);
        Assert.InRange(_listening.PunchSockets, 1, bounds.MaxPunchSockets);

        // What is over is forgotten, and others are let in again.
        Net.Run(60);
        Assert.Equal((0, 0, 0), (_listener.Sessions, _listening.Streams, _listening.PunchSockets));
        PeerHost calling = _world.AddPeer(NatBehavior.PortRestricted);
        _world.Talk(calling, Net.Run(_world.Connect(calling, _listening.Keys.PublicKey)), _listening);
    }

    [Theory]
    [InlineData(Firewall.Consistent)]
    [InlineData(Firewall.Random)]
    [InlineData((Firewall)77)]
    public void A_peer_that_names_a_victim_as_its_address_makes_us_send_it_a_few_bytes(Firewall claimed)
    {
        DhtAddress[] victims = [.. Enumerable.Range(1, 150).Select(i => MemoryNet.Address("99.9.9.9", (ushort)i))];
        long bytes = 0;
        long packets = 0;
        Net.Tap = (datagram, _, to) =>
        {
            bytes += to.Host == victims[0].Host ? datagram.Length : 0;
            packets += to.Host == victims[0].Host ? 1 : 0;
        };
        var client = new FakeClient(_world, _listening.Keys.PublicKey);
        client.Send(client.Handshake(), Relay);
        Net.Run(1);
        for (ulong round = 0; round < 200; round++)
        {
            client.Holepunch(Relay, Server, new HolepunchPayload
            {
                Firewall = claimed,
                Round = round,
                IsPunching = round > 0,
                Addresses = [.. victims],
                RemoteAddress = Server,
            });
        }

        Net.Run(120);
        Assert.InRange(packets, 0, 2 * _listening.Connector.Options.MaxRemoteAddresses);
        Assert.Equal(packets, bytes);
        Assert.True(claimed != Firewall.Consistent || _listening.Connector.Counters.Dropped > 0);
        Assert.Equal(0, _listening.PunchSockets);
    }

    [Fact]
    public void Probes_are_answered_byte_for_byte_and_only_so_many()
    {
        var client = new FakeClient(_world, _listening.Keys.PublicKey);
        client.Send(client.Handshake(), Relay);
        Net.Run(1);
        DhtAddress punch = client.ServerAddress!.Value;
        DhtAddress victim = MemoryNet.Address("99.9.9.9", 9);
        long answers = 0;
        Net.Tap = (_, _, to) => answers += to == victim ? 1 : 0;
        for (int i = 0; i < 5000; i++)
        {
            Net.Inject([0], victim, punch);
        }

        Net.Run(5);
        Assert.InRange(answers, 1, _listening.Connector.Options.MaxProbeAnswers);
    }

    [Fact]
    public void Whatever_comes_for_a_listener_nothing_is_thrown() => Check.That<byte[], byte, byte>((value, mode, kind) =>
    {
        byte[] bytes = (kind % 4) switch
        {
            0 => value ?? [],
            1 => Encode(new HandshakeEnvelope((RelayMode)(mode % 5), value ?? [], Server, Relay)),
            2 => Encode(new HolepunchEnvelope((RelayMode)(mode % 5), mode, value ?? [], Server)),
            _ => Encode(new HandshakeEnvelope((RelayMode)(mode % 5), value ?? [])),
        };
        byte[] buffer = new byte[4096];
        int length = RpcCodec.EncodeRequest(
            buffer, mode, Server, null, null, false, kind % 4 == 2 ? 1u : 0u, _listener.Target, true, bytes.AsSpan(0, Math.Min(bytes.Length, 1000)));
        Net.Inject(buffer.AsSpan(0, length), Relay, Server);
        Net.Run(0.1);
        return _listening.Streams == 0;
    });

    private static bool IsHandshake(ReadOnlySpan<byte> value)
    {
        var reader = new CompactReader(value);
        return value.Length > 100 && HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope envelope) && envelope.Mode == RelayMode.Reply;
    }

    private static byte[] Encode<T>(T message)
        where T : IEncodable
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(output);
        message.Encode(ref writer);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Somebody on the open net who speaks the protocol and does not keep to it.</summary>
    private sealed class FakeClient
    {
        private readonly PunchWorld _world;
        private readonly PublicKey _server;
        private readonly Hash _target;
        private readonly KeyPair _keys = KeyPair.Generate(RandomSource.Seeded(4711));
        private readonly RandomSource _random = RandomSource.Seeded(4712);
        private readonly PeerHost _peer;
        private PeerHandshake? _handshake;
        private HolepunchCipher? _cipher;
        private ulong _session;

        public FakeClient(PunchWorld world, PublicKey server)
        {
            (_world, _server) = (world, server);
            _target = Blake2b.Hash256(server.AsSpan());
            _peer = world.AddPeer(null);
        }

        public List<byte[]> Answers { get; } = [];

        /// <summary>Where the server is, as its relay sees it.</summary>
        public DhtAddress? ServerAddress { get; private set; }

        /// <summary>A fresh handshake of a client behind a NAT.</summary>
        public byte[] Handshake()
        {
            _handshake = PeerHandshake.Initiate(_keys, _server, _random);
            Assert.True(_handshake.TryWrite(new NoisePayload { Udx = new UdxInfo(77), SecretStreamVersion = 1 }, out byte[] message));
            return message;
        }

        /// <summary>Sends a handshake, and listens for the answer when it goes the usual way.</summary>
        public void Send(
            byte[] noise, DhtAddress to, RelayMode mode = RelayMode.FromClient, DhtAddress? peerAddress = null, DhtAddress? as_ = null)
        {
            byte[] value = Encode(new HandshakeEnvelope(mode, noise, peerAddress));
            if (mode != RelayMode.FromClient)
            {
                byte[] buffer = new byte[2048];
                int length = RpcCodec.EncodeRequest(buffer, 1, to, null, null, false, (uint)HyperCommand.PeerHandshake, _target, true, value);
                _world.Net.Inject(buffer.AsSpan(0, length), as_ ?? to, to);
                return;
            }

            Ask(HyperCommand.PeerHandshake, to, value, reply =>
            {
                var reader = new CompactReader(reply.Value!.Value.Span);
                Assert.True(HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope envelope));
                Answers.Add(envelope.Noise.ToArray());
                ServerAddress = envelope.PeerAddress;
                if (_cipher is null && _handshake!.TryRead(envelope.Noise.Span, out NoisePayload payload))
                {
                    _cipher = _handshake.CreateHolepunchCipher(_random);
                    _session = payload.Holepunch!.Id;
                }
            });
        }

        public void Holepunch(DhtAddress relay, DhtAddress server, HolepunchPayload payload) => Ask(
            HyperCommand.PeerHolepunch,
            relay,
            Encode(new HolepunchEnvelope(RelayMode.FromClient, _session, _cipher!.Seal(payload), server)),
            static _ => { });

        private void Ask(HyperCommand command, DhtAddress to, byte[] value, Action<DhtReply> answered)
        {
            _ = _peer.Do(_world.Net.Now, () => AskAsync());

            async Flow<bool> AskAsync()
            {
                var request = new DhtRequest { To = to, Command = (uint)command, Target = _target, Value = value, Retries = 0 };
                if (await _peer.Node.RequestAsync(request, _peer.Node.Scope) is { } reply)
                {
                    answered(reply);
                }

                return true;
            }
        }
    }
}
