using System.CommandLine;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Cli.Input;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed serve</c>: every feed of the storage, to anyone who knows a key, until stopped.</summary>
internal sealed class FeedServeCommand : Verb
{
    private readonly Option<HostPort?> _tcp = new("--tcp")
    {
        Description = "Where to listen; port 0 takes a free one",
        HelpName = "HOST:PORT",
        Required = true,
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    private readonly Option<string?> _stdin = new("--stdin")
    {
        Description = "Append the lines of the standard input to this feed while serving; goes on serving when the input ends",
        HelpName = "NAME",
    };

    public FeedServeCommand(CliHost host, GlobalOptions globals)
        : base("serve", "Serve every feed of the storage to anyone who knows a key, until stopped; prints the address first", host, globals)
    {
        Options.Add(_tcp);
        Options.Add(_stdin);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "feed serve --tcp 0.0.0.0:4000",
        "feed serve --tcp [::1]:0 --json",
        "feed serve --tcp 127.0.0.1:4000 --stdin notes",
    ];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        HostPort tcp = context.Get(_tcp)!.Value;
        string? name = context.Get(_stdin);
        IPEndPoint wanted = await tcp.ResolveAsync(cancellationToken);
        await using IHyperNode node = name is null
            ? await context.StartNodeAsync(cancellationToken)
            : await context.StartExistingNodeAsync(name, cancellationToken);
        await using IFeed? feed = name is null ? null : await context.OpenWritableFeedAsync(node, name, cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reporting = context.Printer.IsVerbose ? ReportAsync(context.Printer, node, stop.Token) : Task.CompletedTask;

        IPEndPoint address = await node.ListenTcpAsync(wanted, cancellationToken);
        context.Printer.Line(address.ToString());
        context.Printer.Json(new ListeningEvent(address.ToString(), node.PublicKey.ToString()), ResultJson.Default.ListeningEvent);
        FeedAppender? appender = null;
        try
        {
            if (feed is not null)
            {
                appender = new FeedAppender(feed, a => context.Printer.Detail(
                    new AppendedEvent(a.Length, a.Blocks, a.Bytes),
                    ResultJson.Default.AppendedEvent,
                    e => $"{Words.Count(e.Blocks, "block")} appended, the feed's length is {e.Length}"));
                await appender.AppendAsync(context.Host.Input, new LineCutter(), cancellationToken);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Serving has no other end.
        }

        await stop.CancelAsync();
        await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Printer.Json(new StoppedEvent(appender?.Blocks ?? 0, appender?.Bytes ?? 0), ResultJson.Default.StoppedEvent);
        return ExitCode.Ok;
    }

    private static async Task ReportAsync(Printer printer, IHyperNode node, CancellationToken cancellationToken)
    {
        await foreach (ConnectionEvent happened in node.WatchConnectionsAsync(cancellationToken))
        {
            if (happened is ConnectionEvent.Opened { Peer: var peer })
            {
                printer.Detail(
                    new ConnectedEvent(peer.ConnectionId, peer.PublicKey.ToString(), peer.Address?.ToString()),
                    ResultJson.Default.ConnectedEvent,
                    e => $"connection {e.Connection} from {e.Address ?? "?"} opened, public key {e.PublicKey}");
            }
            else if (happened is ConnectionEvent.Closed closed)
            {
                printer.Detail(
                    new DisconnectedEvent(closed.ConnectionId, closed.Address?.ToString(), closed.Reason),
                    ResultJson.Default.DisconnectedEvent,
                    e => $"connection {e.Connection} from {e.Address ?? "?"} ended{(e.Reason is null ? string.Empty : $": {e.Reason}")}");
            }
        }
    }
}
