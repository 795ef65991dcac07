namespace HyperActors.Dht;

/// <summary>How an operation goes about it.</summary>
public sealed record OperationOptions
{
    public static OperationOptions Default { get; } = new();

    /// <summary>Nodes to start from instead of the table's: what an earlier operation on the same target ended with.</summary>
    public IReadOnlyList<DhtAddress>? Nodes { get; init; }

    /// <summary>Asks <see cref="Nodes"/> and nobody else.</summary>
    public bool OnlyGivenNodes { get; init; }

    /// <summary>Requests under way at a time; null for the node's.</summary>
    public int? Concurrency { get; init; }

    /// <summary>How often a request is sent again; null for the node's.</summary>
    public int? Retries { get; init; }

    /// <summary>Paths that share no node: more of them withstand more liars, and cost more messages.</summary>
    public int DisjointPaths { get; init; } = 1;

    internal QueryOptions ToQuery(Func<DhtReply, FlowScope, Flow<DhtReply?>>? commit = null) => new()
    {
        Nodes = Nodes is { Count: > 0 } ? Nodes : null,
        OnlyGivenNodes = OnlyGivenNodes,
        Concurrency = Concurrency,
        Retries = Retries,
        DisjointPaths = DisjointPaths,
        Commit = commit,
    };
}
