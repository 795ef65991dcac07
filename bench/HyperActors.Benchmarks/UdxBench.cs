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
        Both("UDX stream, 100 Mbit/s, 40 ms there and back, 64 MiB", 64L << 20, _line, floor: NoSlower),
        Both("the same, 1 in 100 lost", 64L << 20, _line with { Loss = 0.01 }, floor: NoSlower),
    ];

    /// <summary>Does one verb in a process of its own, as bench/js/udx.js does.</summary>
    public static async Task<int> RunChildAsync(string[] arguments)
    {
        long bytes = long.Parse(arguments[1], CultureInfo.InvariantCulture);
        using var hub = new UdxHub(
            UdpDoor.Open(new UdpOptions(), () => Stopwatch.GetElapsedTime(0)), new UdxOptions(), RandomSource.System);
        UdpSocket socket = hub.Bind(new IPEndPoint(IPAddress.Loopback, 0));
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
        await SendAsync(hub, socket, new UdxAddress(IPAddress.Loopback, port), bytes);
        return 0;
    }

    private static Row Both(string work, long bytes, LinkSettings? link, double floor) => new(
        work,
        Unit.MegabytesPerSecond,
        () => CarryAsync(Child.HyperActors, bytes, link),
        () => CarryAsync(arguments => Child.Script("udx.js", arguments), bytes, link),
        floor);

    private static async Task<Measurement> CarryAsync(Func<string[], Child> start, long bytes, LinkSettings? link)
    {
        string size = bytes.ToString(CultureInfo.InvariantCulture);
        await using Child server = start(["udx-serve", size]);
        int port = (await server.ReadyAsync()).GetProperty("port").GetInt32();
        using UdpLink? between = link is null ? null : new UdpLink(link, link with { Rate = 0, Loss = 0 }, seed: 1);
        between?.Join(null, new IPEndPoint(IPAddress.Loopback, port));
        port = between?.FacingLeft.Port ?? port;
        await using Child client = start(["udx-send", size, port.ToString(CultureInfo.InvariantCulture)]);
        return await client.MeasurementAsync();
    }

    private static async Task SendAsync(UdxHub hub, UdpSocket socket, UdxAddress remote, long bytes)
    {
        byte[] block = new byte[Block];
        RandomSource.System.Fill(block);
        var sink = new Sink(0);
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
        await Console.Error.WriteLineAsync($"{process.TotalProcessorTime.TotalSeconds} s of CPU");
        Console.WriteLine(new Measurement(bytes / Block, bytes, seconds).ToLine());
    }

    private sealed class Sink(long expected) : IUdxSink
    {
        private long _received;
        private long _written;

        public UdxConnection Connection { get; set; } = null!;

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
