using System.CommandLine;
using System.Globalization;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed info KEY|NAME</c>: what the storage knows of one feed.</summary>
internal sealed class FeedInfoCommand : Verb
{
    private readonly Argument<string> _feed = new("KEY|NAME") { Description = "The feed", HelpName = "KEY|NAME" };

    public FeedInfoCommand(CliHost host, GlobalOptions globals)
        : base("info", "Show a feed's keys, length and fork", host, globals)
    {
        _feed.CompletionSources.Add(Suggest.Feeds(host, globals));
        Arguments.Add(_feed);
    }

    public override IReadOnlyList<string> Examples => ["feed info notes", "feed info notes --json"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string nameOrKey = context.Get(_feed)!;
        await using IHyperNode node = await context.StartExistingNodeAsync(nameOrKey, cancellationToken);
        await using IFeed feed = await context.OpenFeedAsync(node, nameOrKey, cancellationToken);
        FeedInfo info = await feed.GetInfoAsync(cancellationToken);
        Printer printer = context.Printer;
        printer.Json(FeedResult.From(info), ResultJson.Default.FeedResult);
        printer.Line($"name               {info.Name ?? "-"}");
        printer.Line($"key                {info.Key}");
        printer.Line($"discovery key      {info.DiscoveryKey}");
        printer.Line(string.Create(CultureInfo.InvariantCulture, $"length             {info.Length}"));
        printer.Line(string.Create(CultureInfo.InvariantCulture, $"byte length        {info.ByteLength}"));
        printer.Line(string.Create(CultureInfo.InvariantCulture, $"fork               {info.Fork}"));
        printer.Line(string.Create(CultureInfo.InvariantCulture, $"contiguous length  {info.ContiguousLength}"));
        printer.Line($"writable           {(info.IsWritable ? "yes" : "no")}");
        return ExitCode.Ok;
    }
}
