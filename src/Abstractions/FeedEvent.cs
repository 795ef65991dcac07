namespace HyperActors.Abstractions;

/// <summary>Something that happened to a feed, after the disk has confirmed it.</summary>
public abstract record FeedEvent
{
    private FeedEvent()
    {
    }

    /// <summary>The feed is longer: appended here, or proven by a peer.</summary>
    /// <param name="Length">The length now.</param>
    /// <param name="Fork">The fork it belongs to.</param>
    public sealed record Extended(ulong Length, ulong Fork) : FeedEvent;

    /// <summary>The feed was cut and has a new fork.</summary>
    /// <param name="Length">The length now.</param>
    /// <param name="Fork">The new fork.</param>
    /// <param name="CommonLength">Blocks that the old and the new fork share.</param>
    public sealed record Truncated(ulong Length, ulong Fork, ulong CommonLength) : FeedEvent;

    /// <summary>Blocks from <paramref name="Start"/> on are here.</summary>
    /// <param name="Start">The first of them.</param>
    /// <param name="Count">How many.</param>
    public sealed record Downloaded(ulong Start, ulong Count) : FeedEvent;

    /// <summary>Two signatures stand over the same length and fork: the writer contradicts itself, the feed is frozen.</summary>
    /// <param name="Length">The length that was signed twice.</param>
    /// <param name="Fork">The fork that was signed twice.</param>
    public sealed record Conflicted(ulong Length, ulong Fork) : FeedEvent;
}
