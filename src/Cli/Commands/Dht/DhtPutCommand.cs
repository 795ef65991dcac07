using System.CommandLine;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht put [VALUE]</c>: stores a small value under its hash, or signed under a key.</summary>
internal sealed class DhtPutCommand : Verb
{
    /// <summary>What a datagram carries beside everything else.</summary>
    private const int MaxValueSize = 1000;

    private readonly NetworkFlags _network;

    private readonly Argument<string?> _value = new("VALUE")
    {
        Description = $"The text to store, at most {MaxValueSize} bytes [default: the standard input]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _keys = new("--keys")
    {
        Description = "Store it under a public key that can be written again: a file with the key's seed, made when there is no such file",
        HelpName = "FILE",
        CompletionSources = { Suggest.Files },
    };

    private readonly Option<ulong?> _sequence = new("--sequence")
    {
        Description = "With --keys: the value's sequence number [default: one above that of the value that is there]",
        HelpName = "N",
        CustomParser = ArgumentReader.One<ulong?>(ArgumentReader.Sequence),
    };

    public DhtPutCommand(CliHost host, GlobalOptions globals)
        : base("put", "Store a small value for two days, under its hash or signed under a key; prints the key", host, globals)
    {
        Arguments.Add(_value);
        Options.Add(_keys);
        Options.Add(_sequence);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht put 'hello world'", "dht put --keys me.seed < status.json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        byte[] value = context.Get(_value) is { } text ? Encoding.UTF8.GetBytes(text) : await ReadInputAsync(context.Host.Input, cancellationToken);
        if (value.Length is 0 or > MaxValueSize)
        {
            throw CliException.Usage(value.Length == 0 ? "there is nothing to store" : $"a value has at most {MaxValueSize} bytes; a feed has no such limit");
        }

        if (context.Get(_sequence) is not null && context.Get(_keys) is null)
        {
            throw CliException.Usage("--sequence numbers values that --keys signs");
        }

        KeyPair? keys = context.Get(_keys) is { } file ? SeedFile.Open(file) : null;
        await using DhtClient client = await DhtClient.StartAsync(context, _network, keys, cancellationToken);
        ulong? sequence = null;
        DhtPut put;
        if (keys is null)
        {
            put = await client.Dht.PutImmutableAsync(value, cancellationToken);
        }
        else
        {
            DhtMutable? before = context.Get(_sequence) is null
                ? await client.Dht.GetMutableAsync(keys.PublicKey, 0, cancellationToken)
                : null;
            sequence = context.Get(_sequence) ?? (before?.Sequence + 1) ?? 1;
            put = await client.Dht.PutMutableAsync(keys, value, sequence.Value, cancellationToken);
        }

        string key = keys?.PublicKey.ToString() ?? put.Key.ToString();
        context.Printer.Line(key);
        context.Printer.Json(new DhtPutResult(key, put.Nodes, sequence), ResultJson.Default.DhtPutResult);
        return put.Nodes > 0 ? ExitCode.Ok : throw CliException.Peer("no node took the value");
    }

    private static async Task<byte[]> ReadInputAsync(Stream input, CancellationToken cancellationToken)
    {
        // One byte more than may be: whatever comes after that does not matter.
        byte[] buffer = new byte[MaxValueSize + 1];
        int count = await input.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer[..count];
    }
}
