using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using HyperActors.Actors;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary>The verbs that try UDX alone: a stream of bytes from one address to another.</summary>
internal sealed class UdxCommand : Command
{
    public UdxCommand(CliHost host, GlobalOptions globals)
        : base("udx", "Try UDX by itself: take a stream, send one, measure one")
    {
        Add(new UdxListenCommand(host, globals));
        Add(new UdxSendCommand(host, globals));
        Add(new UdxBenchCommand(host, globals));
        this.ShowHelpWithoutVerb(globals);
    }
}

/// <summary>What the verbs of UDX share. The stream of the listening side has the id 1, that of the sending one 2.</summary>
internal abstract class UdxVerb : Verb
{
    protected const uint ListeningId = 1;
    protected const uint SendingId = 2;
    protected const int BlockSize = 64 * 1024;

    protected UdxVerb(string name, string description, CliHost host, GlobalOptions globals)
        : base(name, description, host, globals) => Options.Add(Encrypted);

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected Option<bool> Encrypted { get; } = new("--encrypted")
    {
        Description = "Noise and the secret stream on it, as connections between nodes have; both sides must say so",
    };

    protected static Argument<HostPort?> AddressArgument(string description) => new("HOST:PORT")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = description,
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    protected static UdxPort OpenPort(IPEndPoint address)
    {
        try
        {
            return UdxPort.Open(address, () => Stopwatch.GetElapsedTime(0));
        }
        catch (SocketException failure)
        {
            throw CliException.Peer($"cannot use {address}: {failure.Message}");
        }
    }

    /// <summary>Copies until the other side ends, and gives the number of bytes; the clock starts with the first of them.</summary>
    protected static async Task<(long Bytes, TimeSpan Time)> ReceiveAsync(
        UdxByteStream stream, bool isEncrypted, Stream output, CancellationToken cancellationToken)
    {
        using KeyPair keys = KeyPair.Generate(RandomSource.System);
        await using Stream source = isEncrypted
            ? await SecretByteStream.ConnectAsync(stream, isInitiator: false, keys, RandomSource.System, cancellationToken)
            : stream;
        byte[] buffer = new byte[4 * BlockSize];
        long bytes = 0;
        long start = 0;
        int count;
        while ((count = await source.ReadAsync(buffer, cancellationToken)) > 0)
        {
            start = start == 0 ? Stopwatch.GetTimestamp() : start;
            bytes += count;
            await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        await output.FlushAsync(cancellationToken);
        await stream.EndAsync(cancellationToken);
        return (bytes, start == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Sends all of the input, and waits until the other side has it.</summary>
    protected static async Task<(long Bytes, TimeSpan Time)> SendAsync(
        UdxByteStream stream, bool isEncrypted, Stream input, CancellationToken cancellationToken)
    {
        using KeyPair keys = KeyPair.Generate(RandomSource.System);
        await using Stream target = isEncrypted
            ? await SecretByteStream.ConnectAsync(stream, isInitiator: true, keys, RandomSource.System, cancellationToken)
            : stream;
        byte[] buffer = new byte[BlockSize];
        long bytes = 0;
        long start = Stopwatch.GetTimestamp();
        int count;
        while ((count = await input.ReadAsync(buffer, cancellationToken)) > 0)
        {
            bytes += count;
            await target.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        await stream.EndAsync(cancellationToken);
        return (bytes, Stopwatch.GetElapsedTime(start));
    }

    protected static UdxResult Result((long Bytes, TimeSpan Time) carried) => new(
        carried.Bytes, carried.Time.TotalSeconds, carried.Time == TimeSpan.Zero ? 0 : carried.Bytes / carried.Time.TotalSeconds / 1e6);
}

/// <summary><c>udx listen HOST:PORT</c>: what one stream brings goes to the standard output.</summary>
internal sealed class UdxListenCommand : UdxVerb
{
    private readonly Argument<HostPort?> _address = AddressArgument("Where to listen; port 0 takes a free one");

    public UdxListenCommand(CliHost host, GlobalOptions globals)
        : base("listen", "Take one stream and write its bytes to the standard output, until the sender ends", host, globals) =>
        Arguments.Add(_address);

    public override IReadOnlyList<string> Examples => ["udx listen 0.0.0.0:4000 > copy", "udx listen 127.0.0.1:4000 --encrypted --json"];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        await using UdxPort port = OpenPort(await context.Get(_address)!.Value.ResolveAsync(cancellationToken));
        await using UdxByteStream stream = port.Await(ListeningId, SendingId);
        string address = port.Address.ToString();
        context.Printer.Json(new UdxListeningEvent(address), ResultJson.Default.UdxListeningEvent);
        if (!context.Printer.IsJson)
        {
            context.Printer.Note($"listening on {address}");
        }

        // With --json the output is for results: the bytes are counted and dropped.
        Stream output = context.Printer.IsJson ? Stream.Null : context.Host.Output;
        UdxResult result = Result(await ReceiveAsync(stream, context.Get(Encrypted), output, cancellationToken));
        context.Printer.Json(result, ResultJson.Default.UdxResult);
        return ExitCode.Ok;
    }
}

/// <summary><c>udx send HOST:PORT</c>: the standard input goes out as one stream.</summary>
internal sealed class UdxSendCommand : UdxVerb
{
    private readonly Argument<HostPort?> _address = AddressArgument("Where the other side listens");

    public UdxSendCommand(CliHost host, GlobalOptions globals)
        : base("send", "Send the standard input as one stream, until the other side has all of it", host, globals) =>
        Arguments.Add(_address);

    public override IReadOnlyList<string> Examples => ["udx send 192.0.2.7:4000 < file", "udx send 127.0.0.1:4000 --encrypted --json < file"];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        IPEndPoint remote = await context.Get(_address)!.Value.ResolveAsync(cancellationToken);
        IPAddress any = remote.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        await using UdxPort port = OpenPort(new IPEndPoint(any, 0));
        await using UdxByteStream stream = port.Connect(SendingId, ListeningId, remote);
        UdxResult result;
        try
        {
            result = Result(await SendAsync(stream, context.Get(Encrypted), context.Host.Input, cancellationToken));
        }
        catch (IOException failure)
        {
            throw CliException.Peer($"{remote}: {failure.Message}");
        }

        context.Printer.Json(result, ResultJson.Default.UdxResult);
        return ExitCode.Ok;
    }
}

/// <summary><c>udx bench</c>: how fast a stream is on this machine.</summary>
internal sealed class UdxBenchCommand : UdxVerb
{
    private const long DefaultSize = 256L << 20;

    private readonly Option<long?> _size = new("--size")
    {
        Description = "Bytes to carry [default: 256MiB]",
        HelpName = "SIZE",
        CustomParser = ArgumentReader.One<long?>(Size),
    };

    public UdxBenchCommand(CliHost host, GlobalOptions globals)
        : base("bench", "Carry bytes from one socket of this process to another, and say how fast", host, globals) =>
        Options.Add(_size);

    public override IReadOnlyList<string> Examples => ["udx bench", "udx bench --size 1GiB --encrypted --json"];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        bool isEncrypted = context.Get(Encrypted);
        await using UdxPort there = OpenPort(new IPEndPoint(IPAddress.Loopback, 0));
        await using UdxPort here = OpenPort(new IPEndPoint(IPAddress.Loopback, 0));
        await using UdxByteStream incoming = there.Await(ListeningId, SendingId);
        await using UdxByteStream outgoing = here.Connect(SendingId, ListeningId, there.Address);
        await using var blank = new Blank(context.Get(_size) ?? DefaultSize);
        Task<(long Bytes, TimeSpan Time)> receiving = ReceiveAsync(incoming, isEncrypted, Stream.Null, cancellationToken);
        UdxResult result = Result(await SendAsync(outgoing, isEncrypted, blank, cancellationToken));
        await receiving;
        context.Printer.Line($"{result.Bytes} bytes in {result.Seconds:0.###} s: {result.MegabytesPerSecond:0.#} MB/s");
        context.Printer.Json(result, ResultJson.Default.UdxResult);
        return ExitCode.Ok;
    }

    private static bool Size(string text, out long? size, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? error)
    {
        bool isRead = ByteSize.TryParse(text, out long bytes, out error);
        size = bytes;
        return isRead;
    }

    /// <summary>So many zeros.</summary>
    private sealed class Blank(long size) : MemoryStream
    {
        private long _left = size;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = (int)Math.Min(buffer.Length, _left);
            _left -= count;
            buffer.Span[..count].Clear();
            return ValueTask.FromResult(count);
        }
    }
}
