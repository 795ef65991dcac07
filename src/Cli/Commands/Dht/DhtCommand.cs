using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>dht</c>: runs nodes of the DHT until stopped; its verbs ask one question each.</summary>
internal sealed class DhtCommand : Verb
{
    /// <summary>Nodes that start at the same time: each asks those that are there already.</summary>
    private const int StartedTogether = 16;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly NetworkFlags _network;

    private readonly Option<bool> _bootstrapper = new("--bootstrapper")
    {
        Description = "Begin a network: others enter it through this node, which --host names as they reach it",
    };

    private readonly Option<bool> _persistent = new("--persistent")
    {
        Description = "Store for others from the start, for a machine that everybody can reach [default: find out, within 20 minutes]",
    };

    private readonly Option<bool> _relay = new("--relay")
    {
        Description = "Be a relay for peers that find no direct way to each other; they name it by the key that is shown",
    };

    private readonly Option<string?> _keys = new("--keys")
    {
        Description = "A file with the seed of the first node's key, and so of its relay's: 32 bytes, made when there is no such file [default: a key for once]",
        HelpName = "FILE",
        CompletionSources = { Suggest.Files },
    };

    private readonly Option<int> _nodes = new("--nodes")
    {
        Description = "How many nodes to run in this process, each with a port of its own",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
        CustomParser = ArgumentReader.One<int>(ArgumentReader.Nodes),
    };

    public DhtCommand(CliHost host, GlobalOptions globals)
        : base("dht", "Run nodes of the distributed hash table until stopped, or ask it", host, globals)
    {
        _network = new NetworkFlags(this, NetworkOptions.DefaultPort);
        Options.Add(_bootstrapper);
        Options.Add(_persistent);
        Options.Add(_relay);
        Options.Add(_keys);
        Options.Add(_nodes);
        Add(new DhtLookupCommand(host, globals));
        Add(new DhtAnnounceCommand(host, globals));
        Add(new DhtFindCommand(host, globals));
        Add(new DhtPingCommand(host, globals));
        Add(new DhtPutCommand(host, globals));
        Add(new DhtGetCommand(host, globals));
    }

    public override IReadOnlyList<string> Examples =>
    [
        "dht",
        "dht --bootstrapper -a 127.0.0.1:49737",
        "dht --bootstrapper -a 127.0.0.1:49737 --nodes 20",
        "dht --relay --keys relay.seed",
        "dht --host 127.0.0.1 --port 0 -b 127.0.0.1:49737 --json -v",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        NetworkOptions first = _network.Read(context);
        if (context.Get(_bootstrapper))
        {
            first.IsBootstrapper = true;
            first.Bootstrap ??= [];
            if (string.Equals(first.Host, "0.0.0.0", StringComparison.Ordinal))
            {
                throw CliException.Usage("--bootstrapper needs --host: the address of this machine as the other nodes reach it");
            }
        }
        else if (context.Get(_persistent))
        {
            (first.IsEphemeral, first.IsFirewalled) = (false, false);
        }

        first.RelaysForOthers = context.Get(_relay);
        using KeyPair? keys = context.Get(_keys) is { } file ? SeedFile.Open(file) : null;
        await using var host = DhtHost.Start();
        var nodes = new List<IDht>();
        try
        {
            await AddAsync([first]);
            NetworkOptions other = await OthersAsync(first, nodes[0], cancellationToken);
            for (int left = context.Get(_nodes) - 1; left > 0; left -= StartedTogether)
            {
                await AddAsync([.. Enumerable.Range(0, Math.Min(left, StartedTogether)).Select(_ => other with { })]);
            }

            context.Printer.Json(new DhtReadyEvent(nodes.Count), ResultJson.Default.DhtReadyEvent);
            if (!context.Printer.IsJson)
            {
                context.Printer.Note($"{Words.Count((ulong)nodes.Count, "node")} up");
            }

            await WatchAsync(context.Printer, nodes, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A node has no other end.
        }

        context.Printer.Json(new StoppedEvent(0, 0), ResultJson.Default.StoppedEvent);
        return ExitCode.Ok;

        async Task AddAsync(NetworkOptions[] networks)
        {
            foreach (IDht node in await Task.WhenAll(networks.Select(
                network => host.AddAsync(network, nodes.Count == 0 ? keys : null, cancellationToken).AsTask())))
            {
                nodes.Add(node);
            }

            foreach (IDht node in nodes.Skip(nodes.Count - networks.Length))
            {
                await node.WaitUntilReadyAsync(cancellationToken);
                DhtInfo info = await node.GetInfoAsync(cancellationToken);
                context.Printer.Line(info.RelayKey is { } relay ? $"{info.LocalAddress}  relay {relay}" : info.LocalAddress!.ToString());
                context.Printer.Json(
                    new DhtListeningEvent(
                        nodes.IndexOf(node) + 1, info.LocalAddress!.ToString(), info.Id?.ToString(), info.IsEphemeral, info.RelayKey?.ToString()),
                    ResultJson.Default.DhtListeningEvent);
            }
        }
    }

    // The others enter through the first one, and where that begins a network they store as it does.
    private static async Task<NetworkOptions> OthersAsync(NetworkOptions first, IDht node, CancellationToken cancellationToken)
    {
        NetworkOptions other = first with { Port = 0, IsPortFixed = false, IsBootstrapper = false, RelaysForOthers = false };
        if (first.IsBootstrapper)
        {
            DhtInfo info = await node.GetInfoAsync(cancellationToken);
            other.Bootstrap = [.. first.Bootstrap!, $"{first.Host}:{info.LocalAddress!.Port}"];
            (other.IsEphemeral, other.IsFirewalled) = (false, false);
        }

        return other;
    }

    private static async Task WatchAsync(Printer printer, List<IDht> nodes, CancellationToken cancellationToken)
    {
        if (!printer.IsVerbose)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }

        var shown = new DhtStatusEvent?[nodes.Count];
        while (true)
        {
            for (int i = 0; i < shown.Length; i++)
            {
                DhtInfo info = await nodes[i].GetInfoAsync(cancellationToken);
                var status = new DhtStatusEvent(
                    i + 1,
                    info.PublicAddress?.ToString(),
                    Words.Nat(info.Nat),
                    info.IsEphemeral,
                    info.IsOnline,
                    info.Buckets.Sum(bucket => bucket.Contacts));
                if (status != shown[i])
                {
                    shown[i] = status;
                    printer.Detail(
                        status,
                        ResultJson.Default.DhtStatusEvent,
                        s => $"node {s.Node}: {(s.Ephemeral ? "ephemeral" : "persistent")}, {(s.Online ? "online" : "offline")}, "
                            + $"{Words.Count((ulong)s.Contacts, "contact")}, seen at {s.PublicAddress ?? "an unknown address"}");
                }
            }

            await Task.Delay(LookInterval, cancellationToken);
        }
    }
}
