using System.Security.Cryptography;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>The tool before the work: JavaScript talks to JavaScript through <see cref="NodePeer"/>.</summary>
public class NodePeerTests
{
    [NodeFact]
    public async Task Two_JavaScript_peers_copy_a_feed_and_follow_it_live()
    {
        await using NodePeer writer = await NodePeer.StartAsync();
        await using NodePeer reader = await NodePeer.StartAsync();
        await writer.AskAsync("store");
        JsonElement created = await writer.AskAsync("core", new { name = "notes" });
        JsonElement appended = await writer.AskAsync("append", new { core = "notes", count = 200, size = 1000, seed = 7 });
        Assert.Equal(200UL, appended.Number("length"));
        Assert.Equal(200_000UL, appended.Number("byteLength"));

        JsonElement port = await writer.AskAsync("listen");
        await reader.AskAsync("store");
        await reader.AskAsync("core", new { @as = "copy", key = created.Text("key") });
        await reader.AskAsync("watch", new { core = "copy", live = true });
        await reader.AskAsync("connect", new { port = port.Number("port") });
        JsonElement connected = await reader.WaitForAsync("connected");
        Assert.Equal(64, connected.Text("remotePublicKey").Length);

        await reader.AskAsync("waitForLength", new { core = "copy", length = 200 });
        JsonElement downloaded = await reader.AskAsync("download", new { core = "copy", to = 200 });
        Assert.Equal(200UL, downloaded.Number("contiguousLength"));
        Assert.Equal(appended.Text("treeHash"), downloaded.Text("treeHash"));
        Assert.Equal(Expected(seed: 7, count: 200, size: 1000), (await reader.AskAsync("sha256", new { core = "copy" })).Text("sha256"));

        await writer.AskAsync("append", new { core = "notes", blocks = new[] { "00ff", "" } });
        await reader.WaitForAsync("append", e => e.Number("length") == 202);
        Assert.Equal("00ff", (await reader.AskAsync("get", new { core = "copy", index = 200 })).Text("block"));
        Assert.Equal(0UL, (await reader.AskAsync("get", new { core = "copy", index = 201 })).Number("size"));

        await writer.AskAsync("truncate", new { core = "notes", length = 50 });
        JsonElement truncated = await reader.WaitForAsync("truncate");
        Assert.Equal(1UL, truncated.Number("fork"));
    }

    [NodeFact]
    public async Task A_cut_connection_is_seen_on_both_sides_and_what_is_there_is_not_asked_for_again()
    {
        await using NodePeer writer = await NodePeer.StartAsync();
        await using NodePeer reader = await NodePeer.StartAsync();
        await writer.AskAsync("store");
        JsonElement created = await writer.AskAsync("core", new { name = "notes" });
        await writer.AskAsync("append", new { core = "notes", count = 300, size = 4096, seed = 1 });
        JsonElement port = await writer.AskAsync("listen");
        await reader.AskAsync("store");
        await reader.AskAsync("core", new { @as = "copy", key = created.Text("key") });
        await reader.AskAsync("watch", new { core = "copy", live = true });

        await reader.AskAsync("connect", new { port = port.Number("port"), cutAfterBytes = 400_000 });
        await reader.WaitForAsync("disconnected");
        await writer.WaitForAsync("disconnected");
        JsonElement first = await reader.AskAsync("traffic", new { core = "copy", reset = true });
        Assert.InRange(first.Items("downloaded").Count(), 1, 299);

        await reader.AskAsync("connect", new { port = port.Number("port") });
        await reader.AskAsync("download", new { core = "copy", to = 300 });
        JsonElement second = await reader.AskAsync("traffic", new { core = "copy" });
        IEnumerable<int> twice = first.Items("downloaded").Select(i => i.GetInt32())
            .Intersect(second.Items("downloaded").Select(i => i.GetInt32()));
        Assert.Empty(twice);
        Assert.Equal(Expected(seed: 1, count: 300, size: 4096), (await reader.AskAsync("sha256", new { core = "copy" })).Text("sha256"));
    }

    [NodeFact]
    public async Task A_folder_of_hypercore_10_is_written_and_read_again()
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        JsonElement created = await peer.AskAsync("folder", new { @as = "ten", seed = new string('a', 64) });
        Assert.True(created.GetProperty("writable").GetBoolean());
        JsonElement appended = await peer.AskAsync("append", new { core = "ten", count = 10, size = 33, seed = 2 });
        await peer.AskAsync("closeCore", new { core = "ten" });

        JsonElement opened = await peer.AskAsync("folder", new { @as = "again", path = created.Text("folder") });
        Assert.Equal(10UL, opened.Number("length"));
        Assert.Equal(appended.Text("treeHash"), opened.Text("treeHash"));
        Assert.True(File.Exists(Path.Combine(created.Text("folder"), "oplog")));
        Assert.Equal(Expected(seed: 2, count: 10, size: 33), (await peer.AskAsync("sha256", new { core = "again" })).Text("sha256"));
    }

    [NodeFact]
    public async Task A_refusal_says_what_was_refused_and_shows_where()
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        NodePeerException refusal = await Assert.ThrowsAsync<NodePeerException>(() => peer.AskAsync("info", new { core = "none" }));
        Assert.Contains("no core 'none' is open", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("peer.js:", refusal.Message, StringComparison.Ordinal);
    }

    [NodeFact]
    public async Task A_peer_that_dies_fails_the_waits_on_it_at_once()
    {
        await using NodePeer peer = await NodePeer.StartAsync();
        await peer.AskAsync("store");
        await peer.AskAsync("core", new { name = "notes" });
        Task<JsonElement> question = peer.AskAsync("waitForLength", new { core = "notes", length = 1 });
        Task<JsonElement> wait = peer.WaitForAsync("append");
        peer.Kill();

        await Assert.ThrowsAsync<NodePeerException>(() => question);
        NodePeerException end = await Assert.ThrowsAsync<NodePeerException>(() => wait);
        Assert.Contains("it has ended", end.Message, StringComparison.Ordinal);
    }

    [NodeFact]
    public async Task A_script_that_does_not_start_shows_its_standard_error()
    {
        NodePeerException failure = await Assert.ThrowsAsync<NodePeerException>(() => NodePeer.StartAsync("no-such-script.js"));
        Assert.Contains("Cannot find module", failure.Message, StringComparison.Ordinal);
    }

    private static string Expected(uint seed, uint count, int size)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (uint i = 0; i < count; i++)
        {
            hash.AppendData(NodePeer.Pattern(seed, i, size));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
