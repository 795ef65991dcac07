using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Cli.Tests.EndToEnd;

/// <summary>The daemon as a process: started, spoken to, reloaded, stopped.</summary>
public sealed class DaemonTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public DaemonTests() => _sandbox.Variables["XDG_RUNTIME_DIR"] = _sandbox.Folder;

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task Verbs_speak_to_the_daemon_that_holds_the_storage_and_it_stops_without_a_trace()
    {
        (RunningCli daemon, JsonElement ready) = await StartAsync("-h", "hs1");
        Assert.Equal("hs1", ready.GetProperty("name").GetString());
        string key = (await _sandbox.OkAsync("feed", "create", "notes")).Trim();
        await _sandbox.FeedInputAsync("one\ntwo\n", "feed", "append", "notes", "--lines");
        Assert.Equal("onetwo", await _sandbox.OkAsync("feed", "cat", "notes"));
        Assert.Contains(key, await _sandbox.OkAsync("feed", "list"), StringComparison.Ordinal);
        Outcome exists = await _sandbox.RunAsync("feed", "create", "notes");
        Assert.Equal(ExitCode.Exists, exists.ExitCode);
        Outcome missing = await _sandbox.RunAsync("feed", "cat", "nothing");
        Assert.Equal(ExitCode.NotFound, missing.ExitCode);
        Assert.Contains("notes", await _sandbox.OkAsync("top", "--once"), StringComparison.Ordinal);

        daemon.Signal(PosixSignalNumber.Terminate);
        Assert.Equal(0, (await daemon.EndAsync()).ExitCode);
        Assert.False(File.Exists(Path.Combine(_sandbox.Storage, "api.sock")));
        Assert.False(File.Exists(Path.Combine(_sandbox.Storage, "daemon.json")));
        Assert.Empty(Directory.EnumerateFiles(_sandbox.In("hyperactors")));
        Assert.Equal("onetwo", await _sandbox.OkAsync("feed", "cat", "notes"));
    }

    [Fact]
    public async Task A_client_writes_to_one_daemon_and_another_reads_it_live()
    {
        _sandbox.Storage = _sandbox.In("dir1");
        (RunningCli first, _) = await StartAsync("-h", "hs1", "--tcp", "127.0.0.1:0", "--log-level", "information");
        _sandbox.Storage = _sandbox.In("dir2");
        (RunningCli second, JsonElement ready) = await StartAsync("-h", "hs2");

        RunningCli writer = _sandbox.Start("client", "-h", "hs1", "-n", "afeed", "write");
        string key = (await writer.ReadLineAsync())!;
        await writer.WriteAsync("hello\n");
        RunningCli reader = _sandbox.Start("client", "-h", "hs2", "-k", key, "read");

        // Whom to dial is said by hand: the address stands in the log of the first one.
        await ConnectAsync(ready.GetProperty("socket").GetString()!, await AddressAsync(first));
        Assert.Equal("hello", await reader.ReadLineAsync());
        await writer.WriteAsync("world\n");
        Assert.Equal("world", await reader.ReadLineAsync());

        writer.CloseInput();
        Assert.Equal(0, (await writer.EndAsync()).ExitCode);
        reader.Signal(PosixSignalNumber.Interrupt);
        Assert.Equal(0, (await reader.EndAsync()).ExitCode);
        foreach (RunningCli daemon in new[] { first, second })
        {
            daemon.Signal(PosixSignalNumber.Terminate);
            Assert.Equal(0, (await daemon.EndAsync()).ExitCode);
        }
    }

    // The example of docs/getting-started.md; the network begins at a daemon here, and ports are the system's choice.
    [Fact]
    public async Task Two_daemons_find_each_other_over_the_DHT_and_share_a_feed_live()
    {
        _sandbox.Storage = _sandbox.In("boot");
        (_, JsonElement boot) = await StartAsync("-h", "boot", "--set", "node.network.isBootstrapper=true");
        using HttpClient http = Http(boot.GetProperty("socket").GetString()!);
        string address = JsonSerializer.Deserialize<JsonElement>(await http.GetStringAsync("/v1/dht")).GetProperty("localAddress").GetString()!;

        string[] Flags(string name) =>
        [
            "daemon", "--json", "-s", _sandbox.In(name), "-h", name, "-a", "127.0.0.1:0", "-b", address, "-p", "0",
            "--set", "node.network.usesLocalDiscovery=false",
        ];
        RunningCli first = _sandbox.Start(Flags("hs1"));
        Assert.Contains("\"event\":\"ready\"", await first.ReadLineAsync(), StringComparison.Ordinal);
        RunningCli second = _sandbox.Start(Flags("hs2"));
        Assert.Contains("\"url\":\"http://127.0.0.1:", await second.ReadLineAsync(), StringComparison.Ordinal);

        RunningCli writer = _sandbox.Start("client", "-h", "hs1", "-n", "afeed", "write");
        string key = (await writer.ReadLineAsync())!;
        await writer.WriteAsync("hello\n");
        RunningCli reader = _sandbox.Start("client", "-h", "hs2", "-k", key, "read");
        Assert.Equal("hello", await reader.ReadLineAsync());
        await writer.WriteAsync("world\n");
        Assert.Equal("world", await reader.ReadLineAsync());
        foreach (RunningCli daemon in new[] { first, second })
        {
            daemon.Signal(PosixSignalNumber.Terminate);
            Assert.Equal(0, (await daemon.ExitAsync()).ExitCode);
        }
    }

    [Fact]
    public async Task One_storage_has_one_daemon_and_one_name_one_storage()
    {
        await StartAsync("-h", "hs1");
        Outcome again = await _sandbox.RunAsync(Args("-h", "hs2"));
        Assert.Equal(ExitCode.Locked, again.ExitCode);
        Assert.Contains("hyperactors (process", again.Error, StringComparison.Ordinal);

        _sandbox.Storage = _sandbox.In("other");
        Outcome same = await _sandbox.RunAsync(Args("-h", "hs1"));
        Assert.Equal(ExitCode.Usage, same.ExitCode);
        Assert.Contains("give this one another name with -h", same.Error, StringComparison.Ordinal);
        Outcome nobody = await _sandbox.RunAsync("client", "-h", "hs9", "-n", "a", "write");
        Assert.Equal(ExitCode.NotFound, nobody.ExitCode);
        Assert.Contains("known are hs1", nobody.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_configuration_stops_the_start_with_file_line_and_what_is_allowed()
    {
        string file = _sandbox.Write("wrong.json", "{\n  \"api\": { \"maxStreams\": 0 }\n}"u8.ToArray());
        Outcome refused = await _sandbox.RunAsync(Args("--config", file));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        string message = JsonSerializer.Deserialize<JsonElement>(refused.Error).GetProperty("message").GetString()!;
        Assert.Equal($"{file}:2: 'api.maxStreams' cannot be '0'; allowed: 1 to 65535", message);
        Assert.False(Directory.Exists(_sandbox.Storage));
    }

    [Fact]
    public async Task A_busy_port_says_what_to_do()
    {
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        int port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        Outcome refused = await _sandbox.RunAsync(Args("-p", $"{port}"));
        Assert.Equal(ExitCode.Failed, refused.ExitCode);
        Assert.Contains($"port {port} is in use: choose another one with -p", refused.Error, StringComparison.Ordinal);
        Assert.Equal(1, refused.Error.Count(c => c == '\n'));
        Outcome tcp = await _sandbox.RunAsync(Args("--tcp", $"127.0.0.1:{port}"));
        Assert.Contains($"cannot listen on 127.0.0.1:{port}: another program uses that port; choose another one", tcp.Error, StringComparison.Ordinal);
        using var udp = new UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        string address = udp.Client.LocalEndPoint!.ToString()!;
        Outcome dht = await _sandbox.RunAsync("daemon", "-a", address, "--set", "node.network.bootstrap=");
        Assert.Contains($"cannot use {address}: another program uses that port; choose another one", dht.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_to_enter_through_that_is_none_is_refused_before_anything_starts()
    {
        Outcome refused = await _sandbox.RunAsync(Args("-b", "nonsense"));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("HOST:PORT", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_sandbox.Storage));
    }

    [Fact]
    public async Task What_the_verbs_around_a_daemon_say_is_json_with_json()
    {
        (RunningCli daemon, _) = await StartAsync("-h", "hs1");
        foreach (string[] line in new string[][]
        {
            ["top", "--once"], ["config", "show"], ["config", "show", "log", "--origin"], ["completion", "bash"], ["complete", "--", "fe"],
        })
        {
            string[] said = (await _sandbox.OkAsync([.. line.TakeWhile(w => w != "--"), "--json", .. line.SkipWhile(w => w != "--")]))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEqual(JsonValueKind.Undefined, JsonSerializer.Deserialize<JsonElement>(Assert.Single(said)).ValueKind);
        }

        foreach (string[] line in new string[][] { ["feed"], ["config"], ["nothing"], ["config", "show", "nothing"], ["top", "-h", "nobody"] })
        {
            Outcome refused = await _sandbox.RunAsync([.. line, "--json"]);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Equal(refused.ExitCode, JsonSerializer.Deserialize<JsonElement>(refused.Error).GetProperty("exitCode").GetInt32());
            Assert.Empty(refused.Output);
        }

        daemon.Signal(PosixSignalNumber.Terminate);
        Assert.Equal(0, (await daemon.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_hangup_reads_limits_and_log_levels_again()
    {
        string file = _sandbox.Write("hyperactors.json", """{ "api": { "maxStreams": 5 } }"""u8.ToArray());
        (RunningCli daemon, JsonElement ready) = await StartAsync("--config", file);
        using HttpClient http = Http(ready.GetProperty("socket").GetString()!);
        Assert.Equal("5", await SettingAsync(http, "api.maxStreams"));
        _sandbox.Write("hyperactors.json", """{ "api": { "maxStreams": 6 }, "log": { "level": "debug" } }"""u8.ToArray());
        daemon.Signal(PosixSignalNumber.Hangup);
        while (await SettingAsync(http, "api.maxStreams") != "6")
        {
            await Task.Delay(20);
        }

        Assert.Equal("debug", await SettingAsync(http, "log.level"));

        // A configuration that is wrong changes nothing and stops nothing.
        _sandbox.Write("hyperactors.json", "{"u8.ToArray());
        daemon.Signal(PosixSignalNumber.Hangup);
        Assert.Equal("6", await SettingAsync(http, "api.maxStreams"));
        Assert.Equal(202, (int)(await http.PostAsync("/v1/node/stop", null)).StatusCode);
        Assert.Equal(0, (await daemon.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Systemd_is_told_when_it_is_ready_alive_and_stopping()
    {
        string path = _sandbox.In("notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        _sandbox.Variables["NOTIFY_SOCKET"] = path;
        _sandbox.Variables["WATCHDOG_USEC"] = "200000";
        (RunningCli daemon, _) = await StartAsync();
        Assert.StartsWith("READY=1", await HearAsync(manager), StringComparison.Ordinal);
        Assert.Equal("WATCHDOG=1", await HearAsync(manager));
        Assert.Equal("WATCHDOG=1", await HearAsync(manager));
        daemon.Signal(PosixSignalNumber.Terminate);
        string last;
        do
        {
            last = await HearAsync(manager);
        }
        while (last == "WATCHDOG=1");

        Assert.StartsWith("STOPPING=1", last, StringComparison.Ordinal);
        Assert.Equal(0, (await daemon.EndAsync()).ExitCode);
    }

    [SystemdFact]
    public async Task The_unit_is_one_that_systemd_understands_and_leaves_little_open()
    {
        string unit = await File.ReadAllTextAsync(Repository.PathOf("config", "systemd", "hyperactors.service"));
        Assert.Contains("ExecStart=/usr/local/bin/hyperactors daemon ", unit, StringComparison.Ordinal);
        string path = _sandbox.In("hyperactors.service");
        await File.WriteAllTextAsync(path, unit.Replace("/usr/local/bin/hyperactors", Sandbox.Executable, StringComparison.Ordinal));

        (int status, string said) = await Tool.RunAsync("systemd-analyze", ["verify", path]);
        Assert.DoesNotContain("hyperactors.service", said, StringComparison.Ordinal);
        Assert.Equal(0, status);

        // Of 100, where less is better; what has no hardening at all has 96.
        (status, said) = await Tool.RunAsync("systemd-analyze", ["security", "--offline=yes", "--threshold=20", "--no-pager", path]);
        Assert.True(status == 0, said);
    }

    [Fact]
    public async Task What_a_daemon_keeps_it_keeps_over_a_kill()
    {
        (RunningCli daemon, JsonElement ready) = await StartAsync();
        using (HttpClient http = Http(ready.GetProperty("socket").GetString()!))
        {
            await http.PostAsync("/v1/feeds", Json("""{"name":"notes"}"""));
            await http.PutAsync("/v1/feeds/notes/keep", Json("""{"seed":true,"download":true}"""));
        }

        daemon.Signal(PosixSignalNumber.Kill);
        await daemon.ExitAsync();
        (_, ready) = await StartAsync();
        using HttpClient again = Http(ready.GetProperty("socket").GetString()!);
        Assert.Equal("""{"seed":true,"download":true}""", await again.GetStringAsync("/v1/feeds/notes/keep"));
    }

    [Fact]
    public async Task The_configuration_is_shown_with_its_origins()
    {
        string file = _sandbox.Write("hyperactors.json", """{ "log": { "level": "debug" } }"""u8.ToArray());
        string shown = await _sandbox.OkAsync("config", "show", "--origin", "--config", file, "--set", "api.maxStreams=3");
        Assert.Matches($@"log\.level +debug +{file}:1 ", shown);
        Assert.Matches(@"api\.maxStreams +3 +--set api\.maxStreams +1 to 65535", shown);
        Assert.Matches(@"api\.maxConnections +1024 +default ", shown);
    }

    private static async Task<string> HearAsync(Socket manager)
    {
        byte[] buffer = new byte[1000];
        using var deadline = new CancellationTokenSource(Sandbox.Deadline);
        int count = await manager.ReceiveAsync(buffer, SocketFlags.None, deadline.Token);
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private static async Task<string> SettingAsync(HttpClient http, string key)
    {
        var settings = JsonSerializer.Deserialize<JsonElement>(await http.GetStringAsync("/v1/node/config"));
        return settings.EnumerateArray().Single(s => s.GetProperty("key").GetString() == key).GetProperty("value").GetString()!;
    }

    private static async Task ConnectAsync(string socketPath, string address)
    {
        using HttpClient http = Http(socketPath);
        string[] parts = address.Split(':');
        using HttpResponseMessage answer = await http.PostAsync(
            "/v1/connections", Json($$"""{"host":"{{parts[0]}}","port":{{parts[1]}}}"""));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    internal static HttpClient Http(string socketPath) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
    };

    /// <summary>The address that the daemon takes peers on, from its status.</summary>
    private async Task<string> AddressAsync(RunningCli daemon)
    {
        Assert.True(daemon.Id > 0);
        using HttpClient http = Http(_sandbox.In("dir1", "api.sock"));
        var status = JsonSerializer.Deserialize<JsonElement>(await http.GetStringAsync("/v1/node/status"));
        string line = status.GetProperty("events").EnumerateArray()
            .Select(e => e.GetProperty("text").GetString()!)
            .Single(text => text.StartsWith("Peers are taken over TCP at ", StringComparison.Ordinal));
        return line["Peers are taken over TCP at ".Length..];
    }

    // A network that begins here: no test speaks to the world.
    private static string[] Args(params string[] args) =>
    [
        "daemon", "--json", "-a", "127.0.0.1:0", "--set", "node.network.bootstrap=", "--set", "node.network.usesLocalDiscovery=false", .. args,
    ];

    private async Task<(RunningCli Daemon, JsonElement Ready)> StartAsync(params string[] args)
    {
        RunningCli daemon = _sandbox.Start(Args(args));
        string? line = await daemon.ReadLineAsync();
        if (line is null)
        {
            Assert.Fail((await daemon.ExitAsync()).Error);
        }

        return (daemon, JsonSerializer.Deserialize<JsonElement>(line));
    }
}

/// <summary>A test that asks systemd what it thinks: skipped, with the reason, where it is not installed.</summary>
public sealed class SystemdFactAttribute : FactAttribute
{
    public SystemdFactAttribute() => Skip = Terminal.IsInstalled("systemd-analyze") ? null : "systemd-analyze is not installed";
}
