using HyperActors.Crypto;

namespace HyperActors.Dht.Tests;

public class HyperDhtTests
{
    private readonly HyperCluster _cluster = new(30);

    [Fact]
    public void Whoever_announces_is_found_until_it_takes_that_back()
    {
        HyperDht announcer = _cluster.JoinEphemeral();
        HyperDht seeker = _cluster.JoinEphemeral(2);
        using KeyPair alice = HyperCluster.Keys(1);
        using KeyPair bob = HyperCluster.Keys(2);
        Hash topic = HyperCluster.Target(7);
        Assert.Empty(_cluster.Lookup(seeker, topic));
        Assert.Equal(20, _cluster.Announce(announcer, topic, alice).Stored);
        _cluster.Announce(announcer, topic, bob);
        Assert.Equal(2, _cluster.Lookup(seeker, topic).Count);
        Assert.Empty(_cluster.Lookup(seeker, HyperCluster.Target(8)));

        _cluster.Run(announcer.UnannounceAsync(topic, alice, OperationOptions.Default, announcer.Node.Scope));
        Assert.Equal([bob.PublicKey], _cluster.Lookup(seeker, topic));
    }

    [Fact]
    public void An_announcement_ends_by_itself_unless_it_is_made_again()
    {
        HyperDht node = _cluster.JoinEphemeral();
        using KeyPair alice = HyperCluster.Keys(1);
        using KeyPair bob = HyperCluster.Keys(2);
        Hash topic = HyperCluster.Target(7);
        _cluster.Announce(node, topic, alice);
        _cluster.Announce(node, topic, bob);
        _cluster.Wait(TimeSpan.FromMinutes(14));
        _cluster.Announce(node, topic, bob);
        _cluster.Wait(TimeSpan.FromMinutes(13));
        Assert.Equal([bob.PublicKey], _cluster.Lookup(node, topic));
        _cluster.Wait(TimeSpan.FromMinutes(14));
        Assert.Empty(_cluster.Lookup(node, topic));
    }

    [Fact]
    public void An_announcement_keeps_its_addresses_while_it_is_fresh_unless_it_is_cleared()
    {
        HyperDht node = _cluster.JoinEphemeral();
        using KeyPair alice = HyperCluster.Keys(1);
        Hash topic = HyperCluster.Target(7);
        var first = new DhtAddress(1, 1);
        var second = new DhtAddress(2, 2);
        _cluster.Announce(node, topic, alice, first);
        _cluster.Announce(node, topic, alice, second);
        Assert.All(RelaysUnder(topic), relays => Assert.Equal([first], relays));

        var announce = new AnnounceOptions { RelayAddresses = [second, second, second, second], ShouldClear = true };
        _cluster.Run(node.AnnounceAsync(topic, alice, announce, _ => { }, OperationOptions.Default, node.Node.Scope));
        Assert.All(RelaysUnder(topic), relays => Assert.Equal([second, second, second], relays));

        List<DhtAddress[]> RelaysUnder(Hash target)
        {
            var relays = new List<DhtAddress[]>();
            _cluster.Run(node.LookupAsync(
                target, f => relays.AddRange(f.Peers.Select(p => p.RelayAddresses.ToArray())), OperationOptions.Default, node.Node.Scope));
            Assert.NotEmpty(relays);
            return relays;
        }
    }

    [Fact]
    public void A_server_is_found_by_its_key_and_under_its_topic_and_gone_when_it_says_so()
    {
        HyperDht server = _cluster.JoinEphemeral();
        HyperDht client = _cluster.JoinEphemeral(2);
        using KeyPair keys = HyperCluster.Keys(1);
        Hash target = HyperCluster.TargetOf(keys);
        _cluster.Announce(server, target, keys);
        var found = new List<ServerFound>();
        OperationResult result = _cluster.Run(client.FindPeerAsync(target, found.Add, OperationOptions.Default, client.Node.Scope));
        Assert.Equal(20, result.ClosestNodes.Count);
        Assert.True(found.Count >= 20);
        Assert.All(found, f => Assert.Equal(keys.PublicKey, f.Peer.PublicKey));
        Assert.Equal([keys.PublicKey], _cluster.Lookup(client, target));

        // A node that keeps it knows where it called from: that is how handshakes reach it.
        HyperDht keeper = _cluster.Nodes.First(n => n.Commands.FindForward(target) is not null);
        Assert.Equal(server.Node.IsFirewalled ? server.Node.ClientLocal : server.Node.ServerLocal, keeper.Commands.FindForward(target));
        Assert.Equal(0, keeper.Commands.Records!.Announcements);

        _cluster.Run(server.UnannounceAsync(target, keys, OperationOptions.Default, server.Node.Scope));
        found.Clear();
        _cluster.Run(client.FindPeerAsync(target, found.Add, OperationOptions.Default, client.Node.Scope));
        Assert.Empty(found);
    }

    [Fact]
    public void A_value_is_found_under_its_hash()
    {
        HyperDht writer = _cluster.JoinEphemeral();
        HyperDht reader = _cluster.JoinEphemeral(2);
        byte[] value = [1, 2, 3];
        PutResult put = _cluster.Run(writer.PutImmutableAsync(value, OperationOptions.Default, writer.Node.Scope));
        Assert.Equal(20, put.Result.Stored);
        ImmutableFound? found = _cluster.Run(reader.GetImmutableAsync(put.Target, OperationOptions.Default, reader.Node.Scope));
        Assert.Equal(value, found!.Value.ToArray());
        Assert.Null(_cluster.Run(reader.GetImmutableAsync(HyperCluster.Target(1), OperationOptions.Default, reader.Node.Scope)));
        Assert.Equal(0, _cluster.Run(writer.PutImmutableAsync(new byte[1001], OperationOptions.Default, writer.Node.Scope)).Result.Stored);
        Assert.Contains(_cluster.Nodes, n => n.Commands.Counters.TooLarge > 0);
    }

    [Fact]
    public void Of_a_keys_values_the_newest_is_found_and_an_older_one_is_refused()
    {
        HyperDht node = _cluster.JoinEphemeral();
        using KeyPair keys = HyperCluster.Keys(1);
        Assert.Null(Get(new MutableGetOptions()));
        Assert.Equal((20, HyperError.None, null), Put(1, [1]));
        Assert.Equal((20, HyperError.None, 1), Put(1, [1]));
        Assert.Equal((0, HyperError.SequenceReused, 1), Put(1, [2]));
        Assert.Equal((20, HyperError.None, 1), Put(5, [5]));
        Assert.Equal((0, HyperError.SequenceTooLow, 5), Put(4, [4]));
        MutableRecord found = Get(new MutableGetOptions())!.Record;
        Assert.Equal(5ul, found.Sequence);
        Assert.Equal([5], found.Value.ToArray());
        Assert.NotNull(Get(new MutableGetOptions { MinSequence = 5, TakesFirst = true }));
        Assert.Null(Get(new MutableGetOptions { MinSequence = 6 }));
        Assert.NotNull(Get(new MutableGetOptions { ShouldRepublish = true }));

        MutableFound? Get(MutableGetOptions options) =>
            _cluster.Run(node.GetMutableAsync(keys.PublicKey, options, OperationOptions.Default, node.Node.Scope));

        (int Stored, HyperError Error, int? Newest) Put(ulong sequence, byte[] value)
        {
            PutResult put = _cluster.Run(node.PutMutableAsync(keys, sequence, value, OperationOptions.Default, node.Node.Scope));
            return (put.Result.Stored, put.Result.StoreError, (int?)put.NewestSequence);
        }
    }

    [Fact]
    public void Values_outlive_announcements_and_live_on_when_they_are_asked_for()
    {
        HyperDht node = _cluster.JoinEphemeral();
        PutResult asked = _cluster.Run(node.PutImmutableAsync(new byte[] { 1 }, OperationOptions.Default, node.Node.Scope));
        PutResult forgotten = _cluster.Run(node.PutImmutableAsync(new byte[] { 2 }, OperationOptions.Default, node.Node.Scope));
        HyperDht keeper = _cluster.Nodes.First(n => n.Commands.Records?.Immutables == 2);
        TimeSpan now = _cluster.Net.Now;
        HyperRecords records = keeper.Commands.Records!;
        Assert.NotNull(records.FindImmutable(asked.Target, now + TimeSpan.FromHours(33)));
        Assert.NotNull(records.FindImmutable(asked.Target, now + TimeSpan.FromHours(65)));
        Assert.Null(records.FindImmutable(forgotten.Target, now + TimeSpan.FromHours(65)));
    }

    [Fact]
    public void A_call_for_attention_is_told_to_those_who_look_unless_it_comes_from_the_future()
    {
        HyperDht node = _cluster.JoinEphemeral();
        using KeyPair keys = HyperCluster.Keys(1);
        Hash topic = HyperCluster.Target(3);
        var present = (ulong)(HyperCluster.WallClock + _cluster.Net.Now).ToUnixTimeMilliseconds();
        Announce(present - 1000);
        Assert.Equal(present - 1000, Bump());
        Announce(present - 2000);
        Assert.Equal(present - 1000, Bump());
        Announce(present + 100_000);
        Assert.Equal(present - 1000, Bump());
        Announce(present + 30_000);
        Assert.Equal(present + 30_000, Bump());

        void Announce(ulong bump) => _cluster.Run(node.AnnounceAsync(
            topic, keys, new AnnounceOptions { Bump = bump }, _ => { }, OperationOptions.Default, node.Node.Scope));

        ulong Bump()
        {
            ulong bump = 0;
            _cluster.Run(node.LookupAsync(topic, f => bump = Math.Max(bump, f.Bump), OperationOptions.Default, node.Node.Scope));
            return bump;
        }
    }

    [Fact]
    public void A_busy_topic_is_told_by_lot_twenty_at_a_time_and_no_announcement_is_lost()
    {
        HyperDht node = _cluster.JoinEphemeral();
        Hash topic = HyperCluster.Target(3);
        for (int i = 0; i < 40; i++)
        {
            using KeyPair keys = HyperCluster.Keys(100 + i);
            _cluster.Announce(node, topic, keys);
        }

        var counts = new List<int>();
        var seen = new HashSet<PublicKey>();
        _cluster.Run(node.LookupAsync(
            topic,
            f =>
            {
                counts.Add(f.Peers.Length);
                seen.UnionWith(f.Peers.Select(p => p.PublicKey));
            },
            OperationOptions.Default,
            node.Node.Scope));
        Assert.All(counts, c => Assert.Equal(20, c));
        Assert.Equal(40, seen.Count);
    }

    [Fact]
    public void Where_nobody_stores_nothing_is_stored_and_nothing_hangs()
    {
        var alone = new HyperCluster(1);
        HyperDht node = alone.Join("10.0.0.9", isEphemeral: true);
        using KeyPair keys = HyperCluster.Keys(1);
        alone.Nodes[0].Node.Suspend();
        Assert.Equal(0, alone.Announce(node, HyperCluster.Target(1), keys).Stored);
        Assert.Empty(alone.Lookup(node, HyperCluster.Target(1)));
    }

    [Fact]
    public void A_node_that_remembers_others_finds_its_network_without_the_first_one()
    {
        IReadOnlyList<DhtAddress> remembered = _cluster.Nodes[5].ExportNodes(10);
        Assert.Equal(10, remembered.Count);
        HyperDht late = _cluster.Join("10.0.252.1", isEphemeral: true);
        var isolated = new HyperCluster(1, seed: 2, prefix: "10.9");
        Assert.Empty(isolated.Nodes[0].ExportNodes(10));
        late.ImportNodes(remembered);
        Assert.True(late.Node.Routing.Count >= 10);
    }

    [Fact]
    public void Some_nodes_are_never_asked()
    {
        Assert.False(HyperDht.IsWelcome(TestKit.MemoryNet.Address("134.209.28.98", 49738)));
        Assert.True(HyperDht.IsWelcome(TestKit.MemoryNet.Address("134.209.28.98", 49737)));
        Assert.False(HyperDht.IsWelcome(TestKit.MemoryNet.Address("167.99.142.185", 49738)));
        Assert.False(HyperDht.IsWelcome(TestKit.MemoryNet.Address("35.233.47.252", 9400)));
        Assert.False(HyperDht.IsWelcome(TestKit.MemoryNet.Address("150.136.142.116", 1)));
        HyperDht node = _cluster.Nodes[3];
        int before = node.Node.Routing.Count;
        node.ImportNodes([TestKit.MemoryNet.Address("150.136.142.116", 1)]);
        Assert.Equal(before, node.Node.Routing.Count);
    }

    [Fact]
    public void A_cancelled_operation_ends_at_once()
    {
        HyperDht node = _cluster.JoinEphemeral();
        var scope = new FlowScope(node.Node.Scope);
        Flow<OperationResult> lookup = node.LookupAsync(HyperCluster.Target(1), _ => { }, OperationOptions.Default, scope);
        scope.Cancel();
        node.Node.Runner.Run();
        Assert.IsType<FlowCancelledException>(lookup.Failure);
    }
}
