namespace HyperActors.Dht;

/// <summary>Keeps the buckets of one node in its own turns, without actors.</summary>
public sealed class LocalBuckets(DhtNode node) : IBuckets
{
    private Bucket?[] _buckets = [];
    private int _generation;

    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan? first = null;
            foreach (Bucket? bucket in _buckets)
            {
                if (bucket?.Deadline is { } deadline && (first is null || deadline < first))
                {
                    first = deadline;
                }
            }

            return first;
        }
    }

    public void Reset(int generation, TimeSpan now)
    {
        _buckets = [];
        _generation = generation;
    }

    public void Seen(int bucket, Contact contact, TimeSpan now)
    {
        Bucket touched = At(bucket, now);
        touched.Seen(contact, now);
        Drain(bucket, touched);
    }

    public void Failed(int bucket, Contact contact, TimeSpan now)
    {
        Bucket touched = At(bucket, now);
        touched.Failed(contact.Id, now);
        Drain(bucket, touched);
    }

    public void Suspect(int bucket, Contact contact, TimeSpan now)
    {
        Bucket touched = At(bucket, now);
        touched.Suspect(contact.Id, now);
        Drain(bucket, touched);
    }

    public void Age(TimeSpan now)
    {
        foreach (Bucket? bucket in _buckets)
        {
            bucket?.Age(now);
        }
    }

    public void HandleTimeout(TimeSpan now)
    {
        // A ping that is sent now can't grow the list: what it brings comes in a later turn.
        for (int i = 0; i < _buckets.Length; i++)
        {
            if (_buckets[i] is { } bucket)
            {
                bucket.HandleTimeout(now);
                Drain(i, bucket);
            }
        }
    }

    private Bucket At(int bucket, TimeSpan now)
    {
        if (bucket >= _buckets.Length)
        {
            Array.Resize(ref _buckets, bucket + 1);
        }

        return _buckets[bucket] ??= new Bucket(node.Options, now + Bucket.FirstPing(bucket, node.Options));
    }

    private void Drain(int index, Bucket bucket)
    {
        while (bucket.TryPollEvent(out BucketEvent? bucketEvent))
        {
            switch (bucketEvent)
            {
                case BucketEvent.Changed changed:
                    node.InstallBucket(_generation, index, changed.Contacts);
                    break;
                case BucketEvent.PingWanted wanted:
                    node.PingContact(wanted.Contact);
                    break;
            }
        }
    }
}
