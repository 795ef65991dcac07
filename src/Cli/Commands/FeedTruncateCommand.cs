using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed truncate NAME LENGTH</c>: cuts a feed and counts up its fork.</summary>
internal sealed class FeedTruncateCommand : Verb
{
    private readonly Argument<string> _name = new("NAME") { Description = "The feed; it must be writable here", HelpName = "NAME" };

    private readonly Argument<ulong?> _length = new("LENGTH")
    {
        Arity = ArgumentArity.ExactlyOne,
        Description = "Blocks to keep",
        CustomParser = ArgumentReader.One<ulong?>(ArgumentReader.Index),
    };

    public FeedTruncateCommand(CliHost host, GlobalOptions globals)
        : base("truncate", "Cut a feed to its first LENGTH blocks; what is cut is gone", host, globals)
    {
        _name.CompletionSources.Add(Suggest.FeedNames(host, globals));
        Arguments.Add(_name);
        Arguments.Add(_length);
    }

    public override IReadOnlyList<string> Examples => ["feed truncate notes 10"];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked, ExitCode.NotWritable];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string name = context.Get(_name)!;
        ulong length = context.Get(_length)!.Value;
        await using IHyperNode node = await context.StartExistingNodeAsync(name, cancellationToken);
        await using IFeed feed = await context.OpenWritableFeedAsync(node, name, cancellationToken);
        if (length > feed.Length)
        {
            throw CliException.Usage(
                $"'{name}' has {Words.Count(feed.Length, "block")} and cannot be cut to {length}; LENGTH is the number of blocks to keep");
        }

        await feed.TruncateAsync(length, cancellationToken);
        FeedInfo info = await feed.GetInfoAsync(cancellationToken);
        context.Printer.Json(
            new TruncateResult(info.Name, info.Key.ToString(), info.Length, info.ByteLength, info.Fork), ResultJson.Default.TruncateResult);
        context.Printer.Line($"{name} has {Words.Count(info.Length, "block")} ({Words.Bytes(info.ByteLength)}), fork {info.Fork}");
        return ExitCode.Ok;
    }
}
