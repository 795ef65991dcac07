using System.CommandLine;
using System.Globalization;
using System.Text;
using HyperActors.Api;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Client;

namespace HyperActors.Cli.Commands;

/// <summary><c>top</c>: what a daemon does now, over and over.</summary>
internal sealed class TopCommand : Verb
{
    private const int MaxRows = 15;

    private readonly Option<string?> _daemon = new("--host", "-h")
    {
        Description = "The daemon's name [default: the one on the storage]",
        HelpName = "NAME",
    };

    private readonly Option<bool> _once = new("--once") { Description = "Look once; so it is too when the output is no terminal" };

    private readonly Option<TimeSpan?> _every = new("--every")
    {
        Description = "How often to look [default: 1s]",
        HelpName = "TIME",
        CustomParser = ArgumentReader.One<TimeSpan?>(ArgumentReader.Time),
    };

    public TopCommand(CliHost host, GlobalOptions globals)
        : base("top", "Show what a daemon does now: feeds, peers, rates, actors", host, globals)
    {
        Options.Add(_daemon);
        Options.Add(_once);
        Options.Add(_every);
    }

    public override IReadOnlyList<string> Examples => ["top", "top -h hs1 --every 5s", "top --once --json"];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        await using RemoteNode node = await Daemons.ConnectAsync(
            context.Host, context.Get(_daemon), context.StoragePath, cancellationToken);
        bool isLive = !context.Get(_once) && (context.Host.IsOutputTerminal || context.Printer.IsJson);
        try
        {
            do
            {
                StatusDto status = await node.GetStatusAsync(cancellationToken);
                context.Printer.Json(status, ApiJson.Default.StatusDto);

                // Drawn over the former picture: the cursor goes home, and what is left of longer lines is cleared.
                string clear = isLive ? "\u001b[H\u001b[J" : string.Empty;
                context.Printer.Line(clear + Draw(status).TrimEnd('\n'));
                if (isLive)
                {
                    await Task.Delay(context.Get(_every) ?? TimeSpan.FromSeconds(1), context.Host.Clock, cancellationToken);
                }
            }
            while (isLive);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Looking has no other end.
        }

        return ExitCode.Ok;
    }

    private static string Draw(StatusDto status)
    {
        var text = new StringBuilder();
        NodeDto node = status.Node!;
        TotalsDto totals = status.Totals!;
        text.Append(CultureInfo.InvariantCulture, $"{node.Name}  {node.Storage}  up {TimeSpan.FromSeconds(Math.Floor(status.Time)):c}\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"{totals.Feeds} feeds, {Words.Bytes(totals.Bytes)}; {totals.Peers} peers, in {Rate(totals.BytesPerSecondIn)}, out {Rate(totals.BytesPerSecondOut)}; {totals.Actors} actors, {totals.Mailboxes} messages wait, {totals.Restarts} restarts; heap {Words.Bytes((ulong)totals.MemoryBytes)}\n\n");

        var feeds = new TextTable("FEED", "LENGTH", "HERE", "SIZE", "PEERS", "KEY") { RightAligned = [1, 2, 3, 4] };
        foreach (FeedStatusDto feed in status.Feeds!.OrderByDescending(f => f.Peers).ThenByDescending(f => f.Length).Take(MaxRows))
        {
            feeds.Add(
                feed.Name ?? "-",
                Number(feed.Length),
                feed.Share.ToString("0.#%", CultureInfo.InvariantCulture),
                Words.Bytes(feed.ByteLength),
                Number(feed.Peers),
                feed.Key);
        }

        var peers = new TextTable("PEER", "ADDRESS", "BY", "ROUND TRIP", "IN", "OUT", "RATE IN", "RATE OUT") { RightAligned = [3, 4, 5, 6, 7] };
        foreach (PeerStatusDto peer in status.Peers!.OrderByDescending(p => p.RateIn + p.RateOut).Take(MaxRows))
        {
            peers.Add(
                peer.PublicKey[..12],
                peer.Address ?? "-",
                peer.Transport,
                peer.RoundTripMs is { } ms ? $"{ms.ToString("0.0", CultureInfo.InvariantCulture)} ms" : "-",
                Words.Bytes((ulong)peer.BytesReceived),
                Words.Bytes((ulong)peer.BytesSent),
                Rate(peer.RateIn),
                Rate(peer.RateOut));
        }

        var actors = new TextTable("ACTOR", "COUNT", "WAITING", "HANDLED", "RESTARTS") { RightAligned = [1, 2, 3, 4] };
        if (status.Actors is { } root)
        {
            foreach ((string type, ActorDto[] rows) in Flatten(root).GroupBy(a => a.Type, StringComparer.Ordinal)
                .Select(g => (g.Key, g.ToArray()))
                .OrderByDescending(g => g.Item2.Sum(a => a.Processed)).Take(MaxRows))
            {
                actors.Add(
                    type,
                    Number(rows.Sum(a => a.Count)),
                    Number(rows.Sum(a => a.Mailbox)),
                    Number(rows.Sum(a => a.Processed)),
                    Number(rows.Sum(a => a.Restarts)));
            }
        }

        foreach (TextTable table in new[] { feeds, peers, actors })
        {
            foreach (string line in table.Lines())
            {
                text.Append(line).Append('\n');
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<ActorDto> Flatten(ActorDto actor) => [actor, .. actor.Children.SelectMany(Flatten)];

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static string Rate(double rate) => $"{Words.Bytes((ulong)Math.Max(rate, 0))}/s";
}
