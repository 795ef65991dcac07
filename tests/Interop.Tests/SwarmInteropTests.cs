using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>Our swarm and JavaScript's in one DHT on loopback: found by topic, dialled, kept, left.</summary>
public sealed class SwarmInteropTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-swarm-").FullName;
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(150));
    private NodePeer _peer = null!;
    private string _bootstrap = string.Empty;
    private object[] _bootstrapForThem = [];

    public async Task InitializeAsync()
    {
        if (NodePeer.SkipReason is not null)
        {
            return;
        }

        _peer = await NodePeer.StartAsync();
        JsonElement testnet = await _peer.AskAsync("testnet", new { size = 4 });
        int port = testnet.GetProperty("bootstrap")[0].GetProperty("port").GetInt32();
        _bootstrap = $"127.0.0.1:{port}";
        _bootstrapForThem = [new { host = "127.0.0.1", port }];
    }

    public async Task DisposeAsync()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            await _owned[i].DisposeAsync();
        }

        if (_peer is not null)
        {
            await _peer.DisposeAsync();
        }

        _deadline.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [NodeFact]
    public async Task JavaScript_serves_a_feed_under_its_topic_and_joining_that_is_all_it_takes_to_copy_it()
    {
        await _peer.AskAsync("store");
        JsonElement core = await _peer.AskAsync("core", new { name = "theirs" });
        await _peer.AskAsync("append", new { core = "theirs", count = 100, size = 1000, seed = 2 });
        PublicKey them = await StartSwarmAsync();
        await _peer.AskAsync("join", new { topic = core.Text("discoveryKey") });

        HyperNode node = await StartNodeAsync("ours");
        await using Feed copy = await node.OpenFeedAsync(FeedKey.Parse(core.Text("key")), _deadline.Token);
        Events events = new Events(node, _deadline.Token).Begin();
        await using ISwarmSession session = await node.Swarm.JoinAsync(copy.DiscoveryKey, null, _deadline.Token);
        await copy.DownloadAsync(0, 100, null, _deadline.Token);

        Assert.Equal(NodePeer.Pattern(2, 99, 1000), (await copy.GetAsync(99, _deadline.Token)).Bytes.ToArray());
        SwarmEvent.Connected connected = await events.WaitForAsync<SwarmEvent.Connected>();
        Assert.Equal(them, connected.Peer.PublicKey);
        Assert.True(connected.Peer.IsInitiator);
        Assert.Equal([copy.DiscoveryKey], connected.Topics);
        JsonElement theirs = await _peer.WaitForAsync("swarm-connection");
        Assert.Equal(node.PublicKey.ToHex(), theirs.Text("remotePublicKey"));
        Assert.False(theirs.GetProperty("client").GetBoolean());
    }

    [NodeFact]
    public async Task We_serve_a_feed_under_its_topic_and_JavaScript_finds_and_copies_it_until_we_leave()
    {
        HyperNode node = await StartNodeAsync("ours");
        await using Feed feed = await node.OpenFeedAsync("ours", _deadline.Token);
        await feed.AppendAsync(Enumerable.Range(0, 100).Select(i => (ReadOnlyMemory<byte>)NodePeer.Pattern(1, (uint)i, 1000)).ToArray(), _deadline.Token);
        ISwarmSession session = await node.Swarm.JoinAsync(feed.DiscoveryKey, null, _deadline.Token);
        await session.FlushAsync(_deadline.Token);

        await _peer.AskAsync("store");
        await _peer.AskAsync("core", new { @as = "copy", key = feed.Key.ToHex() });
        await StartSwarmAsync();
        await _peer.AskAsync("join", new { topic = feed.DiscoveryKey.ToHex(), server = false });
        await _peer.AskAsync("waitForLength", new { core = "copy", length = 100 });
        JsonElement block = await _peer.AskAsync("get", new { core = "copy", index = 99 });
        Assert.Equal(Convert.ToHexStringLower(NodePeer.Pattern(1, 99, 1000)), block.Text("block"));
        JsonElement theirs = await _peer.WaitForAsync("swarm-connection");
        Assert.True(theirs.GetProperty("client").GetBoolean());
        Assert.Equal(feed.DiscoveryKey.ToHex(), Assert.Single(theirs.Items("topics")).GetString());

        await _peer.AskAsync("node", new { bootstrap = _bootstrapForThem });
        Assert.Contains(node.PublicKey.ToHex(), await LookUpAsync(feed.DiscoveryKey));
        await session.DisposeAsync();
        Assert.DoesNotContain(node.PublicKey.ToHex(), await LookUpAsync(feed.DiscoveryKey));
        Assert.Empty((await node.Swarm.GetInfoAsync(_deadline.Token)).Topics);
    }

    [NodeFact]
    public async Task Of_two_who_dial_each_other_at_once_one_connection_stays_on_both_sides()
    {
        HyperNode node = await StartNodeAsync("ours");
        PublicKey them = await StartSwarmAsync();

        // Both listen before either dials.
        await using ISwarmSession session = await node.Swarm.JoinAsync(
            TopicOf("listen"), new SwarmJoinOptions { Client = false }, _deadline.Token);
        await session.FlushAsync(_deadline.Token);
        await _peer.AskAsync("join", new { topic = TopicOf("listen too").ToHex(), client = false });
        Task theirs = _peer.AskAsync("joinPeer", new { key = node.PublicKey.ToHex() });
        await node.Swarm.JoinPeerAsync(them, _deadline.Token);
        await theirs;

        await UntilAsync(async () =>
        {
            SwarmInfo info = await node.Swarm.GetInfoAsync(_deadline.Token);
            JsonElement state = await _peer.AskAsync("swarmPeers");
            return info is { Connections: 1, Connecting: 0 } && state.Items("connections").Count() == 1;
        });
        SwarmPeerInfo peer = Assert.Single((await node.Swarm.GetInfoAsync(_deadline.Token)).Peers);
        Assert.Equal((them, true, true), (peer.PublicKey, peer.IsConnected, peer.IsExplicit));
    }

    [NodeFact]
    public async Task A_banned_peer_is_closed_and_turned_away_and_let_in_again_later()
    {
        HyperNode node = await StartNodeAsync("ours");
        Events events = new Events(node, _deadline.Token).Begin();
        DiscoveryKey topic = TopicOf("banned");
        await using ISwarmSession session = await node.Swarm.JoinAsync(topic, new SwarmJoinOptions { Client = false }, _deadline.Token);
        await session.FlushAsync(_deadline.Token);
        PublicKey them = await StartSwarmAsync();
        await _peer.AskAsync("join", new { topic = topic.ToHex(), server = false });
        await events.WaitForAsync<SwarmEvent.Connected>();

        await node.Swarm.BanAsync(them, _deadline.Token);
        await events.WaitForAsync<SwarmEvent.Banned>();
        await events.WaitForAsync<SwarmEvent.Disconnected>();
        await _peer.WaitForAsync("swarm-closed");
        await _peer.AskAsync("node", new { bootstrap = _bootstrapForThem });
        await Assert.ThrowsAsync<NodePeerException>(() => _peer.AskAsync("dial", new { key = node.PublicKey.ToHex(), seed = Seed(5) }));

        await node.Swarm.UnbanAsync(them, _deadline.Token);
        await _peer.AskAsync("joinPeer", new { key = node.PublicKey.ToHex() });
        Assert.Equal(them, (await events.WaitForAsync<SwarmEvent.Connected>()).Peer.PublicKey);
    }

    [NodeFact]
    public async Task Suspended_we_are_gone_and_resumed_we_are_found_and_dial_again()
    {
        HyperNode node = await StartNodeAsync("ours");
        DiscoveryKey topic = TopicOf("sleep");
        PublicKey them = await StartSwarmAsync();
        await _peer.AskAsync("join", new { topic = topic.ToHex() });
        Events events = new Events(node, _deadline.Token).Begin();
        await using ISwarmSession session = await node.Swarm.JoinAsync(topic, null, _deadline.Token);
        await events.WaitForAsync<SwarmEvent.Connected>();
        await session.FlushAsync(_deadline.Token);
        await _peer.WaitForAsync("swarm-connection");
        await _peer.AskAsync("node", new { bootstrap = _bootstrapForThem });

        await node.Swarm.SuspendAsync(_deadline.Token);
        await _peer.WaitForAsync("swarm-closed");
        Assert.DoesNotContain(node.PublicKey.ToHex(), await LookUpAsync(topic));
        Assert.True((await node.Swarm.GetInfoAsync(_deadline.Token)).IsSuspended);

        await node.Swarm.ResumeAsync(_deadline.Token);
        Assert.Equal(them, (await events.WaitForAsync<SwarmEvent.Connected>()).Peer.PublicKey);
        await session.FlushAsync(_deadline.Token);
        Assert.Contains(node.PublicKey.ToHex(), await LookUpAsync(topic));
    }

    [Fact]
    public async Task Without_any_DHT_two_nodes_on_one_link_find_each_other_and_copy()
    {
        string loopback = System.Net.NetworkInformation.NetworkInterface.GetAllNetworkInterfaces()
            .First(n => n.NetworkInterfaceType == System.Net.NetworkInformation.NetworkInterfaceType.Loopback).Name;
        HyperNode writer = await StartNodeAsync("writer", loopback);
        HyperNode reader = await StartNodeAsync("reader", loopback);
        await using Feed feed = await writer.OpenFeedAsync("notes", _deadline.Token);
        await feed.AppendAsync("over the link alone"u8.ToArray(), _deadline.Token);
        await using ISwarmSession served = await writer.Swarm.JoinAsync(feed.DiscoveryKey, new SwarmJoinOptions { Client = false }, _deadline.Token);
        await using Feed copy = await reader.OpenFeedAsync(feed.Key, _deadline.Token);
        await using ISwarmSession wanted = await reader.Swarm.JoinAsync(feed.DiscoveryKey, new SwarmJoinOptions { Server = false }, _deadline.Token);

        Assert.Equal("over the link alone"u8.ToArray(), (await copy.GetAsync(0, _deadline.Token)).Bytes.ToArray());
        SwarmPeerInfo peer = Assert.Single((await reader.Swarm.GetInfoAsync(_deadline.Token)).Peers);
        Assert.Equal(writer.PublicKey, peer.PublicKey);
    }

    private static DiscoveryKey TopicOf(string words)
    {
        Span<byte> hash = stackalloc byte[DiscoveryKey.Size];
        Blake2b.Hash(System.Text.Encoding.UTF8.GetBytes(words), hash);
        return new DiscoveryKey(hash);
    }

    private static string Seed(byte value) => Convert.ToHexStringLower(Enumerable.Repeat(value, 32).ToArray());

    // JavaScript's swarm has a key of its own that the tests know, and may dial under beside it.
    private async Task<PublicKey> StartSwarmAsync()
    {
        JsonElement swarm = await _peer.AskAsync("swarm", new { bootstrap = _bootstrapForThem, seed = Seed(5) });
        return PublicKey.Parse(swarm.Text("publicKey"));
    }

    private async Task<HyperNode> StartNodeAsync(string name, string? linkAlone = null)
    {
        var network = new NetworkOptions { Host = "127.0.0.1", Port = 0, Bootstrap = [_bootstrap], UsesLocalDiscovery = false };
        if (linkAlone is not null)
        {
            network = network with { UsesDht = false, Bootstrap = [], UsesLocalDiscovery = true, LocalInterfaces = [linkAlone] };
        }

        HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(_folder, name), Network = network });
        _owned.Add(node);
        await node.Dht.WaitUntilReadyAsync(_deadline.Token);
        return node;
    }

    private async Task<IReadOnlyList<string?>> LookUpAsync(DiscoveryKey topic)
    {
        JsonElement found = await _peer.AskAsync("lookup", new { topic = topic.ToHex() });
        return [.. found.Items("peers").Select(peer => peer.Text("publicKey"))];
    }

    private async Task UntilAsync(Func<Task<bool>> holds)
    {
        while (!await holds())
        {
            _deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>What happens in a node's swarm, from now on.</summary>
    private sealed class Events(HyperNode node, CancellationToken deadline)
    {
        private readonly IAsyncEnumerator<SwarmEvent> _events = node.Swarm.WatchAsync(deadline).GetAsyncEnumerator(deadline);
        private Task<bool>? _next;

        /// <summary>Passes over others until one of a kind comes.</summary>
        public async Task<T> WaitForAsync<T>()
            where T : SwarmEvent
        {
            while (true)
            {
                _next ??= _events.MoveNextAsync().AsTask();
                Assert.True(await _next.WaitAsync(deadline));
                _next = null;
                if (_events.Current is T found)
                {
                    return found;
                }
            }
        }

        /// <summary>Begins to watch at once: an enumerator does so with its first step only.</summary>
        public Events Begin()
        {
            _next ??= _events.MoveNextAsync().AsTask();
            return this;
        }
    }
}
