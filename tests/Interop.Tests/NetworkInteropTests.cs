using System.Net;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>Nodes of ours and of JavaScript in one DHT on loopback: found by topic and key, connected, feeds copied.</summary>
/// <remarks>Both compositions: our nodes in a network of JavaScript's, and JavaScript's in a network of ours; and half and half.</remarks>
public sealed class NetworkInteropTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-network-").FullName;
    private readonly List<IAsyncDisposable> _owned = [];
    private NodePeer _peer = null!;
    private string _bootstrap = null!;

    /// <summary>Whose nodes the network is made of.</summary>
    public enum Network
    {
        /// <summary>JavaScript's alone.</summary>
        Theirs,

        /// <summary>Ours alone.</summary>
        Ours,

        /// <summary>Begun by JavaScript, half of each.</summary>
        Mixed,
    }

    private static CancellationToken Deadline => new CancellationTokenSource(Patience).Token;

    private int BootstrapPort => IPEndPoint.Parse(_bootstrap).Port;

    private object[] BootstrapForThem => [new { host = "127.0.0.1", port = BootstrapPort }];

    public async Task InitializeAsync()
    {
        if (NodePeer.SkipReason is null)
        {
            _peer = await NodePeer.StartAsync();
        }
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

        Directory.Delete(_folder, recursive: true);
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task Whoever_announces_is_found_by_the_other(Network network)
    {
        await StartAsync(network);
        HyperNode node = await StartNodeAsync("ours");
        await AskNodeAsync();
        DiscoveryKey topic = TopicOf("announced");

        Assert.True(await node.Dht.AnnounceAsync(topic, Deadline) > 0);
        JsonElement found = await _peer.AskAsync("lookup", new { topic = topic.ToHex() });
        Assert.Contains(node.PublicKey.ToHex(), KeysIn(found));

        JsonElement announced = await _peer.AskAsync("announce", new { topic = topic.ToHex(), seed = Seed(7) });
        var ours = new List<PublicKey>();
        await foreach (DhtPeer peer in node.Dht.LookupAsync(topic, Deadline))
        {
            ours.Add(peer.PublicKey);
        }

        Assert.Contains(PublicKey.Parse(announced.Text("publicKey")!), ours);

        await node.Dht.UnannounceAsync(topic, Deadline);
        found = await _peer.AskAsync("lookup", new { topic = topic.ToHex() });
        Assert.DoesNotContain(node.PublicKey.ToHex(), KeysIn(found));
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task What_one_puts_the_other_gets(Network network)
    {
        await StartAsync(network);
        HyperNode node = await StartNodeAsync("ours");
        await AskNodeAsync();

        DhtPut put = await node.Dht.PutImmutableAsync("from us"u8.ToArray(), Deadline);
        JsonElement got = await _peer.AskAsync("getImmutable", new { hash = put.Key.ToString() });
        Assert.Equal(Convert.ToHexStringLower("from us"u8), got.Text("value"));

        JsonElement theirs = await _peer.AskAsync("putImmutable", new { value = Convert.ToHexStringLower("from them"u8) });
        var hash = new Hash(Convert.FromHexString(theirs.Text("hash")!));
        Assert.Equal("from them"u8.ToArray(), (await node.Dht.GetImmutableAsync(hash, Deadline))!.Value.ToArray());

        using KeyPair keys = KeyPair.FromSeed(Convert.FromHexString(Seed(3)));
        await node.Dht.PutMutableAsync(keys, "one"u8.ToArray(), 1, Deadline);
        got = await _peer.AskAsync("getMutable", new { key = keys.PublicKey.ToHex() });
        Assert.Equal(1, got.GetProperty("seq").GetInt32());
        await _peer.AskAsync("putMutable", new { seed = Seed(3), value = Convert.ToHexStringLower("two"u8), seq = 2 });
        DhtMutable newest = (await node.Dht.GetMutableAsync(keys.PublicKey, 0, Deadline))!;
        Assert.Equal((2ul, "two"), (newest.Sequence, System.Text.Encoding.UTF8.GetString(newest.Value.Span)));
        HyperActorsException refused = await Assert.ThrowsAsync<HyperActorsException>(
            () => node.Dht.PutMutableAsync(keys, "old"u8.ToArray(), 1, Deadline).AsTask());
        Assert.Contains("sequence number 2", refused.Message, StringComparison.Ordinal);
        Assert.Null(await node.Dht.GetImmutableAsync(TargetHash(), Deadline));
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task We_connect_by_key_to_JavaScript_and_feeds_go_both_ways(Network network)
    {
        await StartAsync(network);
        HyperNode node = await StartNodeAsync("ours");
        await AskNodeAsync();
        await _peer.AskAsync("store");
        JsonElement server = await _peer.AskAsync("serve", new { replicate = true });
        PublicKey key = PublicKey.Parse(server.Text("publicKey")!);

        DhtPeer found = (await node.Dht.FindPeerAsync(key, Deadline))!;
        Assert.NotEmpty(found.RelayAddresses);
        PeerInfo peer = await node.Dht.ConnectAsync(key, Deadline);

        Assert.Equal(key, peer.PublicKey);
        await CopyBothWaysAsync(node);
    }

    [NodeTheory]
    [InlineData(Network.Theirs)]
    [InlineData(Network.Ours)]
    [InlineData(Network.Mixed)]
    public async Task JavaScript_connects_by_key_to_us_and_feeds_go_both_ways(Network network)
    {
        await StartAsync(network);
        HyperNode node = await StartNodeAsync("ours");
        await AskNodeAsync();
        await _peer.AskAsync("store");
        await node.Dht.ListenAsync(Deadline);

        JsonElement socket = await _peer.AskAsync("dial", new { key = node.PublicKey.ToHex(), replicate = true });

        Assert.Equal(node.PublicKey.ToHex(), socket.Text("remotePublicKey"));
        await CopyBothWaysAsync(node);
    }

    [NodeFact]
    public async Task A_key_that_nobody_listens_under_is_not_found_and_says_so()
    {
        await StartAsync(Network.Mixed);
        HyperNode node = await StartNodeAsync("ours");
        using KeyPair nobody = KeyPair.FromSeed(Convert.FromHexString(Seed(9)));

        Assert.Null(await node.Dht.FindPeerAsync(nobody.PublicKey, Deadline));
        ConnectionFailedException refused = await Assert.ThrowsAsync<ConnectionFailedException>(
            () => node.Dht.ConnectAsync(nobody.PublicKey, Deadline).AsTask());
        Assert.Contains("no node of the DHT knows this peer", refused.Message, StringComparison.Ordinal);
    }

    private static DiscoveryKey TopicOf(string words)
    {
        Span<byte> hash = stackalloc byte[DiscoveryKey.Size];
        Blake2b.Hash(System.Text.Encoding.UTF8.GetBytes(words), hash);
        return new DiscoveryKey(hash);
    }

    private static Hash TargetHash() => new(TopicOf("nothing is here").AsSpan());

    private static string Seed(byte value) => Convert.ToHexStringLower(Enumerable.Repeat(value, 32).ToArray());

    private static IEnumerable<string> KeysIn(JsonElement found) =>
        found.GetProperty("peers").EnumerateArray().Select(peer => peer.Text("publicKey")!);

    private async Task StartAsync(Network network)
    {
        if (network == Network.Ours)
        {
            _bootstrap = await StartOursAsync(4, null);
            return;
        }

        JsonElement testnet = await _peer.AskAsync("testnet", new { size = network == Network.Mixed ? 3 : 4 });
        _bootstrap = $"127.0.0.1:{testnet.GetProperty("bootstrap")[0].GetProperty("port").GetInt32()}";
        if (network == Network.Mixed)
        {
            await StartOursAsync(3, _bootstrap);
        }
    }

    /// <summary>Nodes of ours that store for others; begins a network when there is none.</summary>
    private async Task<string> StartOursAsync(int count, string? bootstrap)
    {
        var host = DhtHost.Start();
        _owned.Add(host);
        for (int i = 0; i < count; i++)
        {
            var options = new NetworkOptions
            {
                Host = "127.0.0.1",
                Port = 0,
                Bootstrap = bootstrap is null ? [] : [bootstrap],
                IsBootstrapper = bootstrap is null,
                IsEphemeral = false,
                IsFirewalled = false,
            };
            IDht node = await host.AddAsync(options, null, Deadline);
            await node.WaitUntilReadyAsync(Deadline);
            bootstrap ??= (await node.GetInfoAsync(Deadline)).LocalAddress!.ToString();
        }

        return bootstrap!;
    }

    private async Task<HyperNode> StartNodeAsync(string name)
    {
        HyperNode node = await HyperNode.StartAsync(new NodeOptions
        {
            StoragePath = Path.Combine(_folder, name),
            Network = new NetworkOptions { Host = "127.0.0.1", Port = 0, Bootstrap = [_bootstrap], UsesLocalDiscovery = false },
        });
        _owned.Add(node);
        await node.Dht.WaitUntilReadyAsync(Deadline);
        return node;
    }

    private Task<JsonElement> AskNodeAsync() => _peer.AskAsync("node", new { bootstrap = BootstrapForThem });

    private async Task CopyBothWaysAsync(HyperNode node)
    {
        await using Feed feed = await node.OpenFeedAsync("ours", Deadline);
        await feed.AppendAsync(Enumerable.Range(0, 200).Select(i => (ReadOnlyMemory<byte>)NodePeer.Pattern(1, (uint)i, 1000)).ToArray(), Deadline);
        await _peer.AskAsync("core", new { @as = "copy", key = feed.Key.ToHex() });
        await _peer.AskAsync("waitForLength", new { core = "copy", length = 200 }, Patience);
        await _peer.AskAsync("download", new { core = "copy", to = 200 }, Patience);
        JsonElement block = await _peer.AskAsync("get", new { core = "copy", index = 199, wait = false });
        Assert.Equal(Convert.ToHexStringLower(NodePeer.Pattern(1, 199, 1000)), block.Text("block"));

        JsonElement core = await _peer.AskAsync("core", new { name = "theirs" });
        await _peer.AskAsync("append", new { core = "theirs", count = 200, size = 1000, seed = 2 });
        await using Feed copy = await node.OpenFeedAsync(FeedKey.Parse(core.Text("key")!), Deadline);
        await copy.DownloadAsync(0, 200, null, Deadline);
        Assert.Equal(NodePeer.Pattern(2, 199, 1000), (await copy.GetAsync(199, Deadline)).Bytes.ToArray());
    }
}
