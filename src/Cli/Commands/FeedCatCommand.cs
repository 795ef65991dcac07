using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>feed cat KEY|NAME</c>: the bytes of blocks, and only them.</summary>
internal sealed class FeedCatCommand : Verb
{
    /// <summary>Bytes that are gathered before they are written: one call for many small blocks.</summary>
    private const int OutputBuffer = 256 << 10;

    private readonly Argument<string> _feed = new("KEY|NAME") { Description = "The feed", HelpName = "KEY|NAME" };

    private readonly Option<ulong?> _from = new("--from")
    {
        Description = "The first block [default: 0]",
        HelpName = "N",
        CustomParser = ArgumentReader.One<ulong?>(ArgumentReader.Index),
    };

    private readonly Option<ulong?> _to = new("--to")
    {
        Description = "The block after the last [default: the feed's length]",
        HelpName = "N",
        CustomParser = ArgumentReader.One<ulong?>(ArgumentReader.Index),
    };

    private readonly Option<bool> _live = new("--live")
    {
        Description = "Wait for blocks that are not here yet, and go on with new ones until stopped",
    };

    private readonly Option<HostPort?> _tcp = new("--tcp")
    {
        Description = "Fetch what is not here from this peer",
        HelpName = "HOST:PORT",
        CustomParser = ArgumentReader.One<HostPort?>(ArgumentReader.Address),
    };

    public FeedCatCommand(CliHost host, GlobalOptions globals)
        : base("cat", "Write the bytes of a feed's blocks, and only them, to the standard output", host, globals)
    {
        _feed.CompletionSources.Add(Suggest.Feeds(host, globals));
        Arguments.Add(_feed);
        Options.Add(_from);
        Options.Add(_to);
        Options.Add(_live);
        Options.Add(_tcp);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "feed cat notes",
        "feed cat notes --from 100 --to 200",
        "feed cat ybndrfg8… --live --tcp 192.0.2.7:4000",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.Locked, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string nameOrKey = context.Get(_feed)!;
        if (context.Get(_to) < (context.Get(_from) ?? 0))
        {
            throw CliException.Usage("--to comes before --from: nothing would be left to write");
        }

        if (context.Get(_tcp) is not { } address)
        {
            await using IHyperNode node = await context.StartExistingNodeAsync(nameOrKey, cancellationToken);
            await using IFeed feed = await context.OpenFeedAsync(node, nameOrKey, cancellationToken);
            await CatAsync(context, nameOrKey, feed, hasPeer: false, cancellationToken);
        }
        else
        {
            await using IHyperNode node = await context.StartNodeAsync(cancellationToken);
            await using IFeed feed = FeedKey.TryParse(nameOrKey, out FeedKey key)
                ? await node.OpenFeedAsync(key, cancellationToken)
                : await context.OpenFeedAsync(node, nameOrKey, cancellationToken);
            bool live = context.Get(_live);
            await using var link = new PeerLink(node, PeerDial.OverTcp(address), live ? null : PeerLink.DefaultMaxAway, context.Printer);
            await link.WhileConnectedAsync(
                async token =>
                {
                    if (!live)
                    {
                        await link.LearnLengthAsync(feed, token);
                    }

                    await CatAsync(context, nameOrKey, feed, hasPeer: true, token);
                },
                cancellationToken);
        }

        return ExitCode.Ok;
    }

    private async Task CatAsync(VerbContext context, string nameOrKey, IFeed feed, bool hasPeer, CancellationToken cancellationToken)
    {
        ulong from = context.Get(_from) ?? 0;
        ulong? to = context.Get(_to);
        bool live = context.Get(_live);
        if (!live)
        {
            to ??= feed.Length;
            if (from > feed.Length || to > feed.Length)
            {
                throw CliException.NotFound(
                    $"'{nameOrKey}' has {Words.Count(feed.Length, "block")}, block {Math.Max(from, to.Value - 1)} is not among them; --live waits for it");
            }

            if (!hasPeer)
            {
                await RequireHereAsync(feed, from, to.Value, cancellationToken);
            }
        }

        try
        {
            await WriteAsync(context, feed, from, to, canWait: live || hasPeer, cancellationToken);
        }
        catch (OperationCanceledException) when (live && to is null && cancellationToken.IsCancellationRequested)
        {
            // Following a feed has no other end.
        }
    }

    /// <summary>Writes blocks as they come: gathered while they come at once, without delay when the next one lets wait.</summary>
    private async Task WriteAsync(
        VerbContext context, IFeed feed, ulong from, ulong? to, bool canWait, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var output = new BufferedStream(context.Host.Output, OutputBuffer);
        await using IAsyncEnumerator<Block> blocks = feed.ReadAsync(from, to, context.Get(_live), stop.Token).GetAsyncEnumerator(stop.Token);
        for (ulong index = from; ; index++)
        {
            Task<bool> next = blocks.MoveNextAsync().AsTask();
            if (!next.IsCompleted)
            {
                await output.FlushAsync(CancellationToken.None);
                if (!canWait && index < to && !await feed.HasAsync(index, cancellationToken))
                {
                    // The feed's files contradict each other: what they say is here is not.
                    await stop.CancelAsync();
                    await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw Missing(feed, index, to.Value);
                }
            }

            if (!await next)
            {
                await output.FlushAsync(CancellationToken.None);
                return;
            }

            Block block = blocks.Current;
            output.Write(context.Printer.IsJson
                ? Printer.JsonLine(new BlockResult(block.Index, block.Bytes.Length, block.Bytes), ResultJson.Default.BlockResult)
                : block.Bytes.Span);
        }
    }

    private static CliException Missing(IFeed feed, ulong index, ulong to) => CliException.NotFound(
        $"block {index} is not on this disk; hyperactors feed download {feed.Key} --tcp HOST:PORT --range {index}..{to} fetches it");

    private static async Task RequireHereAsync(IFeed feed, ulong from, ulong to, CancellationToken cancellationToken)
    {
        for (ulong index = Math.Max(from, feed.ContiguousLength); index < to; index++)
        {
            if (!await feed.HasAsync(index, cancellationToken))
            {
                throw Missing(feed, index, to);
            }
        }
    }
}
