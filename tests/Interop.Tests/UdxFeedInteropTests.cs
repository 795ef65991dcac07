using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Interop.Tests;

/// <summary>Nodes of ours and secret streams of JavaScript over UDX: feeds, unordered messages, and how either side ends.</summary>
public sealed class UdxFeedInteropTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-udx-").FullName;
    private readonly CancellationTokenSource _deadline = new(Patience);
    private HyperNode _node = null!;
    private NodePeer _peer = null!;
    private int _here;
    private int _there;

    public async Task InitializeAsync()
    {
        if (NodePeer.SkipReason is not null)
        {
            return;
        }

        _here = FreePort();
        _node = await HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(_folder, "ours") });
        _peer = await NodePeer.StartAsync();
        await _peer.AskAsync("store");
        _there = (int)(await _peer.AskAsync("udxBind")).Number("port");
    }

    public async Task DisposeAsync()
    {
        if (_peer is not null)
        {
            await _node.DisposeAsync();
            await _peer.DisposeAsync();
        }

        _deadline.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_feed_is_copied_each_way(bool weServe)
    {
        await using Feed mine = await _node.OpenFeedAsync("mine", _deadline.Token);
        await mine.AppendAsync([.. Enumerable.Range(0, 300).Select(i => (ReadOnlyMemory<byte>)NodePeer.Pattern(1, (uint)i, 5000))]);
        JsonElement theirs = await _peer.AskAsync("core", new { name = "theirs" });
        await _peer.AskAsync("append", new { core = "theirs", count = 300, size = 5000, seed = 2 });
        await _peer.AskAsync("core", new { @as = "copy", key = mine.Key.ToHex() });
        await JoinAsync(weServe);

        await _peer.AskAsync("waitForLength", new { core = "copy", length = 300 }, Patience);
        await _peer.AskAsync("download", new { core = "copy", to = 300 }, Patience);
        await using Feed copy = await _node.OpenFeedAsync(FeedKey.Parse(theirs.Text("key")), _deadline.Token);
        await copy.DownloadAsync(0, 300, cancellationToken: _deadline.Token);
        for (ulong i = 0; i < 300; i += 37)
        {
            Assert.Equal(NodePeer.Pattern(2, (uint)i, 5000), (await copy.GetAsync(i, cancellationToken: _deadline.Token)).Bytes.ToArray());
            Assert.Equal(
                Convert.ToHexStringLower(NodePeer.Pattern(1, (uint)i, 5000)),
                (await _peer.AskAsync("get", new { core = "copy", index = i })).Text("block"));
        }
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Unordered_messages_pass_each_way(bool weServe)
    {
        PeerInfo peer = await JoinAsync(weServe, silent: true);
        await using IAsyncEnumerator<ConnectionEvent> events = Watch();
        ValueTask<bool> first = events.MoveNextAsync();
        _node.SendMessage(peer.ConnectionId, new byte[] { 1, 2, 255 });
        Assert.Equal("0102ff", (await _peer.WaitForAsync("unordered")).Text("hex"));
        _node.SendMessage(peer.ConnectionId, ReadOnlyMemory<byte>.Empty);
        Assert.Empty((await _peer.WaitForAsync("unordered")).Text("hex"));

        await _peer.AskAsync("udxSend", new { stream = 2, hex = "aabbcc" });
        Assert.True(await first);
        Assert.Equal([0xaa, 0xbb, 0xcc], Assert.IsType<ConnectionEvent.MessageArrived>(events.Current).Message.ToArray());
        await _peer.AskAsync("udxSend", new { stream = 2, hex = "" });
        Assert.True(await events.MoveNextAsync());
        Assert.Empty(Assert.IsType<ConnectionEvent.MessageArrived>(events.Current).Message.ToArray());
    }

    [NodeTheory]
    [InlineData(true, "end", null)]
    [InlineData(false, "end", null)]
    [InlineData(true, "destroy", "the peer aborted the stream")]
    public async Task How_JavaScript_ends_is_told(bool weServe, string how, string? reason)
    {
        await JoinAsync(weServe, silent: true);
        await using IAsyncEnumerator<ConnectionEvent> events = Watch();
        ValueTask<bool> next = events.MoveNextAsync();
        await _peer.AskAsync(string.Equals(how, "end", StringComparison.Ordinal) ? "udxEnd" : "udxDestroy", new { stream = 2 });
        Assert.True(await next);
        Assert.Equal(reason, Assert.IsType<ConnectionEvent.Closed>(events.Current).Reason);
        await _peer.WaitForAsync("stream-close");
    }

    [NodeTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Our_end_is_orderly_over_there(bool weServe)
    {
        await JoinAsync(weServe, silent: true);
        await _node.DisposeAsync();
        await _peer.WaitForAsync("stream-close");
        Assert.Empty(_peer.EventsSoFar("stream-error"));
    }

    // The serving stream has the id 1 on our side and 2 over there, whoever speaks first.
    private async Task<PeerInfo> JoinAsync(bool weServe, bool silent = false)
    {
        var route = new UdxRoute(new IPEndPoint(IPAddress.Loopback, _here), 1, new IPEndPoint(IPAddress.Loopback, _there), 2);
        ValueTask<PeerInfo> joining = weServe ? _node.AcceptUdxAsync(route, _deadline.Token) : _node.ConnectUdxAsync(route, _deadline.Token);
        await _peer.AskAsync("udxReplicate", new { stream = 2, remoteId = 1, port = _here, isInitiator = weServe, silent });
        PeerInfo peer = await joining;
        JsonElement connected = await _peer.WaitForAsync("connected");
        Assert.Equal(_node.PublicKey.ToArray(), connected.Hex("remotePublicKey"));
        return peer;
    }

    private IAsyncEnumerator<ConnectionEvent> Watch() => _node.WatchConnectionsAsync(_deadline.Token).GetAsyncEnumerator(_deadline.Token);

    private static int FreePort()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }
}
