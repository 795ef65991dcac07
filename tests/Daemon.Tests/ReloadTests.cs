using System.Text.Json;
using HyperActors.Api;

namespace HyperActors.Daemon.Tests;

/// <summary>What a running daemon takes up when its configuration is read again.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperactors-daemon-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Limits_of_the_swarm_and_of_the_DHT_change_in_flight_and_the_rest_needs_a_restart()
    {
        IReadOnlyList<string> changes = DaemonProcess.Changes(
            Load("{}"),
            Load("""
                { "node": { "network": {
                    "port": 4000,
                    "swarm": { "maxPeers": 5, "shortBackoff": "2s" },
                    "limits": { "requestsPerSecond": 7, "bucketSize": 8 } } } }
                """));

        Assert.Equal(
            [
                "node.network.limits.bucketSize (needs a restart)", "node.network.limits.requestsPerSecond",
                "node.network.port (needs a restart)", "node.network.swarm.maxPeers", "node.network.swarm.shortBackoff (needs a restart)",
            ],
            changes.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_setting_of_the_swarm_but_the_backoffs_is_taken_up()
    {
        string[] waiting =
        [
            .. Load("{}").Settings
                .Where(s => s.Key.StartsWith("node.network.swarm.", StringComparison.Ordinal) && !s.Reloadable)
                .Select(s => s.Key.Split('.')[^1])
                .Order(StringComparer.Ordinal),
        ];
        Assert.Equal(["backoffJitter", "explicitBackoff", "longBackoff", "mediumBackoff", "shortBackoff"], waiting);
    }

    [Fact]
    public async Task A_daemon_takes_up_what_its_file_says_now_and_leaves_all_when_it_is_wrong()
    {
        string file = Path.Combine(_folder, "hyperactors.json");
        await File.WriteAllTextAsync(file, Text("3", 100));
        var daemon = new DaemonProcess(
            () => Configuration.Load(file, [], []), new NameRegistry(Path.Combine(_folder, "names")), _ => null, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        Action? reload = null;
        var started = new TaskCompletionSource<DaemonAddress>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task running = daemon.RunAsync(
            action => reload = action,
            (address, _) =>
            {
                started.SetResult(address);
                return Task.CompletedTask;
            },
            stop.Token);
        await Task.WhenAny(started.Task, running).WaitAsync(Server.Deadline);
        DaemonAddress address = await started.Task;
        using HttpClient http = Server.MakeHttp(address.Socket);

        await File.WriteAllTextAsync(file, Text("9", 55));
        reload!();
        Assert.Equal(("9", "55"), await SettingsAsync(http));

        await File.WriteAllTextAsync(file, Text("true", 55));
        reload();
        Assert.Equal(("9", "55"), await SettingsAsync(http));

        await stop.CancelAsync();
        await running.WaitAsync(Server.Deadline);

        string Text(string maxPeers, int requests) => $$"""
            { "name": "reloads", "node": {
                "storagePath": {{JsonSerializer.Serialize(Path.Combine(_folder, "data"))}},
                "network": { "host": "127.0.0.1", "port": 0, "bootstrap": [], "usesLocalDiscovery": false,
                    "swarm": { "maxPeers": {{maxPeers}} }, "limits": { "requestsPerSecond": {{requests}} } } } }
            """;
    }

    private static async Task<(string MaxPeers, string Requests)> SettingsAsync(HttpClient http)
    {
        using JsonDocument config = JsonDocument.Parse(await http.GetStringAsync(ApiRoutes.NodeConfig));
        JsonElement list = config.RootElement.ValueKind == JsonValueKind.Array ? config.RootElement : config.RootElement.GetProperty("settings");
        string Value(string key) => list.EnumerateArray().Single(s => s.GetProperty("key").GetString() == key).GetProperty("value").GetString()!;
        return (Value("node.network.swarm.maxPeers"), Value("node.network.limits.requestsPerSecond"));
    }

    private Configuration Load(string text)
    {
        string file = Path.Combine(_folder, "some.json");
        File.WriteAllText(file, text);
        return Configuration.Load(file, [], []);
    }
}
