using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Benchmarks.Harness;
using HyperActors.Crypto;

namespace HyperActors.Benchmarks;

/// <summary>How long do lookups, announcements, puts and connections take in a network of fifty nodes on loopback, and what does a node weigh?</summary>
internal static class DhtBench
{
    private const int Nodes = 50;
    private const int ManyNodes = 1000;
    private const int Rounds = 100;
    private const int Joins = 20;
    private const int Connections = 200;

    // The first rounds compile; JavaScript has as many.
    private const int Warm = 20;

    private static readonly string[] Rows = ["lookup", "announce", "put", "connect"];

    /// <summary>Runs every row once, ours and theirs one after the other, and prints the table.</summary>
    public static async Task<int> RunAsync()
    {
        JsonElement theirs = await ResultOfAsync(Child.Script("dht.js", Text(Nodes), Text(Rounds)));
        JsonElement ours = await ResultOfAsync(Child.HyperActors("dht-times", Text(Nodes), Text(Rounds)));
        Console.WriteLine("| a network of 50 nodes on loopback | HyperActors p50, p95 | JavaScript p50, p95 | of it |");
        Console.WriteLine("|---|---|---|---|");
        foreach (string row in Rows)
        {
            (double p50, double p95) = PercentilesOf(ours.GetProperty(row));
            (double their50, double their95) = PercentilesOf(theirs.GetProperty(row));
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"| {row} | {p50:0.00} ms, {p95:0.00} ms | {their50:0.00} ms, {their95:0.00} ms | {p50 / their50:P0}, {p95 / their95:P0} |"));
        }

        (double join50, double join95) = PercentilesOf((await ResultOfAsync(Child.HyperActors("dht-join", Text(Nodes), Text(Joins)))).GetProperty("join"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| join a topic to the first block | {join50:0.00} ms, {join95:0.00} ms | | |"));
        long memory = (await ResultOfAsync(Child.HyperActors("dht-memory", Text(ManyNodes)))).GetProperty("memory").GetInt64();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| memory of a process with {ManyNodes} nodes | {memory / 1e6:0} MB | {theirs.GetProperty("memory").GetInt64() / 1e6:0} MB for {Nodes} more | |"));
        long each = (await ResultOfAsync(Child.HyperActors("dht-connections", Text(Connections)))).GetProperty("each").GetInt64();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| memory of one end of a connection, with a feed | {each / 1e3:0} kB | | |"));
        return 0;
    }

    /// <summary>Does one part in a process of its own.</summary>
    public static async Task<int> RunChildAsync(string[] arguments)
    {
        int count = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        int rounds = arguments.Length > 2 ? int.Parse(arguments[2], CultureInfo.InvariantCulture) : 0;
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            object result = arguments[0] switch
            {
                "dht-times" => await TimeAsync(count, rounds, folder),
                "dht-join" => await JoinAsync(count, rounds, folder),
                "dht-memory" => await WeighNodesAsync(count),
                "dht-connections" => await WeighConnectionsAsync(count, folder),
                _ => throw new ArgumentException($"no part '{arguments[0]}'", nameof(arguments)),
            };
            Console.WriteLine(JsonSerializer.Serialize(new { result }));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<object> TimeAsync(int count, int rounds, string folder)
    {
        (DhtHost host, string bootstrap) = await StartNetworkAsync(count);
        await using DhtHost network = host;
        IDht client = await AddAsync(host, bootstrap);
        IDht other = await AddAsync(host, bootstrap);
        DiscoveryKey[] topics = [.. Enumerable.Range(0, rounds + Warm).Select(_ => new DiscoveryKey(Chance(32)))];
        double[] announce = await TimedAsync(rounds, i => topics[i], async topic => await client.AnnounceAsync(topic));
        double[] lookup = await TimedAsync(rounds, i => topics[i], async topic =>
        {
            int peers = 0;
            await foreach (DhtPeer _ in other.LookupAsync(topic))
            {
                peers++;
            }

            Trace.Assert(peers > 0, "nobody was found");
        });
        double[] put = await TimedAsync(rounds, _ => Chance(100), async value => await client.PutImmutableAsync(value));

        await using HyperNode server = await StartNodeAsync(folder, "server", bootstrap);
        await using HyperNode dialler = await StartNodeAsync(folder, "dialler", bootstrap);
        await server.Dht.ListenAsync();
        double[] connect = await TimedAsync(rounds, _ => server.PublicKey, async key => await dialler.Dht.ConnectAsync(key));
        return new { lookup, announce, put, connect };
    }

    private static async Task<object> JoinAsync(int count, int rounds, string folder)
    {
        (DhtHost host, string bootstrap) = await StartNetworkAsync(count);
        await using DhtHost network = host;
        await using HyperNode server = await StartNodeAsync(folder, "server", bootstrap);
        await using Feed feed = await server.OpenFeedAsync("feed");
        await feed.AppendAsync(Chance(1024));
        await using ISwarmSession session = await server.Swarm.JoinAsync(feed.DiscoveryKey, new SwarmJoinOptions { Client = false });
        await session.FlushAsync();
        double[] join = new double[rounds];
        for (int i = -Warm / 4; i < rounds; i++)
        {
            await using HyperNode node = await StartNodeAsync(folder, $"node{i}", bootstrap);
            await using Feed copy = await node.OpenFeedAsync(feed.Key);
            long begun = Stopwatch.GetTimestamp();
            await using ISwarmSession looking = await node.Swarm.JoinAsync(feed.DiscoveryKey, new SwarmJoinOptions { Server = false });
            await copy.GetAsync(0);
            join[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }

        return new { join };
    }

    private static async Task<object> WeighNodesAsync(int count)
    {
        (DhtHost host, _) = await StartNetworkAsync(count);
        await using DhtHost network = host;
        return new { memory = Weigh() };
    }

    private static async Task<object> WeighConnectionsAsync(int count, string folder)
    {
        (DhtHost host, string bootstrap) = await StartNetworkAsync(4);
        await using DhtHost network = host;
        await using HyperNode server = await StartNodeAsync(folder, "server", bootstrap);
        await using HyperNode dialler = await StartNodeAsync(folder, "dialler", bootstrap);
        await using Feed feed = await server.OpenFeedAsync("feed");
        await feed.AppendAsync(Chance(1024));
        await using Feed copy = await dialler.OpenFeedAsync(feed.Key);
        await server.Dht.ListenAsync();
        await ConnectAsync(Warm);
        long before = Weigh();
        await ConnectAsync(count);
        return new { each = (Weigh() - before) / (2 * count) };

        async Task ConnectAsync(int connections)
        {
            int expected = (await copy.GetInfoAsync()).PeerCount + connections;
            for (int i = 0; i < connections; i++)
            {
                await dialler.Dht.ConnectAsync(server.PublicKey);
            }

            while ((await copy.GetInfoAsync()).PeerCount < expected)
            {
                await Task.Delay(10);
            }
        }
    }

    private static async Task<(DhtHost Host, string Bootstrap)> StartNetworkAsync(int count)
    {
        var host = DhtHost.Start();
        string? bootstrap = null;
        const int together = 16;
        for (int started = 0; started < count;)
        {
            int many = bootstrap is null ? 1 : Math.Min(together, count - started);
            started += many;
            NetworkOptions options = OnLoopback(bootstrap) with { IsBootstrapper = bootstrap is null, IsEphemeral = false, IsFirewalled = false };
            IDht[] nodes = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => host.AddAsync(options).AsTask()));
            foreach (IDht node in nodes)
            {
                await node.WaitUntilReadyAsync();
            }

            bootstrap ??= (await nodes[0].GetInfoAsync()).LocalAddress!.ToString();
        }

        return (host, bootstrap!);
    }

    private static async Task<IDht> AddAsync(DhtHost host, string bootstrap)
    {
        IDht node = await host.AddAsync(OnLoopback(bootstrap) with { IsEphemeral = true });
        await node.WaitUntilReadyAsync();
        return node;
    }

    private static async Task<HyperNode> StartNodeAsync(string folder, string name, string bootstrap)
    {
        HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(folder, name), Network = OnLoopback(bootstrap) });
        await node.Dht.WaitUntilReadyAsync();
        return node;
    }

    private static NetworkOptions OnLoopback(string? bootstrap) => new()
    {
        Host = "127.0.0.1",
        Port = 0,
        Bootstrap = bootstrap is null ? [] : [bootstrap],
        UsesLocalDiscovery = false,
    };

    private static async Task<double[]> TimedAsync<T>(int rounds, Func<int, T> prepare, Func<T, Task> work)
    {
        double[] times = new double[rounds];
        for (int i = 0; i < rounds + Warm; i++)
        {
            T what = prepare(i);
            long begun = Stopwatch.GetTimestamp();
            await work(what);
            if (i >= Warm)
            {
                times[i - Warm] = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            }
        }

        return times;
    }

    // What the process keeps once it is at rest.
    private static long Weigh()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static byte[] Chance(int size)
    {
        byte[] bytes = new byte[size];
        RandomSource.System.Fill(bytes);
        return bytes;
    }

    private static async Task<JsonElement> ResultOfAsync(Child child)
    {
        await using Child running = child;
        return (await running.ResultAsync()).Clone();
    }

    private static (double P50, double P95) PercentilesOf(JsonElement times)
    {
        double[] sorted = [.. times.EnumerateArray().Select(t => t.GetDouble()).Order()];
        return (sorted[sorted.Length / 2], sorted[sorted.Length * 95 / 100]);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
