using System.CommandLine;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht announce TOPIC</c>: shows a key under a topic until stopped.</summary>
internal sealed class DhtAnnounceCommand : Verb
{
    /// <summary>Well before an announcement is forgotten.</summary>
    private static readonly TimeSpan Refresh = TimeSpan.FromMinutes(10);

    private readonly NetworkFlags _network;

    private readonly Argument<DiscoveryKey?> _topic = new("TOPIC")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "A topic: a feed's discovery key, or any words",
        CustomParser = ArgumentReader.One<DiscoveryKey?>(Topic.TryRead),
    };

    private readonly Option<string?> _keys = new("--keys")
    {
        Description = "A file with the seed of the key to announce: 32 bytes, made when there is no such file [default: a key for once]",
        HelpName = "FILE",
        CompletionSources = { Suggest.Files },
    };

    private readonly Option<bool> _once = new("--once") { Description = "Announce and leave; the announcement is forgotten after some 20 minutes" };

    public DhtAnnounceCommand(CliHost host, GlobalOptions globals)
        : base("announce", "Announce a key under a topic until stopped, then take it back", host, globals)
    {
        Arguments.Add(_topic);
        Options.Add(_keys);
        Options.Add(_once);
        _network = new NetworkFlags(this, 0);
    }

    public override IReadOnlyList<string> Examples => ["dht announce 'our chat'", "dht announce ybndrfg8… --keys me.seed --once"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        DiscoveryKey topic = context.Get(_topic)!.Value;
        KeyPair? keys = context.Get(_keys) is { } file ? SeedFile.Open(file) : null;
        await using DhtClient client = await DhtClient.StartAsync(context, _network, keys, cancellationToken);
        while (true)
        {
            int nodes = await client.Dht.AnnounceAsync(topic, cancellationToken);
            if (nodes == 0)
            {
                throw CliException.Peer("no node took the announcement: those that answer store nothing for others");
            }

            context.Printer.Line($"{client.Keys.PublicKey}  kept by {Words.Count((ulong)nodes, "node")}");
            context.Printer.Json(
                new DhtAnnouncedEvent(topic.ToString(), client.Keys.PublicKey.ToString(), nodes), ResultJson.Default.DhtAnnouncedEvent);
            if (context.Get(_once))
            {
                return ExitCode.Ok;
            }

            try
            {
                await Task.Delay(Refresh, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await client.Dht.UnannounceAsync(topic, CancellationToken.None);
                return ExitCode.Ok;
            }
        }
    }
}
