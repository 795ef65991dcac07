using System.CommandLine;
using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Input;
using HyperActors.Cli.Network;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed serve</c>: every feed of the storage, to anyone who knows a key, until stopped.</summary>
internal sealed class FeedServeCommand : Verb
{
    /// <summary>Between two looks whether the id of a stream is free again.</summary>
    private static readonly TimeSpan ReopenPause = TimeSpan.FromMilliseconds(250);

    private readonly TransportChoice _transport;

    private readonly Option<string?> _stdin = new("--stdin")
    {
        Description = "Append the lines of the standard input to this feed while serving; goes on serving when the input ends",
        HelpName = "NAME",
    };

    public FeedServeCommand(CliHost host, GlobalOptions globals)
        : base("serve", "Serve every feed of the storage to anyone who knows a key, by topic or at an address, until stopped; prints the address first", host, globals)
    {
        _transport = new TransportChoice(this, "Where to listen for those who know the address; port 0 takes a free one", NetworkOptions.DefaultPort);
        _stdin.CompletionSources.Add(Suggest.FeedNames(host, globals));
        Options.Add(_stdin);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "feed serve",
        "feed serve --host 127.0.0.1 -b 127.0.0.1:49737",
        "feed serve --tcp 0.0.0.0:4000",
        "feed serve --tcp [::1]:0 --json",
        "feed serve --tcp 127.0.0.1:4000 --stdin notes",
        "feed serve --udx 0.0.0.0:4000 --udx-peer 192.0.2.8:4001",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked, ExitCode.NotWritable, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string? name = context.Get(_stdin);
        IPEndPoint? tcp = _transport.Tcp(context) is { } wanted ? await wanted.ResolveAsync(cancellationToken) : null;
        NetworkOptions? network = _transport.Network(context);
        UdxRoute? route = tcp is null && network is null ? await _transport.RouteAsync(context, isServing: true, cancellationToken) : null;
        await using IHyperNode node = name is null
            ? await context.StartNodeAsync(network, cancellationToken)
            : await context.StartExistingNodeAsync(name, network, cancellationToken);
        await using IFeed? feed = name is null ? null : await context.OpenWritableFeedAsync(node, name, cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reporting = context.Printer.IsVerbose ? ConnectionReport.RunAsync(context.Printer, node, stop.Token) : Task.CompletedTask;

        IPEndPoint address = network is not null ? await JoinAsync(node, cancellationToken)
            : route is null ? await node.ListenTcpAsync(tcp!, cancellationToken)
            : route.Local;
        Task accepting = route is null ? Task.CompletedTask : AcceptAsync(node, route, stop.Token);
        if (accepting.IsFaulted)
        {
            // The address can't be had: that is known at once.
            await accepting;
        }

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
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Printer.Json(new StoppedEvent(appender?.Blocks ?? 0, appender?.Bytes ?? 0), ResultJson.Default.StoppedEvent);
        return ExitCode.Ok;
    }

    // Each feed is a topic of its own. The address is told once all of them are announced: whoever looks from then on finds us.
    private static async Task<IPEndPoint> JoinAsync(IHyperNode node, CancellationToken cancellationToken)
    {
        var sessions = new List<ISwarmSession>();
        foreach (FeedInfo info in await node.ListFeedsAsync(cancellationToken))
        {
            sessions.Add(await node.Swarm.JoinAsync(info.DiscoveryKey, null, cancellationToken));
        }

        foreach (ISwarmSession session in sessions)
        {
            await session.FlushAsync(cancellationToken);
        }

        return (await node.Dht.GetInfoAsync(cancellationToken)).LocalAddress!;
    }

    // One peer at a time: while one is here, the id of the stream is taken.
    private static async Task AcceptAsync(IHyperNode node, UdxRoute route, CancellationToken cancellationToken)
    {
        ValueTask<PeerInfo> next = node.AcceptUdxAsync(route, cancellationToken);
        if (next.IsFaulted)
        {
            await next;
        }

        while (true)
        {
            try
            {
                await next;
            }
            catch (ConnectionFailedException)
            {
                // Taken still, or one came who did not finish the handshake.
            }

            await Task.Delay(ReopenPause, cancellationToken);
            next = node.AcceptUdxAsync(route, cancellationToken);
        }
    }
}
