namespace HyperActors.Dht;

/// <summary>How a query goes about it.</summary>
public sealed record QueryOptions
{
    /// <summary>Requests under way at a time; null for the node's.</summary>
    public int? Concurrency { get; init; }

    /// <summary>How often a request is sent again; null for the node's.</summary>
    public int? Retries { get; init; }

    /// <summary>Nodes to start from instead of the table's, nearest first. When most of them are silent, the table helps out.</summary>
    public IReadOnlyList<DhtAddress>? Nodes { get; init; }

    /// <summary>True for a command of the RPC itself.</summary>
    public bool IsInternal { get; init; }

    /// <summary>Asks <see cref="Nodes"/> and nobody else.</summary>
    public bool OnlyGivenNodes { get; init; }

    /// <summary>Sends whatever else is under way, and nothing twice.</summary>
    public bool IsForced { get; init; }

    /// <summary>What is done with each of the closest replies in the end, all at once. Null ends with the replies.</summary>
    public Func<DhtReply, FlowScope, Flow<DhtReply?>>? Commit { get; init; }

    /// <summary>Commits by asking the same once more, with the token of each reply.</summary>
    public bool CommitsSame { get; init; }

    /// <summary>Paths that share no node: liars on one of them can't lead the others astray. One is upstream's way; each more
    /// costs about as many messages again.</summary>
    public int DisjointPaths { get; init; } = 1;

    /// <summary>Asks in upstream's order, which takes twice the requests and meets as many more nodes: good for a table, slow for a result.</summary>
    public bool Explores { get; init; }
}

/// <summary>How a query ended.</summary>
public sealed class QueryResult
{
    /// <summary>The replies without an error from the nodes nearest to the target, nearest first.</summary>
    public required IReadOnlyList<DhtReply> ClosestReplies { get; init; }

    /// <summary>Nodes that answered.</summary>
    public required int Successes { get; init; }

    /// <summary>Nodes that answered with an error, or not at all.</summary>
    public required int Errors { get; init; }

    /// <summary>Commits that were answered without an error.</summary>
    public required int Committed { get; init; }

    /// <summary>The error of the last commit that failed with one; zero when none did.</summary>
    public required uint CommitError { get; init; }

    /// <summary>Requests that were made, commits aside.</summary>
    public required int Requests { get; init; }

    /// <summary>The longest chain of nodes of which each named the next, up to the nearest one.</summary>
    public required int Hops { get; init; }
}
