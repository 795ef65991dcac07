using HyperActors.Abstractions;
using HyperActors.Actors;
using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Node;

/// <summary>Opens storages in this process.</summary>
internal sealed class EmbeddedNodeFactory : INodeFactory
{
    /// <summary>True when anything stands there that a node would have to look into.</summary>
    public bool Exists(string storagePath) => File.Exists(storagePath) || Directory.Exists(Path.Combine(storagePath, "store"));

    public async ValueTask<IHyperNode> StartAsync(string storagePath, ILoggerFactory log, CancellationToken cancellationToken) =>
        await HyperNode.StartAsync(new NodeOptions { StoragePath = storagePath, LoggerFactory = log }, cancellationToken);
}
