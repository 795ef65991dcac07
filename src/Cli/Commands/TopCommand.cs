using System.CommandLine;
using System.Globalization;
using System.Text;
using HyperActors.Api;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Client;

namespace HyperActors.Cli.Commands;

/// <summary><c>top</c>: what a daemon does now, over and over.</summary>
internal sealed class TopCommand : Verb
{
    /// <summary>Rows of a table where no terminal says how many fit.</summary>
    private const int MaxRows = 15;

    /// <summary>Lines that are no rows: two at the top, and for each of three tables a head and a space.</summary>
    private const int OtherLines = 2 + (3 * 2);

    // A screen of its own, so that what stood there before is there again at the end; and no cursor on it.
    private const string OpenScreen = "\u001b[?1049h\u001b[?25l";
    private const string CloseScreen = "\u001b[?25h\u001b[?1049l";

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
        : base("top", "Show what a daemon does now: feeds, peers, rates, actors; q ends it", host, globals)
    {
        _daemon.CompletionSources.Add(Suggest.Daemons(host));
        Options.Add(_daemon);
        Options.Add(_once);
        Options.Add(_every);
    }

    public override IReadOnlyList<string> Examples => ["top", "top -h hs1 --every 5s", "top --once --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        await using RemoteNode node = await Daemons.ConnectAsync(
            context.Host, context.Get(_daemon), context.StoragePath, cancellationToken);
        bool isLive = !context.Get(_once) && (context.Host.IsOutputTerminal || context.Printer.IsJson);
        bool hasScreen = isLive && !context.Printer.IsJson;
        var quit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (hasScreen)
        {
            context.Printer.Raw(OpenScreen);
            context.Host.OnKey(key => _ = key is 'q' or 'Q' && quit.TrySetResult());
        }

        try
        {
            do
            {
                StatusDto status = await node.GetStatusAsync(cancellationToken);
                context.Printer.Json(status, ApiJson.Default.StatusDto);
                if (hasScreen)
                {
                    Show(context, status);
                }
                else
                {
                    context.Printer.Line(string.Join('\n', Draw(status, context.Printer.Palette, int.MaxValue, int.MaxValue)));
                }

                if (isLive)
                {
                    TimeSpan pause = context.Get(_every) ?? TimeSpan.FromSeconds(1);
                    await Task.WhenAny(Task.Delay(pause, context.Host.Clock, cancellationToken), quit.Task);
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
            while (isLive && !quit.Task.IsCompleted);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // A signal ends it as well as the key.
        }
        finally
        {
            if (hasScreen)
            {
                context.Printer.Raw(CloseScreen);
            }
        }

        return ExitCode.Ok;
    }

    // Drawn over the former picture, line by line: nothing flickers, and what is left of longer lines is cleared.
    private static void Show(VerbContext context, StatusDto status)
    {
        (int width, int height) = context.Host.WindowSize();
        var picture = new StringBuilder("\u001b[H");
        picture.AppendJoin("\u001b[K\r\n", Draw(status, context.Printer.Palette, width, height).Take(height - 1));
        context.Printer.Raw(picture.Append("\u001b[J").ToString());
    }

    private static List<string> Draw(StatusDto status, Palette palette, int width, int height)
    {
        NodeDto node = status.Node!;
        TotalsDto totals = status.Totals!;
        string title = string.Create(
            CultureInfo.InvariantCulture, $"{node.Name}  {node.Storage}  up {TimeSpan.FromSeconds(Math.Floor(status.Time)):c}");
        string sums = string.Create(
            CultureInfo.InvariantCulture,
            $"in {Rate(totals.BytesPerSecondIn)}, out {Rate(totals.BytesPerSecondOut)}; {Words.Count((ulong)totals.Peers, "peer")}; {Words.Count((ulong)totals.Feeds, "feed")}, {Words.Bytes(totals.Bytes)}; {Words.Count((ulong)totals.Actors, "actor")}, {totals.Mailboxes} waiting, {Words.Count((ulong)totals.Restarts, "restart")}; heap {Words.Bytes((ulong)totals.MemoryBytes)}");
        var lines = new List<string> { palette.Bold(TextTable.Cut(title, width)), TextTable.Cut(sums, width) };

        var feeds = new TextTable("FEED", "LENGTH", "HERE", "SIZE", "PEERS", "KEY") { RightAligned = [1, 2, 3, 4] };
        foreach (FeedStatusDto feed in status.Feeds!.OrderByDescending(f => f.Peers).ThenByDescending(f => f.Length))
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
        foreach (PeerStatusDto peer in status.Peers!.OrderByDescending(p => p.RateIn + p.RateOut))
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
                .OrderByDescending(g => g.Item2.Sum(a => a.Processed)))
            {
                actors.Add(
                    type,
                    Number(rows.Sum(a => a.Count)),
                    Number(rows.Sum(a => a.Mailbox)),
                    Number(rows.Sum(a => a.Processed)),
                    Number(rows.Sum(a => a.Restarts)));
            }
        }

        TextTable[] tables = [feeds, peers, actors];
        int[] shares = Share(height == int.MaxValue ? tables.Length * MaxRows : height - 1 - OtherLines, [.. tables.Select(t => t.Count)]);
        foreach ((TextTable table, int count) in tables.Zip(shares))
        {
            lines.Add(string.Empty);
            lines.AddRange(table.Lines(palette, width).Take(count + 1));
        }

        return lines;
    }

    /// <summary>Deals out the rows that fit: each table as many as it has, and who has fewer leaves the rest to the others.</summary>
    internal static int[] Share(int rows, int[] wanted)
    {
        int[] given = new int[wanted.Length];
        int left = wanted.Length;
        foreach (int table in Enumerable.Range(0, wanted.Length).OrderBy(i => wanted[i]))
        {
            given[table] = Math.Clamp((rows - given.Sum()) / left--, 0, wanted[table]);
        }

        return given;
    }

    private static IEnumerable<ActorDto> Flatten(ActorDto actor) => [actor, .. actor.Children.SelectMany(Flatten)];

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static string Rate(double rate) => $"{Words.Bytes((ulong)Math.Max(rate, 0))}/s";
}
