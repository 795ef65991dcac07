using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Dht;

/// <summary>A table of two generations: what is not asked for while one passes is forgotten with it.</summary>
/// <remarks>It allocates nothing before its first entry.</remarks>
internal sealed class GenerationalStore<TKey, TValue>(int maxEntries, TimeSpan age, int maxPerHost, HyperCounters counters)
    where TKey : notnull
{
    private readonly Generations _generations = new(age);
    private Dictionary<TKey, Entry>? _latest;
    private Dictionary<TKey, Entry>? _oldest;
    private Shares<uint, Entry>? _hosts;

    public int Count => (_latest?.Count ?? 0) + (_oldest?.Count ?? 0);

    /// <summary>Finds an entry, which is young again by that.</summary>
    public bool TryGet(TKey key, TimeSpan now, [MaybeNullWhen(false)] out TValue value)
    {
        Prune(now);
        if (_latest is not null && _latest.TryGetValue(key, out Entry? entry))
        {
            value = entry.Value;
            return true;
        }

        if (_oldest is not null && _oldest.Remove(key, out entry))
        {
            (_latest ??= []).Add(key, entry);
            value = entry.Value;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Adds or replaces an entry, on the account of <paramref name="host"/>.</summary>
    public void Set(TKey key, TValue value, uint host, TimeSpan now)
    {
        Remove(key, now);
        var entry = new Entry(key, value, host);
        if (!AddressRanges.IsLocal(host))
        {
            _hosts ??= new Shares<uint, Entry>(maxPerHost);
            if (_hosts.IsFull(host, out Entry oldest))
            {
                Remove(oldest.Key, now);
                counters.Evicted++;
            }

            entry.Share = _hosts.Add(host, entry);
        }

        (_latest ??= []).Add(key, entry);
        if (_latest.Count >= maxEntries)
        {
            Turn();
            _generations.OnTurned();
        }
    }

    public bool Remove(TKey key, TimeSpan now)
    {
        Prune(now);
        Entry? entry = null;
        bool isThere = _latest?.Remove(key, out entry) == true || _oldest?.Remove(key, out entry) == true;
        if (isThere)
        {
            Release(entry!);
        }

        return isThere;
    }

    /// <summary>Forgets what is too old.</summary>
    public void Prune(TimeSpan now)
    {
        for (int turns = _generations.Advance(now); turns > 0; turns--)
        {
            Turn();
        }
    }

    private void Turn()
    {
        foreach (Entry entry in _oldest?.Values ?? Enumerable.Empty<Entry>())
        {
            Release(entry);
        }

        _oldest = _latest;
        _latest = null;
    }

    private void Release(Entry entry)
    {
        if (entry.Share is { } share)
        {
            _hosts!.Remove(entry.Host, share);
            entry.Share = null;
        }
    }

    private sealed class Entry(TKey key, TValue value, uint host)
    {
        public TKey Key => key;

        public TValue Value => value;

        public uint Host => host;

        public LinkedListNode<Entry>? Share { get; set; }
    }
}
