using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed create NAME</c>: a new writable feed; prints its key.</summary>
internal sealed class FeedCreateCommand : Verb
{
    private readonly Argument<string?> _name = new("NAME")
    {
        Description = "What this storage calls the feed",
        CustomParser = ArgumentReader.One<string?>(ArgumentReader.NewName),
    };

    public FeedCreateCommand(CliHost host, GlobalOptions globals)
        : base("create", "Make a feed that this storage can write; prints its key", host, globals) =>
        Arguments.Add(_name);

    public override IReadOnlyList<string> Examples => ["feed create notes", "feed create notes --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.Locked, ExitCode.Exists];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string name = context.Get(_name)!;
        await using IHyperNode node = await context.StartNodeAsync(cancellationToken);
        await using (IFeed? existing = await node.FindFeedAsync(name, cancellationToken))
        {
            if (existing is not null)
            {
                throw new CliException(ExitCode.Exists, $"the feed '{name}' exists already; its key is {existing.Key}");
            }
        }

        await using IFeed feed = await node.OpenFeedAsync(name, cancellationToken);
        FeedInfo info = await feed.GetInfoAsync(cancellationToken);
        context.Printer.Line(info.Key.ToString());
        context.Printer.Json(FeedResult.From(info), ResultJson.Default.FeedResult);
        return ExitCode.Ok;
    }
}
