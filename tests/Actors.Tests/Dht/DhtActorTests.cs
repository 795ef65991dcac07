using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using PeerInfo = HyperActors.Abstractions.PeerInfo;

namespace HyperActors.Actors.Tests;

/// <summary>Whole nodes in one DHT, on simulated datagrams and virtual time.</summary>
public sealed class DhtActorTests : TestWorld
{
    private const int Port = 49737;

    [Fact]
    public void Nodes_meet_through_the_first_one_and_become_reachable()
    {
        TestNode[] nodes = StartNetwork(4);

        foreach (TestNode node in nodes)
        {
            DhtInfo info = Info(node);
            Assert.True(info.IsReady);
            Assert.False(info.IsEphemeral);
            Assert.Equal(NatKind.Open, info.Nat);
            Assert.Equal(new IPEndPoint(node.Address, Port), info.PublicAddress);
            Assert.InRange(info.Buckets.Sum(bucket => bucket.Contacts), 2, 3);
            Assert.NotEmpty(info.Nearest);
        }
    }

    [Fact]
    public void An_announcement_is_found_until_it_is_taken_back()
    {
        TestNode[] nodes = StartNetwork(4);
        DiscoveryKey topic = Topic(1);

        Assert.True(Await(() => nodes[1].Node.Dht.AnnounceAsync(topic)) > 0);
        Assert.Contains(nodes[1].Node.PublicKey, LookUp(nodes[2], topic));

        Await(() => nodes[1].Node.Dht.UnannounceAsync(topic));
        Assert.Empty(LookUp(nodes[2], topic));
    }

    [Fact]
    public void Values_are_found_by_hash_and_by_key()
    {
        TestNode[] nodes = StartNetwork(4);
        DhtPut put = Await(() => nodes[1].Node.Dht.PutImmutableAsync(Bytes("fixed")));
        Assert.Equal(Bytes("fixed"), Await(() => nodes[3].Node.Dht.GetImmutableAsync(put.Key))!.Value.ToArray());

        using KeyPair keys = KeyPair.FromSeed(new byte[32]);
        Await(() => nodes[1].Node.Dht.PutMutableAsync(keys, Bytes("one"), 1));
        Await(() => nodes[2].Node.Dht.PutMutableAsync(keys, Bytes("two"), 2));
        DhtMutable found = Await(() => nodes[3].Node.Dht.GetMutableAsync(keys.PublicKey))!;
        Assert.Equal((2ul, "two"), (found.Sequence, System.Text.Encoding.UTF8.GetString(found.Value.Span)));
        HyperActorsException refused = Refused<HyperActorsException>(
            Begin(() => nodes[1].Node.Dht.PutMutableAsync(keys, Bytes("late"), 1)));
        Assert.Contains("sequence number 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_is_reached_by_its_key_alone_and_feeds_are_copied()
    {
        TestNode[] nodes = StartNetwork(4);
        Feed feed = nodes[1].Open("notes");
        Await(() => feed.AppendAsync(Blocks(50)));
        Await(() => nodes[1].Node.Dht.ListenAsync());

        DhtPeer found = Await(() => nodes[2].Node.Dht.FindPeerAsync(nodes[1].Node.PublicKey))!;
        Assert.NotEmpty(found.RelayAddresses);
        PeerInfo peer = Await(() => nodes[2].Node.Dht.ConnectAsync(nodes[1].Node.PublicKey));

        Assert.Equal(nodes[1].Node.PublicKey, peer.PublicKey);
        Feed copy = nodes[2].Open(feed.Key);
        Await(() => copy.DownloadAsync(0, 50));
        Assert.Equal(50ul, copy.ContiguousLength);
    }

    [Fact]
    public void A_key_that_nobody_listens_under_is_refused_in_words()
    {
        TestNode[] nodes = StartNetwork(3);
        using KeyPair nobody = KeyPair.FromSeed(new byte[32]);

        Assert.Null(Await(() => nodes[1].Node.Dht.FindPeerAsync(nobody.PublicKey)));
        ConnectionFailedException refused = Refused<ConnectionFailedException>(
            Begin(() => nodes[1].Node.Dht.ConnectAsync(nobody.PublicKey)), TimeSpan.FromMinutes(3));
        Assert.Contains("no node of the DHT knows this peer", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ping_tells_the_way_there_and_back_or_nothing()
    {
        TestNode[] nodes = StartNetwork(2);
        Assert.True(Await(() => nodes[1].Node.Dht.PingAsync(new IPEndPoint(nodes[0].Address, Port))) > TimeSpan.Zero);
        Assert.Null(Await(() => nodes[1].Node.Dht.PingAsync(new IPEndPoint(Address(99), Port))));
    }

    [Fact]
    public void A_node_that_ends_takes_its_announcement_as_a_server_back()
    {
        TestNode[] nodes = StartNetwork(4);
        Await(() => nodes[1].Node.Dht.ListenAsync());
        PublicKey key = nodes[1].Node.PublicKey;
        Assert.NotNull(Await(() => nodes[2].Node.Dht.FindPeerAsync(key)));

        Await(() => nodes[1].Node.DisposeAsync());

        Assert.Null(Await(() => nodes[2].Node.Dht.FindPeerAsync(key), TimeSpan.FromMinutes(3)));
    }

    [Fact]
    public void A_node_without_a_network_says_so()
    {
        TestNode node = StartNode();
        HyperActorsException refused = Assert.Throws<HyperActorsException>(() => node.Node.Dht);
        Assert.Contains("without a network", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_waits_for_a_node_that_ends_is_answered()
    {
        TestNode[] nodes = StartNetwork(2);
        Task<TimeSpan?> ping = Begin(() => nodes[1].Node.Dht.PingAsync(new IPEndPoint(Address(99), Port)));
        Assert.False(ping.IsCompleted);

        Await(() => nodes[1].Node.DisposeAsync());

        Refused<HyperActorsException>(ping);
    }

    private static DiscoveryKey Topic(byte number) => new(Enumerable.Repeat(number, 32).ToArray());

    private TestNode[] StartNetwork(int count)
    {
        var nodes = new TestNode[count];
        for (int i = 0; i < count; i++)
        {
            int number = i + 1;
            nodes[i] = StartNode(options => options.Network = new NetworkOptions
            {
                Host = Address(number).ToString(),
                Port = Port,
                Bootstrap = number == 1 ? [] : [$"{Address(1)}:{Port}"],
                IsBootstrapper = number == 1,
                IsEphemeral = false,
                UsesLocalDiscovery = false,
            });
            TestNode node = nodes[i];
            Await(() => node.Node.Dht.WaitUntilReadyAsync());
        }

        // The first ones hear of the later ones.
        Engine.Advance(TimeSpan.FromSeconds(30));
        return nodes;
    }

    private DhtInfo Info(TestNode node) => Await(() => node.Node.Dht.GetInfoAsync());

    private List<PublicKey> LookUp(TestNode node, DiscoveryKey topic)
    {
        var found = new List<PublicKey>();
        Await((Func<Task>)(async () =>
        {
            await foreach (DhtPeer peer in node.Node.Dht.LookupAsync(topic))
            {
                found.Add(peer.PublicKey);
            }
        }));
        return found;
    }
}
