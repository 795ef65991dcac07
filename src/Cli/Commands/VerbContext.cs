using System.CommandLine;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Cli.Parsing;
using HyperActors.Cli.Rendering;
using HyperActors.Crypto;

namespace HyperActors.Cli.Commands;

/// <summary>One run of a verb: its words, where it prints, and the storage that it works on.</summary>
internal sealed class VerbContext
{
    /// <summary>From this length on a word was meant as a key.</summary>
    private const int ShortestBrokenKey = 40;

    private readonly ParseResult _parsed;

    public VerbContext(CliHost host, GlobalOptions globals, ParseResult parsed)
    {
        _parsed = parsed;
        Host = host;
        Printer = new Printer(host, parsed.GetValue(globals.Json), parsed.GetValue(globals.Verbose));
        IsStorageGiven = NotEmpty(parsed.GetValue(globals.Storage)) is not null || NotEmpty(host.Variable("HYPERACTORS_STORAGE")) is not null;
        StoragePath = Path.GetFullPath(NotEmpty(parsed.GetValue(globals.Storage))
            ?? NotEmpty(host.Variable("HYPERACTORS_STORAGE"))
            ?? Path.Combine(host.HomeDirectory, ".hyperactors"));
    }

    public CliHost Host { get; }

    public Printer Printer { get; }

    public string StoragePath { get; }

    /// <summary>The tree of verbs that this one is of.</summary>
    public RootCommand Root => (RootCommand)_parsed.RootCommandResult.Command;

    /// <summary>False when the storage is at the usual place because nobody said otherwise.</summary>
    public bool IsStorageGiven { get; }

    public T? Get<T>(Option<T> option) => _parsed.GetValue(option);

    public T? Get<T>(Argument<T> argument) => _parsed.GetValue(argument);

    /// <summary>The node on the storage, which is made when there is none.</summary>
    public ValueTask<IHyperNode> StartNodeAsync(CancellationToken cancellationToken) =>
        StartNodeAsync(null, cancellationToken);

    /// <summary>The node on the storage, with a part in a network of peers.</summary>
    public ValueTask<IHyperNode> StartNodeAsync(NetworkOptions? network, CancellationToken cancellationToken) =>
        Host.Nodes.StartAsync(StoragePath, new PrintedLog(Printer), network, cancellationToken);

    /// <summary>The node on a storage that must be there: who asks for a feed that exists does not want a new directory.</summary>
    public ValueTask<IHyperNode> StartExistingNodeAsync(string nameOrKey, CancellationToken cancellationToken) =>
        StartExistingNodeAsync(nameOrKey, null, cancellationToken);

    /// <inheritdoc cref="StartExistingNodeAsync(string, CancellationToken)"/>
    public ValueTask<IHyperNode> StartExistingNodeAsync(string nameOrKey, NetworkOptions? network, CancellationToken cancellationToken) =>
        Host.Nodes.Exists(StoragePath) ? StartNodeAsync(network, cancellationToken) : throw NoSuchFeed(nameOrKey);

    /// <summary>Opens the feed of that name or key when the storage has it.</summary>
    /// <exception cref="CliException">It does not.</exception>
    public async ValueTask<IFeed> OpenFeedAsync(IHyperNode node, string nameOrKey, CancellationToken cancellationToken)
    {
        if (!FeedKey.TryParse(nameOrKey, out FeedKey key))
        {
            return await node.FindFeedAsync(nameOrKey, cancellationToken) ?? throw NoSuchFeed(nameOrKey);
        }

        return await node.FindFeedAsync(key, cancellationToken) ?? throw NoSuchFeed(nameOrKey);
    }

    /// <summary>Opens a feed that this storage can sign.</summary>
    /// <exception cref="CliException">There is none of that name or key, or another storage writes it.</exception>
    public async ValueTask<IFeed> OpenWritableFeedAsync(IHyperNode node, string nameOrKey, CancellationToken cancellationToken)
    {
        IFeed feed = await OpenFeedAsync(node, nameOrKey, cancellationToken);
        if (feed.IsWritable)
        {
            return feed;
        }

        await feed.DisposeAsync();
        throw new CliException(
            ExitCode.NotWritable,
            $"'{nameOrKey}' cannot be written here: {StoragePath} holds no key that signs for it, its writer is another storage");
    }

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private CliException NoSuchFeed(string nameOrKey)
    {
        if (FeedKey.TryParse(nameOrKey, out _))
        {
            return CliException.NotFound(
                $"{StoragePath} has no feed with the key {nameOrKey}; hyperactors feed download {nameOrKey} fetches it");
        }

        if (nameOrKey.Length >= ShortestBrokenKey && !ArgumentReader.Key(nameOrKey, out _, out string? error))
        {
            return CliException.NotFound($"{StoragePath} has no feed of that name, and {error}");
        }

        return CliException.NotFound(
            $"{StoragePath} has no feed named '{nameOrKey}'; hyperactors feed list shows what is there, hyperactors feed create '{nameOrKey}' makes one");
    }
}
