using System.Net;
using System.Net.Sockets;
using System.Text;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon.Tests;

/// <summary>What one caller may ask of the API, and that others don't notice.</summary>
public class LimitTests
{
    [Fact]
    public async Task A_body_that_is_too_large_is_refused_before_it_is_read()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { MaxAppendBytes = 10_000, MaxJsonBytes = 2000 });
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        string append = await server.SpeakAsync(
            "POST /v1/feeds/notes/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 10001\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413", append, StringComparison.Ordinal);
        string open = await server.SpeakAsync(
            "POST /v1/feeds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2001\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413", open, StringComparison.Ordinal);
        Assert.Equal(0UL, feed.Length);
    }

    [Fact]
    public async Task A_body_without_a_length_is_cut_off_at_the_limit()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { MaxAppendBytes = 10_000 });
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        string chunk = $"1000\r\n{new string('x', 0x1000)}\r\n";
        string answer = await server.SpeakAsync(
            "POST /v1/feeds/notes/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + string.Concat(Enumerable.Repeat(chunk, 4)));
        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
        Assert.Equal(0UL, feed.Length);
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_cut_off()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { MinBytesPerSecond = 10_000, SlowGrace = TimeSpan.FromSeconds(1.1) });
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        string answer = await server.SpeakAsync(
            "POST /v1/feeds/notes/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nabc");
        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Equal(0UL, feed.Length);
    }

    [Fact]
    public async Task A_caller_that_does_not_finish_its_request_is_cut_off()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { HeaderTimeout = TimeSpan.FromSeconds(1) });
        string answer = await server.SpeakAsync("GET /v1/node HTTP/1.1\r\nHost: loc");
        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hundred_slow_callers_do_not_hold_up_others()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        byte[] block = new byte[64 << 10];
        for (int i = 0; i < 64; i++)
        {
            await feed.AppendAsync(block);
        }

        // They ask for 4 MiB, or for what the node does now, and take nothing; they send the first byte of a body, or half of a head, and no more.
        string[] ways =
        [
            "GET /v1/feeds/notes/bytes HTTP/1.1\r\nHost: localhost\r\n\r\n",
            $"GET {ApiRoutes.StatusEvents} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "POST /v1/feeds/notes/blocks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\na",
            "GET /v1/node HTTP/1.1\r\nHost: loc",
        ];
        var slow = new List<Socket>();
        try
        {
            for (int i = 0; i < 100; i++)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                slow.Add(socket);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.Api.SocketPath));
                await socket.SendAsync(Encoding.Latin1.GetBytes(ways[i % ways.Length]));
            }

            for (int i = 0; i < 20; i++)
            {
                using HttpResponseMessage answer = await server.PostAsync("/v1/feeds/notes/blocks", [1], "application/octet-stream");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }

            Assert.Equal(64UL + 20, feed.Length);
        }
        finally
        {
            slow.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task More_streams_than_allowed_are_refused_and_a_closed_one_makes_room()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { MaxStreams = 1 });
        HttpResponseMessage first = await server.Http.GetAsync(ApiRoutes.StatusEvents, HttpCompletionOption.ResponseHeadersRead);
        using HttpResponseMessage second = await server.Http.GetAsync(ApiRoutes.StatusEvents, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(ApiCodes.Busy, (await Server.ProblemOfAsync(second)).Code);
        first.Dispose();
        HttpStatusCode third;
        do
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(ApiRoutes.StatusEvents, HttpCompletionOption.ResponseHeadersRead);
            third = answer.StatusCode;
        }
        while (third == HttpStatusCode.ServiceUnavailable);

        Assert.Equal(HttpStatusCode.OK, third);
    }

    [Fact]
    public async Task A_WebSocket_that_nobody_reads_is_cut_off_and_makes_room()
    {
        await using Server server = await Server.StartAsync(
            new ApiOptions { MaxStreams = 1, SlowGrace = TimeSpan.FromSeconds(1.1), MinBytesPerSecond = 1 << 20 });
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        byte[] block = new byte[64 << 10];
        for (int i = 0; i < 64; i++)
        {
            await feed.AppendAsync(block);
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.Api.SocketPath));
        await socket.SendAsync(Encoding.Latin1.GetBytes(
            "GET /v1/feeds/notes/socket?binary=true HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));
        byte[] head = new byte[12];
        await socket.ReceiveAsync(head);
        Assert.Equal("HTTP/1.1 101", Encoding.Latin1.GetString(head));

        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        HttpStatusCode other;
        do
        {
            await Task.Delay(20, deadline.Token);
            using HttpResponseMessage answer = await server.Http.GetAsync(
                ApiRoutes.StatusEvents, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            other = answer.StatusCode;
        }
        while (other == HttpStatusCode.ServiceUnavailable);

        Assert.Equal(HttpStatusCode.OK, other);
    }
}
