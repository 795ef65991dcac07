using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using HyperActors.Actors;
using HyperActors.Api;

namespace HyperActors.Daemon.Tests;

/// <summary>Feeds over HTTP, as any program sees them.</summary>
public class FeedApiTests
{
    [Fact]
    public async Task A_feed_is_made_appended_to_and_read_in_JSON()
    {
        await using Server server = await Server.StartAsync();
        HttpResponseMessage made = await server.PostAsync("/v1/feeds", """{"name":"notes"}""");
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);

        HttpResponseMessage appended = await server.PostAsync(
            "/v1/feeds/notes/blocks", """{"blocks":[{"text":"one"},{"base64":"AAE="},{"json":{"a":[1,2]}}]}""");
        var result = JsonSerializer.Deserialize<JsonElement>(await appended.Content.ReadAsStringAsync());
        Assert.Equal(3, result.GetProperty("feed").GetProperty("length").GetInt32());

        JsonElement blocks = await server.GetJsonAsync("/v1/feeds/notes/blocks");
        Assert.Equal(
            ["one", "\0\x01", """{"a":[1,2]}"""],
            blocks.EnumerateArray().Select(b => Encoding.UTF8.GetString(b.GetProperty("base64").GetBytesFromBase64())));
        Assert.Equal("one", await server.Http.GetStringAsync("/v1/feeds/notes/blocks/0"));
        Assert.Equal(1, (await server.GetJsonAsync("/v1/feeds")).GetArrayLength());
        Assert.Equal(3UL, (await server.GetJsonAsync("/v1/store")).GetProperty("blocks").GetUInt64());
    }

    [Fact]
    public async Task Bytes_are_appended_as_one_block_and_frames_as_many()
    {
        await using Server server = await Server.StartAsync();
        await server.PostAsync("/v1/feeds", """{"name":"notes"}""");
        await server.PostAsync("/v1/feeds/notes/blocks", [1, 2, 3], "application/octet-stream");
        byte[] frames = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        HttpResponseMessage appended = await server.PostAsync("/v1/feeds/notes/blocks", frames, BlockFrames.ContentType);
        Assert.Equal(HttpStatusCode.OK, appended.StatusCode);
        Assert.Equal([1, 2, 3], await server.Http.GetByteArrayAsync("/v1/feeds/notes/blocks/0"));
        Assert.Equal([9], await server.Http.GetByteArrayAsync("/v1/feeds/notes/blocks/1"));
        Assert.Empty(await server.Http.GetByteArrayAsync("/v1/feeds/notes/blocks/2"));
    }

    [Fact]
    public async Task A_range_of_bytes_is_cut_out_of_the_blocks_that_hold_it()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        byte[] all = new byte[5000];
        new Random(1).NextBytes(all);
        await feed.AppendAsync([all.AsMemory(0, 100), all.AsMemory(100, 0), all.AsMemory(100, 3000), all.AsMemory(3100)]);

        Assert.Equal(all, await server.Http.GetByteArrayAsync("/v1/feeds/notes/bytes"));
        foreach ((long? from, long? to) in new (long?, long?)[] { (0, 0), (99, 100), (100, 4999), (3100, null), (null, 7), (4990, 9999) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/feeds/notes/bytes");
            request.Headers.Range = new RangeHeaderValue(from, to);
            using HttpResponseMessage answer = await server.Http.SendAsync(request);
            int start = (int)(from ?? all.Length - to!.Value);
            int end = from is null ? all.Length : (int)Math.Min(all.Length, (to ?? all.Length) + 1);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal($"bytes {start}-{end - 1}/5000", answer.Content.Headers.ContentRange!.ToString());
            Assert.Equal(all[start..end], await answer.Content.ReadAsByteArrayAsync());
        }

        using var beyond = new HttpRequestMessage(HttpMethod.Get, "/v1/feeds/notes/bytes");
        beyond.Headers.Range = new RangeHeaderValue(5000, null);
        using HttpResponseMessage refused = await server.Http.SendAsync(beyond);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, refused.StatusCode);
        Assert.Equal("bytes */5000", refused.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task Several_ranges_come_as_parts_and_too_many_as_the_whole()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        byte[] all = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 1000).Select(i => (char)('a' + i % 26))));
        await feed.AppendAsync([all.AsMemory(0, 10), all.AsMemory(10)]);

        using HttpResponseMessage some = await GetAsync("bytes=0-3,8-12,-2,5000-");
        Assert.Equal(HttpStatusCode.PartialContent, some.StatusCode);
        string boundary = some.Content.Headers.ContentType!.Parameters.Single(p => p.Name == "boundary").Value!;
        string body = await some.Content.ReadAsStringAsync();
        Assert.Equal(body.Length, some.Content.Headers.ContentLength);
        string[] parts = [.. body.Split($"--{boundary}").Select(p => p.Trim())];
        Assert.Equal(
            [
                string.Empty,
                "Content-Type: application/octet-stream\r\nContent-Range: bytes 0-3/1000\r\n\r\nabcd",
                "Content-Type: application/octet-stream\r\nContent-Range: bytes 8-12/1000\r\n\r\nijklm",
                "Content-Type: application/octet-stream\r\nContent-Range: bytes 998-999/1000\r\n\r\n" + Encoding.ASCII.GetString(all[998..]),
                "--",
            ],
            parts);

        // More than there is, or in too many pieces: nobody is made to send a feed a hundred times.
        foreach (string greedy in new[] { "bytes=0-,0-,0-", "bytes=" + string.Join(',', Enumerable.Range(0, 40).Select(i => $"{i}-{i}")) })
        {
            using HttpResponseMessage whole = await GetAsync(greedy);
            Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
            Assert.Equal(all, await whole.Content.ReadAsByteArrayAsync());
        }

        async Task<HttpResponseMessage> GetAsync(string range)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/feeds/notes/bytes");
            request.Headers.TryAddWithoutValidation("Range", range);
            return await server.Http.SendAsync(request);
        }
    }

    [Fact]
    public async Task What_a_caller_has_already_is_not_sent_again_until_the_feed_is_another()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        await feed.AppendAsync(new byte[100]);
        using HttpResponseMessage first = await server.Http.GetAsync("/v1/feeds/notes/bytes");
        EntityTagHeaderValue tag = first.Headers.ETag!;

        Assert.Equal(HttpStatusCode.NotModified, await StatusAsync(r => r.Headers.IfNoneMatch.Add(tag)));
        Assert.Equal(HttpStatusCode.PartialContent, await StatusAsync(r => r.Headers.IfRange = new RangeConditionHeaderValue(tag)));
        await feed.AppendAsync(new byte[1]);
        Assert.Equal(HttpStatusCode.PartialContent, await StatusAsync(r => r.Headers.IfNoneMatch.Add(tag)));

        // The rest of what was another feed would not fit: all of it comes.
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(r => r.Headers.IfRange = new RangeConditionHeaderValue(tag)));

        async Task<HttpStatusCode> StatusAsync(Action<HttpRequestMessage> condition)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/feeds/notes/bytes");
            request.Headers.Range = new RangeHeaderValue(50, null);
            condition(request);
            using HttpResponseMessage answer = await server.Http.SendAsync(request);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Blocks_come_live_as_events_and_go_on_where_a_reader_stopped()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        await feed.AppendAsync(["a"u8.ToArray(), "b"u8.ToArray()]);

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/feeds/notes/live");
        request.Headers.Add("Last-Event-ID", "0");
        using HttpResponseMessage answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.Equal(["event: block", "id: 1", """data: {"index":1,"byteLength":1,"base64":"Yg=="}""", ""], await LinesAsync(reader, 4));
        await feed.AppendAsync("c"u8.ToArray());
        Assert.Equal(["event: block", "id: 2", """data: {"index":2,"byteLength":1,"base64":"Yw=="}""", ""], await LinesAsync(reader, 4));
    }

    [Fact]
    public async Task A_WebSocket_sends_blocks_and_appends_what_it_is_sent()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        await feed.AppendAsync("a"u8.ToArray());
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol($"bearer.{server.Token}");
        using var deadline = new CancellationTokenSource(Server.Deadline);
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Api.Port}/v1/feeds/notes/socket"), deadline.Token);
        Assert.Equal("""{"index":0,"byteLength":1,"base64":"YQ=="}""", await MessageAsync(socket, deadline.Token));
        await socket.SendAsync("b"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, deadline.Token);
        Assert.Equal("""{"index":1,"byteLength":1,"base64":"Yg=="}""", await MessageAsync(socket, deadline.Token));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, deadline.Token);
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task Reading_a_feed_that_is_not_there_makes_none()
    {
        await using Server server = await Server.StartAsync();
        string key = new('y', 52);
        foreach (string path in new[] { "/v1/feeds/nothing", $"/v1/feeds/{key}", "/v1/feeds/nothing/bytes", "/v1/feeds/nothing/live" })
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(path);
            Assert.Equal(ApiCodes.FeedNotFound, (await Server.ProblemOfAsync(answer)).Code);
        }

        Assert.Empty(await server.Node.ListFeedsAsync());
    }

    [Theory]
    [InlineData("/v1/feeds/notes/blocks/5", ApiCodes.NotHere)]
    [InlineData("/v1/feeds/notes/blocks/-1", ApiCodes.BadRequest)]
    [InlineData("/v1/feeds/notes/blocks/abc", ApiCodes.BadRequest)]
    [InlineData("/v1/feeds/notes/blocks/18446744073709551615", ApiCodes.OutOfRange)]
    [InlineData("/v1/feeds/notes/blocks?from=3&to=1", ApiCodes.OutOfRange)]
    [InlineData("/v1/feeds/notes/blocks?live=true", ApiCodes.BadRequest)]
    [InlineData("/v1/feeds/notes/map?cells=0", ApiCodes.OutOfRange)]
    [InlineData("/v1/feeds/notes/seek?offset=1", ApiCodes.OutOfRange)]
    [InlineData("/v1/nothing", ApiCodes.NotFound)]
    [InlineData("/v1/feeds/notes/truncate", ApiCodes.MethodNotAllowed)]
    [InlineData("/v1/feeds/notes/socket", ApiCodes.BadRequest)]
    public async Task A_request_that_makes_no_sense_is_told_so(string path, string code)
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        using HttpResponseMessage answer = await server.Http.GetAsync(path);
        Assert.Equal(code, (await Server.ProblemOfAsync(answer)).Code);
    }

    [Theory]
    [InlineData("{", ApiCodes.BadRequest)]
    [InlineData("[]", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":[]}""", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":[{}]}""", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":[{"text":"a","base64":"YQ=="}]}""", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":[{"base64":"%"}]}""", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":null}""", ApiCodes.BadRequest)]
    [InlineData("""{"blocks":[{"text":"a"}],"more":1}""", ApiCodes.BadRequest)]
    public async Task A_malformed_append_appends_nothing(string json, string code)
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        using HttpResponseMessage answer = await server.PostAsync("/v1/feeds/notes/blocks", json);
        Assert.Equal(code, (await Server.ProblemOfAsync(answer)).Code);
        Assert.Equal(0UL, feed.Length);
    }

    [Fact]
    public async Task Frames_that_lie_about_their_size_append_nothing()
    {
        await using Server server = await Server.StartAsync();
        await using Feed feed = await server.Node.OpenFeedAsync("notes");
        byte[] frames = [255, 255, 255, 127, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        using HttpResponseMessage answer = await server.PostAsync("/v1/feeds/notes/blocks", frames, BlockFrames.ContentType);
        Assert.Equal(ApiCodes.BadRequest, (await Server.ProblemOfAsync(answer)).Code);
        Assert.Equal(0UL, feed.Length);
    }

    [Theory]
    [InlineData("""{"name":""}""")]
    [InlineData("""{"name":"-x"}""")]
    [InlineData("""{"name":"a\u0000b"}""")]
    [InlineData("""{"name":"a","key":"b"}""")]
    [InlineData("""{}""")]
    [InlineData("""{"key":"not a key"}""")]
    public async Task A_feed_that_cannot_be_is_not_made(string json)
    {
        await using Server server = await Server.StartAsync();
        using HttpResponseMessage answer = await server.PostAsync("/v1/feeds", json);
        Assert.Equal(ApiCodes.BadRequest, (await Server.ProblemOfAsync(answer)).Code);
        Assert.Empty(await server.Node.ListFeedsAsync());
    }

    [Fact]
    public async Task A_feed_of_somebody_else_cannot_be_written_or_cut()
    {
        await using Server server = await Server.StartAsync();
        string key = new('y', 52);
        await server.PostAsync("/v1/feeds", $$"""{"key":"{{key}}"}""");
        using HttpResponseMessage append = await server.PostAsync($"/v1/feeds/{key}/blocks", """{"blocks":[{"text":"a"}]}""");
        Assert.Equal(ApiCodes.FeedNotWritable, (await Server.ProblemOfAsync(append)).Code);
        using HttpResponseMessage cut = await server.PostAsync($"/v1/feeds/{key}/truncate", """{"length":0}""");
        Assert.Equal(ApiCodes.FeedNotWritable, (await Server.ProblemOfAsync(cut)).Code);
    }

    [Fact]
    public async Task Names_in_any_language_stand_in_paths()
    {
        await using Server server = await Server.StartAsync();
        const string Name = "größe / 大小 ?#%";
        await server.PostAsync("/v1/feeds", JsonSerializer.Serialize(new { name = Name }));
        JsonElement feed = await server.GetJsonAsync(ApiRoutes.Of(ApiRoutes.Feed, Name));
        Assert.Equal(Name, feed.GetProperty("name").GetString());
    }

    private static async Task<string[]> LinesAsync(StreamReader reader, int count)
    {
        string[] lines = new string[count];
        for (int i = 0; i < count; i++)
        {
            lines[i] = (await reader.ReadLineAsync().WaitAsync(Server.Deadline))!;
        }

        return lines;
    }

    private static async Task<string> MessageAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[1000];
        ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, received.Count);
    }
}
