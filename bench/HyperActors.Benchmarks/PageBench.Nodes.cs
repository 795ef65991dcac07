using System.Globalization;
using System.Net;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Daemon;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Benchmarks;

/// <summary>The node that is watched, and its peers: each has a copy of one of the feeds and brings what is appended.</summary>
internal static partial class PageBench
{
    private static readonly TimeSpan Change = TimeSpan.FromMilliseconds(200);

    /// <summary>Does one part in a process of its own, until its standard input ends.</summary>
    public static async Task<int> RunChildAsync(string[] arguments)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        int count = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        await (arguments[0] == "page-daemon"
            ? ServeAsync(folder, count)
            : FollowAsync(folder, count, int.Parse(arguments[2], CultureInfo.InvariantCulture), arguments[3]));
        return 0;
    }

    private static async Task ServeAsync(string folder, int count)
    {
        await using HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = folder });
        var feeds = new Feed[count];
        for (int i = 0; i < count; i++)
        {
            feeds[i] = await node.OpenFeedAsync(string.Create(CultureInfo.InvariantCulture, $"feed-{i:0000}"));
        }

        IPEndPoint tcp = await node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0));
        await using var keeper = new Keeper(node, null, NullLogger.Instance, TimeProvider.System);
        using var daemon = new DaemonNode { Node = node, StoragePath = folder, Actors = node.LookAtActors, Keeper = keeper };
        await using ApiServer api = await ApiServer.StartAsync(daemon, new ApiOptions { Port = 0 }, NullLoggerFactory.Instance);
        string token = (await File.ReadAllTextAsync(Path.Combine(folder, "api-token"))).Trim();
        string keys = Path.Combine(folder, "keys");
        await File.WriteAllLinesAsync(keys, feeds.Select(f => f.Key.ToString()));
        Say(new { ready = new { url = $"http://127.0.0.1:{api.Port}/#token={token}", port = tcp.Port, keys } });

        byte[] block = new byte[100];
        await UntilEndAsync(async stop =>
        {
            using var pace = new PeriodicTimer(Change);
            while (await pace.WaitForNextTickAsync(stop))
            {
                await Task.WhenAll(feeds.Select(feed => feed.AppendAsync(block, stop).AsTask()));
            }
        });
    }

    private static async Task FollowAsync(string folder, int count, int port, string keyFile)
    {
        string[] keys = await File.ReadAllLinesAsync(keyFile);
        var nodes = new List<HyperNode>();
        var copies = new List<Feed>();
        for (int i = 0; i < count; i++)
        {
            HyperNode node = await HyperNode.StartAsync(new NodeOptions { StoragePath = Path.Combine(folder, Text(i)) });
            nodes.Add(node);
            copies.Add(await node.OpenFeedAsync(FeedKey.Parse(keys[i])));
            await node.ConnectTcpAsync("127.0.0.1", port);
        }

        // Everybody has its first block: from now on all is as it stays.
        await Task.WhenAll(copies.Select(copy => copy.GetAsync(0).AsTask()));
        Say(new { ready = new { } });
        await UntilEndAsync(stop => Task.WhenAll(copies.Select(copy => copy.DownloadAsync(0, null, null, stop))));
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    private static async Task UntilEndAsync(Func<CancellationToken, Task> work)
    {
        using var stop = new CancellationTokenSource();
        Task working = work(stop.Token);
        Task ended = Console.In.ReadToEndAsync(CancellationToken.None);
        if (await Task.WhenAny(working, ended) == working)
        {
            await working;
        }

        await stop.CancelAsync();
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static void Say(object line) => Console.WriteLine(JsonSerializer.Serialize(line));
}
