using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class RelayingTests
{
    private readonly HyperCluster _cluster = new(4, prefix: "203.0");
    private readonly HyperDht _client;
    private readonly HyperDht _server;
    private readonly KeyPair _keys = HyperCluster.Keys(1);
    private readonly Hash _target;
    private readonly List<HandshakeEnvelope> _handshakes = [];
    private readonly List<HolepunchEnvelope> _holepunches = [];

    public RelayingTests()
    {
        _target = HyperCluster.TargetOf(_keys);
        _client = _cluster.JoinEphemeral(1);
        _server = _cluster.JoinEphemeral(2);
        _server.Commands.Server = Serve;
    }

    private HyperDht Relay => _cluster.Nodes[1];

    private HyperDht SecondRelay => _cluster.Nodes[2];

    [Fact]
    public void A_handshake_goes_through_the_node_that_the_server_announced_itself_to_and_comes_back()
    {
        AnnounceAt(Relay);
        DhtReply reply = Handshake(Relay, new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }))!;
        HandshakeEnvelope answer = Read(reply);
        Assert.Equal(RelayMode.Reply, answer.Mode);
        Assert.Equal([2], answer.Noise.ToArray());
        Assert.Equal(AddressOf(_server), answer.PeerAddress);
        HandshakeEnvelope seen = Assert.Single(_handshakes);
        Assert.Equal(RelayMode.FromRelay, seen.Mode);
        Assert.Equal(AddressOf(_client), seen.PeerAddress);
    }

    [Fact]
    public void A_client_may_name_the_relay_and_the_message_then_takes_two()
    {
        AnnounceAt(SecondRelay);
        DhtReply reply = Handshake(
            Relay, new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }, null, AddressOf(SecondRelay)))!;
        Assert.Equal(AddressOf(_server), Read(reply).PeerAddress);
        HandshakeEnvelope seen = Assert.Single(_handshakes);
        Assert.Equal(RelayMode.FromSecondRelay, seen.Mode);
        Assert.Equal(AddressOf(_client), seen.PeerAddress);
        Assert.Equal(AddressOf(Relay), seen.RelayAddress);
    }

    [Fact]
    public void A_server_that_is_asked_itself_answers_without_an_address()
    {
        DhtReply reply = Handshake(_server, new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }))!;
        Assert.Null(Read(reply).PeerAddress);
    }

    [Fact]
    public void A_node_that_does_not_know_the_server_names_nearer_nodes_and_nothing_else()
    {
        DhtReply reply = Handshake(Relay, new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }))!;
        Assert.Null(reply.Value);
        Assert.Null(reply.Token);
        Assert.NotEmpty(reply.CloserNodes);
    }

    [Fact]
    public void A_handshake_of_an_odd_mode_gets_no_answer()
    {
        AnnounceAt(Relay);
        Assert.Null(Handshake(Relay, new HandshakeEnvelope(RelayMode.Reply, new byte[] { 1 })));
        Assert.Null(Handshake(Relay, new HandshakeEnvelope(RelayMode.FromServer, new byte[] { 1 })));
        Assert.Null(Handshake(SecondRelay, new HandshakeEnvelope(RelayMode.FromRelay, new byte[] { 1 })));
        Assert.Null(Ask(Relay, HyperCommand.PeerHandshake, [0xff]));
        Assert.Null(Ask(Relay, HyperCommand.PeerHolepunch, [0xff]));
        Assert.Empty(_handshakes);
    }

    [Fact]
    public void A_hole_punching_message_goes_the_same_way()
    {
        AnnounceAt(Relay);
        foreach (DhtAddress? named in new DhtAddress?[] { null, AddressOf(_server) })
        {
            DhtReply reply = Ask(
                Relay, HyperCommand.PeerHolepunch, new HolepunchEnvelope(RelayMode.FromClient, 7, new byte[] { 1 }, named).ToBytes())!;
            var reader = new CompactReader(reply.Value!.Value.Span);
            Assert.True(HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope answer));
            Assert.Equal(RelayMode.Reply, answer.Mode);
            Assert.Equal([2], answer.Payload.ToArray());
            Assert.Equal(AddressOf(_server), answer.PeerAddress);
        }

        Assert.Equal([7, 7], _holepunches.Select(h => h.Id));
        Assert.All(_holepunches, h => Assert.Equal((RelayMode.FromRelay, AddressOf(_client)), (h.Mode, h.PeerAddress)));
        Assert.Null(Ask(SecondRelay, HyperCommand.PeerHolepunch, new HolepunchEnvelope(RelayMode.FromClient, 7, new byte[] { 1 }).ToBytes()));
        Assert.Null(Ask(SecondRelay, HyperCommand.PeerHolepunch, new HolepunchEnvelope(RelayMode.FromRelay, 7, new byte[] { 1 }).ToBytes()));
    }

    [Fact]
    public void Somebody_outside_can_not_have_messages_sent_to_our_neighbours()
    {
        int local = 0;
        _cluster.Net.Tap = (_, _, to) => local += AddressRanges.IsLocal(to.Host) ? 1 : 0;
        DhtAddress neighbour = MemoryNet.Address("192.168.1.1", 53);
        Assert.Null(Handshake(Relay, new HandshakeEnvelope(RelayMode.FromClient, new byte[] { 1 }, null, neighbour)));
        Assert.Null(Ask(Relay, HyperCommand.PeerHolepunch, new HolepunchEnvelope(RelayMode.FromClient, 7, new byte[] { 1 }, neighbour).ToBytes()));
        Assert.Equal(0, local);
        Assert.Equal(2, Relay.Commands.Counters.RefusedRelays);
    }

    [Fact]
    public void What_is_passed_on_is_hardly_larger_than_what_came()
    {
        AnnounceAt(Relay);
        long received = 0;
        long sent = 0;
        DhtAddress relay = AddressOf(Relay);
        _cluster.Net.Tap = (bytes, from, to) =>
        {
            sent += from == relay && to == AddressOf(_server) ? bytes.Length : 0;
            received += to == relay && from == AddressOf(_client) ? bytes.Length : 0;
        };
        Handshake(Relay, new HandshakeEnvelope(RelayMode.FromClient, new byte[109]));
        Ask(Relay, HyperCommand.PeerHolepunch, new HolepunchEnvelope(RelayMode.FromClient, 7, new byte[60]).ToBytes());
        Assert.InRange((double)sent / received, 0.5, 1.35);
    }

    private static DhtAddress AddressOf(HyperDht node) =>
        node.Node.IsFirewalled ? node.Node.ClientLocal : node.Node.ServerLocal;

    private static HandshakeEnvelope Read(DhtReply reply)
    {
        var reader = new CompactReader(reply.Value!.Value.Span);
        Assert.True(HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope envelope));
        return envelope;
    }

    private void AnnounceAt(HyperDht node)
    {
        var options = new OperationOptions { Nodes = [AddressOf(node)], OnlyGivenNodes = true };
        Assert.Equal(1, _cluster.Run(_server.AnnounceAsync(
            _target, _keys, new AnnounceOptions(), _ => { }, options, _server.Node.Scope)).Stored);
    }

    private DhtReply? Handshake(HyperDht node, HandshakeEnvelope envelope) => Ask(node, HyperCommand.PeerHandshake, envelope.ToBytes());

    private DhtReply? Ask(HyperDht node, HyperCommand command, byte[] value) => _cluster.Run(_client.Node.RequestAsync(
        new DhtRequest { To = AddressOf(node), Command = (uint)command, Target = _target, Value = value, Retries = 0 }, _client.Node.Scope));

    // What a server does with a message, without anything inside it.
    private bool Serve(IncomingRequest request)
    {
        if (request.Target != _target)
        {
            return false;
        }

        var reader = new CompactReader(request.Value!.Value.Span);
        byte[] answer = [2];
        if ((HyperCommand)request.Command == HyperCommand.PeerHolepunch)
        {
            Assert.True(HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope holepunch));
            _holepunches.Add(holepunch);
            request.Relay(new HolepunchEnvelope(RelayMode.FromServer, 0, answer, holepunch.PeerAddress).ToBytes(), request.From);
            return true;
        }

        Assert.True(HandshakeEnvelope.TryDecode(ref reader, out HandshakeEnvelope handshake));
        _handshakes.Add(handshake);
        if (handshake.Mode == RelayMode.FromClient)
        {
            request.Reply(new HandshakeEnvelope(RelayMode.Reply, answer).ToBytes(), token: false, closerNodes: false);
        }
        else
        {
            var reply = new HandshakeEnvelope(RelayMode.FromServer, answer, handshake.PeerAddress);
            request.Relay(reply.ToBytes(), handshake.RelayAddress ?? request.From);
        }

        return true;
    }
}
