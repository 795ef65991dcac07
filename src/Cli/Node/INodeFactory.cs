using HyperActors.Abstractions;

namespace HyperActors.Cli.Node;

/// <summary>Gives verbs the node that has the storage open.</summary>
internal interface INodeFactory
{
    /// <summary>True when there is a storage at that place.</summary>
    bool Exists(string storagePath);

    /// <summary>Opens the storage, and makes it when there is none.</summary>
    /// <exception cref="StoreLockedException">Another process holds it.</exception>
    ValueTask<IHyperNode> StartAsync(string storagePath, CancellationToken cancellationToken);
}
