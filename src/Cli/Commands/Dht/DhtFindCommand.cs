using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht find KEY</c>: through which nodes a listening peer is reached.</summary>
internal sealed class DhtFindCommand : Verb
{
    private readonly NetworkFlags _network;

    private readonly Argument<PublicKey?> _key = new("KEY")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "A peer's public key, as z-base-32 or hex",
        CustomParser = ArgumentReader.One<PublicKey?>(ArgumentReader.Peer),
    };

    public DhtFindCommand(CliHost host, GlobalOptions globals)
        : base("find", "Show through which nodes a listening peer is reached", host, globals)
    {
        Arguments.Add(_key);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht find ybndrfg8…", "dht find ybndrfg8… --json -b 127.0.0.1:49737 --host 127.0.0.1"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        PublicKey key = context.Get(_key)!.Value;
        await using DhtClient client = await DhtClient.StartAsync(context, _network, null, cancellationToken);
        DhtPeer peer = await client.Dht.FindPeerAsync(key, cancellationToken)
            ?? throw CliException.NotFound($"nobody knows a peer {key} that listens");
        DhtPeerResult result = DhtPeerResult.Of(peer);
        context.Printer.Json(result, ResultJson.Default.DhtPeerResult);
        context.Printer.Line($"{result.From}{(result.Relays.Count == 0 ? string.Empty : " " + string.Join(' ', result.Relays))}");
        return ExitCode.Ok;
    }
}
