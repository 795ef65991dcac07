using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Daemon;
using Microsoft.Extensions.Logging;

namespace HyperActors.Cli.Node;

/// <summary>Gives verbs the node that has the storage open.</summary>
internal interface INodeFactory
{
    /// <summary>True when there is a storage at that place.</summary>
    bool Exists(string storagePath);

    /// <summary>The feeds of a storage, read beside whoever has it open; none when there is no storage.</summary>
    IReadOnlyList<StoredFeed> Look(string storagePath);

    /// <summary>Opens the storage, and makes it when there is none.</summary>
    /// <param name="storagePath">Where it is.</param>
    /// <param name="log">What hears what the node writes to its log.</param>
    /// <param name="network">The node's part in the network of peers; null for none.</param>
    /// <param name="cancellationToken">Calls it off.</param>
    /// <exception cref="StoreLockedException">Another process holds it.</exception>
    ValueTask<IHyperNode> StartAsync(
        string storagePath, ILoggerFactory log, NetworkOptions? network, CancellationToken cancellationToken);
}
