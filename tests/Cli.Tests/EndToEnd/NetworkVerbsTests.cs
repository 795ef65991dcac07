using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>Real processes that meet in a DHT on loopback: one process runs its nodes, the others ask, serve and download.</summary>
public sealed class NetworkVerbsTests : IAsyncLifetime
{
    private readonly Sandbox _sandbox = new();
    private RunningCli _dht = null!;
    private string[] _network = null!;

    public async Task InitializeAsync()
    {
        _dht = _sandbox.Start("dht", "--bootstrapper", "--host", "127.0.0.1", "--port", "0", "--nodes", "4", "--json");
        string first = (await _dht.ReadLineAsync())!;
        string address = JsonDocument.Parse(first).RootElement.GetProperty("address").GetString()!;
        _network = ["--bootstrap", address, "--host", "127.0.0.1"];
        string line;
        do
        {
            line = (await _dht.ReadLineAsync())!;
        }
        while (!line.Contains("\"ready\"", StringComparison.Ordinal));
        Assert.Equal("""{"event":"ready","nodes":4}""", line);
    }

    public Task DisposeAsync()
    {
        _sandbox.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_feed_is_served_and_downloaded_by_its_topic_alone()
    {
        byte[] content = new byte[500_000];
        new Random(5).NextBytes(content);
        string key = (await _sandbox.OkAsync("feed", "create", "notes")).Trim();
        await _sandbox.OkAsync("feed", "append", "notes", _sandbox.Write("content", content));
        RunningCli serving = _sandbox.Start(["feed", "serve", .. _network, "--port", "0"]);
        Assert.StartsWith("127.0.0.1:", await serving.ReadLineAsync(), StringComparison.Ordinal);

        _sandbox.Storage = _sandbox.In("copy");
        await _sandbox.OkAsync(["feed", "download", key, "--timeout", "40s", .. _network]);

        Outcome copy = await _sandbox.RunAsync("feed", "cat", key);
        Assert.Equal(content, copy.Bytes);
        serving.Signal(PosixSignalNumber.Interrupt);
        Assert.Equal(ExitCode.Ok, (await serving.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task What_is_put_is_there_for_others_and_what_is_announced_until_it_ends()
    {
        string key = (await _sandbox.OkAsync(["dht", "put", "hello", .. _network])).Trim();
        Assert.Equal("hello", await _sandbox.OkAsync(["dht", "get", key, .. _network]));

        string seed = _sandbox.In("me.seed");
        string mine = (await _sandbox.OkAsync(["dht", "put", "one", "--keys", seed, .. _network])).Trim();
        Assert.Equal(mine, (await _sandbox.OkAsync(["dht", "put", "two", "--keys", seed, .. _network])).Trim());
        Assert.Contains("\"sequence\":2", await _sandbox.OkAsync(["dht", "get", mine, "--mutable", "--json", .. _network]), StringComparison.Ordinal);

        RunningCli announcing = _sandbox.Start(["dht", "announce", "our chat", "--keys", seed, .. _network]);
        Assert.StartsWith(mine, await announcing.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Contains(mine, await _sandbox.OkAsync(["dht", "lookup", "our chat", .. _network]), StringComparison.Ordinal);
        announcing.Signal(PosixSignalNumber.Interrupt);
        Assert.Equal(ExitCode.Ok, (await announcing.EndAsync()).ExitCode);
        Assert.Equal(ExitCode.NotFound, (await _sandbox.RunAsync(["dht", "lookup", "our chat", .. _network])).ExitCode);
    }

    [Fact]
    public async Task Peers_at_a_topic_see_each_other_come_and_go()
    {
        RunningCli one = _sandbox.Start(["swarm", "join", "our chat", "--json", .. _network, "--port", "0"]);
        string joined = (await one.ReadLineAsync())!;
        string oneKey = JsonDocument.Parse(joined).RootElement.GetProperty("publicKey").GetString()!;
        _sandbox.Storage = _sandbox.In("two");
        RunningCli two = _sandbox.Start(["swarm", "join", "our chat", "--json", .. _network, "--port", "0"]);

        string seen;
        do
        {
            seen = (await two.ReadLineAsync())!;
        }
        while (!seen.Contains("\"connected\"", StringComparison.Ordinal));
        Assert.Contains(oneKey, seen, StringComparison.Ordinal);
        Assert.Contains("\"connected\"", await one.ReadLineAsync(), StringComparison.Ordinal);

        two.Signal(PosixSignalNumber.Interrupt);
        Assert.Equal(ExitCode.Ok, (await two.EndAsync()).ExitCode);
        Assert.Contains("\"left\"", await one.ReadLineAsync(), StringComparison.Ordinal);
        one.Signal(PosixSignalNumber.Interrupt);
        Assert.Equal(ExitCode.Ok, (await one.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_daemon_stopped_while_it_writes_takes_its_announcement_back_and_keeps_what_it_acknowledged()
    {
        RunningCli daemon = _sandbox.Start(
            "daemon", "--json", "-a", "127.0.0.1:0", "-b", _network[1], "--set", "node.network.usesLocalDiscovery=false");
        JsonElement ready = JsonDocument.Parse((await daemon.ReadLineAsync())!).RootElement;
        using HttpClient http = DaemonTests.Http(ready.GetProperty("socket").GetString()!);
        string topic = (await DoAsync(http.PostAsync("/v1/feeds", Json("""{"name":"notes"}""")))).GetProperty("discoveryKey").GetString()!;
        await DoAsync(http.PutAsync("/v1/feeds/notes/keep", Json("""{"seed":true,"download":false}""")));
        await DoAsync(http.PostAsync("/v1/swarm/flush", null));
        Assert.Contains(
            ready.GetProperty("publicKey").GetString()!, await _sandbox.OkAsync(["dht", "lookup", topic, .. _network]), StringComparison.Ordinal);

        var enough = new TaskCompletionSource();
        Task<int> writing = WriteAsync(http, enough);
        await enough.Task.WaitAsync(Sandbox.Deadline);
        daemon.Signal(PosixSignalNumber.Terminate);
        (int exitCode, string error) = await daemon.ExitAsync();
        Assert.True(exitCode == ExitCode.Ok, error);
        int acknowledged = await writing.WaitAsync(Sandbox.Deadline);

        Assert.Equal(ExitCode.NotFound, (await _sandbox.RunAsync(["dht", "lookup", topic, .. _network])).ExitCode);
        string[] blocks = (await _sandbox.OkAsync("feed", "cat", "notes")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(blocks.Length, acknowledged, acknowledged + 1);
        Assert.Equal(Enumerable.Range(0, blocks.Length).Select(i => i.ToString(CultureInfo.InvariantCulture)), blocks);
    }

    [Fact]
    public async Task A_relay_keeps_its_key_and_is_found_by_it()
    {
        string seed = _sandbox.In("relay.seed");
        string? key = null;
        for (int life = 0; life < 2; life++)
        {
            RunningCli relay = _sandbox.Start(
                ["dht", "--relay", "--persistent", "--keys", seed, "--json", "--bootstrap", _network[1], "-a", "127.0.0.1:0"]);
            string shown = JsonDocument.Parse((await relay.ReadLineAsync())!).RootElement.GetProperty("relayKey").GetString()!;
            Assert.Equal(key ?? shown, shown);
            key = shown;
            Outcome found;
            int tries = 0;
            do
            {
                found = await _sandbox.RunAsync(["dht", "find", key, .. _network]);
            }
            while (found.ExitCode == ExitCode.NotFound && ++tries < 10);
            Assert.Equal(ExitCode.Ok, found.ExitCode);
            relay.Signal(PosixSignalNumber.Interrupt);
            Assert.Equal(ExitCode.Ok, (await relay.EndAsync()).ExitCode);
        }

        Assert.Equal(ExitCode.Usage, (await _sandbox.RunAsync(["swarm", "join", "x", "--relay-through", "nobody", .. _network])).ExitCode);
    }

    [Fact]
    public async Task The_doctor_finds_a_good_network_and_says_when_there_is_none()
    {
        JsonElement good = JsonDocument.Parse(await _sandbox.OkAsync(["doctor", "--json", .. _network, "--port", "0"])).RootElement;
        Assert.Equal("open", good.GetProperty("nat").GetString());
        Assert.True(good.GetProperty("contacts").GetInt32() > 0);
        Assert.True(good.GetProperty("nearest")[0].GetProperty("milliseconds").GetDouble() > 0);

        string nobody = $"127.0.0.1:{FreePort()}";
        Outcome outcome = await _sandbox.RunAsync("doctor", "--json", "--bootstrap", nobody, "--host", "127.0.0.1", "--port", "0");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.Equal("offline", JsonDocument.Parse(outcome.Output).RootElement.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_port_that_is_taken_and_a_node_that_is_away_are_told_in_words()
    {
        string taken = _network[1];
        Outcome outcome = await _sandbox.RunAsync("dht", "-a", taken, "-b", taken);
        Assert.Equal(ExitCode.Failed, outcome.ExitCode);
        Assert.Contains("another program uses that port", outcome.Error, StringComparison.Ordinal);

        outcome = await _sandbox.RunAsync("dht", "ping", $"127.0.0.1:{FreePort()}", "--host", "127.0.0.1");
        Assert.Equal(ExitCode.Peer, outcome.ExitCode);
        Assert.EndsWith(" ms\n", await _sandbox.OkAsync("dht", "ping", taken, "--host", "127.0.0.1"), StringComparison.Ordinal);
    }

    // Nobody listens there, and nobody will for the length of a test.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static async Task<JsonElement> DoAsync(Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call.WaitAsync(Sandbox.Deadline);
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, body);
        return body.Length == 0 ? default : JsonDocument.Parse(body).RootElement;
    }

    // Appends numbers, one after the other, until the daemon takes no more: how many it acknowledged.
    private static async Task<int> WriteAsync(HttpClient http, TaskCompletionSource enough)
    {
        for (int acknowledged = 0; ; acknowledged++)
        {
            if (acknowledged == 100)
            {
                enough.SetResult();
            }

            try
            {
                using var block = new ByteArrayContent(Encoding.UTF8.GetBytes($"{acknowledged}\n"));
                block.Headers.ContentType = new("application/octet-stream");
                using HttpResponseMessage response = await http.PostAsync("/v1/feeds/notes/blocks", block);
                if (!response.IsSuccessStatusCode)
                {
                    return acknowledged;
                }
            }
            catch (HttpRequestException)
            {
                return acknowledged;
            }
        }
    }
}
