using System.Text;
using System.Text.Json;
using HyperActors.Crypto;
using HyperActors.Storage;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>A feed's folder goes to hypercore 10 and comes back, with everything in it.</summary>
public class StorageInteropTests
{
    private static readonly FeedOptions Late = new() { MaxOplogBytes = 1 << 28 };

    [NodeTheory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task What_we_write_hypercore_10_opens_and_extends_and_we_read_on(bool isCompat, bool isWrittenOut)
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        string folder = Path.Combine(peer.Scratch, "feed");
        using KeyPair pair = FeedHarness.Pair();
        var identity = new FeedIdentity { KeyPair = pair, Key = isCompat ? new FeedKey(pair.PublicKey.AsSpan()) : null };
        string key;
        string treeHash;
        using (var feed = Open(folder, identity))
        {
            feed.Append(Blocks(seed: 5, from: 0, count: 100));
            feed.Append([], [1], []);
            feed.Truncate(70);
            feed.Append(Blocks(seed: 6, from: 70, count: 300));
            feed.Ask<FeedLogEvent.UserDataSet>(id => feed.Log.SetUserData(id, "corestore/name", "notes"u8.ToArray()));
            if (isWrittenOut)
            {
                feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            }
            else
            {
                Assert.True(feed.Log.OplogBytes > 0);
            }

            key = Convert.ToHexStringLower(feed.Log.Key.AsSpan());
            treeHash = feed.Log.Head.Hash.ToString();
        }

        JsonElement opened = await peer.AskAsync("folder", new { @as = "ours", path = folder });
        Assert.Equal(key, opened.Text("key"));
        Assert.Equal(treeHash, opened.Text("treeHash"));
        Assert.Equal(370ul, opened.Number("length"));
        Assert.Equal(370ul, opened.Number("contiguousLength"));
        Assert.Equal(1ul, opened.Number("fork"));
        Assert.True(opened.GetProperty("writable").GetBoolean());
        foreach (uint index in (uint[])[0, 3, 69, 70, 200, 369])
        {
            JsonElement block = await peer.AskAsync("get", new { core = "ours", index, wait = false });
            Assert.Equal(Convert.ToHexStringLower(Block(index)), block.Text("block"));
        }

        JsonElement appended = await peer.AskAsync("append", new { core = "ours", count = 50, size = 100, seed = 7, oneByOne = true });
        await peer.AskAsync("closeCore", new { core = "ours" });
        using var again = Open(folder, identity);
        Assert.Null(again.Failure);
        Assert.Equal(420ul, again.Log.ContiguousLength);
        Assert.Equal(appended.Text("treeHash"), again.Log.Head.Hash.ToString());
        Assert.Equal("notes", again.Log.GetUserText("corestore/name"));
        Assert.All(Enumerable.Range(0, 370), i => Assert.Equal(Block((uint)i), again.Get((ulong)i)));
        Assert.Equal(NodePeer.Pattern(7, 49, 100), again.Get(419));
    }

    [NodeTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task What_hypercore_10_writes_we_open_and_extend_and_it_reads_on(int cut)
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        JsonElement created = await peer.AskAsync("folder", new { @as = "theirs", seed = new string('b', 64) });
        string folder = created.Text("folder");
        await peer.AskAsync("append", new { core = "theirs", count = 100, size = 33, seed = 1 });
        await peer.AskAsync("append", new { core = "theirs", count = 10, size = 1, seed = 2, oneByOne = true });
        JsonElement before = cut == 0
            ? await peer.AskAsync("info", new { core = "theirs" })
            : await peer.AskAsync("truncate", new { core = "theirs", length = 110 - cut });
        await peer.AskAsync("closeCore", new { core = "theirs" });

        string treeHash;
        var identity = new FeedIdentity { Key = FeedKey.Parse(created.Text("key")), Create = false };
        using (var feed = Open(folder, identity))
        {
            Assert.Null(feed.Failure);
            Assert.Equal(before.Text("treeHash"), feed.Log.Head.Hash.ToString());
            Assert.Equal(before.Number("fork"), feed.Log.Head.Fork);
            Assert.Equal((ulong)(110 - cut), feed.Log.ContiguousLength);
            Assert.Equal(NodePeer.Pattern(1, 99, 33), feed.Get(99));
            feed.Append(Blocks(seed: 3, from: 0, count: 40));
            feed.Truncate(120);
            treeHash = feed.Log.Head.Hash.ToString();
        }

        JsonElement after = await peer.AskAsync("folder", new { @as = "again", path = folder });
        Assert.Equal(treeHash, after.Text("treeHash"));
        Assert.Equal(120ul, after.Number("contiguousLength"));
        Assert.Equal(before.Number("fork") + 1, after.Number("fork"));
    }

    [NodeFact]
    public async Task A_header_that_outgrows_its_slot_is_found_by_hypercore_10()
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        string folder = Path.Combine(peer.Scratch, "feed");
        using KeyPair pair = FeedHarness.Pair();
        var identity = new FeedIdentity { KeyPair = pair };
        string treeHash;
        using (var feed = Open(folder, identity))
        {
            feed.Append([1], [2]);
            feed.Ask<FeedLogEvent.UserDataSet>(id => feed.Log.SetUserData(id, "large", Encoding.UTF8.GetBytes(new string('x', 10_000))));
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            feed.Append([3]);
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
            treeHash = feed.Log.Head.Hash.ToString();
        }

        JsonElement opened = await peer.AskAsync("folder", new { @as = "ours", path = folder });
        Assert.Equal(treeHash, opened.Text("treeHash"));
        await peer.AskAsync("append", new { core = "ours", blocks = new[] { "04" } });
        await peer.AskAsync("closeCore", new { core = "ours" });
        using var again = Open(folder, identity);
        Assert.Equal(4ul, again.Log.ContiguousLength);
        Assert.Equal(10_000, again.Log.GetUserText("large")!.Length);
    }

    [NodeFact]
    public async Task A_header_of_the_first_releases_is_read_as_hypercore_10_reads_it()
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        string folder = Path.Combine(peer.Scratch, "feed");
        using KeyPair pair = FeedHarness.Pair();
        var identity = new FeedIdentity { KeyPair = pair, Key = new FeedKey(pair.PublicKey.AsSpan()) };
        using (var feed = Open(folder, identity))
        {
            feed.Append([1], [2], [3]);
            feed.Ask<FeedLogEvent.Checkpointed>(feed.Log.Checkpoint);
        }

        string oplog = Path.Combine(folder, "oplog");
        await File.WriteAllBytesAsync(oplog, FirstHeader.Rewrite(await File.ReadAllBytesAsync(oplog)));
        JsonElement opened = await peer.AskAsync("folder", new { @as = "ours", path = folder });
        await peer.AskAsync("append", new { core = "ours", blocks = new[] { "04" } });
        await peer.AskAsync("closeCore", new { core = "ours" });
        using var again = Open(folder, identity);
        Assert.Equal(opened.Text("key"), Convert.ToHexStringLower(again.Log.Key.AsSpan()));
        Assert.Equal(4ul, again.Log.ContiguousLength);
    }

    private static FeedHarness Open(string folder, FeedIdentity identity) => new(new PatientDevice(folder), identity, Late);

    private static byte[] Block(uint index) => NodePeer.Pattern(index < 70 ? 5u : 6u, index, 100);

    private static byte[][] Blocks(uint seed, uint from, uint count) =>
        [.. Enumerable.Range(0, (int)count).Select(i => NodePeer.Pattern(seed, from + (uint)i, 100))];

    /// <summary>A folder whose answers are waited for.</summary>
    private sealed class PatientDevice(string folder) : IDevice
    {
        private readonly FileDevice _device = new(folder);

        public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
        {
            using var done = new ManualResetEventSlim();
            IoResult late = default;
            if (_device.Execute(request, (_, answer) => { late = answer; done.Set(); }, out result))
            {
                return true;
            }

            Assert.True(done.Wait(NodePeer.DefaultPatience));
            result = late;
            return true;
        }

        public void Dispose() => _device.Dispose();
    }
}
