using System.Net;
using System.Text.Json;
using HyperActors.Actors;
using HyperActors.TestKit;
using HyperActors.Udx;

namespace HyperActors.Interop.Tests;

/// <summary>Our streams against those of udx-native, over real sockets and a link that misbehaves.</summary>
public sealed class UdxInteropTests
{
    private const long Size = 64L * 1024 * 1024;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(4);

    public static TheoryData<string, double, double> Links() => new()
    {
        { "no loss", 0, 0 },
        { "loss of 1 in 100", 0.01, 0 },
        { "loss of 5 in 100", 0.05, 0 },
        { "loss of 20 in 100", 0.2, 0 },
        { "reordering", 0, 0.05 },
    };

    [NodeTheory]
    [MemberData(nameof(Links))]
    public async Task Sixty_four_megabytes_arrive_each_way(string link, double loss, double reordering)
    {
        Assert.NotEmpty(link);
        var settings = new LinkSettings
        {
            Delay = TimeSpan.FromMilliseconds(2),
            Loss = loss,
            Reordering = reordering,
            ReorderDelay = TimeSpan.FromMilliseconds(3),
        };
        await using NodePeer js = await NodePeer.StartAsync("udx.js");
        using UdxSide ours = UdxSide.Open();
        using var emulator = new UdpLink(settings, settings, seed: 1);
        ulong port = (await js.AskAsync("bind")).Number("port");
        emulator.Join(ours.Address, new IPEndPoint(IPAddress.Loopback, (int)port));
        UdxPeerStream stream = ours.Connect(1, 2, emulator.FacingLeft);
        await js.AskAsync("open", new { stream = 2, remoteId = 1, port = emulator.FacingRight.Port });

        Task<JsonElement> theirs = js.AskAsync("write", new { stream = 2, seed = 5, bytes = Size }, _patience);
        string sent = await stream.WriteAsync(seed: 6, Size);
        stream.Connection.End();
        JsonElement heard = await js.WaitForAsync("end", patience: _patience);
        Assert.Equal((ulong)Size, heard.Number("received"));
        Assert.Equal(sent, heard.Text("sha256"));

        JsonElement written = await theirs;
        await js.AskAsync("end", new { stream = 2 });
        await stream.RemoteEnded;
        Assert.Equal(Size, stream.Received);
        Assert.Equal(written.Text("sha256"), stream.Digest);
        Assert.Equal(UdxCloseReason.Ended, await stream.Closed);
        await js.WaitForAsync("close");
        Assert.True(loss.Equals(0) || emulator.Dropped > 0);
    }

    [NodeTheory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_stream_of_each_side_finds_a_server_that_knows_its_address_from_the_first_packet(string host)
    {
        await using NodePeer js = await NodePeer.StartAsync("udx.js");
        using UdxSide ours = UdxSide.Open(host: host);
        int port = (int)(await js.AskAsync("bind", new { host })).Number("port");
        var there = new IPEndPoint(IPAddress.Parse(host), port);

        await js.AskAsync("open", new { stream = 2, remoteId = 1, waits = true, echo = true });
        UdxPeerStream client = ours.Connect(1, 2, there);
        string sent = await client.WriteAsync(seed: 1, 100_000);
        client.Connection.End();
        Assert.Equal(UdxCloseReason.Ended, await client.Closed);
        Assert.Equal(sent, client.Digest);

        var server = new UdxPeerStream(echoes: true);
        server.Connection = ours.Hub.Open(3, server, (stream, socket, from) =>
        {
            stream.Connect(socket, 4, from);
            return true;
        })!;
        await js.AskAsync("open", new { stream = 4, remoteId = 3, port = ours.Address.Port, host });
        JsonElement written = await js.AskAsync("write", new { stream = 4, seed = 2, bytes = 100_000 });
        await js.AskAsync("end", new { stream = 4 });
        JsonElement heard = await js.WaitForAsync("end", e => e.Number("stream") == 4);
        Assert.Equal(written.Text("sha256"), heard.Text("sha256"));
        Assert.Equal(UdxCloseReason.Ended, await server.Closed);
    }

    [NodeFact]
    public async Task An_abort_from_either_side_resets_the_other()
    {
        await using NodePeer js = await NodePeer.StartAsync("udx.js");
        using UdxSide ours = UdxSide.Open();
        var there = new IPEndPoint(IPAddress.Loopback, (int)(await js.AskAsync("bind")).Number("port"));
        UdxPeerStream first = ours.Connect(1, 1, there);
        UdxPeerStream second = ours.Connect(2, 2, there);
        await js.AskAsync("open", new { stream = 1, remoteId = 1, port = ours.Address.Port });
        await js.AskAsync("open", new { stream = 2, remoteId = 2, port = ours.Address.Port });
        first.Connection.Destroy();
        JsonElement error = await js.WaitForAsync("error");
        Assert.Equal((1UL, "ECONNRESET"), (error.Number("stream"), error.Text("code")));
        await js.AskAsync("destroy", new { stream = 2 });
        Assert.Equal(UdxCloseReason.Reset, await second.Closed);
        Assert.Equal(UdxCloseReason.Destroyed, await first.Closed);
    }

    [NodeFact]
    public async Task Messages_pass_and_heartbeats_are_answered_both_ways()
    {
        await using NodePeer js = await NodePeer.StartAsync("udx.js");
        using UdxSide ours = UdxSide.Open();
        var there = new IPEndPoint(IPAddress.Loopback, (int)(await js.AskAsync("bind")).Number("port"));
        UdxPeerStream stream = ours.Connect(1, 2, there);
        await js.AskAsync("open", new { stream = 2, remoteId = 1, port = ours.Address.Port });
        await js.AskAsync("message", new { stream = 2, hex = "0102ff" });
        Assert.Equal("0102ff", Convert.ToHexStringLower(await ReadMessageAsync(stream)));
        await js.AskAsync("message", new { stream = 2, hex = "" });
        Assert.Empty(await ReadMessageAsync(stream));
        Assert.True(stream.Connection.SendMessage([9, 8, 7]));
        Assert.Equal("090807", (await js.WaitForAsync("message")).Text("hex"));

        // Each heartbeat is a packet, and so is its answer.
        stream.Connection.SetKeepalive(TimeSpan.FromMilliseconds(20));
        await WaitForPacketsAsync(js, 5);
        stream.Connection.SetKeepalive(null);
        await js.AskAsync("keepalive", new { stream = 2, milliseconds = 20 });
        ulong before = (await js.AskAsync("state", new { stream = 2 })).Number("packetsReceived");
        await WaitForPacketsAsync(js, before + 5);
    }

    [NodeFact]
    public async Task A_thousand_streams_share_one_socket()
    {
        const int count = 1000;
        await using NodePeer js = await NodePeer.StartAsync("udx.js");
        using UdxSide ours = UdxSide.Open();
        var there = new IPEndPoint(IPAddress.Loopback, (int)(await js.AskAsync("bind")).Number("port"));
        await js.AskAsync("openMany", new { count, port = ours.Address.Port, echo = true });
        UdxPeerStream[] streams = [.. Enumerable.Range(1, count).Select(id => ours.Connect((uint)id, (uint)id, there))];
        string[] sent = await Task.WhenAll(streams.Select((s, i) => s.WriteAsync((uint)i, 5000 + i)));
        foreach (UdxPeerStream stream in streams)
        {
            stream.Connection.End();
        }

        UdxCloseReason[] reasons = await Task.WhenAll(streams.Select(s => s.Closed));
        Assert.All(reasons, r => Assert.Equal(UdxCloseReason.Ended, r));
        Assert.Equal(sent, streams.Select(s => s.Digest), StringComparer.Ordinal);
        Assert.Equal(0, ours.Hub.Count);
    }

    private static async Task<byte[]> ReadMessageAsync(UdxPeerStream stream) =>
        await stream.Messages.Reader.ReadAsync().AsTask().WaitAsync(NodePeer.DefaultPatience);

    private static async Task WaitForPacketsAsync(NodePeer js, ulong count)
    {
        using var deadline = new CancellationTokenSource(NodePeer.DefaultPatience);
        while ((await js.AskAsync("state", new { stream = 2 })).Number("packetsReceived") < count)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
