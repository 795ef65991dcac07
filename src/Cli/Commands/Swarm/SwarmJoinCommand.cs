using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>swarm join TOPIC</c>: meets peers at a topic, and shows them, until stopped.</summary>
internal sealed class SwarmJoinCommand : Verb
{
    private readonly NetworkFlags _network;

    private readonly Argument<DiscoveryKey?> _topic = new("TOPIC")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "A topic: a feed's discovery key, or any words",
        CustomParser = ArgumentReader.One<DiscoveryKey?>(Topic.TryRead),
    };

    private readonly Option<bool> _lookOnly = new("--look-only") { Description = "Look for others without being announced" };

    private readonly Option<bool> _announceOnly = new("--announce-only") { Description = "Be found by others without looking for them" };

    public SwarmJoinCommand(CliHost host, GlobalOptions globals)
        : base("join", "Meet peers at a topic, copy the feeds that both sides know, and show who comes and goes, until stopped", host, globals)
    {
        Arguments.Add(_topic);
        Options.Add(_lookOnly);
        Options.Add(_announceOnly);
        _network = new NetworkFlags(this, NetworkOptions.DefaultPort, connects: true);
    }

    public override IReadOnlyList<string> Examples => ["swarm join 'our chat'", "swarm join ybndrfg8… --json -b 127.0.0.1:49737 --host 127.0.0.1"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Locked, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        DiscoveryKey topic = context.Get(_topic)!.Value;
        if (context.Get(_lookOnly) && context.Get(_announceOnly))
        {
            throw CliException.Usage("--look-only and --announce-only leave nothing to do: give one of them");
        }

        var join = new SwarmJoinOptions { Server = !context.Get(_lookOnly), Client = !context.Get(_announceOnly) };
        await using IHyperNode node = await context.StartNodeAsync(_network.Read(context), cancellationToken);
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task showing = ShowAsync(context.Printer, node, stop.Token);
            await using ISwarmSession session = await node.Swarm.JoinAsync(topic, join, cancellationToken);
            await session.FlushAsync(cancellationToken);
            await SwarmLink.TellJoinedAsync(context.Printer, node, topic, cancellationToken);
            await showing;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Being in a topic has no other end.
        }

        context.Printer.Json(new StoppedEvent(0, 0), ResultJson.Default.StoppedEvent);
        return ExitCode.Ok;
    }

    private static async Task ShowAsync(Printer printer, IHyperNode node, CancellationToken cancellationToken)
    {
        await foreach (SwarmEvent happened in node.Swarm.WatchAsync(cancellationToken))
        {
            switch (happened)
            {
                case SwarmEvent.Connected { Peer: var peer }:
                    printer.Json(
                        new ConnectedEvent(peer.ConnectionId, peer.PublicKey.ToString(), peer.Address?.ToString()),
                        ResultJson.Default.ConnectedEvent);
                    printer.Line($"+ {peer.PublicKey}  {peer.Address}");
                    break;
                case SwarmEvent.Disconnected gone:
                    printer.Json(new LeftEvent(gone.PublicKey.ToString(), gone.Reason), ResultJson.Default.LeftEvent);
                    printer.Line($"- {gone.PublicKey}{(gone.Reason is null ? string.Empty : "  " + gone.Reason)}");
                    break;
                case SwarmEvent.PeerFound found:
                    printer.Detail(
                        new FoundEvent(found.PublicKey.ToString(), found.Topic.ToString()),
                        ResultJson.Default.FoundEvent,
                        e => $"found {e.PublicKey}");
                    break;
                case SwarmEvent.DialFailed failed:
                    printer.Detail(
                        new DialFailedEvent(failed.PublicKey.ToString(), failed.Reason),
                        ResultJson.Default.DialFailedEvent,
                        e => $"no connection to {e.PublicKey}: {e.Reason}");
                    break;
                default:
                    break;
            }
        }
    }
}
