using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Benchmarks.Harness;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Benchmarks.Ours;

/// <summary>Our side of the rows of feeds, verb for verb what bench/js/hypercore.js does.</summary>
/// <param name="start">Starts a node on a folder; true when every append is to be on the disk before it is answered.</param>
internal sealed class NodeSide(Func<string, bool, Task<IHyperNode>> start)
{
    private const int WarmUpBlocks = 500;
    private const int FillBatch = 2000;

    /// <summary>Starts a node as users do.</summary>
    public static async Task<IHyperNode> StartNodeAsync(string folder, bool isFlushed) => await HyperNode.StartAsync(new NodeOptions
    {
        StoragePath = folder,
        Feeds = new FeedOptions { Durability = isFlushed ? Durability.Flush : Durability.None },
    });

    /// <summary>Does one verb, says what it measured, and returns the exit code.</summary>
    public async Task<int> RunAsync(string[] arguments)
    {
        string folder = Directory.CreateTempSubdirectory("hyperactors-bench-").FullName;
        string verb = arguments[0];
        int count = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        int size = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        await using IHyperNode node = await start(folder, verb == "append-flushed");
        switch (verb)
        {
            case "append-batch":
                await AppendBatchAsync(node, count, size);
                return 0;
            case "append-single" or "append-flushed":
                await AppendSingleAsync(node, count, size);
                return 0;
            case "read":
                await ReadAsync(node, count, size);
                return 0;
            case "serve":
                await ServeAsync(node, count, size);
                return 0;
            case "download":
                int port = int.Parse(arguments[4], CultureInfo.InvariantCulture);
                await DownloadAsync(node, count, size, FeedKey.Parse(arguments[3]), port, FeedKey.Parse(arguments[5]));
                return 0;
            default:
                await Console.Error.WriteLineAsync($"no verb '{verb}'");
                return 2;
        }
    }

    private static async Task AppendBatchAsync(IHyperNode node, int count, int size)
    {
        await using IFeed warm = await node.OpenFeedAsync("warm");
        await warm.AppendAsync(BlocksOf(WarmUpBlocks, size));
        await using IFeed feed = await node.OpenFeedAsync("bench");
        ReadOnlyMemory<byte>[] blocks = BlocksOf(count, size);
        await MeasureAsync(count, size, async () => await feed.AppendAsync(blocks));
        Hold(feed, count, size);
    }

    private static async Task AppendSingleAsync(IHyperNode node, int count, int size)
    {
        await using IFeed warm = await node.OpenFeedAsync("warm");
        await AppendOneByOneAsync(warm, BlocksOf(WarmUpBlocks, size));
        await using IFeed feed = await node.OpenFeedAsync("bench");
        ReadOnlyMemory<byte>[] blocks = BlocksOf(count, size);
        await MeasureAsync(count, size, () => AppendOneByOneAsync(feed, blocks));
        Hold(feed, count, size);
    }

    private static async Task ReadAsync(IHyperNode node, int count, int size)
    {
        await using IFeed feed = await node.OpenFeedAsync("bench");
        await feed.AppendAsync(BlocksOf(count, size));
        for (ulong i = 0; i < WarmUpBlocks; i++)
        {
            await feed.GetAsync(i);
        }

        ulong[] order = [.. Enumerable.Range(0, count).Select(_ => (ulong)RandomSource.System.NextInt32(count))];
        long bytes = 0;
        await MeasureAsync(count, size, async () =>
        {
            foreach (ulong index in order)
            {
                bytes += (await feed.GetAsync(index)).Bytes.Length;
            }
        });
        if (bytes != (long)count * size)
        {
            throw new InvalidOperationException($"read {bytes} bytes of {(long)count * size}");
        }
    }

    private static async Task ServeAsync(IHyperNode node, int count, int size)
    {
        await using IFeed feed = await node.OpenFeedAsync("bench");
        for (int i = 0; i < count; i += FillBatch)
        {
            await feed.AppendAsync(BlocksOf(Math.Min(FillBatch, count - i), size));
        }

        Hold(feed, count, size);
        await using IFeed warm = await node.OpenFeedAsync("warm");
        await warm.AppendAsync(BlocksOf(WarmUpBlocks, size));
        IPEndPoint address = await node.ListenTcpAsync(new IPEndPoint(IPAddress.Loopback, 0));
        Console.WriteLine(JsonSerializer.Serialize(new { ready = new { port = address.Port, key = feed.Key.ToHex(), warm = warm.Key.ToHex() } }));
        await Console.In.ReadToEndAsync();
    }

    private static async Task DownloadAsync(IHyperNode node, int count, int size, FeedKey key, int port, FeedKey warmKey)
    {
        await node.ConnectTcpAsync("127.0.0.1", port);
        await using IFeed warm = await node.OpenFeedAsync(warmKey);
        await warm.DownloadAsync(0, WarmUpBlocks);
        IFeed? feed = null;
        await MeasureAsync(count, size, async () =>
        {
            feed = await node.OpenFeedAsync(key);
            await feed.DownloadAsync(0, (ulong)count);
        });
        Hold(feed!, count, size);
        await feed!.DisposeAsync();
    }

    private static async Task AppendOneByOneAsync(IFeed feed, ReadOnlyMemory<byte>[] blocks)
    {
        foreach (ReadOnlyMemory<byte> block in blocks)
        {
            await feed.AppendAsync(block);
        }
    }

    private static ReadOnlyMemory<byte>[] BlocksOf(int count, int size)
    {
        byte[] bytes = new byte[count * size];
        RandomSource.System.Fill(bytes);
        return [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * size, size))];
    }

    private static async Task MeasureAsync(int count, int size, Func<Task> work)
    {
        long begun = Stopwatch.GetTimestamp();
        await work();
        var measurement = new Measurement(count, (long)count * size, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        Console.WriteLine(measurement.ToLine());
    }

    private static void Hold(IFeed feed, int count, int size)
    {
        if (feed.Length != (ulong)count || feed.ByteLength != (ulong)count * (ulong)size)
        {
            throw new InvalidOperationException($"expected {count} blocks of {size} bytes, the feed has {feed.Length} and {feed.ByteLength} bytes");
        }
    }
}
