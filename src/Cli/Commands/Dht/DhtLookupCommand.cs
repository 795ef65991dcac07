using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht lookup TOPIC</c>: who is announced under a topic.</summary>
internal sealed class DhtLookupCommand : Verb
{
    private readonly NetworkFlags _network;

    private readonly Argument<DiscoveryKey?> _topic = new("TOPIC")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "A topic: a feed's discovery key, or any words",
        CustomParser = ArgumentReader.One<DiscoveryKey?>(Topic.TryRead),
    };

    public DhtLookupCommand(CliHost host, GlobalOptions globals)
        : base("lookup", "Show every peer that is announced under a topic", host, globals)
    {
        Arguments.Add(_topic);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht lookup ybndrfg8…", "dht lookup 'our chat' --json -b 127.0.0.1:49737 --host 127.0.0.1"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        DiscoveryKey topic = context.Get(_topic)!.Value;
        await using DhtClient client = await DhtClient.StartAsync(context, _network, null, cancellationToken);
        var seen = new HashSet<PublicKey>();
        await foreach (DhtPeer peer in client.Dht.LookupAsync(topic, cancellationToken))
        {
            if (seen.Add(peer.PublicKey))
            {
                DhtPeerResult result = DhtPeerResult.Of(peer);
                context.Printer.Json(result, ResultJson.Default.DhtPeerResult);
                context.Printer.Line($"{result.PublicKey}  {(result.Relays.Count == 0 ? "-" : string.Join(' ', result.Relays))}");
            }
        }

        return seen.Count > 0 ? ExitCode.Ok : throw CliException.NotFound($"nobody is announced under {topic}");
    }
}
