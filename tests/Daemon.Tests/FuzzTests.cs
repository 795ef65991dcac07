using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using HyperActors.Actors;
using HyperActors.Api;
using Xunit.Abstractions;

namespace HyperActors.Daemon.Tests;

/// <summary>Ten thousand calls of somebody who has read the list of endpoints and nothing else.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const int Calls = 10_000;

    private static readonly string[] Words =
    [
        "notes", "nothing", "0", "1", "-1", "18446744073709551615", "18446744073709551616", "%00", "%2e%2e", "..%2f..", "%ff", "💥", "a b",
        "ybndrfg8ejkmcpqxot1uwisza345h769ybndrfg8ejkmcpqxot1u", new('0', 64), new('x', 5000), "?", "{feed}", "true", "null",
    ];

    private static readonly string[] Bodies =
    [
        "", "{}", "[]", "null", "{", "\"", "0", "{\"name\":\"notes\"}", "{\"name\":\"../x\"}", "{\"name\":5}", "{\"key\":\"00\"}", "{\"blocks\":[{\"text\":\"a\"}]}",
        "{\"blocks\":[null]}", "{\"length\":-1}", "{\"length\":18446744073709551615}", "{\"from\":5,\"to\":1}", "{\"from\":0,\"to\":0}", "{\"topic\":\"x\"}",
        "{\"feed\":\"notes\"}", "{\"seed\":true,\"download\":true}", "{\"seed\":1}", "{\"host\":\"\",\"port\":0}", "{\"host\":\"a b\",\"port\":99999}",
        "{\"address\":\"x\"}", "{\"publicKey\":\"x\",\"action\":\"ban\"}", "{\"text\":\"v\"}", "{\"base64\":\"%\"}", "{\"sequence\":1,\"seed\":\"AA==\",\"text\":\"v\"}",
        "{\"log.level\":\"loud\"}", "{\"suspended\":null}", "{\"local\":\"x\",\"localId\":1,\"remote\":\"y\",\"remoteId\":2}", "\u0000\u0001",
    ];

    private static readonly string[] Media =
        ["application/json", "application/octet-stream", BlockFrames.ContentType, "text/plain", "application/json; charset=utf-7", "x"];

    private static readonly string[] Queries =
        ["", "?", "?wait=true", "?wait=5", "?from=1", "?from=x&to=1", "?live=true", "?cells=5", "?cells=-5", "?offset=0", "?minSequence=x", "?binary=true"];

    [Fact]
    public async Task The_node_survives_ten_thousand_random_calls()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        await using Server server = await Server.StartAsync(
            new ApiOptions { MaxAppendBytes = 100_000, MaxJsonBytes = 20_000 }, new FakeSwarm());
        await using Feed feed = await server.Node.OpenFeedAsync("kept");
        await feed.AppendAsync("untouched"u8.ToArray());
        string[] paths = [.. server.Api.Endpoints.Select(e => e.Path).Distinct(StringComparer.Ordinal), "/", "/x", "/v1"];
        string[] methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"];

        // Four callers, each with a chance of its own.
        int answered = 0;
        string[] faults = (await Task.WhenAll(Enumerable.Range(0, 4).Select(async caller =>
        {
            var random = new Random(seed + caller);
            var wrong = new List<string>();
            for (int i = 0; i < Calls / 4; i++)
            {
                if (await CallAsync(server, random, Pick(random, methods), Pick(random, paths), () => Interlocked.Increment(ref answered)) is { } fault)
                {
                    wrong.Add(fault);
                }
            }

            return wrong;
        }))).SelectMany(f => f).ToArray();

        output.WriteLine($"{answered} of {Calls} were answered");
        Assert.True(faults.Length == 0, string.Join('\n', faults.Take(20)));
        Assert.True(answered > Calls / 2, $"no more than {answered} calls were answered: the others prove nothing");
        Assert.Equal("healthy", (await server.GetJsonAsync(ApiRoutes.Ready)).GetProperty("status").GetString());
        Assert.Equal("untouched", await server.Http.GetStringAsync("/v1/feeds/kept/blocks/0"));
    }

    [Fact]
    public async Task What_is_no_HTTP_costs_its_caller_the_connection_and_nobody_else_anything()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0, HeaderTimeout = TimeSpan.FromSeconds(1), SlowGrace = TimeSpan.FromSeconds(1.1) });
        string good = $"POST /v1/feeds HTTP/1.1\r\nHost: localhost:{server.Api.Port}\r\nAuthorization: Bearer {server.Token}\r\n"
            + "Content-Type: application/json\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{\"name\":\"notes\"} ";
        await Task.WhenAll(Enumerable.Range(0, 300).Select(async _ =>
        {
            char[] bytes = good.ToCharArray();
            for (int wrong = random.Next(1, 8); wrong > 0; wrong--)
            {
                bytes[random.Next(bytes.Length)] = (char)random.Next(256);
            }

            try
            {
                await server.SpeakAsync(new string(bytes, 0, random.Next(bytes.Length / 2, bytes.Length + 1)), overTcp: true);
            }
            catch (IOException)
            {
                // Cut off with some of it unread.
            }
        }));
        Assert.StartsWith("HTTP/1.1 200", await server.SpeakAsync(good, overTcp: true), StringComparison.Ordinal);
        Assert.Equal("healthy", (await server.GetJsonAsync(ApiRoutes.Ready)).GetProperty("status").GetString());
    }

    /// <returns>What is wrong with the answer; null for one that is as it should be.</returns>
    private static async Task<string?> CallAsync(Server server, Random random, string method, string path, Action answered)
    {
        while (path.Contains('{', StringComparison.Ordinal))
        {
            int start = path.IndexOf('{', StringComparison.Ordinal);
            int end = path.IndexOf('}', StringComparison.Ordinal);
            path = string.Concat(path.AsSpan(0, start), Uri.EscapeDataString(Pick(random, Words)), path.AsSpan(end + 1));
        }

        using var request = new HttpRequestMessage(new HttpMethod(method), path + Pick(random, Queries));
        if (method is not ("GET" or "HEAD" or "TRACE"))
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Pick(random, Bodies)));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", Pick(random, Media));
        }

        if (random.Next(5) == 0)
        {
            request.Headers.TryAddWithoutValidation("Range", Pick(random, ["bytes=0-", "bytes=9-1", "bytes=-0", "x", "bytes=0-1,3-4"]));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(BlockFrames.ContentType));
            request.Headers.TryAddWithoutValidation("Last-Event-ID", Pick(random, Words[..7]));
        }

        // What waits for ever is left after a moment.
        using var leave = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        try
        {
            using HttpResponseMessage answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
            answered();
            if (answer.IsSuccessStatusCode || method == "HEAD")
            {
                return answer.StatusCode == HttpStatusCode.InternalServerError ? $"{method} {path}: {answer.StatusCode}" : null;
            }

            string text = await answer.Content.ReadAsStringAsync(leave.Token);
            if (answer.Content.Headers.ContentType?.MediaType != ApiProblem.ContentType)
            {
                // What is no HTTP never reaches the API.
                return answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestUriTooLong ? null : $"{method} {path}: {answer.StatusCode} {text}";
            }

            ApiProblem problem = JsonSerializer.Deserialize(text, ApiJson.Default.ApiProblem)!;
            return problem.Code == ApiCodes.Internal ? $"{method} {path}: {text}" : null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (HttpRequestException)
        {
            // A refused body closes the connection, maybe before all of it was sent.
            return null;
        }
    }

    private static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
