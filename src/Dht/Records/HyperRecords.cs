using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>All that a node keeps for others: announcements, servers, values (docs/hyperdht.md#records).</summary>
/// <remarks>Empty tables hold nothing but their bounds: a node that stores nothing costs a few hundred bytes.</remarks>
public sealed class HyperRecords
{
    private readonly RecordOptions _options;
    private readonly HyperCounters _counters;
    private readonly AnnounceStore _announces;
    private readonly GenerationalStore<Hash, Forward> _forwards;
    private readonly GenerationalStore<Hash, ulong> _bumps;
    private readonly GenerationalStore<Hash, Refreshable> _refreshes;
    private readonly GenerationalStore<Hash, MutableRecord> _mutables;
    private readonly GenerationalStore<Hash, byte[]> _immutables;

    /// <summary>Empty tables.</summary>
    public HyperRecords(RecordOptions options, RandomSource random, HyperCounters counters)
    {
        (_options, _counters) = (options, counters);
        _announces = new AnnounceStore(options, random, counters);
        _forwards = NewAnnouncementTable<Forward>();
        _bumps = NewAnnouncementTable<ulong>();
        _refreshes = NewAnnouncementTable<Refreshable>();
        _mutables = NewValueTable<MutableRecord>();
        _immutables = NewValueTable<byte[]>();
    }

    /// <summary>Announcements of topics.</summary>
    public int Announcements => _announces.Count;

    /// <summary>Servers that are passed handshakes on to.</summary>
    public int Forwards => _forwards.Count;

    public int Mutables => _mutables.Count;

    public int Immutables => _immutables.Count;

    /// <summary>Promises to refresh an announcement without a signature.</summary>
    public int Refreshes => _refreshes.Count;

    /// <summary>Calls for attention, by topic.</summary>
    public int Bumps => _bumps.Count;

    /// <summary>Records of peers under a topic, by lot.</summary>
    internal void TakePeers(in Hash topic, int max, List<byte[]> output, TimeSpan now) => _announces.Take(topic, max, output, now);

    internal ulong BumpOf(in Hash topic, TimeSpan now) => _bumps.TryGet(topic, now, out ulong bump) ? bump : 0;

    internal Forward? FindForward(in Hash target, TimeSpan now) => _forwards.TryGet(target, now, out Forward? forward) ? forward : null;

    /// <summary>Adds an announcement. A peer that announces itself becomes a forward instead.</summary>
    internal void Announce(in Hash target, in PublicKey key, byte[] record, bool isSelf, DhtAddress from, TimeSpan now)
    {
        if (isSelf)
        {
            _forwards.Set(target, new Forward(from, record), from.Host, now);
            _announces.Remove(target, key, now);
        }
        else
        {
            _announces.Add(target, key, record, from.Host, now);
        }
    }

    /// <summary>Notes a call for attention, when it is newer than the last and not from the future.</summary>
    internal void Bump(in Hash topic, ulong bump, DateTimeOffset wallClock, DhtAddress from, TimeSpan now)
    {
        if (bump > BumpOf(topic, now) && bump <= (ulong)Math.Max(0, (wallClock + _options.MaxBumpDrift).ToUnixTimeMilliseconds()))
        {
            _bumps.Set(topic, bump, from.Host, now);
        }
    }

    /// <summary>Lets whoever shows the bytes that hash to <paramref name="promise"/> announce the same again.</summary>
    internal void Promise(in Hash promise, in Hash target, in PublicKey key, byte[] record, bool isSelf, DhtAddress from, TimeSpan now) =>
        _refreshes.Set(promise, new Refreshable(target, key, record, isSelf), from.Host, now);

    /// <summary>Announces again what was promised; false when nothing was. What was shown is the next promise.</summary>
    internal bool TryRefresh(in Hash shown, DhtAddress from, TimeSpan now)
    {
        Hash promise = Blake2b.Hash256(shown.AsSpan());
        if (!_refreshes.TryGet(promise, now, out Refreshable? announced))
        {
            return false;
        }

        Announce(announced.Target, announced.Key, announced.Record, announced.IsSelf, from, now);
        _refreshes.Remove(promise, now);
        _refreshes.Set(shown, announced, from.Host, now);
        return true;
    }

    /// <summary>Forgets a peer under a target, as a server too when the target is its own.</summary>
    internal void Unannounce(in Hash target, in PublicKey key, TimeSpan now)
    {
        if (Blake2b.Hash256(key.AsSpan()) == target)
        {
            _forwards.Remove(target, now);
        }

        _announces.Remove(target, key, now);
    }

    internal MutableRecord? FindMutable(in Hash target, TimeSpan now) =>
        _mutables.TryGet(target, now, out MutableRecord? record) ? record : null;

    /// <summary>Keeps a value that its key has signed, unless there is a newer one or another one of the same number.</summary>
    internal HyperError Put(in Hash target, MutableRecord record, DhtAddress from, TimeSpan now)
    {
        if (FindMutable(target, now) is { } kept)
        {
            if (record.Sequence < kept.Sequence)
            {
                return HyperError.SequenceTooLow;
            }

            if (record.Sequence == kept.Sequence && !record.Value.Span.SequenceEqual(kept.Value.Span))
            {
                return HyperError.SequenceReused;
            }
        }

        _mutables.Set(target, record, from.Host, now);
        return HyperError.None;
    }

    internal byte[]? FindImmutable(in Hash target, TimeSpan now) => _immutables.TryGet(target, now, out byte[]? value) ? value : null;

    internal void Put(in Hash target, byte[] value, DhtAddress from, TimeSpan now) => _immutables.Set(target, value, from.Host, now);

    /// <summary>Forgets what is too old.</summary>
    internal void Prune(TimeSpan now)
    {
        _announces.Prune(now);
        _forwards.Prune(now);
        _bumps.Prune(now);
        _refreshes.Prune(now);
        _mutables.Prune(now);
        _immutables.Prune(now);
    }

    private GenerationalStore<Hash, T> NewAnnouncementTable<T>() => new(_options.MaxAnnouncements, _options.AnnouncementAge, _options.MaxEntriesPerHost, _counters);

    private GenerationalStore<Hash, T> NewValueTable<T>() => new(_options.MaxValues, _options.ValueAge, _options.MaxEntriesPerHost, _counters);

    /// <summary>A server that announced itself here.</summary>
    /// <param name="Relay">Where it announced itself from: the way to it.</param>
    /// <param name="Record">Its <see cref="Peer"/>, encoded.</param>
    internal sealed record Forward(DhtAddress Relay, byte[] Record);

    private sealed record Refreshable(Hash Target, PublicKey Key, byte[] Record, bool IsSelf);
}
