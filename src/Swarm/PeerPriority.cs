namespace HyperActors.Swarm;

/// <summary>Who is dialled first: the class counts, within it chance decides (docs/hyperswarm.md#retries).</summary>
public enum PeerPriority
{
    /// <summary>Failed more than three times.</summary>
    VeryLow,

    /// <summary>Failed three times.</summary>
    Low,

    /// <summary>Not tried yet, or not since it was found again.</summary>
    Normal,

    /// <summary>Failed twice.</summary>
    High,

    /// <summary>Failed, or was lost, once.</summary>
    VeryHigh,
}
