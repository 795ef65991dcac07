using System.Globalization;
using HyperActors.Abstractions;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed list</c>: every feed of the storage.</summary>
internal sealed class FeedListCommand(CliHost host, GlobalOptions globals)
    : Verb("list", "Show every feed of the storage", host, globals)
{
    public override IReadOnlyList<string> Examples => ["feed list", "feed list --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Locked];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<FeedInfo> feeds = [];
        if (context.Host.Nodes.Exists(context.StoragePath))
        {
            await using IHyperNode node = await context.StartNodeAsync(cancellationToken);
            feeds = await node.ListFeedsAsync(cancellationToken);
        }

        context.Printer.Json([.. feeds.Select(FeedResult.From)], ResultJson.Default.FeedResultArray);
        if (feeds.Count == 0 && !context.Printer.IsJson)
        {
            context.Printer.Note($"{context.StoragePath} holds no feed; hyperactors feed create NAME makes one");
            return ExitCode.Ok;
        }

        var table = new TextTable("NAME", "LENGTH", "HERE", "SIZE", "FORK", "WRITABLE", "KEY") { RightAligned = [1, 2, 3, 4] };
        foreach (FeedInfo feed in feeds)
        {
            if (feed.Damage is not null)
            {
                table.Add(feed.Name ?? "-", "-", "-", "-", "-", "damaged", feed.Key == default ? "-" : feed.Key.ToString());
                continue;
            }

            table.Add(
                feed.Name ?? "-",
                feed.Length.ToString(CultureInfo.InvariantCulture),
                feed.ContiguousLength.ToString(CultureInfo.InvariantCulture),
                Words.Bytes(feed.ByteLength),
                feed.Fork.ToString(CultureInfo.InvariantCulture),
                feed.IsWritable ? "yes" : "no",
                feed.Key.ToString());
        }

        context.Printer.Table(table);

        if (!context.Printer.IsJson)
        {
            foreach (FeedInfo feed in feeds.Where(f => f.Damage is not null))
            {
                context.Printer.Note($"{feed.Name ?? feed.DiscoveryKey.ToString()} cannot be opened: {feed.Damage}");
            }
        }

        return ExitCode.Ok;
    }
}
