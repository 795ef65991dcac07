using System.Buffers;
using System.Text.Json;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class RelayPairingTests
{
    private static readonly DhtAddress _alice = new(0x01010101, 1000);
    private static readonly DhtAddress _bob = new(0x02020202, 2000);
    private static readonly Hash _token = Blake2b.Hash256("token"u8);
    private readonly RelayOptions _options = new() { MaxPairsPerPeer = 3, MaxPairs = 5, MaxBytesPerPair = 1000 };
    private readonly Doors _doors = new();
    private readonly RelayPairing _relay;

    public RelayPairingTests()
    {
        _relay = new RelayPairing(_options, _doors);
        _relay.OpenSession(1);
        _relay.OpenSession(2);
    }

    [Fact]
    public void Messages_are_as_in_JavaScript()
    {
        JsonElement vectors = Vectors.Load("relay.json");
        foreach (JsonElement vector in vectors.Items("pairs"))
        {
            var pair = new RelayPair(vector.GetProperty("isInitiator").GetBoolean(), new Hash(vector.Hex("token")), (uint)vector.Number("id"));
            Assert.Equal(vector.Text("encoded"), Convert.ToHexStringLower(Encode(pair)));
            Assert.Equal(pair, Decode(new RelayMessage(0, RelayProtocol.Pair, vector.Hex("encoded"))));
        }

        foreach (JsonElement vector in vectors.Items("unpairs"))
        {
            var unpair = new RelayUnpair(new Hash(vector.Hex("token")));
            Assert.Equal(vector.Text("encoded"), Convert.ToHexStringLower(Encode(unpair)));
            var reader = new CompactReader(vector.Hex("encoded"));
            Assert.True(RelayUnpair.TryDecode(ref reader, out RelayUnpair decoded));
            Assert.Equal(unpair, decoded);
        }
    }

    [Fact]
    public void Two_who_show_the_same_token_are_joined_and_told_the_relays_own_stream_ids()
    {
        Pair(1, isInitiator: true, _token, 71);
        Assert.Equal(1, _relay.Waiting);
        Pair(2, isInitiator: false, _token, 72);
        Assert.Equal((0, 1), (_relay.Waiting, _relay.Joined));
        (long Session, RelayPair Pair)[] sent = [.. Sent()];
        Assert.Equal([1, 2], sent.Select(s => s.Session));
        Assert.All(sent, s => Assert.Equal(_token, s.Pair.Token));
        Assert.True(sent[0].Pair.IsInitiator);
        Assert.False(sent[1].Pair.IsInitiator);
        Stream first = _doors.Streams[sent[0].Pair.StreamId];
        Stream second = _doors.Streams[sent[1].Pair.StreamId];
        Assert.Same(second, first.Target);
        Assert.Same(first, second.Target);

        Assert.True(_relay.HandleStreamPacket(first.Id, 5, _alice));
        Assert.Equal((5, 71u, _alice), first.Remote);
        Assert.True(_relay.HandleStreamPacket(first.Id, 5, _bob));
        Assert.Equal((5, 71u, _alice), first.Remote);
        Assert.False(_relay.HandleStreamPacket(99, 5, _alice));
    }

    [Fact]
    public void A_session_is_idle_while_it_has_no_pair()
    {
        Assert.True(_relay.IsIdle(1));
        Assert.False(_relay.IsIdle(9));
        Pair(1, isInitiator: true, _token, 71);
        Assert.False(_relay.IsIdle(1));
        _relay.HandleTimeout(_options.PairTimeout);
        Assert.True(_relay.IsIdle(1));
    }

    [Fact]
    public void The_same_role_twice_joins_nobody()
    {
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: true, _token, 72);
        Assert.Equal((1, 0), (_relay.Waiting, _relay.Joined));
        Assert.Empty(Sent());
    }

    [Fact]
    public void Who_waits_longer_than_its_time_is_forgotten()
    {
        Pair(1, isInitiator: true, _token, 71);
        Assert.Equal(_options.PairTimeout, _relay.Deadline);
        _relay.HandleTimeout(_options.PairTimeout - TimeSpan.FromTicks(1));
        Assert.Equal(1, _relay.Waiting);
        _relay.HandleTimeout(_options.PairTimeout);
        Assert.Equal(0, _relay.Waiting);
        Assert.Null(_relay.Deadline);
        Pair(2, isInitiator: false, _token, 72);
        Assert.Equal((1, 0), (_relay.Waiting, _relay.Joined));
    }

    [Fact]
    public void A_session_that_ends_takes_its_pairs_along_and_no_others()
    {
        _relay.OpenSession(3);
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: false, _token, 72);
        Hash other = Blake2b.Hash256("other"u8);
        Pair(2, isInitiator: true, other, 73);
        Pair(3, isInitiator: false, other, 74);
        Pair(1, isInitiator: true, Blake2b.Hash256("waiting"u8), 75);
        Stream[] streams = [.. Sent().Select(s => _doors.Streams[s.Pair.StreamId])];
        _relay.CloseSession(1);
        Assert.Equal((0, 1), (_relay.Waiting, _relay.Joined));
        Assert.Equal([true, true, false, false], streams.Select(s => s.IsDestroyed));
        Assert.False(_relay.HandleStreamPacket(streams[0].Id, 1, _alice));
    }

    [Fact]
    public void A_joined_pair_is_parted_by_its_own_sides_alone()
    {
        _relay.OpenSession(3);
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: false, _token, 72);
        Unpair(3, _token);
        Assert.Equal(1, _relay.Joined);
        Unpair(2, _token);
        Assert.Equal(0, _relay.Joined);
    }

    [Fact]
    public void A_stream_that_ends_parts_its_pair()
    {
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: false, _token, 72);
        Assert.True(_relay.HandleStreamClosed(Sent().First().Pair.StreamId));
        Assert.Equal(0, _relay.Joined);
        Assert.All(_doors.Streams.Values, s => Assert.True(s.IsDestroyed));
    }

    [Fact]
    public void Pairs_are_bounded_for_one_peer_and_for_all()
    {
        for (int i = 0; i < 10; i++)
        {
            Pair(1, isInitiator: true, Blake2b.Hash256([1, (byte)i]), 71);
        }

        Assert.Equal(_options.MaxPairsPerPeer, _relay.Waiting);
        for (int i = 0; i < 10; i++)
        {
            Pair(2, isInitiator: true, Blake2b.Hash256([2, (byte)i]), 72);
        }

        Assert.Equal(_options.MaxPairs, _relay.Waiting);
        Assert.Equal(15, _relay.Refused);
    }

    [Fact]
    public void A_pair_that_sends_more_than_its_share_is_ended()
    {
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: false, _token, 72);
        Stream[] streams = [.. _doors.Streams.Values];
        streams[0].RelayedBytes = 600;
        streams[1].RelayedBytes = 400;
        Assert.Equal(1000, _relay.Bytes);
        _relay.HandleTimeout(_relay.Deadline!.Value);
        Assert.Equal(1, _relay.Joined);
        streams[1].RelayedBytes = 401;
        _relay.HandleTimeout(_relay.Deadline!.Value);
        Assert.Equal(0, _relay.Joined);
        Assert.Equal((1, 1001), (_relay.Refused, _relay.TotalBytes));
    }

    [Fact]
    public void Without_streams_to_be_had_nobody_is_joined_and_nothing_stays()
    {
        _doors.Left = 1;
        Pair(1, isInitiator: true, _token, 71);
        Pair(2, isInitiator: false, _token, 72);
        Assert.Equal((0, 0), (_relay.Waiting, _relay.Joined));
        Assert.Empty(Sent());
        Assert.All(_doors.Streams.Values, s => Assert.True(s.IsDestroyed));
    }

    [Fact]
    public void Whatever_a_peer_sends_the_relay_does_not_throw() => Check.That<byte, byte[]>((type, payload) =>
    {
        bool isMessage = _relay.HandleMessage(1, type, payload ?? [], TimeSpan.Zero);
        return isMessage || type <= RelayProtocol.Unpair;
    });

    private void Pair(long session, bool isInitiator, Hash token, uint stream) =>
        Assert.True(_relay.HandleMessage(session, RelayProtocol.Pair, Encode(new RelayPair(isInitiator, token, stream)), TimeSpan.Zero));

    private void Unpair(long session, Hash token) =>
        Assert.True(_relay.HandleMessage(session, RelayProtocol.Unpair, Encode(new RelayUnpair(token)), TimeSpan.Zero));

    private static byte[] Encode<T>(T message)
        where T : IEncodable
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new CompactWriter(output);
        message.Encode(ref writer);
        return output.WrittenSpan.ToArray();
    }

    private IEnumerable<(long Session, RelayPair Pair)> Sent()
    {
        while (_relay.TryPollMessage(out RelayMessage? message))
        {
            yield return (message.Session, Decode(message));
        }
    }

    private static RelayPair Decode(RelayMessage message)
    {
        Assert.Equal(RelayProtocol.Pair, message.Type);
        var reader = new CompactReader(message.Payload.Span);
        Assert.True(RelayPair.TryDecode(ref reader, out RelayPair pair));
        Assert.True(reader.IsAtEnd);
        return pair;
    }

    private sealed class Doors : IDhtDoors
    {
        public Dictionary<uint, Stream> Streams { get; } = [];

        public int Left { get; set; } = 100;

        public IReadOnlyList<uint> LocalHosts => [];

        public int? OpenSocket() => null;

        public void CloseSocket(int socket)
        {
        }

        public void Send(int socket, DhtAddress to, ReadOnlySpan<byte> datagram, byte timeToLive = 0)
        {
        }

        public IRawStream? OpenStream()
        {
            if (Left-- <= 0)
            {
                return null;
            }

            var stream = new Stream((uint)(100 + Streams.Count));
            Streams.Add(stream.Id, stream);
            return stream;
        }
    }

    private sealed class Stream(uint id) : IRawStream
    {
        public uint Id => id;

        public long RelayedBytes { get; set; }

        public IRawStream? Target { get; private set; }

        public (int Socket, uint RemoteId, DhtAddress To) Remote { get; private set; }

        public bool IsDestroyed { get; private set; }

        public void Connect(int socket, uint remoteId, DhtAddress to) => Remote = (socket, remoteId, to);

        public void ChangeRemote(int socket, uint remoteId, DhtAddress to) => Remote = (socket, remoteId, to);

        public void RelayTo(IRawStream other) => Target = other;

        public void Destroy() => IsDestroyed = true;
    }
}
