using System.CommandLine;
using System.CommandLine.Completions;
using HyperActors.Api;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Node;
using HyperActors.Daemon;
using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Completion;

/// <summary>Sources of words for a completion: what this machine and this storage have.</summary>
internal static class Suggest
{
    /// <summary>The kind of an item that is no word: its label says which paths the shell is to offer.</summary>
    public const string PathKind = "path";

    public static IEnumerable<CompletionItem> Files(CompletionContext context) => [new CompletionItem("files", PathKind)];

    public static IEnumerable<CompletionItem> Folders(CompletionContext context) => [new CompletionItem("folders", PathKind)];

    public static IEnumerable<CompletionItem> LogLevels(CompletionContext context) =>
        Enum.GetNames<LogLevel>().Select(name => new CompletionItem(name.ToLowerInvariant()));

    /// <summary>Every setting, ready for its value.</summary>
    public static IEnumerable<CompletionItem> Settings(CompletionContext context) =>
        Configuration.Load(null, [], []).Settings.Select(s => new CompletionItem($"{s.Key}=", detail: s.Allowed));

    public static IEnumerable<CompletionItem> SettingNames(CompletionContext context) =>
        Configuration.Load(null, [], []).Settings.Select(s => new CompletionItem(s.Key, detail: s.Allowed));

    /// <summary>The daemons of this user on this machine.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Daemons(CliHost host) => _ =>
        Node.Daemons.Registry(host).List().Select(daemon => new CompletionItem(daemon.Name, detail: daemon.Storage));

    /// <summary>The feeds of the storage, by name; those without one by key.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Feeds(CliHost host, GlobalOptions globals) => context =>
        Look(host, StorageOf(host, globals, context)).Select(feed => feed.Name is { } name
            ? new CompletionItem(name, detail: feed.Key)
            : new CompletionItem(feed.Key, detail: "a feed without a name here"));

    /// <summary>The feeds of the storage that have a name.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> FeedNames(CliHost host, GlobalOptions globals, Option<string?>? daemon = null) =>
        context => Look(host, StorageOf(host, globals, context, daemon))
            .Where(feed => feed.Name is not null)
            .Select(feed => new CompletionItem(feed.Name!, detail: feed.Key));

    /// <summary>The keys of the storage's feeds.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> FeedKeys(CliHost host, GlobalOptions globals, Option<string?>? daemon = null) =>
        context => Look(host, StorageOf(host, globals, context, daemon)).Select(feed => new CompletionItem(feed.Key, detail: feed.Name));

    /// <summary>The storage that the line names, or that of the daemon which it names.</summary>
    private static string StorageOf(CliHost host, GlobalOptions globals, CompletionContext context, Option<string?>? daemon = null) =>
        daemon is not null && context.ParseResult.GetValue(daemon) is { } name && Node.Daemons.Registry(host).Find(name) is { } address
            ? address.Storage
            : new VerbContext(host, globals, context.ParseResult).StoragePath;

    private static IReadOnlyList<StoredFeed> Look(CliHost host, string storagePath) => host.Nodes.Look(storagePath);
}
