using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;
using PeerInfo = HyperActors.Abstractions.PeerInfo;

namespace HyperActors.Actors.Tests;

/// <summary>Two nodes that can't send to each other, and a third one that relays, on simulated datagrams and virtual time.</summary>
public sealed class RelayTests : TestWorld
{
    private const int Port = 49737;
    private const int Relay = 3;
    private const int Client = 4;
    private const int Server = 5;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10);

    [Fact]
    public void Peers_whose_direct_way_is_closed_copy_feeds_through_a_relay_that_counts_them()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions());
        Feed feed = nodes[Server].Open("notes");
        Await(() => feed.AppendAsync(Blocks(50, 1000)));
        Await(() => nodes[Server].Node.Dht.ListenAsync());

        PeerInfo peer = Await(() => nodes[Client].Node.Dht.ConnectAsync(nodes[Server].Node.PublicKey), _patience);
        Feed copy = nodes[Client].Open(feed.Key);
        Await(() => copy.DownloadAsync(0, 50));

        Assert.Equal(nodes[Server].Node.PublicKey, peer.PublicKey);
        Assert.Equal(nodes[Relay].Address, ((IPEndPoint)peer.Address!).Address);
        Assert.Equal(50ul, copy.ContiguousLength);
        Assert.Equal(1, Count(nodes[Client], "connections_relayed"));
        Assert.Equal((2, 1, 1), (Count(nodes[Relay], "relay_peers"), Count(nodes[Relay], "relay_joined"), Count(nodes[Relay], "relay_joined_total")));
        Assert.InRange(Count(nodes[Relay], "relay_bytes"), 50_000, 200_000);

        // The relay is no peer of the feeds: nobody sees it among the connections.
        Assert.Single(nodes[Client].Opened);
        Assert.Empty(nodes[Relay].Opened);
    }

    [Fact]
    public void A_relayed_connection_moves_when_the_direct_way_opens_and_lets_the_relay_go()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions());
        Feed feed = nodes[Server].Open("notes");
        Await(() => feed.AppendAsync(Blocks(10)));
        Await(() => nodes[Server].Node.Dht.ListenAsync());
        Await(() => nodes[Client].Node.Dht.ConnectAsync(nodes[Server].Node.PublicKey), _patience);

        World.Network.Join(nodes[Client].Address, nodes[Server].Address);
        Eventually(() => Moves(nodes[Client]).Any() && Moves(nodes[Server]).Any());

        Assert.Equal(nodes[Server].Address, ((IPEndPoint)Moves(nodes[Client]).Single().Peer.Address!).Address);
        Assert.Equal(nodes[Client].Address, ((IPEndPoint)Moves(nodes[Server]).Single().Peer.Address!).Address);
        Eventually(() => Count(nodes[Relay], "relay_peers") == 0);
        Assert.Equal(0, Count(nodes[Relay], "relay_joined"));

        Feed copy = nodes[Client].Open(feed.Key);
        Await(() => copy.DownloadAsync(0, 10));
        Assert.Empty(nodes[Client].Closed);
    }

    [Fact]
    public void A_swarm_that_finds_no_direct_way_comes_back_through_the_relay()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions());
        Feed feed = nodes[Server].Open("notes");
        Await(() => feed.AppendAsync(Blocks(10)));
        DiscoveryKey topic = feed.Key.ToDiscoveryKey();
        Await(() => nodes[Server].Node.Swarm.JoinAsync(topic, new SwarmJoinOptions { Client = false }));
        Engine.Advance(TimeSpan.FromSeconds(30));
        Feed copy = nodes[Client].Open(feed.Key);
        Await(() => nodes[Client].Node.Swarm.JoinAsync(topic, new SwarmJoinOptions { Server = false }));

        Await(() => copy.DownloadAsync(0, 10), _patience);

        Assert.Equal(1, Count(nodes[Client], "connections_relayed"));
        Assert.Equal(1, Count(nodes[Relay], "relay_joined"));
    }

    [Fact]
    public void A_relay_turns_away_whom_it_does_not_know()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions { AllowedPeers = [] });
        Await(() => nodes[Server].Node.Dht.ListenAsync());

        Refused<ConnectionFailedException>(
            Begin(() => nodes[Client].Node.Dht.ConnectAsync(nodes[Server].Node.PublicKey)), _patience);

        Assert.Equal(0, Count(nodes[Relay], "relay_peers"));
        Assert.NotEqual(0, Count(nodes[Relay], "handshakes_rejected"));
    }

    [Fact]
    public void A_relay_has_no_more_peers_than_it_may()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions { MaxPeers = 1 });
        Await(() => nodes[Server].Node.Dht.ListenAsync());

        Refused<ConnectionFailedException>(
            Begin(() => nodes[Client].Node.Dht.ConnectAsync(nodes[Server].Node.PublicKey)), _patience);

        Assert.Equal(1, Count(nodes[Relay], "relay_peers_refused"));
        Assert.Equal(0, Count(nodes[Relay], "relay_joined_total"));
    }

    [Fact]
    public void A_node_relays_under_a_key_of_its_own_that_is_always_the_same_and_only_when_asked_to()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions());
        PublicKey key = RelayKey(nodes[Relay]);
        Assert.NotEqual(nodes[Relay].Node.PublicKey, key);
        Assert.Null(Info(nodes[Client]).RelayKey);
        Assert.DoesNotContain("relay_peers", Info(nodes[Client]).Statistics.Keys);

        using KeyPair seed = KeyPair.FromSeed(new byte[32]);
        using KeyPair one = RelayKeys.From(seed);
        using KeyPair other = RelayKeys.From(seed);
        Assert.Equal(one.PublicKey, other.PublicKey);
    }

    [Fact]
    public void Whoever_has_nothing_to_join_is_not_kept()
    {
        TestNode[] nodes = StartNetwork(new RelayOptions());
        PublicKey key = RelayKey(nodes[Relay]);

        // A connection like any other, but without the channel.
        Await(() => nodes[1].Node.Dht.ConnectAsync(key), _patience);
        Eventually(() => Count(nodes[Relay], "relay_peers") == 1);

        Eventually(() => Count(nodes[Relay], "relay_peers") == 0, TimeSpan.FromMinutes(2));
        Eventually(() => nodes[1].Closed.Any());
    }

    private static IEnumerable<ConnectionEvent.Moved> Moves(TestNode node) => node.Events.OfType<ConnectionEvent.Moved>();

    private DhtInfo Info(TestNode node) => Await(() => node.Node.Dht.GetInfoAsync());

    private long Count(TestNode node, string counter) => Info(node).Statistics[counter];

    private PublicKey RelayKey(TestNode node) => Info(node).RelayKey!.Value;

    // Four nodes that everybody reaches, the last of them a relay, and two behind firewalls that no datagram comes through.
    private TestNode[] StartNetwork(RelayOptions relay)
    {
        var nodes = new TestNode[6];
        for (int i = 0; i < nodes.Length; i++)
        {
            int number = i + 1;
            bool isPeer = i is Client or Server;
            nodes[i] = StartNode(options => options.Network = new NetworkOptions
            {
                Host = Address(number).ToString(),
                Port = Port,
                Bootstrap = number == 1 ? [] : [$"{Address(1)}:{Port}"],
                IsBootstrapper = number == 1,
                IsEphemeral = isPeer,
                IsFirewalled = isPeer ? true : null,
                UsesLocalDiscovery = false,
                Limits = new DhtOptions { QuickFirewall = !isPeer },
                RelaysForOthers = i == Relay,
                Relay = relay,
                RelayThrough = i == Client ? [RelayKey(nodes[Relay]).ToString()] : null,
            });
            TestNode node = nodes[i];
            Await(() => node.Node.Dht.WaitUntilReadyAsync());
            if (!isPeer)
            {
                // The first ones hear of the later ones.
                Engine.Advance(TimeSpan.FromSeconds(30));
            }
        }

        World.Network.Part(nodes[Client].Address, nodes[Server].Address, breaksStreams: true);
        return nodes;
    }
}
