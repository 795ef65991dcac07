using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Cli.Completion;
using HyperActors.Cli.Input;
using HyperActors.Cli.Node;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Client;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary><c>client</c>: writes to a feed of a daemon, or reads one, live.</summary>
internal sealed class ClientCommand : Verb
{
    private const string Write = "write";
    private const string Read = "read";

    private readonly Argument<string> _action = new("write|read")
    {
        Description = "write: append each line of the standard input; read: write the blocks as they come, a line each, until stopped",
        HelpName = "write|read",
    };

    private readonly Option<string?> _daemon = new("--host", "-h")
    {
        Description = "The daemon's name [default: the one on the storage]",
        HelpName = "NAME",
    };

    private readonly Option<string?> _name = new("--name", "-n") { Description = "The feed, by its name", HelpName = "NAME" };

    private readonly Option<FeedKey?> _key = new("--key", "-k")
    {
        Description = "The feed, by its key",
        HelpName = "KEY",
        CustomParser = ArgumentReader.One<FeedKey?>(ArgumentReader.Key),
    };

    public ClientCommand(CliHost host, GlobalOptions globals)
        : base("client", "Write to a feed of a daemon on this machine, or read one, live", host, globals)
    {
        _action.AcceptOnlyFromAmong(Write, Read);
        _daemon.CompletionSources.Add(Suggest.Daemons(host));
        _name.CompletionSources.Add(Suggest.FeedNames(host, globals, _daemon));
        _key.CompletionSources.Add(Suggest.FeedKeys(host, globals, _daemon));
        Arguments.Add(_action);
        Options.Add(_daemon);
        Options.Add(_name);
        Options.Add(_key);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "client -h hs1 -n afeed write",
        "client -h hs2 -k ybndrfg8… read",
        "client -h hs1 -n afeed read --json",
    ];

    public override IReadOnlyList<int> ExitCodes => [ExitCode.NotFound, ExitCode.NotWritable, ExitCode.Peer];

    protected override async Task<int> RunAsync(VerbContext context, CancellationToken cancellationToken)
    {
        string? name = context.Get(_name);
        FeedKey? key = context.Get(_key);
        if ((name is null) == (key is null))
        {
            throw CliException.Usage("name a feed with -n NAME or with -k KEY, one of the two");
        }

        if (name is not null && FeedName.Refuse(name) is { } refusal)
        {
            throw CliException.Usage(refusal);
        }

        await using RemoteNode node = await Daemons.ConnectAsync(
            context.Host, context.Get(_daemon), context.StoragePath, cancellationToken);
        await using IFeed feed = name is null
            ? await node.OpenFeedAsync(key!.Value, cancellationToken)
            : await node.OpenFeedAsync(name, cancellationToken);
        try
        {
            await (context.Get(_action) == Write
                ? WriteAsync(context, node, feed, cancellationToken)
                : ReadAsync(context, node, feed, cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Writing ends with the input, or with whoever stops it; reading has no other end.
        }

        return ExitCode.Ok;
    }

    private static async Task WriteAsync(VerbContext context, RemoteNode node, IFeed feed, CancellationToken cancellationToken)
    {
        if (!feed.IsWritable)
        {
            throw new CliException(ExitCode.NotWritable, $"{feed.Key} cannot be written here: its writer is another storage");
        }

        context.Printer.Json(new WritingEvent(feed.Name, feed.Key.ToString(), feed.Length), ResultJson.Default.WritingEvent);
        context.Printer.Line(feed.Key.ToString());
        await TryKeepAsync(
            context, async () => await node.KeepAsync(feed.Key, seed: true, download: false, cancellationToken));
        var appender = new FeedAppender(feed, a => context.Printer.Detail(
            new AppendedEvent(a.Length, a.Blocks, a.Bytes),
            ResultJson.Default.AppendedEvent,
            e => $"{Words.Count(e.Blocks, "block")} appended, the feed's length is {e.Length}"));
        await appender.AppendAsync(context.Host.Input, new LineCutter(), cancellationToken);
    }

    private static async Task ReadAsync(VerbContext context, RemoteNode node, IFeed feed, CancellationToken cancellationToken)
    {
        ISwarmSession? session = null;
        if (!feed.IsWritable)
        {
            await TryKeepAsync(context, async () => session = await node.Swarm.JoinAsync(
                feed.DiscoveryKey, new SwarmJoinOptions { Server = false }, cancellationToken));
        }

        try
        {
            Stream output = context.Host.Output;
            await foreach (Block block in feed.ReadAsync(live: true, cancellationToken: cancellationToken))
            {
                if (context.Printer.IsJson)
                {
                    context.Printer.Json(
                        new BlockResult(block.Index, block.Bytes.Length, block.Bytes), ResultJson.Default.BlockResult);
                    continue;
                }

                await output.WriteAsync(block.Bytes, cancellationToken);
                await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
                await output.FlushAsync(cancellationToken);
            }
        }
        finally
        {
            if (session is not null)
            {
                await session.DisposeAsync();
            }
        }
    }

    /// <summary>A daemon without a network still writes and reads what it has.</summary>
    private static async Task TryKeepAsync(VerbContext context, Func<Task> join)
    {
        try
        {
            await join();
        }
        catch (RemoteException e) when (e.Problem.Code is ApiCodes.NodeFailed or ApiCodes.NotSupported)
        {
            context.Printer.Note($"nobody is told of the feed: {e.Message}");
        }
    }
}
