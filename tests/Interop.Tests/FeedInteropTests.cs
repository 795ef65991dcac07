using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;

namespace HyperActors.Interop.Tests;

/// <summary>Feeds between a node of ours and a live Hypercore 11, over TCP, each side as server and as client.</summary>
public sealed class FeedInteropTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    // What the acceptance of the first milestone names: small, empty, tiny, large and very large blocks in one feed.
    private static readonly (int Count, int Size)[] Mixture = [(9800, 1024), (100, 0), (100, 1), (64, 64 << 10), (8, 1 << 20)];

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-interop-").FullName;
    private HyperNode _node = null!;
    private NodePeer _peer = null!;

    private static CancellationToken Deadline => new CancellationTokenSource(Patience).Token;

    public async Task InitializeAsync()
    {
        if (NodePeer.SkipReason is not null)
        {
            return;
        }

        _node = await HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(_folder, "ours") });
        _peer = await NodePeer.StartAsync();
        await _peer.AskAsync("store");
    }

    public async Task DisposeAsync()
    {
        if (_peer is not null)
        {
            await _peer.DisposeAsync();
            await _node.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task JavaScript_reads_every_kind_of_block_that_we_write(bool weListen)
    {
        await using Feed feed = await _node.OpenFeedAsync("mixed", Deadline);
        string expected = await AppendMixtureAsync(feed);
        await ConnectAsync(weListen);

        await _peer.AskAsync("core", new { @as = "copy", key = feed.Key.ToHex() });
        await _peer.AskAsync("waitForLength", new { core = "copy", length = feed.Length }, Patience);
        await _peer.AskAsync("download", new { core = "copy", to = feed.Length }, Patience);
        JsonElement hash = await _peer.AskAsync("sha256", new { core = "copy", wait = false }, Patience);

        Assert.Equal(expected, hash.GetProperty("sha256").GetString());
        Assert.Equal(Mixture.Sum(m => m.Count), hash.GetProperty("blocks").GetInt32());
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task We_read_every_kind_of_block_that_JavaScript_writes(bool weListen)
    {
        JsonElement core = await _peer.AskAsync("core", new { name = "mixed" });
        uint seed = 1;
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int count, int size) in Mixture)
        {
            await _peer.AskAsync("append", new { core = "mixed", count, size, seed }, Patience);
            AddPattern(expected, seed++, count, size);
        }

        await ConnectAsync(weListen);
        await using Feed copy = await _node.OpenFeedAsync(KeyOf(core), Deadline);
        ulong total = (ulong)Mixture.Sum(m => m.Count);
        await copy.DownloadAsync(0, total, null, Deadline);

        Assert.Equal(total, copy.ContiguousLength);
        Assert.Equal(Convert.ToHexStringLower(expected.GetHashAndReset()), await HashAsync(copy, total));
    }

    [NodeFact]
    public async Task Appends_on_both_sides_arrive_by_themselves_over_one_connection()
    {
        await ConnectAsync(weListen: true);
        await using Feed ours = await _node.OpenFeedAsync("ours", Deadline);
        JsonElement core = await _peer.AskAsync("core", new { name = "theirs" });
        await _peer.AskAsync("core", new { @as = "copy", key = ours.Key.ToHex() });
        await _peer.AskAsync("watch", new { core = "copy", live = true });
        await using Feed theirs = await _node.OpenFeedAsync(KeyOf(core), Deadline);

        for (uint i = 0; i < 20; i++)
        {
            await ours.AppendAsync(NodePeer.Pattern(7, i, 100), Deadline);
            await _peer.AskAsync("append", new { core = "theirs", count = 1, size = 50, seed = 8, from = i });
            Block block = await theirs.GetAsync(i, Deadline);
            Assert.Equal(NodePeer.Pattern(8, i, 50), block.Bytes.ToArray());
            JsonElement got = await _peer.AskAsync("get", new { core = "copy", index = i });
            Assert.Equal(Convert.ToHexStringLower(NodePeer.Pattern(7, i, 100)), got.GetProperty("block").GetString());
        }
    }

    [NodeFact]
    public async Task A_live_reader_sees_what_JavaScript_appends()
    {
        JsonElement core = await _peer.AskAsync("core", new { name = "live" });
        await ConnectAsync(weListen: false);
        await using Feed copy = await _node.OpenFeedAsync(KeyOf(core), Deadline);
        Task append = Task.Run(async () =>
        {
            for (uint i = 0; i < 50; i++)
            {
                await _peer.AskAsync("append", new { core = "live", count = 1, size = 10, seed = 3, from = i });
            }
        });

        uint seen = 0;
        await foreach (Block block in copy.ReadAsync(live: true, cancellationToken: Deadline))
        {
            Assert.Equal(NodePeer.Pattern(3, seen, 10), block.Bytes.ToArray());
            if (++seen == 50)
            {
                break;
            }
        }

        await append;
    }

    [NodeFact]
    public async Task A_broken_connection_is_resumed_without_asking_again_for_what_is_here()
    {
        const int Count = 4000;
        JsonElement core = await _peer.AskAsync("core", new { name = "long" });
        await _peer.AskAsync("append", new { core = "long", count = Count, size = 1000, seed = 5 }, Patience);
        IPEndPoint address = await _node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0), Deadline);
        await using Feed copy = await _node.OpenFeedAsync(KeyOf(core), Deadline);
        Task download = copy.DownloadAsync(0, Count, null, Deadline);

        await _peer.AskAsync("connect", new { port = address.Port });
        await Until(() => copy.ContiguousLength > Count / 4 && copy.ContiguousLength < Count);
        await _peer.AskAsync("disconnect");
        await Until(async () => (await copy.GetInfoAsync()).PeerCount == 0);
        int here = 0;
        for (ulong i = 0; i < Count; i++)
        {
            here += await copy.HasAsync(i, Deadline) ? 1 : 0;
        }

        await _peer.AskAsync("traffic", new { core = "long", reset = true });
        await _peer.AskAsync("connect", new { port = address.Port });
        await download;
        JsonElement traffic = await _peer.AskAsync("traffic", new { core = "long" });

        Assert.InRange(here, 1, Count - 1);
        Assert.Equal(Count - here, traffic.GetProperty("uploaded").GetArrayLength());
        Assert.Equal((ulong)Count, copy.ContiguousLength);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sparse_range_is_fetched_and_nothing_else(bool weWrite)
    {
        await ConnectAsync(weListen: true);
        if (weWrite)
        {
            await using Feed feed = await _node.OpenFeedAsync("sparse", Deadline);
            await AppendAsync(feed, 2, 1000, 200);
            await _peer.AskAsync("core", new { @as = "copy", key = feed.Key.ToHex() });
            await _peer.AskAsync("waitForLength", new { core = "copy", length = 1000 });
            await _peer.AskAsync("download", new { core = "copy", from = 300, to = 340 });
            JsonElement has = await _peer.AskAsync("has", new { core = "copy", from = 0, to = 1000 });
            Assert.Equal(Enumerable.Range(300, 40), has.GetProperty("blocks").EnumerateArray().Select(b => b.GetInt32()));
            return;
        }

        JsonElement core = await _peer.AskAsync("core", new { name = "sparse" });
        await _peer.AskAsync("append", new { core = "sparse", count = 1000, size = 200, seed = 2 });
        await using Feed copy = await _node.OpenFeedAsync(KeyOf(core), Deadline);
        await copy.DownloadAsync(300, 340, null, Deadline);
        for (uint i = 0; i < 1000; i++)
        {
            Assert.Equal(i is >= 300 and < 340, await copy.HasAsync(i, Deadline));
        }

        Assert.Equal(NodePeer.Pattern(2, 339, 200), (await copy.GetAsync(339, Deadline)).Bytes.ToArray());
    }

    [NodeFact]
    public async Task Feeds_that_the_other_side_does_not_have_are_refused_and_the_others_go_on()
    {
        JsonElement core = await _peer.AskAsync("core", new { name = "known" });
        await _peer.AskAsync("append", new { core = "known", count = 3, size = 10, seed = 1 });
        await ConnectAsync(weListen: false);
        using KeyPair stranger = KeyPair.Generate(RandomSource.System);
        await using Feed unknown = await _node.OpenFeedAsync(new FeedKey(stranger.PublicKey.AsSpan()), Deadline);
        await using Feed known = await _node.OpenFeedAsync(KeyOf(core), Deadline);

        Assert.Equal(NodePeer.Pattern(1, 2, 10), (await known.GetAsync(2, Deadline)).Bytes.ToArray());
        Assert.False(await unknown.UpdateAsync(Deadline));
        Assert.Equal(0ul, unknown.Length);
        Assert.Equal(1, (await known.GetInfoAsync()).PeerCount);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_truncation_while_connected_is_followed(bool weWrite)
    {
        await ConnectAsync(weListen: true);
        if (weWrite)
        {
            await using Feed feed = await _node.OpenFeedAsync("cut", Deadline);
            await AppendAsync(feed, 2, 20, 30);
            await _peer.AskAsync("core", new { @as = "copy", key = feed.Key.ToHex() });
            await _peer.AskAsync("waitForLength", new { core = "copy", length = 20 });
            await _peer.AskAsync("download", new { core = "copy", to = 20 });
            await feed.TruncateAsync(7, Deadline);
            await AppendAsync(feed, 9, 3, 40);
            await _peer.AskAsync("waitForFork", new { core = "copy", fork = 1 }, Patience);
            await _peer.AskAsync("waitForLength", new { core = "copy", length = 10 }, Patience);
            JsonElement hash = await _peer.AskAsync("sha256", new { core = "copy" }, Patience);
            Assert.Equal(await HashAsync(feed, 10), hash.GetProperty("sha256").GetString());
            return;
        }

        JsonElement core = await _peer.AskAsync("core", new { name = "cut" });
        await _peer.AskAsync("append", new { core = "cut", count = 20, size = 30, seed = 2 });
        await using Feed copy = await _node.OpenFeedAsync(KeyOf(core), Deadline);
        await copy.DownloadAsync(0, 20, null, Deadline);
        await _peer.AskAsync("truncate", new { core = "cut", length = 7 });
        await _peer.AskAsync("append", new { core = "cut", count = 3, size = 40, seed = 9 });
        await Until(() => copy.Fork == 1 && copy.Length == 10);
        await copy.DownloadAsync(0, 10, null, Deadline);

        Assert.Equal(NodePeer.Pattern(2, 6, 30), (await copy.GetAsync(6, Deadline)).Bytes.ToArray());
        Assert.Equal(NodePeer.Pattern(9, 0, 40), (await copy.GetAsync(7, Deadline)).Bytes.ToArray());
    }

    private static FeedKey KeyOf(JsonElement core) => FeedKey.Parse(core.GetProperty("key").GetString()!);

    private static void AddPattern(IncrementalHash hash, uint seed, int count, int size)
    {
        for (uint i = 0; i < count; i++)
        {
            hash.AppendData(NodePeer.Pattern(seed, i, size));
        }
    }

    private static async Task AppendAsync(Feed feed, uint seed, int count, int size)
    {
        var blocks = new ReadOnlyMemory<byte>[count];
        for (uint i = 0; i < count; i++)
        {
            blocks[i] = NodePeer.Pattern(seed, i, size);
        }

        await feed.AppendAsync(blocks, Deadline);
    }

    private static async Task<string> AppendMixtureAsync(Feed feed)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        uint seed = 1;
        foreach ((int count, int size) in Mixture)
        {
            await AppendAsync(feed, seed, count, size);
            AddPattern(hash, seed++, count, size);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task<string> HashAsync(Feed feed, ulong to)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (Block block in feed.ReadAsync(0, to, cancellationToken: Deadline))
        {
            hash.AppendData(block.Bytes.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static Task Until(Func<bool> holds) => Until(() => Task.FromResult(holds()));

    private static async Task Until(Func<Task<bool>> holds)
    {
        CancellationToken deadline = Deadline;
        while (!await holds())
        {
            await Task.Delay(2, deadline);
        }
    }

    private async Task ConnectAsync(bool weListen)
    {
        if (weListen)
        {
            IPEndPoint address = await _node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0), Deadline);
            await _peer.AskAsync("connect", new { port = address.Port });
            return;
        }

        JsonElement listening = await _peer.AskAsync("listen");
        await _node.ConnectTcpAsync("127.0.0.1", listening.GetProperty("port").GetInt32(), Deadline);
    }
}
