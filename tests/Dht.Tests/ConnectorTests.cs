using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class ConnectorTests
{
    public static TheoryData<NatBehavior, NatBehavior> Pairs
    {
        get
        {
            var pairs = new TheoryData<NatBehavior, NatBehavior>();
            foreach (NatBehavior client in Enum.GetValues<NatBehavior>())
            {
                foreach (NatBehavior server in Enum.GetValues<NatBehavior>())
                {
                    pairs.Add(client, server);
                }
            }

            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Peers_behind_any_two_translators_are_connected_and_punch_where_that_can_work(NatBehavior client, NatBehavior server)
    {
        var world = new PunchWorld(relay: new RelayOptions());
        PeerHost listening = world.AddPeer(server);
        PeerHost calling = world.AddPeer(client);
        world.ListenAndWait(listening);
        var options = new ConnectOptions { RelayThrough = [world.Relay!.Keys.PublicKey] };
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey, options));
        world.Talk(calling, connection, listening);

        bool canPunch = (client, server) != (NatBehavior.Symmetric, NatBehavior.Symmetric);
        if (canPunch)
        {
            world.Net.RunUntil(() => connection.Connection.Way == ConnectionWay.Punched, 60, "a direct way");
            world.Net.RunUntil(() => listening.Incoming[0].Connection.Way == ConnectionWay.Punched, 60, "a direct way at the server");
            world.Net.RunUntil(() => world.Relay.Connector.Relay!.Joined == 0, 60, "the relay being let go");
        }
        else
        {
            world.Net.Run(60);
            Assert.Equal(ConnectionWay.Relayed, connection.Connection.Way);
        }

        world.Talk(calling, connection, listening);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(NatBehavior.PortRestricted, null)]
    [InlineData(NatBehavior.Symmetric, null)]
    [InlineData(null, NatBehavior.PortRestricted)]
    [InlineData(null, NatBehavior.Symmetric)]
    public void Where_one_side_is_open_no_hole_is_punched(NatBehavior? client, NatBehavior? server)
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(server);
        PeerHost calling = world.AddPeer(client);
        Assert.Equal((client is null, server is null), (calling.Node.PublicAddress is not null, listening.Node.PublicAddress is not null));
        world.ListenAndWait(listening);
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, connection, listening);
        Assert.Equal((ConnectionWay.Direct, ConnectionWay.Direct), (connection.Connection.Way, listening.Incoming[0].Connection.Way));
        Assert.True(connection.Connection.IsInitiator);
        Assert.False(listening.Incoming[0].Connection.IsInitiator);
        Assert.Equal((0, 0), (calling.Connector.Counters.ProbesSent, listening.Connector.Counters.ConsistentPunches));
    }

    [Fact]
    public void A_node_that_closes_while_it_looks_for_a_peer_is_done_at_once_whenever_that_is()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(null);
        world.ListenAndWait(listening);
        for (int i = 0; i < 60; i++)
        {
            PeerHost calling = world.AddPeer(null);
            Flow<PeerConnection> connecting = world.Connect(calling, listening.Keys.PublicKey);
            world.Net.Run(0.005 * i);

            calling.Node.Destroy();

            Assert.True(connecting.IsCompleted, $"after {5 * i} ms");
        }
    }

    [Fact]
    public void Neighbours_behind_one_translator_find_each_other_inside()
    {
        var world = new PunchWorld();
        NatBox box = world.Net.AddBox("70.9.9.9", NatBehavior.Symmetric);
        PeerHost listening = world.AddPeerOn(world.Net.AddHost("192.168.7.2", box));
        PeerHost calling = world.AddPeerOn(world.Net.AddHost("192.168.7.3", box));
        world.ListenAndWait(listening);
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, connection, listening);
        Assert.Equal(ConnectionWay.Local, connection.Connection.Way);
        Assert.Equal(ConnectionWay.Local, listening.Incoming[0].Connection.Way);
        Assert.Equal(MemoryNet.Address("192.168.7.2", 49_737), connection.Connection.RemoteAddress);
    }

    [Fact]
    public void Two_random_translators_are_told_of_in_words_and_a_relay_is_said_to_help()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.Symmetric);
        PeerHost calling = world.AddPeer(NatBehavior.Symmetric);
        world.ListenAndWait(listening);
        DhtConnectException e = Fails(world, world.Connect(calling, listening.Keys.PublicKey));
        Assert.Equal(ConnectError.HolepunchDoubleRandomizedNats, e.Error);
        Assert.Equal("HOLEPUNCH_DOUBLE_RANDOMIZED_NATS", e.Code);
        Assert.True(e.CanRelayHelp);
        AssertNothingIsLeft(world, calling, listening);
    }

    [Fact]
    public void Nobody_knows_a_peer_that_does_not_listen()
    {
        var world = new PunchWorld();
        PeerHost calling = world.AddPeer(null);
        using var nobody = KeyPair.Generate(RandomSource.Seeded(99));
        Assert.Equal(ConnectError.PeerNotFound, Fails(world, world.Connect(calling, nobody.PublicKey)).Error);
        Assert.Equal(0, calling.Streams);
    }

    [Fact]
    public void Whoever_the_hook_turns_away_hears_nothing()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost welcome = world.AddPeer(NatBehavior.PortRestricted);
        var seen = new List<PublicKey>();
        world.ListenAndWait(listening, new ListenOptions
        {
            Firewall = handshake =>
            {
                seen.Add(handshake.PublicKey);
                return handshake.PublicKey == calling.Keys.PublicKey;
            },
        });
        DhtConnectException e = Fails(world, world.Connect(calling, listening.Keys.PublicKey));
        Assert.Equal(ConnectError.PeerConnectionFailed, e.Error);
        Assert.False(e.CanRelayHelp);
        Assert.Equal([calling.Keys.PublicKey], seen);
        Assert.Empty(listening.Incoming);
        PeerConnection connection = world.Net.Run(world.Connect(welcome, listening.Keys.PublicKey));
        world.Talk(welcome, connection, listening);
    }

    [Theory]
    [InlineData(NatBehavior.PortRestricted, NatBehavior.PortRestricted)]
    [InlineData(NatBehavior.Symmetric, NatBehavior.PortRestricted)]
    [InlineData(NatBehavior.AddressRestricted, NatBehavior.Symmetric)]
    public void A_tenth_of_all_datagrams_may_get_lost(NatBehavior client, NatBehavior server)
    {
        var world = new PunchWorld(seed: 3);
        PeerHost listening = world.AddPeer(server);
        PeerHost calling = world.AddPeer(client);
        world.ListenAndWait(listening);
        world.Net.Loss = 0.1;
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, connection, listening);
        Assert.Equal(ConnectionWay.Punched, connection.Connection.Way);
    }

    [Fact]
    public void A_policy_may_refuse_to_punch_on_either_side()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        Listener listener = world.ListenAndWait(listening, new ListenOptions { Holepunch = (_, _) => false });
        DhtConnectException e = Fails(world, world.Connect(calling, listening.Keys.PublicKey, new ConnectOptions { FastOpen = false }));
        Assert.Equal(ConnectError.RemoteAborted, e.Error);
        Assert.True(e.CanRelayHelp);
        Close(world, listening, listener);

        world.ListenAndWait(listening);
        (Firewall Remote, Firewall Local)? asked = null;
        var options = new ConnectOptions
        {
            FastOpen = false,
            Holepunch = (remote, local) =>
            {
                asked = (remote, local);
                return false;
            },
        };
        Assert.Equal(ConnectError.HolepunchAborted, Fails(world, world.Connect(calling, listening.Keys.PublicKey, options)).Error);
        Assert.Equal((Firewall.Consistent, Firewall.Consistent), asked);
        AssertNothingIsLeft(world, calling, listening);
    }

    [Fact]
    public void A_relay_that_cannot_be_reached_does_not_keep_a_punch_from_succeeding()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        world.ListenAndWait(listening);
        using var nobody = KeyPair.Generate(RandomSource.Seeded(99));
        var options = new ConnectOptions { RelayThrough = [nobody.PublicKey] };
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey, options));
        world.Talk(calling, connection, listening);
        Assert.Equal(ConnectionWay.Punched, connection.Connection.Way);
    }

    [Fact]
    public void Without_relay_and_punch_the_attempt_fails_in_time_and_leaves_nothing_behind()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.Symmetric);
        PeerHost calling = world.AddPeer(NatBehavior.Symmetric);
        world.ListenAndWait(listening);
        using var nobody = KeyPair.Generate(RandomSource.Seeded(99));
        var options = new ConnectOptions { RelayThrough = [nobody.PublicKey] };
        DhtConnectException e = Fails(world, world.Connect(calling, listening.Keys.PublicKey, options));
        Assert.Contains(e.Error, new[] { ConnectError.RelayAborted, ConnectError.HolepunchDoubleRandomizedNats });
        AssertNothingIsLeft(world, calling, listening);
    }

    [Fact]
    public void The_servers_relay_is_used_when_it_names_one()
    {
        var world = new PunchWorld(relay: new RelayOptions());
        PeerHost listening = world.AddPeer(NatBehavior.Symmetric);
        PeerHost calling = world.AddPeer(NatBehavior.Symmetric);
        world.ListenAndWait(listening, new ListenOptions { RelayThrough = [world.Relay!.Keys.PublicKey] });
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, connection, listening);
        Assert.Equal((ConnectionWay.Relayed, ConnectionWay.Relayed), (connection.Connection.Way, listening.Incoming[0].Connection.Way));
        Assert.Equal(1, world.Relay.Connector.Relay!.Joined);
        calling.Do(world.Net.Now, () => { connection.End(); return 0; });
        world.Net.RunUntil(() => world.Relay.Connector.Relay.Joined == 0, 120, "the relay being let go");
    }

    [Fact]
    public void A_server_that_needs_no_relay_names_none()
    {
        var world = new PunchWorld(relay: new RelayOptions());
        PeerHost listening = world.AddPeer(NatBehavior.Symmetric);
        PeerHost calling = world.AddPeer(NatBehavior.Symmetric);
        world.ListenAndWait(listening, new ListenOptions { RelayThrough = [world.Relay!.Keys.PublicKey], NeedsRelay = () => false });
        DhtConnectException e = Fails(world, world.Connect(calling, listening.Keys.PublicKey));
        Assert.Equal(ConnectError.HolepunchDoubleRandomizedNats, e.Error);
        Assert.Equal(0, world.Relay.Connector.Relay!.TotalJoined);
    }

    [Fact]
    public void Who_gives_up_takes_everything_back()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        world.ListenAndWait(listening);
        var scope = new FlowScope(calling.Node.Scope);
        Flow<DhtConnection> attempt = calling.Do(
            world.Net.Now, () => calling.Connector.ConnectAsync(listening.Keys.PublicKey, new ConnectOptions(), scope));
        world.Net.Run(0.2);
        Assert.Equal(1, calling.Streams);
        calling.Do(world.Net.Now, () => { scope.Cancel(); return 0; });
        Assert.IsType<FlowCancelledException>(attempt.Failure);
        Assert.Equal((0, 0), (calling.Streams, calling.PunchSockets));
        AssertNothingIsLeft(world, calling, listening);
    }

    [Fact]
    public void A_peer_that_comes_back_to_a_reusable_socket_is_not_looked_for()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        world.ListenAndWait(listening, new ListenOptions { ReusableSocket = true });
        var options = new ConnectOptions { ReusableSocket = true };
        PeerConnection first = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey, options));
        world.Talk(calling, first, listening);
        long queries = calling.Node.Counters.Queries;
        PeerConnection second = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey, options));
        world.Talk(calling, second, listening);
        Assert.Equal(queries, calling.Node.Counters.Queries);
        Assert.Equal((ConnectionWay.Direct, first.Connection.RemoteAddress), (second.Connection.Way, second.Connection.RemoteAddress));
        calling.Do(world.Net.Now, () => { first.End(); second.End(); return 0; });
        world.Net.RunUntil(() => calling.PunchSockets == 0 && listening.PunchSockets == 0, 120, "the sockets being let go");
    }

    [Fact]
    public void Suspended_a_node_is_silent_and_resumed_it_is_found_again()
    {
        var world = new PunchWorld();
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
        Listener listener = world.ListenAndWait(listening);
        PeerConnection connection = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, connection, listening);
        Flow suspended = listening.Do(world.Net.Now, () => listening.Connector.SuspendAsync());
        world.Net.RunUntil(() => suspended.IsCompleted, 30, "the end of suspending");
        world.Net.RunUntil(() => connection.IsClosed, 30, "the end of the connection");
        Assert.Equal(ConnectError.PeerNotFound, Fails(world, world.Connect(calling, listening.Keys.PublicKey)).Error);
        using var someone = KeyPair.Generate(RandomSource.Seeded(1));
        Assert.Equal(ConnectError.Suspended, Fails(world, world.Connect(listening, someone.PublicKey)).Error);

        int cycles = listener.Announcer.Cycles;
        listening.Do(world.Net.Now, () => { listening.Connector.Resume(world.Net.Now); return 0; });
        world.Net.RunUntil(() => listener.Announcer.Cycles > cycles, 30, "the next announcement");
        listening.Incoming.Clear();
        PeerConnection again = world.Net.Run(world.Connect(calling, listening.Keys.PublicKey));
        world.Talk(calling, again, listening);
    }

    [Fact]
    public void A_listener_is_known_at_three_nodes_which_are_replaced_when_they_are_gone()
    {
        var world = new PunchWorld(nodes: 30);
        PeerHost listening = world.AddPeer(NatBehavior.PortRestricted);
        Listener listener = world.ListenAndWait(listening);
        Assert.Equal(3, listener.Announcer.Relays.Length);
        Assert.Equal(listener.Announcer.Relays.Select(r => r.RelayAddress), listener.Announcer.RelayAddresses);
        DhtAddress gone = listener.Announcer.Relays[0].RelayAddress;
        Assert.NotNull(NodeAt(world, gone).Commands.FindForward(listener.Target));

        NodeAt(world, gone).Node.Suspend();
        world.Net.RunUntil(() => listener.Announcer.Cycles > 1 && listener.Announcer.Relays.Length == 3, 120, "another relay");
        Assert.DoesNotContain(listener.Announcer.Relays, r => r.RelayAddress == gone);

        PeerHost[] known = [.. listener.Announcer.Relays.Select(r => NodeAt(world, r.RelayAddress))];
        Close(world, listening, listener);
        Assert.All(known, n => Assert.Null(n.Commands.FindForward(listener.Target)));
    }

    [Fact]
    public void The_same_seed_gives_the_same_datagrams()
    {
        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5), Run(6));

        static string Run(ulong seed)
        {
            var world = new PunchWorld(seed, nodes: 5);
            using var digest = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
            world.Net.Tap = (bytes, _, _) => digest.AppendData(bytes);
            PeerHost listening = world.AddPeer(NatBehavior.Symmetric);
            PeerHost calling = world.AddPeer(NatBehavior.PortRestricted);
            world.ListenAndWait(listening);
            world.Talk(calling, world.Net.Run(world.Connect(calling, listening.Keys.PublicKey)), listening);
            return Convert.ToHexString(digest.GetHashAndReset());
        }
    }

    private static PeerHost NodeAt(PunchWorld world, DhtAddress address) => world.Nodes.Single(n => n.Node.PublicAddress == address);

    private static void Close(PunchWorld world, PeerHost host, Listener listener)
    {
        Flow closed = host.Do(world.Net.Now, listener.CloseAsync);
        world.Net.RunUntil(() => closed.IsCompleted, 30, "the end of the listener");
        Assert.True(closed.IsSuccess);
    }

    private static DhtConnectException Fails(PunchWorld world, Flow<PeerConnection> attempt)
    {
        world.Net.RunUntil(() => attempt.IsCompleted, 150, "the end of the attempt");
        return Assert.IsType<DhtConnectException>(attempt.Failure);
    }

    private static void AssertNothingIsLeft(PunchWorld world, PeerHost calling, PeerHost listening) => world.Net.RunUntil(
        () => calling.Streams == 0 && listening.Streams == 0 && calling.PunchSockets == 0 && listening.PunchSockets == 0 &&
            listening.Connector.Listeners.All(l => l.Sessions == 0),
        120,
        "the end of all streams, sockets and sessions");
}
