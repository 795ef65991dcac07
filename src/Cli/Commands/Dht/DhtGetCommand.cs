using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht get KEY</c>: the value under a hash, or the newest one under a public key.</summary>
internal sealed class DhtGetCommand : Verb
{
    private readonly NetworkFlags _network;

    private readonly Argument<PublicKey?> _key = new("KEY")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "What dht put printed",
        CustomParser = ArgumentReader.One<PublicKey?>(ArgumentReader.Peer),
    };

    private readonly Option<bool> _mutable = new("--mutable") { Description = "The key is a public key, as dht put --keys prints it" };

    public DhtGetCommand(CliHost host, GlobalOptions globals)
        : base("get", "Write the bytes of a value that somebody put", host, globals)
    {
        Arguments.Add(_key);
        Options.Add(_mutable);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht get ybndrfg8…", "dht get ybndrfg8… --mutable --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        PublicKey key = context.Get(_key)!.Value;
        await using DhtClient client = await DhtClient.StartAsync(context, _network, null, cancellationToken);
        ReadOnlyMemory<byte>? value;
        ulong? sequence = null;
        if (context.Get(_mutable))
        {
            DhtMutable? found = await client.Dht.GetMutableAsync(key, 0, cancellationToken);
            (value, sequence) = (found?.Value, found?.Sequence);
        }
        else
        {
            value = await client.Dht.GetImmutableAsync(new Hash(key.AsSpan()), cancellationToken);
        }

        if (value is not { } bytes)
        {
            throw CliException.NotFound($"nobody has a value under {key}{(context.Get(_mutable) ? string.Empty : "; one that was put with --keys needs --mutable")}");
        }

        context.Printer.Json(new DhtGetResult(bytes, sequence), ResultJson.Default.DhtGetResult);
        if (!context.Printer.IsJson)
        {
            await context.Host.Output.WriteAsync(bytes, cancellationToken);
        }

        return ExitCode.Ok;
    }
}
