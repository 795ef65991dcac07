using System.Net;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Daemon.Tests;

namespace HyperActors.Client.Tests;

/// <summary>What holds for every node, in this process or behind a daemon: code moves between the two by one line.</summary>
public abstract class NodeContract : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _owned = [];

    private protected IHyperNode Node { get; private set; } = null!;

    public async Task InitializeAsync() => Node = await MakeAsync();

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            await _owned[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_appended_is_read_and_counted()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        Assert.True(feed.IsWritable);
        Assert.Equal("notes", feed.Name);
        Assert.Equal(1UL, await feed.AppendAsync("one"u8.ToArray()));
        Assert.Equal(3UL, await feed.AppendAsync([Bytes("two"), Bytes(string.Empty)]));
        Assert.Equal((3UL, 6UL, 0UL, 3UL), (feed.Length, feed.ByteLength, feed.Fork, feed.ContiguousLength));
        Assert.Equal("two", Text(await feed.GetAsync(1)));
        Assert.True(await feed.HasAsync(2));
        Assert.False(await feed.HasAsync(3));
        Assert.Null(await feed.TryGetAsync(3));
        Assert.Equal("one", Text((await feed.TryGetAsync(0))!.Value));
        Assert.Equal(["one", "two", ""], await ReadAsync(feed.ReadAsync()));
        Assert.Equal(["two"], await ReadAsync(feed.ReadAsync(1, 2)));
        Assert.Equal(await feed.GetInfoAsync(), Assert.Single(await Node.ListFeedsAsync()));
    }

    [Fact]
    public async Task A_feed_is_found_by_name_and_by_key_and_no_other()
    {
        await using IFeed feed = await Node.OpenFeedAsync("größe / ?");
        await using IFeed? found = await Node.FindFeedAsync("größe / ?");
        Assert.Equal(feed.Key, found!.Key);
        Assert.Null(await Node.FindFeedAsync("nothing"));
        Assert.Null(await Node.FindFeedAsync(new FeedKey(new byte[32].Select((_, i) => (byte)(i + 1)).ToArray())));
        await using IFeed? again = await Node.FindFeedAsync(feed.Key);
        Assert.Equal(feed.Key, again!.Key);
        await using IFeed byKey = await Node.OpenFeedAsync(feed.Key);
        Assert.True(byKey.IsWritable);
        Assert.Equal(feed.DiscoveryKey, byKey.DiscoveryKey);
    }

    [Fact]
    public async Task A_live_read_goes_on_with_what_is_appended_later_until_it_is_cancelled()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        await feed.AppendAsync("0"u8.ToArray());
        using var stop = new CancellationTokenSource(Server.Deadline);
        var seen = new List<string>();
        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (Block block in feed.ReadAsync(live: true, cancellationToken: stop.Token))
            {
                seen.Add(Text(block));
                if (seen.Count == 5)
                {
                    await stop.CancelAsync();
                }
                else
                {
                    await feed.AppendAsync(Bytes($"{seen.Count}"), CancellationToken.None);
                }
            }
        });
        Assert.NotNull(cancelled);
        Assert.Equal(["0", "1", "2", "3", "4"], seen);
    }

    [Fact]
    public async Task A_block_that_is_not_there_yet_is_waited_for()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        Task<Block> waiting = feed.GetAsync(1).AsTask();
        await feed.AppendAsync([Bytes("a"), Bytes("b")]);
        Assert.Equal("b", Text(await waiting.WaitAsync(Server.Deadline)));

        using var stop = new CancellationTokenSource();
        Task<Block> never = feed.GetAsync(9, stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never.WaitAsync(Server.Deadline));
    }

    [Fact]
    public async Task A_feed_is_cut_and_has_another_fork()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        await feed.AppendAsync([Bytes("a"), Bytes("b")]);
        await feed.TruncateAsync(1);
        Assert.Equal((1UL, 1UL, 1UL), (feed.Length, feed.ByteLength, feed.Fork));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await feed.TruncateAsync(7));
    }

    [Fact]
    public async Task A_feed_of_somebody_else_is_not_written()
    {
        await using IFeed feed = await Node.OpenFeedAsync(new FeedKey(new byte[32].Select((_, i) => (byte)i).ToArray()));
        Assert.False(feed.IsWritable);
        Assert.Null(feed.Name);
        await Assert.ThrowsAsync<FeedNotWritableException>(async () => await feed.AppendAsync("a"u8.ToArray()));
        await Assert.ThrowsAsync<FeedNotWritableException>(async () => await feed.TruncateAsync(0));
    }

    [Fact]
    public async Task A_block_that_is_too_large_is_refused_and_the_feed_goes_on()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        await Assert.ThrowsAsync<BlockTooLargeException>(async () => await feed.AppendAsync(new byte[(15 << 20) + 1]));
        Assert.Equal(1UL, await feed.AppendAsync(new byte[15 << 20]));
        Assert.Equal(15 << 20, (await feed.GetAsync(0)).Bytes.Length);
    }

    [Fact]
    public async Task What_happens_to_a_feed_is_told()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        using var stop = new CancellationTokenSource(Server.Deadline);
        await using IAsyncEnumerator<FeedEvent> events = feed.WatchAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        ValueTask<bool> next = events.MoveNextAsync();

        // Who watches over a connection begins a moment later: until then what happens is not for it.
        Task<bool> moving = next.AsTask();
        do
        {
            await feed.AppendAsync("a"u8.ToArray());
        }
        while (await Task.WhenAny(moving, Task.Delay(50)) != moving);

        Assert.True(await moving);
        var extended = Assert.IsType<FeedEvent.Extended>(events.Current);
        Assert.Equal(0UL, extended.Fork);
        await feed.TruncateAsync(0);
        while (await events.MoveNextAsync() && events.Current is not FeedEvent.Truncated)
        {
            Assert.IsNotType<FeedEvent.Conflicted>(events.Current);
        }

        Assert.Equal(new FeedEvent.Truncated(0, 1, 0), events.Current);
    }

    [Fact]
    public async Task A_feed_is_downloaded_from_a_peer_and_tells_how_far_it_is()
    {
        await using Server other = await Server.StartAsync();
        await using Feed theirs = await other.Node.OpenFeedAsync("theirs");
        for (int i = 0; i < 50; i++)
        {
            await theirs.AppendAsync(Bytes($"block {i}"));
        }

        IPEndPoint address = await other.Node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0));
        await using IFeed copy = await Node.OpenFeedAsync(theirs.Key);
        PeerInfo peer = await Node.ConnectTcpAsync("127.0.0.1", address.Port);
        Assert.Equal(other.Node.PublicKey, peer.PublicKey);
        Assert.True(peer.IsInitiator);

        var steps = new Steps();
        await copy.DownloadAsync(10, 50, steps).WaitAsync(Server.Deadline);
        Assert.Equal(40UL, steps.Last.Blocks);
        Assert.Equal("block 49", Text((await copy.TryGetAsync(49))!.Value));
        Assert.Equal(50UL, copy.Length);

        FeedMap map = await copy.GetMapAsync(5);
        Assert.Equal([0, 255, 255, 255, 255], map.Cells.ToArray());
        Assert.Equal(40UL, map.Blocks);
        FeedPeer seen = Assert.Single(await copy.GetPeersAsync());
        Assert.Equal((peer.ConnectionId, 50UL, 50UL), (seen.ConnectionId, seen.Length, seen.ContiguousLength));
        PeerConnection connection = Assert.Single(await Node.ListConnectionsAsync());
        Assert.Equal(peer, connection.Peer);
        Assert.True(connection.BytesReceived > 400, $"{connection.BytesReceived}");
        Assert.False(await copy.UpdateAsync());
    }

    [Fact]
    public async Task A_byte_is_found_in_its_block()
    {
        await using IFeed feed = await Node.OpenFeedAsync("notes");
        var random = new Random(7);
        var sizes = new List<int>();
        var blocks = new List<ReadOnlyMemory<byte>>();
        for (int i = 0; i < 77; i++)
        {
            sizes.Add(random.Next(0, 9));
            blocks.Add(new byte[sizes[^1]]);
        }

        await feed.AppendAsync(blocks);
        ulong at = 0;
        for (int i = 0; i < sizes.Count; i++)
        {
            for (int offset = 0; offset < sizes[i]; offset++, at++)
            {
                Assert.Equal(new BytePosition((ulong)i, (ulong)offset), await feed.SeekAsync(at));
            }
        }

        Assert.Equal(feed.ByteLength, at);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await feed.SeekAsync(at));
    }

    [Fact]
    public async Task Nobody_at_an_address_is_a_failed_connection()
    {
        await Assert.ThrowsAsync<ConnectionFailedException>(async () => await Node.ConnectTcpAsync("127.0.0.1", 1));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Node.ConnectTcpAsync("127.0.0.1", 0));
    }

    [Fact]
    public async Task A_handle_that_was_disposed_says_so()
    {
        IFeed feed = await Node.OpenFeedAsync("notes");
        await feed.DisposeAsync();
        await feed.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await feed.AppendAsync("a"u8.ToArray()));
    }

    private protected abstract Task<IHyperNode> MakeAsync();

    private protected T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(Block block) => Encoding.UTF8.GetString(block.Bytes.Span);

    private static async Task<List<string>> ReadAsync(IAsyncEnumerable<Block> blocks)
    {
        var texts = new List<string>();
        await foreach (Block block in blocks)
        {
            texts.Add(Text(block));
        }

        return texts;
    }

    private sealed class Steps : IProgress<DownloadProgress>
    {
        public DownloadProgress Last { get; private set; }

        public void Report(DownloadProgress value) => Last = value;
    }
}

/// <summary>A node in this process.</summary>
public class EmbeddedNodeTests : NodeContract
{
    private protected override async Task<IHyperNode> MakeAsync() => Own(await Server.StartAsync()).Node;
}

/// <summary>A node behind a daemon, over its Unix socket.</summary>
public class RemoteNodeTests : NodeContract
{
    [Fact]
    public async Task A_daemon_that_goes_takes_nobody_with_it()
    {
        Server server = await Server.StartAsync();
        await using RemoteNode node = await server.ConnectAsync();
        IFeed feed = await node.OpenFeedAsync("notes");
        Task<Block> waiting = feed.GetAsync(5).AsTask();
        await using IAsyncEnumerator<Block> reading = feed.ReadAsync(live: true).GetAsyncEnumerator();
        Task<bool> next = reading.MoveNextAsync().AsTask();
        await server.DisposeAsync();
        await Assert.ThrowsAnyAsync<HyperActorsException>(() => waiting.WaitAsync(Server.Deadline));
        await Assert.ThrowsAnyAsync<HyperActorsException>(() => next.WaitAsync(Server.Deadline));
        await Assert.ThrowsAnyAsync<HyperActorsException>(async () => await feed.AppendAsync("a"u8.ToArray()));
        await feed.DisposeAsync();
    }

    [Fact]
    public async Task Over_TCP_the_token_is_needed()
    {
        await using Server server = await Server.StartAsync(new Daemon.ApiOptions { Port = 0 });
        var address = new Uri($"http://127.0.0.1:{server.Api.Port}");
        RemoteException refused = await Assert.ThrowsAsync<RemoteException>(() => RemoteNode.ConnectAsync(address, "wrong"));
        Assert.Equal(Api.ApiCodes.Unauthorized, refused.Problem.Code);
        await using RemoteNode node = await RemoteNode.ConnectAsync(address, server.Token);
        Assert.Equal(server.Node.PublicKey, node.PublicKey);
    }

    [Fact]
    public async Task The_swarm_and_the_DHT_are_reached_through_the_daemon()
    {
        var swarm = new FakeSwarm();
        await using Server server = await Server.StartAsync(swarm: swarm);
        await using RemoteNode node = await server.ConnectAsync();
        var topic = new DiscoveryKey(new byte[32]);
        await using (ISwarmSession session = await node.Swarm.JoinAsync(topic, new SwarmJoinOptions { Server = false, Limit = 4 }))
        {
            Assert.Equal((false, true, 4), (swarm.Topics[topic].Server, swarm.Topics[topic].Client, swarm.Topics[topic].Limit!.Value));
            await session.FlushAsync();
            await session.RefreshAsync();
            Assert.Equal(topic, Assert.Single((await node.Swarm.GetInfoAsync()).Topics).Topic);
        }

        Assert.Empty(swarm.Topics);
        var peer = new PublicKey(new byte[32]);
        await node.Swarm.JoinPeerAsync(peer);
        await node.Swarm.BanAsync(peer);
        await node.Swarm.SuspendAsync();
        Assert.True((await node.Swarm.GetInfoAsync()).IsSuspended);
        Assert.Equal(["flush session", "refresh", $"join {peer}", $"ban {peer}"], swarm.Calls);

        swarm.Happen(new SwarmEvent.PeerFound(peer, topic));
        await foreach (SwarmEvent happened in node.Swarm.WatchAsync())
        {
            Assert.Equal(new SwarmEvent.PeerFound(peer, topic), happened);
            break;
        }

        using var keys = KeyPair.FromSeed(new byte[32]);
        await node.Dht.PutMutableAsync(keys, "signed"u8.ToArray(), 3);
        DhtMutable? value = await node.Dht.GetMutableAsync(keys.PublicKey);
        Assert.Equal((3UL, "signed"), (value!.Sequence, Encoding.UTF8.GetString(value.Value.Span)));
        Assert.Null(await node.Dht.GetMutableAsync(keys.PublicKey, 4));
        DhtPut put = await node.Dht.PutImmutableAsync("hello"u8.ToArray());
        Assert.Equal("hello"u8.ToArray(), (await node.Dht.GetImmutableAsync(put.Key))!.Value.ToArray());
        Assert.Null(await node.Dht.GetImmutableAsync(default));
        Assert.Equal(1, await node.Dht.AnnounceAsync(topic));
        await foreach (DhtPeer found in node.Dht.LookupAsync(topic))
        {
            Assert.Equal(FakeDht.Address, found.From);
        }

        Assert.Null(await node.Dht.FindPeerAsync(peer));
        Assert.Equal(TimeSpan.FromMilliseconds(2), await node.Dht.PingAsync(FakeDht.Address));
        Assert.Equal(NatKind.Consistent, (await node.Dht.GetInfoAsync()).Nat);
        await Assert.ThrowsAsync<ConnectionFailedException>(async () => await node.Dht.ConnectAsync(peer));
    }

    private protected override async Task<IHyperNode> MakeAsync() => await Own(await Server.StartAsync()).ConnectAsync();
}
