using System.Globalization;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>The buckets of a node as children of its <see cref="DhtActor"/>, each made when there is something to put in.</summary>
internal sealed class BucketActors(IActorContext context, DhtOptions options) : IBuckets
{
    private readonly List<IActorRef?> _buckets = [];
    private int _generation;

    /// <summary>They keep time themselves.</summary>
    public TimeSpan? Deadline => null;

    public void Reset(int generation, TimeSpan now)
    {
        foreach (IActorRef? bucket in _buckets)
        {
            if (bucket is not null)
            {
                context.Stop(bucket);
            }
        }

        _buckets.Clear();
        _generation = generation;
    }

    public void Seen(int bucket, Contact contact, TimeSpan now) => At(bucket).Tell(new BucketActor.Seen(contact), context.Self);

    public void Failed(int bucket, Contact contact, TimeSpan now)
    {
        if (bucket < _buckets.Count)
        {
            _buckets[bucket]?.Tell(new BucketActor.Failed(contact), context.Self);
        }
    }

    public void Suspect(int bucket, Contact contact, TimeSpan now)
    {
        if (bucket < _buckets.Count)
        {
            _buckets[bucket]?.Tell(new BucketActor.Suspect(contact), context.Self);
        }
    }

    public void Age(TimeSpan now)
    {
        foreach (IActorRef? bucket in _buckets)
        {
            bucket?.Tell(BucketActor.Age.Instance, context.Self);
        }
    }

    public void HandleTimeout(TimeSpan now)
    {
        // Each of them has a timer of its own.
    }

    private IActorRef At(int bucket)
    {
        while (_buckets.Count <= bucket)
        {
            _buckets.Add(null);
        }

        return _buckets[bucket] ??= context.ActorOf(
            BucketActor.PropsFor(_generation, bucket, options),
            string.Create(CultureInfo.InvariantCulture, $"bucket-{bucket}-{_generation}"));
    }
}
