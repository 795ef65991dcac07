using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using HyperActors.Actors;
using HyperActors.Benchmarks.Harness;
using HyperActors.Crypto;
using HyperActors.TestKit;
using HyperActors.Udx;

namespace HyperActors.Benchmarks;

/// <summary>How fast does a UDX stream carry bytes from one process to another, as fast as it can and over a line that loses?</summary>
internal static class UdxBench
{
    private const uint Client = 1;
    private const uint Server = 2;
    private const int Block = 64 * 1024;
    private const int BlocksAhead = 32;

    // Both wait for the same line, and the machine's moods are a few hundredths.
    private const double NoSlower = 0.95;

    private static readonly LinkSettings _line = new()
    {
        Delay = TimeSpan.FromMilliseconds(20),
        Rate = 12_500_000,
        QueueBytes = 500_000,
    };

    public static IReadOnlyList<Row> Rows { get; } =
    [
        Both("UDX stream, 1 GiB", 1L << 30, null, floor: 3),
        Both("the same, processor time", 1L << 30, null, floor: 2) with { Unit = Unit.CpuPerGigabyte },
        Both("UDX stream, encrypted, 1 GiB", 1L << 30, null, floor: 3, isEncrypted: true),
        Both("UDX stream, 100 Mbit/s, 40 ms there and back, 64 MiB", 64L << 20, _line, floor: NoSlower),
        Both("the same, 1 in 100 lost", 64L << 20, _line with { Loss = 0.01 }, floor: NoSlower),
        new("two streams of ours on that line, share of the slower", Unit.Share, () => ShareAsync(Child.HyperActors, Child.HyperActors), Least: 40),
        new(
            "one of ours and one of JavaScript, share of the slower",
            Unit.Share,
            () => ShareAsync(Child.HyperActors, arguments => Child.Script("udx.js", arguments)),
            Least: 40),
        new("10 000 idle streams, memory of each", Unit.BytesEach, () => Task.FromResult(MeasureIdle(10_000)), Least: 4096),
    ];

    /// <summary>Does one verb in a process of its own, as bench/js/udx.js does.</summary>
    public static async Task<int> RunChildAsync(string[] arguments)
    {
        long bytes = long.Parse(arguments[1], CultureInfo.InvariantCulture);
        using var hub = new UdxHub(
            UdpDoor.Open(new UdpOptions(), () => Stopwatch.GetElapsedTime(0)), new UdxOptions(), RandomSource.System);
        UdpSocket socket = hub.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        bool isEncrypted = arguments[0].EndsWith("-secret", StringComparison.Ordinal);
        if (arguments[0] == "udx-serve-secret")
        {
            Console.WriteLine(JsonSerializer.Serialize(new { ready = new { port = socket.LocalAddress.Port } }));
            await ReceiveSecretlyAsync(hub, bytes);
            await Console.In.ReadToEndAsync();
            return 0;
        }

        if (arguments[0] == "udx-serve")
        {
            var sink = new Sink(bytes);
            sink.Connection = hub.Open(Server, sink, (stream, on, from) =>
            {
                stream.Connect(on, Client, from);
                return true;
            })!;
            Console.WriteLine(JsonSerializer.Serialize(new { ready = new { port = socket.LocalAddress.Port } }));
            await Console.In.ReadToEndAsync();
            return 0;
        }

        int port = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        var remote = new UdxAddress(IPAddress.Loopback, port);
        await (isEncrypted ? SendSecretlyAsync(hub, socket, remote, bytes) : SendAsync(hub, socket, remote, bytes));
        return 0;
    }

    private static Row Both(string work, long bytes, LinkSettings? link, double floor, bool isEncrypted = false) => new(
        work,
        Unit.MegabytesPerSecond,
        () => CarryAsync(Child.HyperActors, bytes, link, isEncrypted),
        () => CarryAsync(arguments => Child.Script("udx.js", arguments), bytes, link, isEncrypted),
        floor);

    private static async Task<Measurement> CarryAsync(Func<string[], Child> start, long bytes, LinkSettings? link, bool isEncrypted)
    {
        string size = bytes.ToString(CultureInfo.InvariantCulture);
        string how = isEncrypted ? "-secret" : "";
        await using Child server = start([$"udx-serve{how}", size]);
        int port = (await server.ReadyAsync()).GetProperty("port").GetInt32();
        double before = server.ProcessorSeconds;
        using UdpLink? between = link is null ? null : new UdpLink(link, link with { Rate = 0, Loss = 0 }, seed: 1);
        between?.Join(null, new IPEndPoint(IPAddress.Loopback, port));
        port = between?.FacingLeft.Port ?? port;
        await using Child client = start([$"udx-send{how}", size, port.ToString(CultureInfo.InvariantCulture)]);
        Measurement sent = await client.MeasurementAsync();
        return sent with { CpuSeconds = sent.CpuSeconds + server.ProcessorSeconds - before };
    }

    /// <summary>Two senders at once on one line: what the slower one has when the faster one has everything.</summary>
    private static async Task<Measurement> ShareAsync(Func<string[], Child> first, Func<string[], Child> second)
    {
        const long bytes = 48L << 20;
        string size = bytes.ToString(CultureInfo.InvariantCulture);
        var line = new LinkModel(_line, 1);
        var back = new LinkModel(_line with { Rate = 0 }, 2);
        await using Child firstServer = first(["udx-serve", size]);
        await using Child secondServer = second(["udx-serve", size]);
        using var firstLink = new UdpLink(line, back);
        using var secondLink = new UdpLink(line, back);
        firstLink.Join(null, new IPEndPoint(IPAddress.Loopback, (await firstServer.ReadyAsync()).GetProperty("port").GetInt32()));
        secondLink.Join(null, new IPEndPoint(IPAddress.Loopback, (await secondServer.ReadyAsync()).GetProperty("port").GetInt32()));
        await using Child one = first(["udx-send", size, firstLink.FacingLeft.Port.ToString(CultureInfo.InvariantCulture)]);
        await using Child other = second(["udx-send", size, secondLink.FacingLeft.Port.ToString(CultureInfo.InvariantCulture)]);
        Measurement[] both = await Task.WhenAll(one.MeasurementAsync(), other.MeasurementAsync());

        // Alone on the line, the slower one gets all of it: so much it still had to send when the faster one was done.
        double rate = 2 * bytes / both.Max(m => m.Seconds);
        double missing = rate * (both.Max(m => m.Seconds) - both.Min(m => m.Seconds));
        double slower = Math.Max(0, bytes - missing);
        return new Measurement(1, 2 * bytes, both.Max(m => m.Seconds)) { Share = slower / (slower + bytes) };
    }

    /// <summary>Streams that have carried a little each way and now wait: what they hold, both ends of each counted by themselves.</summary>
    private static Measurement MeasureIdle(int count)
    {
        using var hub = new UdxHub(
            UdpDoor.Open(new UdpOptions(), () => Stopwatch.GetElapsedTime(0)), new UdxOptions(), RandomSource.System);
        UdpSocket socket = hub.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var sinks = new Sink[count];
        for (int i = 0; i < count; i++)
        {
            uint pair = (uint)(i ^ 1);
            sinks[i] = new Sink(0);
            sinks[i].Connection = hub.Open((uint)i, sinks[i])!;
            sinks[i].Connection.Connect(socket, pair, socket.LocalAddress);
        }

        foreach (Sink sink in sinks)
        {
            sink.Connection.Write(new Borrowed([1, 2, 3]));
        }

        SpinWait.SpinUntil(() => sinks.All(s => s.Received == 3 && s.Connection.Statistics.InFlight == 0), TimeSpan.FromSeconds(30));
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(sinks);
        return new Measurement(count, held, 1);
    }

    private static async Task ReceiveSecretlyAsync(UdxHub hub, long bytes)
    {
        using KeyPair keys = KeyPair.Generate(RandomSource.System);
        await using UdxByteStream stream = UdxByteStream.Open(hub, Server, (connection, on, from) =>
        {
            connection.Connect(on, Client, from);
            return true;
        })!;
        await using SecretByteStream secret = await SecretByteStream.ConnectAsync(stream, isInitiator: false, keys, RandomSource.System);
        byte[] buffer = new byte[256 * 1024];
        long received = 0;
        int count;
        while ((count = await secret.ReadAsync(buffer)) > 0)
        {
            received += count;
        }

        if (received == bytes)
        {
            await stream.EndAsync();
        }
    }

    private static async Task SendSecretlyAsync(UdxHub hub, UdpSocket socket, UdxAddress remote, long bytes)
    {
        using KeyPair keys = KeyPair.Generate(RandomSource.System);
        byte[] block = new byte[Block];
        RandomSource.System.Fill(block);
        long begun = Stopwatch.GetTimestamp();
        await using UdxByteStream stream = UdxByteStream.Open(hub, Client)!;
        stream.Connection.Connect(socket, Server, remote);
        await using SecretByteStream secret = await SecretByteStream.ConnectAsync(stream, isInitiator: true, keys, RandomSource.System);
        for (long sent = 0; sent < bytes; sent += Block)
        {
            await secret.WriteAsync(block);
        }

        await stream.EndAsync();
        Console.WriteLine(new Measurement(bytes / Block, bytes, Stopwatch.GetElapsedTime(begun).TotalSeconds).ToLine());
    }

    private static async Task SendAsync(UdxHub hub, UdpSocket socket, UdxAddress remote, long bytes)
    {
        byte[] block = new byte[Block];
        RandomSource.System.Fill(block);
        var sink = new Sink(0);
        using var self = Process.GetCurrentProcess();
        double cpuBefore = self.TotalProcessorTime.TotalSeconds;
        long begun = Stopwatch.GetTimestamp();
        sink.Connection = hub.Open(Client, sink)!;
        sink.Connection.Connect(socket, Server, remote);
        for (long sent = 0; sent < bytes; sent += Block)
        {
            await sink.Room.WaitAsync();
            sink.Connection.Write(new Borrowed(block));
        }

        sink.Connection.End();
        UdxCloseReason reason = await sink.Closed.Task;
        if (reason != UdxCloseReason.Ended)
        {
            throw new InvalidOperationException($"the stream was {reason}");
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        using var process = Process.GetCurrentProcess();
        double cpu = process.TotalProcessorTime.TotalSeconds - cpuBefore;
        Console.WriteLine(new Measurement(bytes / Block, bytes, seconds) { CpuSeconds = cpu }.ToLine());
    }

    private sealed class Sink(long expected) : IUdxSink
    {
        private long _received;
        private long _written;

        public UdxConnection Connection { get; set; } = null!;

        public long Received => Volatile.Read(ref _received);

        public SemaphoreSlim Room { get; } = new(BlocksAhead);

        public TaskCompletionSource<UdxCloseReason> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void HandleBytes(IMemoryOwner<byte> bytes, int count)
        {
            _received += count;
            bytes.Dispose();
            Connection.Consumed(count);
        }

        public void HandleWritten(int count)
        {
            int before = (int)(_written / Block);
            _written += count;
            int blocks = (int)(_written / Block) - before;
            if (blocks > 0)
            {
                Room.Release(blocks);
            }
        }

        public void HandleMessage(ReadOnlyMemory<byte> message)
        {
        }

        public void HandleRemoteEnded()
        {
            if (_received != expected)
            {
                Connection.Destroy();
                return;
            }

            Connection.End();
        }

        public void HandleRemoteChanged()
        {
        }

        public void HandleClosed(UdxCloseReason reason) => Closed.TrySetResult(reason);
    }

    /// <summary>Bytes that belong to the run and are written over and over.</summary>
    private sealed class Borrowed(byte[] bytes) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => bytes;

        public void Dispose()
        {
        }
    }
}
