using System.Net;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Swarm;
using HyperActors.TestKit;
using HyperActors.Wire;
using PeerInfo = HyperActors.Abstractions.PeerInfo;
using SwarmEvent = HyperActors.Abstractions.SwarmEvent;

namespace HyperActors.Actors.Tests;

/// <summary>A swarm between a DHT and connections that a test plays.</summary>
public sealed class SwarmActorTests : ActorTest
{
    private static readonly DiscoveryKey _topic = new(Enumerable.Repeat((byte)7, 32).ToArray());
    private static readonly DhtAddress _address = new(0x0a000001, 4000);

    private readonly TestProbe _dht;
    private readonly TestProbe _connections;
    private readonly TestProbe _local;
    private readonly TestProbe _parent;
    private readonly TestProbe _user;
    private readonly IActorRef _swarm;
    private readonly Channel<SwarmEvent> _events = Channel.CreateUnbounded<SwarmEvent>();
    private readonly PublicKey _self = Key(200);

    public SwarmActorTests()
    {
        _dht = CreateProbe("dht");
        _connections = CreateProbe("connections");
        _local = CreateProbe("local");
        _parent = CreateProbe("parent");
        _user = CreateProbe("user");
        _swarm = StartSwarm(new SwarmOptions());
        Tell(_swarm, new SwarmActor.Watch(_events.Writer));
    }

    [Fact]
    public void A_session_listens_announces_and_dials_whom_it_finds_and_the_connections_take_over()
    {
        Join();
        DhtActor.Listen listen = _dht.ExpectMsg<DhtActor.Listen>();
        _dht.Reply(new DhtActor.Listening(listen.Id));
        DhtActor.Announce announce = _dht.ExpectMsg<DhtActor.Announce>(a => a.Topic == _topic && a.ShouldClear);
        _dht.Reply(new DhtActor.PeerFound(announce.Id, Key(1), [_address], _address));
        DhtActor.Connect connect = _dht.ExpectMsg<DhtActor.Connect>(c => c.Peer == Key(1) && c.Relays.Single() == _address);
        FakeTransport transport = Connected(connect);
        ConnectionsActor.Adopt adopt = _connections.ExpectMsg<ConnectionsActor.Adopt>(
            a => a.Transport == transport && a.IsInitiator && a.Expected == Key(1));
        _connections.Reply(new ConnectionsActor.Adopted(adopt.RequestId, Peer(5, Key(1))));
        Run.RunUntilIdle();

        SwarmInfo info = Ask<SwarmInfo>(_swarm, SwarmActor.GetInfo.Instance);
        Assert.Equal(1, info.Connections);
        Assert.Equal(new SwarmTopicInfo(_topic, true, true, 1, 1), Assert.Single(info.Topics));
        Assert.Equal(1, info.Statistics["connects.client.opened"]);
        Assert.Equal(
            [new SwarmEvent.PeerFound(Key(1), _topic), "5 " + _topic], TakeEvents());
    }

    [Fact]
    public void A_flush_is_answered_when_the_announcement_has_ended()
    {
        long session = Join();
        _dht.Send(_swarm, new DhtActor.Listening(_dht.ExpectMsg<DhtActor.Listen>().Id));
        _user.Send(_swarm, new SwarmActor.FlushSession(session));
        _user.ExpectNoMsg(TimeSpan.FromMilliseconds(1));
        _dht.Send(_swarm, new DhtActor.OperationDone(_dht.ExpectMsg<DhtActor.Announce>().Id, [_address], null));
        _user.ExpectMsg(new SwarmActor.Done(true));
        _user.Send(_swarm, new SwarmActor.EndSession(session));
        _dht.Reply(new DhtActor.OperationDone(_dht.ExpectMsg<DhtActor.Unannounce>(u => u.ClosestNodes.Single() == _address).Id, [], null));
        _user.ExpectMsg(new SwarmActor.Done(true));
    }

    [Fact]
    public void A_visitor_is_adopted_and_a_second_one_of_the_same_key_only_when_the_first_is_gone()
    {
        FakeTransport first = Knock(Key(1));
        ConnectionsActor.Adopt adopt = _connections.ExpectMsg<ConnectionsActor.Adopt>(a => a.Transport == first && !a.IsInitiator);
        _connections.Reply(new ConnectionsActor.Adopted(adopt.RequestId, Peer(8, Key(1))));
        FakeTransport second = Knock(Key(1));
        _connections.ExpectMsg(new ConnectionsActor.EndOne(8));
        _connections.Reply(new ConnectionsActor.AdoptedEnded(adopt.RequestId, Peer(8, Key(1)), null));
        _connections.ExpectMsg<ConnectionsActor.Adopt>(a => a.Transport == second);
        Assert.False(second.IsDisposed);
    }

    [Fact]
    public void A_duplicate_that_loses_is_let_go_of_and_the_other_is_tried()
    {
        Tell(_swarm, new SwarmActor.JoinPeer(Key(1)));
        DhtActor.Connect connect = _dht.ExpectMsg<DhtActor.Connect>();
        FakeTransport visitor = Knock(Key(1));
        Assert.True(visitor.IsDisposed);
        Connected(connect);
        _connections.ExpectMsg<ConnectionsActor.Adopt>(a => a.IsInitiator);
    }

    [Fact]
    public void A_dial_that_is_given_up_is_cancelled_and_what_comes_of_it_anyway_is_let_go_of()
    {
        Tell(_swarm, new SwarmActor.JoinPeer(Key(1)));
        DhtActor.Connect connect = _dht.ExpectMsg<DhtActor.Connect>();
        Tell(_swarm, new SwarmActor.Ban(Key(1)));
        _dht.ExpectMsg(new DhtActor.Cancel(connect.Id));
        Assert.True(Connected(connect).IsDisposed);
        _connections.ExpectNoMsg(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Whom_the_swarm_bans_the_listener_turns_away_at_once_and_itself_always()
    {
        Join();
        Func<PublicKey, bool> rejects = _dht.ExpectMsg<DhtActor.Listen>().Rejects;
        Assert.True(rejects(_self));
        Assert.False(rejects(Key(1)));
        Assert.True(rejects(Key(66)));
        Tell(_swarm, new SwarmActor.Ban(Key(1)));
        Assert.True(rejects(Key(1)));
        Tell(_swarm, new SwarmActor.Unban(Key(1)));
        Assert.False(rejects(Key(1)));
        Assert.True(Knock(Key(66)).IsDisposed);
    }

    [Fact]
    public void A_peer_without_a_hole_is_dialled_again_through_a_relay()
    {
        Tell(_swarm, new SwarmActor.JoinPeer(Key(1)));
        DhtActor.Connect connect = _dht.ExpectMsg<DhtActor.Connect>(c => !c.ShouldForceRelay);
        _dht.Reply(new DhtActor.ConnectFailed(connect.Id, CanRelayHelp: true, "no hole"));
        _dht.ExpectMsg<DhtActor.Connect>(c => c.ShouldForceRelay, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Suspending_ends_connections_and_then_the_DHT_and_resuming_reverses_it()
    {
        FakeTransport transport = Knock(Key(1));
        ConnectionsActor.Adopt adopt = _connections.ExpectMsg<ConnectionsActor.Adopt>();
        _connections.Reply(new ConnectionsActor.Adopted(adopt.RequestId, Peer(3, Key(1))));
        _user.Send(_swarm, SwarmActor.Suspend.Instance);
        _connections.ExpectMsg(new ConnectionsActor.EndOne(3));
        _connections.Reply(new ConnectionsActor.AdoptedEnded(adopt.RequestId, Peer(3, Key(1)), null));
        _dht.Send(_swarm, new DhtActor.Suspended(_dht.ExpectMsg<DhtActor.Suspend>().Id));
        _user.ExpectMsg(new SwarmActor.Done(true));
        Assert.True(Knock(Key(2)).IsDisposed);
        _user.Send(_swarm, SwarmActor.Resume.Instance);
        _dht.Send(_swarm, new DhtActor.Resumed(_dht.ExpectMsg<DhtActor.Resume>().Id));
        _user.ExpectMsg(new SwarmActor.Done(true));
        Assert.False(Knock(Key(2)).IsDisposed);
        Assert.False(transport.IsDisposed);
    }

    [Fact]
    public void Stopping_leaves_topics_and_does_not_wait_for_a_network_that_is_silent()
    {
        Join();
        _dht.Send(_swarm, new DhtActor.Listening(_dht.ExpectMsg<DhtActor.Listen>().Id));
        _dht.ExpectMsg<DhtActor.Announce>();
        _user.Send(_swarm, SwarmActor.Stop.Instance);
        _user.ExpectNoMsg(TimeSpan.FromSeconds(2));
        _user.ExpectMsg<SwarmActor.Stopped>(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Topics_are_told_to_the_local_network_and_peers_from_there_are_dialled()
    {
        long session = Join();
        _local.ExpectMsg(new LocalDiscoveryActor.SetTopic(_topic, true, true));
        Tell(_swarm, new LocalDiscoveryActor.PeerSeen(_topic, Key(1), [_address.ToIPEndPoint()]));
        _dht.FishForMessage<DhtActor.Connect>(c => c.Relays.Single() == _address);
        Tell(_swarm, new SwarmActor.EndSession(session));
        _local.ExpectMsg(new LocalDiscoveryActor.SetTopic(_topic, false, false));
    }

    [Fact]
    public void A_node_without_the_DHT_listens_and_dials_but_neither_announces_nor_looks_up()
    {
        IActorRef swarm = StartSwarm(new SwarmOptions(), usesDht: false);
        _user.Send(swarm, new SwarmActor.Join(_topic, true, true, null));
        long session = _user.ExpectMsg<SwarmActor.Joined>().SessionId;
        _dht.Reply(new DhtActor.Listening(_dht.ExpectMsg<DhtActor.Listen>().Id));
        _user.Send(swarm, new SwarmActor.FlushSession(session));
        _user.ExpectMsg(new SwarmActor.Done(true));
        Assert.Equal(0, _dht.Waiting);
    }

    [Fact]
    public void A_swarm_that_fails_begins_anew_with_what_users_have_asked_for_and_ends_what_it_had()
    {
        long session = Join();
        Tell(_swarm, new SwarmActor.Ban(Key(9)));
        Knock(Key(1));
        ConnectionsActor.Adopt adopt = _connections.ExpectMsg<ConnectionsActor.Adopt>();
        _connections.Reply(new ConnectionsActor.Adopted(adopt.RequestId, Peer(3, Key(1))));
        DhtActor.Listen former = _dht.ExpectMsg<DhtActor.Listen>();
        _user.Send(_swarm, new SwarmActor.FlushSession(session));
        Run.RunUntilIdle();

        // A stream that breaks the contract of its door is a fault of ours.
        Tell(_swarm, new DhtActor.Incoming(null!, null!, Key(9), null));

        Assert.Contains("begins anew", _user.ExpectMsg<Status.Failure>().Cause.Message, StringComparison.Ordinal);
        _connections.ExpectMsg(new ConnectionsActor.EndOne(3));
        DhtActor.Listen listen = _dht.ExpectMsg<DhtActor.Listen>(l => l.Id != former.Id);
        Assert.True(listen.Rejects(Key(9)));
        Tell(_swarm, new DhtActor.Listening(former.Id));
        Assert.Equal(0, _dht.Waiting);
        Tell(_swarm, new DhtActor.Listening(listen.Id));
        _dht.Send(_swarm, new DhtActor.OperationDone(_dht.ExpectMsg<DhtActor.Announce>().Id, [], null));
        _user.Send(_swarm, new SwarmActor.EndSession(session));
        _user.ExpectMsg(new SwarmActor.Done(true));
        Assert.Empty(Ask<SwarmInfo>(_swarm, SwarmActor.GetInfo.Instance).Topics);
    }

    [Fact]
    public void A_DHT_that_begins_anew_is_asked_to_listen_and_to_announce_again()
    {
        Join();
        _dht.Send(_swarm, new DhtActor.Listening(_dht.ExpectMsg<DhtActor.Listen>().Id));
        _dht.ExpectMsg<DhtActor.Announce>();
        Tell(_swarm, DhtActor.Restarted.Instance);
        _dht.Send(_swarm, new DhtActor.Listening(_dht.ExpectMsg<DhtActor.Listen>().Id));
        _dht.ExpectMsg<DhtActor.Announce>();
    }

    [Fact]
    public void Nobody_joins_as_nothing()
    {
        _user.Send(_swarm, new SwarmActor.Join(_topic, false, false, null));
        Assert.Contains("as server", _user.ExpectMsg<Status.Failure>().Cause.Message, StringComparison.Ordinal);
    }

    private static PublicKey Key(int n) => new([(byte)n, .. new byte[31]]);

    private static PeerInfo Peer(long id, PublicKey key) => new(id, key, null, false);

    private static SessionKeys Keys(PublicKey remote) => new(true, new byte[32], new byte[32], new byte[64], default, remote);

    private IActorRef StartSwarm(SwarmOptions options, bool usesDht = true)
    {
        var setup = new SwarmSetup(
            options, _self, RandomSource.Seeded(1), key => key == Key(66), usesDht, _dht.Ref, _connections.Ref, _local.Ref, new SwarmMemory());
        return System.ActorOf(Props.Create(() => new RestartingParent(SwarmActor.PropsFor(setup), _parent.Ref))) is var parent
            ? _parent.ExpectMsg<RestartingParent.Made>(m => m.Parent.Equals(parent)).Child
            : throw new InvalidOperationException();
    }

    private long Join()
    {
        _user.Send(_swarm, new SwarmActor.Join(_topic, true, true, null));
        return _user.ExpectMsg<SwarmActor.Joined>().SessionId;
    }

    private FakeTransport Connected(DhtActor.Connect connect)
    {
        var transport = new FakeTransport();
        _dht.Send(_swarm, new DhtActor.Connected(connect.Id, transport, Keys(connect.Peer), connect.Peer, null));
        Run.RunUntilIdle();
        return transport;
    }

    private FakeTransport Knock(PublicKey peer)
    {
        var transport = new FakeTransport(new IPEndPoint(IPAddress.Loopback, 1));
        _dht.Send(_swarm, new DhtActor.Incoming(transport, Keys(peer), peer, null));
        Run.RunUntilIdle();
        return transport;
    }

    private List<object> TakeEvents()
    {
        var taken = new List<object>();
        while (_events.Reader.TryRead(out SwarmEvent? e))
        {
            // Lists have no value equality: what matters of a connection is told in words.
            taken.Add(e is SwarmEvent.Connected c ? $"{c.Peer.ConnectionId} {string.Join(' ', c.Topics)}" : e);
        }

        return taken;
    }

    private sealed class RestartingParent : UntypedActor
    {
        public RestartingParent(Props child, IActorRef probe) => probe.Tell(new Made(Self, Context.ActorOf(child)), Self);

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);

        protected override void OnReceive(object message)
        {
        }

        public sealed record Made(IActorRef Parent, IActorRef Child);
    }
}
