using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>The stores beside lists that do the same the slow way.</summary>
public class RecordModels
{
    private static readonly TimeSpan Age = TimeSpan.FromMinutes(20);

    [Fact]
    public void A_generational_store_is_a_list_that_forgets() => Check.That<int>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded((ulong)seed);
            const int MaxEntries = 12;
            const int MaxPerHost = 3;
            var counters = new HyperCounters();
            var store = new GenerationalStore<int, int>(MaxEntries, Age, MaxPerHost, counters);
            var model = new ListStore(MaxEntries, Age, MaxPerHost);
            TimeSpan now = TimeSpan.FromSeconds(random.NextInt32(1000));
            for (int i = 0; i < 250; i++)
            {
                now += TimeSpan.FromSeconds(random.NextInt32(10) == 0 ? random.NextInt32(2000) : random.NextInt32(20));
                int key = random.NextInt32(24);
                switch (random.NextInt32(4))
                {
                    case 0:
                        bool isThere = store.TryGet(key, now, out int value);
                        Assert.Equal(model.Get(key, now), isThere ? value : null);
                        break;
                    case 1:
                        Assert.Equal(model.Remove(key, now), store.Remove(key, now));
                        break;
                    default:
                        uint host = HostOf(random);
                        store.Set(key, i, host, now);
                        model.Set(key, i, host, now);
                        break;
                }

                Assert.Equal(model.Count, store.Count);
            }

            return counters.Evicted == model.Evicted;
        },
        cases: 60);

    [Fact]
    public void Announcements_are_a_list_that_forgets_and_never_replaces_what_is_fresh() => Check.That<int>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded((ulong)seed);
            var options = new RecordOptions { AnnouncementAge = Age, MaxAnnouncements = 20, MaxEntriesPerHost = 6, MaxTopicsPerKey = 4 };
            var counters = new HyperCounters();
            var store = new AnnounceStore(options, random, counters);
            var model = new ListAnnouncements(options);
            TimeSpan now = TimeSpan.Zero;
            for (int i = 0; i < 250; i++)
            {
                now += TimeSpan.FromSeconds(random.NextInt32(10) == 0 ? random.NextInt32(2000) : random.NextInt32(20));
                int topic = random.NextInt32(4);
                int key = random.NextInt32(8);
                byte[] record = [(byte)i, (byte)(i >> 8), (byte)key];
                switch (random.NextInt32(4))
                {
                    case 0:
                        store.Remove(HyperCluster.Target(topic), KeyOf(key), now);
                        model.Remove(topic, key, now);
                        break;
                    case 1:
                        var all = new List<byte[]>();
                        store.Take(HyperCluster.Target(topic), 100, all, now);
                        Assert.Equal(model.Of(topic, now), all.Select(Convert.ToHexString).Order(StringComparer.Ordinal));
                        var some = new List<byte[]>();
                        store.Take(HyperCluster.Target(topic), 3, some, now);
                        Assert.Equal(Math.Min(3, all.Count), some.Distinct().Count());
                        break;
                    default:
                        uint host = HostOf(random);
                        store.Add(HyperCluster.Target(topic), KeyOf(key), record, host, now);
                        model.Add(topic, key, record, host, now);
                        break;
                }

                Assert.Equal(model.Count, store.Count);
            }

            return counters.Evicted == model.Evicted;
        },
        cases: 60);

    [Fact]
    public void Ages_are_between_two_and_four_thirds_of_the_age_that_was_asked_for()
    {
        var store = new GenerationalStore<int, int>(100, Age, 100, new HyperCounters());
        store.Set(0, 0, 0x7f000001, TimeSpan.Zero);
        store.Set(1, 1, 0x7f000001, TimeSpan.FromMinutes(13));
        Assert.True(store.TryGet(1, TimeSpan.FromMinutes(13.2), out _));
        store.Prune(TimeSpan.FromMinutes(26.6));
        Assert.Equal(2, store.Count);
        store.Prune(TimeSpan.FromMinutes(26.7));
        Assert.Equal(0, store.Count);

        store.Set(2, 2, 0x7f000001, TimeSpan.FromMinutes(27));
        Assert.True(store.TryGet(2, TimeSpan.FromMinutes(41), out _));
        Assert.True(store.TryGet(2, TimeSpan.FromMinutes(54), out _));
        Assert.False(store.TryGet(2, TimeSpan.FromMinutes(100), out _));
    }

    [Fact]
    public void One_host_keeps_its_share_and_neighbours_are_not_counted()
    {
        var records = new HyperRecords(new RecordOptions { MaxEntriesPerHost = 10 }, RandomSource.Seeded(1), new HyperCounters());
        var outside = new DhtAddress(0xcb00_7101, 1);
        var inside = new DhtAddress(0x0a00_0001, 1);
        for (int i = 0; i < 100; i++)
        {
            records.Put(HyperCluster.Target(i), [1], outside, TimeSpan.Zero);
            records.Put(HyperCluster.Target(1000 + i), [1], inside, TimeSpan.Zero);
            records.Announce(HyperCluster.Target(i), KeyOf(i), [1], isSelf: false, outside, TimeSpan.Zero);
            records.Announce(HyperCluster.Target(1000 + i), KeyOf(i), [1], isSelf: false, inside, TimeSpan.Zero);
        }

        Assert.Equal(110, records.Immutables);
        Assert.Equal(110, records.Announcements);
        Assert.Null(records.FindImmutable(HyperCluster.Target(89), TimeSpan.Zero));
        Assert.NotNull(records.FindImmutable(HyperCluster.Target(90), TimeSpan.Zero));
    }

    [Fact]
    public void A_topic_that_is_flooded_stays_within_its_bound()
    {
        var options = new RecordOptions { MaxAnnouncementsPerTopic = 50 };
        var records = new HyperRecords(options, RandomSource.Seeded(1), new HyperCounters());
        for (int i = 0; i < 1000; i++)
        {
            records.Announce(HyperCluster.Target(0), KeyOf(i), [1], isSelf: false, new DhtAddress((uint)(0xcb00_0000 + i), 1), TimeSpan.Zero);
        }

        Assert.Equal(50, records.Announcements);
    }

    [Fact]
    public void Tables_without_entries_cost_next_to_nothing()
    {
        var options = new RecordOptions();
        RandomSource random = RandomSource.Seeded(1);
        var counters = new HyperCounters();
        _ = new HyperRecords(options, random, counters);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _ = new HyperRecords(options, random, counters);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 100, 1, 2000);
    }

    private static uint HostOf(RandomSource random) => random.NextInt32(3) switch
    {
        0 => 0x7f000001,
        1 => 0xcb007101,
        _ => 0xcb007102,
    };

    private static PublicKey KeyOf(int number)
    {
        Span<byte> bytes = stackalloc byte[PublicKey.Size];
        BitConverter.TryWriteBytes(bytes, number + 1);
        return new PublicKey(bytes);
    }

    /// <summary>When generations turn, counted one by one.</summary>
    private class Clock(TimeSpan age)
    {
        private TimeSpan? _next;
        private bool _skips;

        public int Generation { get; private set; }

        public void TurnBecauseFull()
        {
            Generation++;
            _skips = true;
        }

        public void Advance(TimeSpan now)
        {
            _next ??= now + (age * (2.0 / 3));
            while (now >= _next)
            {
                _next += age * (2.0 / 3);
                Generation += _skips ? 0 : 1;
                _skips = false;
            }
        }
    }

    private sealed class ListStore(int maxEntries, TimeSpan age, int maxPerHost) : Clock(age)
    {
        private List<(int Key, int Value, uint Host, int Generation)> _entries = [];
        private readonly List<(int Key, uint Host)> _order = [];

        public int Count => _entries.Count;

        public int Evicted { get; private set; }

        public int? Get(int key, TimeSpan now)
        {
            Forget(now);
            int at = _entries.FindIndex(e => e.Key == key);
            if (at < 0)
            {
                return null;
            }

            _entries[at] = _entries[at] with { Generation = Generation };
            return _entries[at].Value;
        }

        public bool Remove(int key, TimeSpan now)
        {
            Forget(now);
            _order.RemoveAll(o => o.Key == key);
            return _entries.RemoveAll(e => e.Key == key) > 0;
        }

        public void Set(int key, int value, uint host, TimeSpan now)
        {
            Remove(key, now);
            if (host != 0x7f000001 && _order.Count(o => o.Host == host) >= maxPerHost)
            {
                Remove(_order.First(o => o.Host == host).Key, now);
                Evicted++;
            }

            _entries.Add((key, value, host, Generation));
            _order.Add((key, host));
            if (_entries.Count(e => e.Generation == Generation) >= maxEntries)
            {
                TurnBecauseFull();
                Drop();
            }
        }

        private void Forget(TimeSpan now)
        {
            Advance(now);
            Drop();
        }

        private void Drop()
        {
            _entries = [.. _entries.Where(e => Generation - e.Generation <= 1)];
            _order.RemoveAll(o => _entries.TrueForAll(e => e.Key != o.Key));
        }
    }

    private sealed class ListAnnouncements(RecordOptions options) : Clock(options.AnnouncementAge)
    {
        private readonly List<(int Topic, int Key, byte[] Record, uint Host, int Generation)> _entries = [];

        public int Count => _entries.Count;

        public int Evicted { get; private set; }

        public IEnumerable<string> Of(int topic, TimeSpan now)
        {
            Forget(now);
            return _entries.Where(e => e.Topic == topic).Select(e => Convert.ToHexString(e.Record)).Order(StringComparer.Ordinal);
        }

        public void Remove(int topic, int key, TimeSpan now)
        {
            Forget(now);
            _entries.RemoveAll(e => e.Topic == topic && e.Key == key);
        }

        public void Add(int topic, int key, byte[] record, uint host, TimeSpan now)
        {
            Forget(now);
            if (_entries.Exists(e => e.Topic == topic && e.Key == key && e.Generation == Generation))
            {
                return;
            }

            _entries.RemoveAll(e => e.Topic == topic && e.Key == key);
            if (host != 0x7f000001)
            {
                Evict(e => e.Host == host, options.MaxEntriesPerHost);
                Evict(e => e.Key == key && e.Host != 0x7f000001, options.MaxTopicsPerKey);
            }

            _entries.Add((topic, key, record, host, Generation));
            if (_entries.Count(e => e.Generation == Generation) > options.MaxAnnouncements)
            {
                TurnBecauseFull();
                Forget(now);
            }
        }

        private void Evict(Predicate<(int Topic, int Key, byte[] Record, uint Host, int Generation)> ofSame, int max)
        {
            if (_entries.FindAll(ofSame).Count >= max)
            {
                _entries.RemoveAt(_entries.FindIndex(ofSame));
                Evicted++;
            }
        }

        private void Forget(TimeSpan now)
        {
            Advance(now);
            _entries.RemoveAll(e => Generation - e.Generation > 1);
        }
    }
}
