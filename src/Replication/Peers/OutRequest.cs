namespace HyperActors.Replication;

/// <summary>What a request is for.</summary>
internal enum RequestKind
{
    Block,
    Upgrade,
    Manifest,
    ForkProof,
    ForkHash,
}

/// <summary>A request of ours: in flight, or cancelled and not yet sure to stay unanswered.</summary>
internal sealed class OutRequest(ulong id)
{
    /// <summary>What the peer calls it.</summary>
    public ulong Id { get; } = id;

    public RequestKind Kind { get; set; }

    /// <summary>Counts up over all requests to the peer.</summary>
    public ulong Sequence { get; set; }

    public ulong Fork { get; set; }

    /// <summary>The block, or for a fork search the tree index.</summary>
    public ulong Index { get; set; }

    public bool HasBlock => Kind == RequestKind.Block;

    /// <summary>Our length when the upgrade was asked for; null when there is no upgrade part.</summary>
    public ulong? UpgradeStart { get; set; }

    public bool HasUpgrade => UpgradeStart is not null;

    /// <summary>How many levels up the proof will end.</summary>
    public int Nodes { get; set; }

    /// <summary>Whether the node at which the proof ends is only on its way, behind a request that was sent earlier.</summary>
    public bool IsPresumed { get; set; }

    public TimeSpan SentAt { get; set; }

    public bool IsCancelled { get; set; }

    public bool IsFree { get; set; }
}
