using System.Net;
using System.Net.Http.Headers;
using HyperActors.Api;

namespace HyperActors.Daemon.Tests;

/// <summary>Who may call, and who may not.</summary>
public class GuardTests
{
    [Fact]
    public async Task Nobody_but_the_owner_can_open_the_socket_and_the_token()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Mine, File.GetUnixFileMode(server.Api.SocketPath));
        Assert.Equal(Mine, File.GetUnixFileMode(Path.Combine(server.Folder, TokenFile.Name)));
        Assert.Equal(64, server.Token.Length);
    }

    [Fact]
    public async Task Without_a_port_there_is_none_and_no_token()
    {
        await using Server server = await Server.StartAsync();
        Assert.Null(server.Api.Port);
        Assert.False(File.Exists(Path.Combine(server.Folder, TokenFile.Name)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Basic abc")]
    [InlineData("Bearer ")]
    public async Task Over_TCP_a_caller_without_the_token_is_refused(string? authorization)
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Api.Port}") };
        using var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Node);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.Equal(ApiCodes.Unauthorized, (await Server.ProblemOfAsync(answer)).Code);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Over_TCP_the_token_opens_everything_and_health_needs_none()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        using var http = new HttpClient { BaseAddress = new Uri($"http://localhost:{server.Api.Port}") };
        Assert.Equal("""{"status":"healthy","detail":null}""", await http.GetStringAsync(ApiRoutes.Ready));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Token);
        Assert.Contains(server.Node.PublicKey.ToString(), await http.GetStringAsync(ApiRoutes.Node), StringComparison.Ordinal);
    }

    // A page of attacker.example whose name suddenly means 127.0.0.1 still sends its own name.
    [Theory]
    [InlineData("attacker.example")]
    [InlineData("attacker.example:PORT")]
    [InlineData("127.0.0.1:1")]
    [InlineData("127.0.0.1.attacker.example:PORT")]
    [InlineData("localhost")]
    [InlineData("")]
    public async Task A_host_that_is_not_this_machine_is_refused_even_with_the_token(string host)
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        host = host.Replace("PORT", $"{server.Api.Port}", StringComparison.Ordinal);
        string answer = await server.SpeakAsync(
            $"GET /v1/node HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {server.Token}\r\nConnection: close\r\n\r\n", overTcp: true);
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Node.PublicKey.ToString(), answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Origin: https://attacker.example")]
    [InlineData("Origin: null")]
    [InlineData("Origin: http://localhost:1")]
    [InlineData("Origin: https://localhost:PORT")]
    [InlineData("Sec-Fetch-Site: cross-site")]
    [InlineData("Sec-Fetch-Site: same-site")]
    public async Task A_page_of_another_site_is_refused_even_with_the_token(string header)
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        header = header.Replace("PORT", $"{server.Api.Port}", StringComparison.Ordinal);
        string answer = await server.SpeakAsync(
            $"POST /v1/node/stop HTTP/1.1\r\nHost: localhost:{server.Api.Port}\r\nAuthorization: Bearer {server.Token}\r\n"
            + $"{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            overTcp: true);
        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.False(server.Stopped.Task.IsCompleted);
    }

    [Fact]
    public async Task The_page_of_the_node_itself_may_call()
    {
        await using Server server = await Server.StartAsync(new ApiOptions { Port = 0 });
        string answer = await server.SpeakAsync(
            $"POST /v1/node/stop HTTP/1.1\r\nHost: localhost:{server.Api.Port}\r\nAuthorization: Bearer {server.Token}\r\n"
            + $"Origin: http://localhost:{server.Api.Port}\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            overTcp: true);
        Assert.StartsWith("HTTP/1.1 202", answer, StringComparison.Ordinal);
        await server.Stopped.Task.WaitAsync(Server.Deadline);
    }

    // What a form of another site can send without asking first.
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    public async Task A_body_that_a_form_can_send_is_refused(string media)
    {
        await using Server server = await Server.StartAsync();
        await server.Node.OpenFeedAsync("notes");
        foreach (string path in new[] { "/v1/feeds", "/v1/feeds/notes/blocks", "/v1/swarm/topics" })
        {
            using HttpResponseMessage answer = await server.PostAsync(path, """{"name":"other"}"""u8.ToArray(), media);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        }

        Assert.Single(await server.Node.ListFeedsAsync());
    }

    [Fact]
    public async Task Every_answer_tells_browsers_to_keep_to_themselves()
    {
        await using Server server = await Server.StartAsync();
        foreach (string path in new[] { "/v1/node", "/v1/nothing", "/health/live" })
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(path);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
            Assert.False(answer.Headers.Contains("Server"));
        }
    }
}
