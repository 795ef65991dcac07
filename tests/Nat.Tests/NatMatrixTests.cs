using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace HyperActors.Nat.Tests;

/// <summary>Two nodes, a translator before each, four kinds on each side: who meets whom, and how long it takes.</summary>
[Collection("lab")]
public class NatMatrixTests(ITestOutputHelper output)
{
    private const int PublicNodes = 6;

    // A punch between a fixed and a random port tries for 35 s; on a busy machine thirty-two starting nodes take their time too.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly NatBehaviour[] Kinds = Enum.GetValues<NatBehaviour>();

    [NatFact]
    public async Task Whoever_can_be_reached_is_reached()
    {
        await using NatLab lab = await NatLab.StartAsync(PublicNodes);
        string relay = await StartNetworkAsync(lab);

        // Hosts are made one after another, the cells run side by side: as many as the processors start without delay.
        using var starts = new SemaphoreSlim(2 * Environment.ProcessorCount);
        var cells = new List<Task<Cell>>();
        foreach (NatBehaviour server in Kinds)
        {
            foreach (NatBehaviour client in Kinds)
            {
                string serverHost = await lab.AddHostAsync(server);
                string clientHost = await lab.AddHostAsync(client);
                cells.Add(MeetInTurnAsync(starts, lab, server, serverHost, client, clientHost, relay));
            }
        }

        Cell[] done = await Task.WhenAll(cells);
        Print(done);
        string[] failures = [.. done.Where(c => c.Failure is not null).Select(c => c.ToString())];
        Assert.True(failures.Length == 0, string.Join('\n', failures));
    }

    // Two random ports never meet by themselves: they need a relay. The others get none, so that what connects them is seen.
    private static bool NeedsRelay(NatBehaviour server, NatBehaviour client) =>
        server == NatBehaviour.Symmetric && client == NatBehaviour.Symmetric;

    private static string Bootstrap => NatLab.PublicHost(0) + ":49737";

    /// <returns>The key of the relay among its nodes.</returns>
    private static async Task<string> StartNetworkAsync(NatLab lab)
    {
        var first = SwarmProcess.Start(lab, lab.Internet, "dht", "--bootstrapper", "-a", Bootstrap);
        Assert.True(await first.WaitForAsync("ready", Patience) is not null, $"the first node does not start: {first}");
        SwarmProcess[] others = [.. Enumerable.Range(1, PublicNodes - 1).Select(i =>
            SwarmProcess.Start(lab, lab.Internet, "dht", "--persistent", "--relay", "-a", NatLab.PublicHost(i) + ":49737", "-b", Bootstrap))];
        string relay = string.Empty;
        foreach (SwarmProcess other in others)
        {
            JsonElement? listening = await other.WaitForAsync("listening", Patience);
            Assert.True(await other.WaitForAsync("ready", Patience) is not null, $"a node does not start: {other}");
            relay = listening!.Value.GetProperty("relayKey").GetString()!;
        }

        return relay;
    }

    private static async Task<Cell> MeetInTurnAsync(
        SemaphoreSlim starts, NatLab lab, NatBehaviour server, string serverHost, NatBehaviour client, string clientHost, string relay)
    {
        await starts.WaitAsync();
        try
        {
            return await MeetAsync(lab, server, serverHost, client, clientHost, relay);
        }
        finally
        {
            starts.Release();
        }
    }

    private static async Task<Cell> MeetAsync(NatLab lab, NatBehaviour server, string serverHost, NatBehaviour client, string clientHost, string relay)
    {
        string topic = $"{server} {client}";
        var announces = Join(serverHost, "--announce-only");
        if (await announces.WaitForAsync("joined", Patience) is null)
        {
            return new Cell(server, client, TimeSpan.Zero, $"the server did not join: {announces}");
        }

        var begun = Stopwatch.StartNew();
        var looks = Join(clientHost, "--look-only");
        bool isConnected = await looks.WaitForAsync("connected", Patience) is not null;
        return new Cell(server, client, begun.Elapsed, isConnected ? null : $"no connection: {looks}");

        SwarmProcess Join(string host, string mode) => SwarmProcess.Start(
            lab, host, ["swarm", "join", topic, mode, "-b", Bootstrap, "--storage", lab.FolderFor(host), "-v", .. RelayOf(server, client)]);

        IEnumerable<string> RelayOf(NatBehaviour one, NatBehaviour other) => NeedsRelay(one, other) ? ["--relay-through", relay] : [];
    }

    private void Print(Cell[] cells)
    {
        output.WriteLine("seconds from the start of the client's process to the connection; server down, client across");
        output.WriteLine($"| {string.Empty,-18} | {string.Join(" | ", Kinds.Select(k => $"{k,-17}"))} |");
        foreach (NatBehaviour server in Kinds)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {server,-18} | {string.Join(" | ", cells.Where(c => c.Server == server).Select(c => $"{c.Verdict,-17}"))} |"));
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{cells.Count(c => c.Failure is null)} of {cells.Length} pairs are connected"));
    }

    private sealed record Cell(NatBehaviour Server, NatBehaviour Client, TimeSpan Took, string? Failure)
    {
        public string Verdict => Failure is not null ? "not connected" : string.Create(
            CultureInfo.InvariantCulture, $"{Took.TotalSeconds:0.0}{(NeedsRelay(Server, Client) ? " by relay" : string.Empty)}");
    }
}
