using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>What a bucket wants known.</summary>
public abstract record BucketEvent
{
    private BucketEvent()
    {
    }

    /// <summary>Contacts came or went: these are there now, sorted by id.</summary>
    public sealed record Changed(ImmutableArray<Contact> Contacts) : BucketEvent;

    /// <summary>Somebody should ask this contact whether it is still there, and tell the bucket.</summary>
    public sealed record PingWanted(Contact Contact) : BucketEvent;
}

/// <summary>The contacts at one distance: who is alive, who is replaced, who is asked next.</summary>
/// <remarks>
/// A contact stays as long as it answers. A full bucket takes a new one only when its oldest, asked once more, is silent; the
/// longest unheard is asked at every <see cref="DhtOptions.PingInterval"/>. At most
/// <see cref="DhtOptions.MaxContactsPerNetworkInBucket"/> are from one /24; local addresses don't count.
/// </remarks>
public sealed class Bucket
{
    private readonly DhtOptions _options;
    private readonly List<Entry> _entries = [];
    private readonly Queue<Contact> _pings = new();
    private TimeSpan _nextPing;
    private bool _changed;
    private Contact? _candidate;
    private Contact? _challenged;
    private TimeSpan _challengedAt;

    /// <summary>An empty bucket.</summary>
    /// <param name="options">The bounds.</param>
    /// <param name="firstPing">When to ask for the first time: buckets of one table do better to take turns.</param>
    public Bucket(DhtOptions options, TimeSpan firstPing) => (_options, _nextPing) = (options, firstPing);

    /// <summary>When <see cref="HandleTimeout"/> is next due; null while there is nobody to ask.</summary>
    public TimeSpan? Deadline => _entries.Count == 0 ? null : _nextPing;

    public int Count => _entries.Count;

    /// <summary>How long after its making the bucket asks for the first time: eighths of the interval, so that buckets take turns.</summary>
    public static TimeSpan FirstPing(int bucket, DhtOptions options) => options.PingInterval * ((8 + (bucket & 7)) / 8.0);

    /// <summary>New contacts that were refused because their /24 has its share.</summary>
    public long Crowded { get; private set; }

    /// <summary>A contact was heard of, by itself.</summary>
    public void Seen(Contact contact, TimeSpan now)
    {
        if (_challenged is not null && _challenged.Id == contact.Id)
        {
            (_challenged, _candidate) = (null, null);
        }

        int place = PlaceOf(contact.Id);
        if (place >= 0)
        {
            ref Entry known = ref CollectionsMarshal.AsSpan(_entries)[place];
            known.Pinged = now;
            known.IsHinted = false;
            return;
        }

        if (IsCrowded(contact.Address.Host))
        {
            Crowded++;
        }
        else if (_entries.Count < _options.BucketSize)
        {
            Insert(contact, now);
        }
        else
        {
            Challenge(contact, now);
        }
    }

    /// <summary>A contact did not answer.</summary>
    public void Failed(in Hash id, TimeSpan now)
    {
        int place = PlaceOf(id);
        if (place >= 0)
        {
            _entries.RemoveAt(place);
            _changed = true;
        }

        if (_challenged is not null && _challenged.Id == id)
        {
            Contact candidate = _candidate!;
            (_challenged, _candidate) = (null, null);
            if (place >= 0 && PlaceOf(candidate.Id) < 0 && !IsCrowded(candidate.Address.Host))
            {
                Insert(candidate, now);
            }
        }
    }

    /// <summary>Somebody says that a contact is gone: it is asked, once for every time that it was heard.</summary>
    public void Suspect(in Hash id, TimeSpan now)
    {
        int place = PlaceOf(id);
        if (place < 0)
        {
            return;
        }

        ref Entry entry = ref CollectionsMarshal.AsSpan(_entries)[place];
        if (!entry.IsHinted || now - entry.Pinged >= _options.TickInterval)
        {
            entry.IsHinted = true;
            Ask(ref entry, now);
        }
    }

    /// <summary>Time passed that nobody noticed: everyone is long unheard, and asked soon.</summary>
    public void Age(TimeSpan now)
    {
        foreach (ref Entry entry in CollectionsMarshal.AsSpan(_entries))
        {
            entry.Pinged = TimeSpan.MinValue / 2;
        }

        _nextPing = now + (2 * _options.TickInterval);
    }

    public void HandleTimeout(TimeSpan now)
    {
        if (_entries.Count == 0 || now < _nextPing)
        {
            return;
        }

        _nextPing = now + _options.PingInterval;
        int oldest = Oldest(now);
        if (oldest >= 0 && now - _entries[oldest].Pinged >= _options.PingInterval)
        {
            Ask(ref CollectionsMarshal.AsSpan(_entries)[oldest], now);
        }
    }

    public bool TryPollEvent(out BucketEvent? bucketEvent)
    {
        if (_changed)
        {
            _changed = false;
            bucketEvent = new BucketEvent.Changed([.. _entries.Select(e => e.Contact)]);
            return true;
        }

        bucketEvent = _pings.TryDequeue(out Contact? contact) ? new BucketEvent.PingWanted(contact) : null;
        return bucketEvent is not null;
    }

    private void Insert(Contact contact, TimeSpan now)
    {
        _entries.Insert(~PlaceOf(contact.Id), new Entry { Contact = contact, Added = now, Pinged = now });
        _changed = true;
    }

    // One challenge at a time: whoever knocks meanwhile comes again.
    private void Challenge(Contact candidate, TimeSpan now)
    {
        if (_challenged is not null && now - _challengedAt < _options.ChallengeTimeout)
        {
            return;
        }

        int oldest = Oldest(now);
        if (oldest < 0)
        {
            return;
        }

        ref Entry entry = ref CollectionsMarshal.AsSpan(_entries)[oldest];
        if (now - entry.Pinged < _options.RecentAge && now - entry.Added > _options.OldAge)
        {
            return;
        }

        (_candidate, _challenged, _challengedAt) = (candidate, entry.Contact, now);
        Ask(ref entry, now);
    }

    private void Ask(ref Entry entry, TimeSpan now)
    {
        entry.Pinged = now;
        _pings.Enqueue(entry.Contact);
    }

    // The longest unheard, the longer known of two; none that was heard in this tick.
    private int Oldest(TimeSpan now)
    {
        int oldest = -1;
        for (int i = 0; i < _entries.Count; i++)
        {
            if (now - _entries[i].Pinged >= _options.TickInterval && (oldest < 0
                || _entries[i].Pinged < _entries[oldest].Pinged
                || (_entries[i].Pinged == _entries[oldest].Pinged && _entries[i].Added < _entries[oldest].Added)))
            {
                oldest = i;
            }
        }

        return oldest;
    }

    private bool IsCrowded(uint host)
    {
        if (AddressRanges.IsLocal(host))
        {
            return false;
        }

        int neighbours = 0;
        foreach (Entry entry in _entries)
        {
            neighbours += AddressRanges.NetworkOf(entry.Contact.Address.Host) == AddressRanges.NetworkOf(host) ? 1 : 0;
        }

        return neighbours >= _options.MaxContactsPerNetworkInBucket;
    }

    private int PlaceOf(in Hash id)
    {
        int low = 0;
        int high = _entries.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            int order = Distance.CompareIds(_entries[middle].Contact.Id, id);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    private struct Entry
    {
        public Contact Contact;
        public TimeSpan Added;
        public TimeSpan Pinged;
        public bool IsHinted;
    }
}
