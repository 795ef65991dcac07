using System.Collections.Immutable;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>The routing table at one moment: what queries and replies read while buckets go on.</summary>
public sealed class RoutingSnapshot
{
    private readonly ImmutableArray<Contact>[] _buckets;
    private readonly Hash _tableId;

    /// <summary>A table without contacts.</summary>
    public RoutingSnapshot(in Hash tableId)
        : this(tableId, [], 0)
    {
    }

    private RoutingSnapshot(in Hash tableId, ImmutableArray<Contact>[] buckets, int count) =>
        (_tableId, _buckets, Count) = (tableId, buckets, count);

    /// <summary>The id that distances are measured from.</summary>
    public ref readonly Hash TableId => ref _tableId;

    /// <summary>Contacts in all buckets.</summary>
    public int Count { get; }

    /// <summary>How many buckets there may be contacts in, from the farthest.</summary>
    public int BucketCount => _buckets.Length;

    /// <summary>The contacts of one bucket, sorted by id.</summary>
    public ImmutableArray<Contact> this[int bucket] => bucket < _buckets.Length ? _buckets[bucket] : [];

    /// <summary>The bucket that an id belongs to.</summary>
    public int BucketOf(in Hash id) => Distance.BucketOf(_tableId, id);

    /// <summary>The contact with this id, if there is one.</summary>
    public Contact? Find(in Hash id)
    {
        foreach (Contact contact in this[BucketOf(id)])
        {
            if (contact.Id == id)
            {
                return contact;
            }
        }

        return null;
    }

    /// <summary>Fills <paramref name="output"/> with contacts near to <paramref name="target"/>.</summary>
    /// <returns>How many there are.</returns>
    /// <remarks>The order is upstream's: the target's bucket, then each one farther from us, then those nearer, by id inside
    /// each. It is not the order of distances, but others of this network expect it.</remarks>
    public int Closest(in Hash target, Span<Contact> output)
    {
        int count = 0;
        int own = BucketOf(target);
        for (int i = Math.Min(own, _buckets.Length - 1); i >= 0 && count < output.Length; i--)
        {
            count += Take(_buckets[i], output[count..]);
        }

        for (int i = own + 1; i < _buckets.Length && count < output.Length; i++)
        {
            count += Take(_buckets[i], output[count..]);
        }

        return count;
    }

    /// <inheritdoc cref="Closest(in Hash, Span{Contact})"/>
    public Contact[] Closest(in Hash target, int count)
    {
        var contacts = new Contact[Math.Min(count, Count)];
        Array.Resize(ref contacts, Closest(target, contacts));
        return contacts;
    }

    /// <summary>All contacts, in buckets from the farthest.</summary>
    public IEnumerable<Contact> Contacts()
    {
        foreach (ImmutableArray<Contact> bucket in _buckets)
        {
            foreach (Contact contact in bucket)
            {
                yield return contact;
            }
        }
    }

    /// <summary>A contact, each as likely as the others.</summary>
    public Contact? Any(RandomSource random)
    {
        int place = Count == 0 ? 0 : random.NextInt32(Count);
        foreach (ImmutableArray<Contact> bucket in _buckets)
        {
            if (place < bucket.Length)
            {
                return bucket[place];
            }

            place -= bucket.Length;
        }

        return null;
    }

    /// <summary>The same table with another content of one bucket.</summary>
    public RoutingSnapshot With(int bucket, ImmutableArray<Contact> contacts)
    {
        int length = Math.Max(_buckets.Length, contacts.IsEmpty ? 0 : bucket + 1);
        if (bucket >= length)
        {
            return this;
        }

        var buckets = new ImmutableArray<Contact>[length];
        Array.Fill(buckets, []);
        _buckets.CopyTo(buckets, 0);
        buckets[bucket] = contacts;
        return new RoutingSnapshot(_tableId, buckets, Count - this[bucket].Length + contacts.Length);
    }

    /// <summary>The same contacts seen from another id, as many a bucket as it may hold.</summary>
    public RoutingSnapshot MovedTo(Hash tableId, int bucketSize)
    {
        var moved = new RoutingSnapshot(tableId);
        foreach (IGrouping<int, Contact> group in Contacts().Where(c => c.Id != tableId).GroupBy(c => Distance.BucketOf(tableId, c.Id)))
        {
            moved = moved.With(group.Key, [.. group.Take(bucketSize).Order(ById)]);
        }

        return moved;
    }

    internal static Comparer<Contact> ById { get; } = Comparer<Contact>.Create((a, b) => Distance.CompareIds(a.Id, b.Id));

    private static int Take(ImmutableArray<Contact> bucket, Span<Contact> output)
    {
        int count = Math.Min(bucket.Length, output.Length);
        bucket.AsSpan()[..count].CopyTo(output);
        return count;
    }
}
