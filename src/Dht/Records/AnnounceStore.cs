using System.Runtime.InteropServices;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Who is announced under which topics, in two generations.</summary>
/// <remarks>
/// An announcement that is made again while its generation lasts changes nothing: the addresses stay those of the first. Made again
/// later, it is moved and replaced. It allocates nothing before the first announcement.
/// </remarks>
internal sealed class AnnounceStore(RecordOptions options, RandomSource random, HyperCounters counters)
{
    private readonly Generations _generations = new(options.AnnouncementAge);
    private Generation? _fresh;
    private Generation? _stale;
    private Shares<uint, Entry>? _hosts;
    private Shares<PublicKey, Entry>? _keys;

    public int Count => (_fresh?.Count ?? 0) + (_stale?.Count ?? 0);

    /// <summary>Adds a record, on the account of <paramref name="host"/>.</summary>
    public void Add(in Hash topic, in PublicKey key, byte[] record, uint host, TimeSpan now)
    {
        Prune(now);
        if (_stale?.Remove(topic, key) is { } stale)
        {
            Release(stale);
        }

        _fresh ??= new Generation();
        if (_fresh.Has(topic, key))
        {
            return;
        }

        if (_fresh.CountOf(topic) >= options.MaxAnnouncementsPerTopic)
        {
            Drop(_fresh.Any(topic, random));
        }

        var entry = new Entry(topic, key, record, host);
        if (!AddressRanges.IsLocal(host))
        {
            _hosts ??= new Shares<uint, Entry>(options.MaxEntriesPerHost);
            _keys ??= new Shares<PublicKey, Entry>(options.MaxTopicsPerKey);
            if (_hosts.IsFull(host, out Entry oldest))
            {
                Drop(oldest);
            }

            if (_keys.IsFull(key, out oldest))
            {
                Drop(oldest);
            }

            entry.HostShare = _hosts.Add(host, entry);
            entry.KeyShare = _keys.Add(key, entry);
        }

        _fresh.Add(entry);
        if (_fresh.Count > options.MaxAnnouncements)
        {
            Turn();
            _generations.OnTurned();
        }
    }

    public void Remove(in Hash topic, in PublicKey key, TimeSpan now)
    {
        Prune(now);
        if ((_fresh?.Remove(topic, key) ?? _stale?.Remove(topic, key)) is { } entry)
        {
            Release(entry);
        }
    }

    /// <summary>Adds up to <paramref name="max"/> records of a topic to <paramref name="output"/>, by lot.</summary>
    public void Take(in Hash topic, int max, List<byte[]> output, TimeSpan now)
    {
        Prune(now);
        Span<Entry> fresh = _fresh is null ? [] : _fresh.Of(topic);
        Span<Entry> stale = _stale is null ? [] : _stale.Of(topic);
        for (int taken = 0; taken < max && fresh.Length + stale.Length > 0; taken++)
        {
            int drawn = random.NextInt32(fresh.Length + stale.Length);
            output.Add(drawn < fresh.Length ? Draw(ref fresh, drawn) : Draw(ref stale, drawn - fresh.Length));
        }
    }

    /// <summary>Forgets what is too old.</summary>
    public void Prune(TimeSpan now)
    {
        for (int turns = _generations.Advance(now); turns > 0; turns--)
        {
            Turn();
        }
    }

    // What was drawn goes to the end, where it is not drawn again.
    private static byte[] Draw(ref Span<Entry> entries, int place)
    {
        int last = entries.Length - 1;
        (entries[place], entries[last]) = (entries[last], entries[place]);
        (entries[place].Place, entries[last].Place) = (place, last);
        byte[] record = entries[last].Record;
        entries = entries[..last];
        return record;
    }

    private void Turn()
    {
        foreach (Entry entry in _stale?.Entries ?? [])
        {
            Release(entry);
        }

        _stale = _fresh;
        _fresh = null;
    }

    private void Drop(Entry entry)
    {
        Entry? dropped = _fresh?.Remove(entry.Topic, entry.Key) ?? _stale?.Remove(entry.Topic, entry.Key);
        Invariant.Hold(dropped == entry);
        counters.Evicted++;
        Release(entry);
    }

    private void Release(Entry entry)
    {
        if (entry.HostShare is not null)
        {
            _hosts!.Remove(entry.Host, entry.HostShare);
            _keys!.Remove(entry.Key, entry.KeyShare!);
            entry.HostShare = entry.KeyShare = null;
        }
    }

    private sealed class Generation
    {
        private readonly Dictionary<(Hash Topic, PublicKey Key), Entry> _entries = [];
        private readonly Dictionary<Hash, List<Entry>> _topics = [];

        public int Count => _entries.Count;

        public IEnumerable<Entry> Entries => _entries.Values;

        public bool Has(in Hash topic, in PublicKey key) => _entries.ContainsKey((topic, key));

        public int CountOf(in Hash topic) => _topics.TryGetValue(topic, out List<Entry>? entries) ? entries.Count : 0;

        public Span<Entry> Of(in Hash topic) => _topics.TryGetValue(topic, out List<Entry>? entries) ? CollectionsMarshal.AsSpan(entries) : [];

        public Entry Any(in Hash topic, RandomSource random)
        {
            List<Entry> entries = _topics[topic];
            return entries[random.NextInt32(entries.Count)];
        }

        public void Add(Entry entry)
        {
            _entries.Add((entry.Topic, entry.Key), entry);
            if (!_topics.TryGetValue(entry.Topic, out List<Entry>? entries))
            {
                _topics.Add(entry.Topic, entries = new List<Entry>(1));
            }

            entry.Place = entries.Count;
            entries.Add(entry);
        }

        public Entry? Remove(in Hash topic, in PublicKey key)
        {
            if (!_entries.Remove((topic, key), out Entry? entry))
            {
                return null;
            }

            List<Entry> entries = _topics[topic];
            Entry last = entries[^1];
            entries[entry.Place] = last;
            last.Place = entry.Place;
            entries.RemoveAt(entries.Count - 1);
            if (entries.Count == 0)
            {
                _topics.Remove(topic);
            }

            return entry;
        }
    }

    private sealed class Entry(Hash topic, PublicKey key, byte[] record, uint host)
    {
        public Hash Topic => topic;

        public PublicKey Key => key;

        public byte[] Record => record;

        public uint Host => host;

        public int Place { get; set; }

        public LinkedListNode<Entry>? HostShare { get; set; }

        public LinkedListNode<Entry>? KeyShare { get; set; }
    }
}
