using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Api;
using HyperActors.Client;
using HyperActors.Daemon;
using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Node;

/// <summary>Opens storages in this process, or speaks to the daemon that holds one.</summary>
internal sealed class NodeFactory : INodeFactory
{
    /// <summary>True when anything stands there that a node would have to look into.</summary>
    public bool Exists(string storagePath) => File.Exists(storagePath) || Directory.Exists(Path.Combine(storagePath, "store"));

    public IReadOnlyList<StoredFeed> Look(string storagePath) => StoredFeed.Look(storagePath);

    public async ValueTask<IHyperNode> StartAsync(
        string storagePath, ILoggerFactory log, NetworkOptions? network, CancellationToken cancellationToken)
    {
        try
        {
            return await HyperNode.StartAsync(
                new NodeOptions { StoragePath = storagePath, LoggerFactory = log, Network = network }, cancellationToken);
        }
        catch (StoreLockedException) when (NameRegistry.ReadFromStorage(storagePath) is { } daemon && File.Exists(daemon.Socket))
        {
            return await RemoteNode.ConnectAsync(daemon.Socket, cancellationToken);
        }
    }
}
