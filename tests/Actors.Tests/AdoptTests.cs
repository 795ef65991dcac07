using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>Streams that somebody else has connected, and that the node takes over.</summary>
public sealed class AdoptTests : ActorTest
{
    private static readonly PublicKey Peer = new(Enumerable.Repeat((byte)3, PublicKey.Size).ToArray());

    private readonly RandomSource _random = RandomSource.Seeded(1);
    private readonly TestProbe _feeds;
    private readonly TestProbe _user;
    private readonly IActorRef _connections;
    private readonly FakeTransport _transport = new(new IPEndPoint(new IPAddress([203, 0, 113, 9]), 1));
    private readonly KeyPair _keys;

    public AdoptTests()
    {
        _feeds = CreateProbe("feeds");
        _user = CreateProbe("user");
        _keys = KeyPair.Generate(_random);
        var options = new ConnectionOptions { MaxConnections = 3, MaxHalfOpenPerAddress = 2 };
        _connections = Start(ConnectionsActor.PropsFor(
            _feeds.Ref, new SilentNetwork(), _keys, _random, new LinkOptions(), options, NullLogger.Instance));
    }

    [Fact]
    public void With_keys_it_is_open_at_once_and_its_end_is_told_too()
    {
        SessionKeys session = Session();
        Adopt(new ConnectionsActor.Adopt(7, _transport, IsInitiator: true, session));

        ConnectionsActor.Adopted adopted = _user.ExpectMsg<ConnectionsActor.Adopted>();
        Assert.Equal((7, Peer, true), (adopted.RequestId, adopted.Peer.PublicKey, adopted.Peer.IsInitiator));
        _feeds.ExpectMsg<CorestoreActor.ConnectionOpened>();

        // The first bytes are the header of the secret stream, with the length of its frame in front.
        byte[] written = _transport.TakeWritten();
        Assert.Equal([0x38, 0, 0, .. Capability.StreamId(true, session.HandshakeHash.Span).ToArray()], written[..35]);

        _transport.Break("gone");
        ConnectionsActor.AdoptedEnded ended = _user.ExpectMsg<ConnectionsActor.AdoptedEnded>();
        Assert.Equal((7, adopted.Peer, "gone"), (ended.RequestId, ended.Peer, ended.Reason));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_keys_it_shakes_hands_and_takes_nobody_but_whom_it_expects(bool isExpected)
    {
        KeyPair theirs = KeyPair.Generate(_random);
        using var link = new Link(new LinkOptions(), true, theirs, _random, Run.Now);
        Adopt(new ConnectionsActor.Adopt(8, _transport, IsInitiator: false, Expected: isExpected ? theirs.PublicKey : Peer));
        _transport.Exchange(Run, link);

        if (isExpected)
        {
            Assert.Equal(theirs.PublicKey, _user.ExpectMsg<ConnectionsActor.Adopted>().Peer.PublicKey);
        }
        else
        {
            Assert.Contains("somebody else", _user.ExpectMsg<ConnectionsActor.AdoptFailed>().Reason, StringComparison.Ordinal);
            Assert.True(_transport.IsDisposed);
            _feeds.ExpectNoMsg();
        }
    }

    [Fact]
    public void Strangers_count_by_their_address_and_those_with_keys_only_all_together()
    {
        Adopt(new ConnectionsActor.Adopt(1, new FakeTransport(_transport.RemoteAddress), IsInitiator: false));
        Adopt(new ConnectionsActor.Adopt(2, new FakeTransport(_transport.RemoteAddress), IsInitiator: false));
        Adopt(new ConnectionsActor.Adopt(3, _transport, IsInitiator: false));
        Assert.Equal(3, _user.ExpectMsg<ConnectionsActor.AdoptFailed>().RequestId);
        Assert.True(_transport.IsDisposed);

        Adopt(new ConnectionsActor.Adopt(4, new FakeTransport(_transport.RemoteAddress), IsInitiator: false, Session()));
        Assert.Equal(4, _user.ExpectMsg<ConnectionsActor.Adopted>().RequestId);
        Adopt(new ConnectionsActor.Adopt(5, new FakeTransport(), IsInitiator: false, Session()));
        Assert.Contains("as many", _user.ExpectMsg<ConnectionsActor.AdoptFailed>().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_many_is_ended_in_order()
    {
        var other = new FakeTransport();
        Adopt(new ConnectionsActor.Adopt(1, _transport, IsInitiator: true, Session()));
        Adopt(new ConnectionsActor.Adopt(2, other, IsInitiator: true, Session()));
        PeerInfo peer = _user.ExpectMsg<ConnectionsActor.Adopted>().Peer;

        Tell(_connections, new ConnectionsActor.EndOne(peer.ConnectionId));
        Tell(_connections, new ConnectionsActor.EndOne(4711));

        Assert.True(_transport.IsShutDown);
        Assert.False(other.IsShutDown);
    }

    private void Adopt(ConnectionsActor.Adopt adopt)
    {
        _user.Send(_connections, adopt);
        Run.RunUntilIdle();
    }

    private SessionKeys Session()
    {
        byte[] keys = new byte[128];
        _random.Fill(keys);
        return new SessionKeys(true, keys.AsSpan(0, 32), keys.AsSpan(32, 32), keys.AsSpan(64), _keys.PublicKey, Peer);
    }

    private sealed class SilentNetwork : INetwork
    {
        public void Listen(long requestId, IPEndPoint address, IActorRef owner)
        {
        }

        public void Connect(long requestId, string host, int port, TimeSpan deadline, IActorRef owner)
        {
        }
    }
}
