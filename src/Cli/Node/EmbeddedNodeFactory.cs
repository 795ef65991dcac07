using HyperActors.Abstractions;

namespace HyperActors.Cli.Node;

internal sealed class EmbeddedNodeFactory : INodeFactory
{
    public bool Exists(string storagePath) => Directory.Exists(storagePath);

    public ValueTask<IHyperNode> StartAsync(string storagePath, CancellationToken cancellationToken) => throw new NotSupportedException();
}
