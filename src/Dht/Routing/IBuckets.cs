namespace HyperActors.Dht;

/// <summary>Who keeps the buckets of a <see cref="DhtNode"/>: actors in a node, <see cref="LocalBuckets"/> everywhere else.</summary>
/// <remarks>
/// What a bucket reports goes back to <see cref="DhtNode.InstallBucket"/> and <see cref="DhtNode.PingContact"/>, now or later.
/// </remarks>
public interface IBuckets
{
    /// <summary>When <see cref="HandleTimeout"/> is next due; null where the buckets keep time themselves.</summary>
    TimeSpan? Deadline { get; }

    /// <summary>Forgets all buckets: distances are measured from another id from now on.</summary>
    /// <param name="generation">The number of the new table; what buckets of earlier ones report is passed over.</param>
    /// <param name="now">The time.</param>
    void Reset(int generation, TimeSpan now);

    /// <inheritdoc cref="Bucket.Seen"/>
    void Seen(int bucket, Contact contact, TimeSpan now);

    /// <inheritdoc cref="Bucket.Failed"/>
    void Failed(int bucket, Contact contact, TimeSpan now);

    /// <inheritdoc cref="Bucket.Suspect"/>
    void Suspect(int bucket, Contact contact, TimeSpan now);

    /// <inheritdoc cref="Bucket.Age"/>
    void Age(TimeSpan now);

    void HandleTimeout(TimeSpan now);
}
