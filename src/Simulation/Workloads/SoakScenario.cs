using System.Globalization;
using System.Net;
using System.Text;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Simulation;

/// <summary>Nodes that meet by topic in a DHT of their own, write, copy, cut, come, go and lose one another, for a day.</summary>
/// <remarks>
/// Held against: what lives after the last hour (heap, actors, timers, files, buffers, records, peers that are known) is what lived
/// after the first. Both are taken when all hosts are up and nobody has done anything for a while.
/// </remarks>
internal sealed class SoakScenario : IDisposable
{
    private const int Port = 4000;
    private const int Looks = 8;
    private const string BuffersOut = "buffers out";
    private const string FeedName = "notes";

    private readonly World _world;
    private readonly SoakScenarioOptions _options;
    private readonly RandomSource _random;
    private readonly BufferLedger _buffers = new();
    private readonly List<Member> _members = [];
    private readonly SimulatedHost _visitor;
    private readonly DiscoveryKey _topic;
    private readonly StringBuilder _report = new();
    private int _round;

    public SoakScenario(World world, SoakScenarioOptions options)
    {
        _world = world;
        _options = options;
        _random = world.Fork();
        _topic = new DiscoveryKey(RandomBytes(DiscoveryKey.Size));
        for (int i = 0; i < options.Nodes; i++)
        {
            _members.Add(new Member(AddHost(i)));
        }

        _visitor = AddHost(options.Nodes);
    }

    /// <summary>What was measured.</summary>
    public string Report => _report.ToString();

    /// <summary>The world of a soak: the DHT keeps values for half an hour and not for two days, so that a first hour has seen them go.</summary>
    public static WorldOptions World => new()
    {
        Datagrams = new DatagramOptions { Loss = 0.01 },
        Node = new NodeOptions
        {
            Network = new Actors.NetworkOptions
            {
                UsesLocalDiscovery = false,
                Records = new RecordOptions { ValueAge = TimeSpan.FromMinutes(30) },
            },
        },
    };

    public async Task RunAsync()
    {
        foreach (Member member in _members)
        {
            await StartAsync(member);
        }

        Measures first = await LiveAsync(TimeSpan.FromHours(1));
        Measures last = await LiveAsync(TimeSpan.FromHours(_options.Hours - 1));
        Compare(first, last);
        foreach (Member member in _members)
        {
            await StopAsync(member);
        }
    }

    public void Dispose() => _buffers.Dispose();

    private SimulatedHost AddHost(int number) => _world.AddHost(new IPAddress([198, 51, (byte)(number + 1), 1]));

    // ---- the hosts ----

    private async Task StartAsync(Member member)
    {
        HyperNode node = await StartNodeAsync(member.Host);
        member.Feed = await node.OpenFeedAsync(FeedName);
        member.Key = member.Feed.Key;
        await node.Swarm.JoinAsync(_topic);
        foreach (Member other in _members)
        {
            Follow(member, other);
            Follow(other, member);
        }
    }

    private async Task<HyperNode> StartNodeAsync(SimulatedHost host)
    {
        SimulatedHost entry = _members[0].Host;
        HyperNode node = await host.StartAsync(options => options with
        {
            Network = options.Network! with
            {
                Host = host.Address.ToString(),
                Port = Port,
                Bootstrap = host == entry ? [] : [$"{entry.Address}:{Port}"],
                IsBootstrapper = host == entry,

                // Whoever stays keeps records from the start: the network is small, and its first node is not always there.
                IsEphemeral = host == _visitor ? null : false,
                IsFirewalled = host == _visitor ? null : false,
            },
        });
        await node.Dht.WaitUntilReadyAsync();
        return node;
    }

    /// <summary>One host brings over what the other writes, as long as both live.</summary>
    private void Follow(Member reader, Member writer)
    {
        if (reader == writer || reader.Host.Node is not { } node || writer.Key is not { } key || !reader.Follows.Add(key))
        {
            return;
        }

        int life = reader.Lives;
        _world.Go(async () =>
        {
            try
            {
                await using Feed copy = await node.OpenFeedAsync(key);
                reader.Copies[key] = copy;
                await copy.DownloadAsync();
            }
            catch (Exception e) when (e is HyperActorsException or ObjectDisposedException && reader.Lives != life)
            {
                // That life of the reader is over.
            }
        });
    }

    private async Task StopAsync(Member member)
    {
        member.Forget();
        await member.Host.StopAsync();
    }

    // ---- what happens ----

    private async Task<Measures> LiveAsync(TimeSpan time)
    {
        TimeSpan end = _world.Now + time;
        while (_world.Now < end)
        {
            await RoundAsync(++_round);
            await _world.Delay(_options.Pause);
        }

        foreach (Member writer in _members)
        {
            await CopiedAsync(writer);
        }

        await _world.Delay(_options.Quiet);
        return await MeasureAsync();
    }

    private async Task RoundAsync(int round)
    {
        Func<Task>? mend = null;
        if (round % _options.RoundsPerRestart == 0)
        {
            mend = await TakeDownAsync(_members[_random.NextInt32(_members.Count)]);
        }
        else if (round % _options.RoundsPerPartition == 0)
        {
            mend = Part();
        }

        foreach (Member member in _members.Where(m => m.Host.Node is not null))
        {
            await WriteAsync(member.Feed!);
        }

        if (round % _options.RoundsPerTopic == 0)
        {
            await MeetAsync(Anyone().Host.Node!, Anyone().Host.Node!);
        }

        await ReadAsync();
        if (mend is not null)
        {
            await _world.Delay(_options.Pause);
            await mend();
        }

        if (round % _options.RoundsPerVisit == 0)
        {
            await VisitAsync();
        }
    }

    private async Task WriteAsync(Feed feed)
    {
        await feed.AppendAsync([.. Enumerable.Range(0, 1 + _random.NextInt32(_options.MaxBatch))
            .Select(_ => (ReadOnlyMemory<byte>)RandomBytes(1 + _random.NextInt32(_options.MaxBlockSize)))]);
        if (feed.Length > (ulong)_options.MaxLength)
        {
            await feed.TruncateAsync(1 + _random.NextUInt64(feed.Length / 2));
        }
    }

    /// <summary>A second handle reads, watches and waits in vain, and lets go of it all.</summary>
    private async Task ReadAsync()
    {
        Member reader = Anyone();
        await using Feed feed = await reader.Host.Node!.OpenFeedAsync(Anyone().Key!.Value);
        using var enough = new CancellationTokenSource();
        Task[] waiting = [Drained(feed.GetAsync(1_000_000, enough.Token).AsTask()), Drained(WatchAsync(feed, enough.Token)), Drained(feed.DownloadAsync(0, 1UL << 40, null, enough.Token))];
        for (ulong i = 0; i < feed.Length; i++)
        {
            await Drained(feed.TryGetAsync(i).AsTask());
        }

        await feed.UpdateAsync();
        await feed.GetMapAsync();
        await feed.GetPeersAsync();
        End(enough);
        await Task.WhenAll(waiting);
    }

    // CancelAsync would go on on another thread, of which a run knows nothing.
    private static void End(CancellationTokenSource source) => source.Cancel();

    private static async Task WatchAsync(Feed feed, CancellationToken cancellationToken)
    {
        await foreach (FeedEvent _ in feed.WatchAsync(cancellationToken))
        {
        }
    }

    private static async Task Drained(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
        }
        catch (FeedFailedException)
        {
            // The feed was cut meanwhile.
        }
    }

    /// <summary>Two hosts meet at a topic of the moment, and leave it; a record goes into the DHT.</summary>
    private async Task MeetAsync(HyperNode one, HyperNode other)
    {
        var topic = new DiscoveryKey(RandomBytes(DiscoveryKey.Size));
        await using (ISwarmSession session = await one.Swarm.JoinAsync(topic))
        {
            await session.FlushAsync();
        }

        try
        {
            DhtPut put = await one.Dht.PutImmutableAsync(RandomBytes(200));
            await other.Dht.GetImmutableAsync(put.Key);
            await one.Dht.AnnounceAsync(topic);
            await foreach (DhtPeer _ in other.Dht.LookupAsync(topic))
            {
            }

            await one.Dht.UnannounceAsync(topic);
        }
        catch (HyperActorsException)
        {
            // Of so few nodes it may be that none answers while one is away.
        }
    }

    private async Task<Func<Task>> TakeDownAsync(Member member)
    {
        if (_random.NextInt32(100) < _options.KillsPercent)
        {
            member.Forget();
            member.Host.Kill();
        }
        else
        {
            await StopAsync(member);
        }

        return () => StartAsync(member);
    }

    private Func<Task> Part()
    {
        Member one = _members[0];
        Member other = _members[1 + _random.NextInt32(_members.Count - 1)];
        _world.Network.Part(one.Host.Address, other.Host.Address, breaksStreams: true);
        return () =>
        {
            _world.Network.Join(one.Host.Address, other.Host.Address);
            return Task.CompletedTask;
        };
    }

    /// <summary>Somebody new, with a key of its own, comes, copies and goes.</summary>
    private async Task VisitAsync()
    {
        _visitor.Reinstall();
        HyperNode node = await StartNodeAsync(_visitor);
        Member writer = Anyone();
        await using (Feed copy = await node.OpenFeedAsync(writer.Key!.Value))
        {
            await node.Swarm.JoinAsync(_topic);
            await WithinAsync(copy.GetAsync(0).AsTask(), $"the visitor has a block of {writer.Host}");
            await WithinAsync(copy.DownloadAsync(0, copy.Length), $"the visitor has the feed of {writer.Host}");
        }

        if (_random.NextInt32(100) < _options.KillsPercent)
        {
            _visitor.Kill();
        }
        else
        {
            await _visitor.StopAsync();
        }
    }

    private async Task CopiedAsync(Member writer)
    {
        foreach (Member reader in _members.Where(r => r != writer))
        {
            TimeSpan end = _world.Now + _options.AnswersWithin;
            while (!reader.Copies.TryGetValue(writer.Key!.Value, out Feed? copy) || copy.Fork != writer.Feed!.Fork
                || copy.ContiguousLength != writer.Feed.Length)
            {
                if (_world.Now > end)
                {
                    throw new SimulationFailedException($"at {_world.Now}: {reader.Host} still does not have the feed of {writer.Host}");
                }

                await _world.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    private async Task WithinAsync(Task work, string what)
    {
        if (await Task.WhenAny(work, _world.Delay(_options.AnswersWithin)) != work)
        {
            throw new SimulationFailedException($"at {_world.Now}: after {_options.AnswersWithin} it still does not hold that {what}");
        }

        await work;
    }

    private Member Anyone()
    {
        Member[] up = [.. _members.Where(m => m.Host.Node is not null)];
        return up[_random.NextInt32(up.Length)];
    }

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.Fill(bytes);
        return bytes;
    }

    // ---- what is left of it ----

    // Several looks, and of each thing the least: what is only busy at one moment is not there at another, what was left behind is.
    private async Task<Measures> MeasureAsync()
    {
        List<(string Name, long Value)> least = await CountAsync();
        for (int i = 1; i < Looks; i++)
        {
            await _world.Delay(TimeSpan.FromSeconds(37));
            least = [.. least.Zip(await CountAsync(), (one, other) => (one.Name, Math.Min(one.Value, other.Value)))];
        }

        long heap = 0;
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            heap = GC.GetTotalMemory(forceFullCollection: true);
        }

        // The disks are the simulation's, and what the pools keep for the next one is nobody's.
        long live = heap - _world.Hosts.Sum(h => h.Disk.Bytes) - _buffers.Bytes;
        return new Measures(_world.Now, _world.Engine.Journal.Steps, [("live heap, bytes", live), .. least]);
    }

    private async Task<List<(string Name, long Value)>> CountAsync()
    {
        long records = 0;
        long contacts = 0;
        long peers = 0;
        long connections = 0;
        foreach (Member member in _members)
        {
            DhtInfo dht = await member.Host.Node!.Dht.GetInfoAsync();
            SwarmInfo swarm = await member.Host.Node.Swarm.GetInfoAsync();
            records += dht.Records.Values.Sum();
            contacts += dht.Buckets.Sum(b => b.Contacts);
            peers += swarm.Peers.Count;
            connections += swarm.Connections;
        }

        return
        [
            ("actors", _world.Engine.System.Counters.Totals().Actors),
            ("timers armed", _world.Engine.ArmedTimers),
            ("files open", _world.Hosts.Sum(h => h.Disk.OpenFiles)),
            ("catalogs open", _world.Hosts.Count(h => h.HasCatalog)),
            ("files of the process", Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Length : 0),
            (BuffersOut, _buffers.Outstanding),
            ("streams open", _world.Network.OpenStreams),
            ("records in the DHT", records),
            ("contacts in the DHT", contacts),
            ("peers known", peers),
            ("connections", connections),
        ];
    }

    private void Compare(Measures first, Measures last)
    {
        _report.AppendLine(CultureInfo.InvariantCulture, $"{"",-22}{Hours(first.At),14}{Hours(last.At),14}{"change",10}");
        var grown = new List<string>();
        foreach (((string name, long before), (_, long after)) in first.Values.Zip(last.Values))
        {
            double change = before == 0 ? (after == 0 ? 0 : 100) : 100.0 * (after - before) / before;
            _report.AppendLine(CultureInfo.InvariantCulture, $"{name,-22}{before,14:N0}{after,14:N0}{change,9:+0.0;-0.0;0.0}%");
            bool isKept = name != BuffersOut || _options.KillsPercent == 0;
            if (isKept && change > _options.TolerancePercent)
            {
                grown.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {before:N0} -> {after:N0}"));
            }
        }

        _report.AppendLine(CultureInfo.InvariantCulture, $"{_round} rounds, {last.Steps:N0} steps");
        if (grown.Count > 0)
        {
            throw new SimulationFailedException(
                $"more than {_options.TolerancePercent} % more lives than after the first hour: {string.Join("; ", grown)}\n{_report}");
        }
    }

    private static string Hours(TimeSpan at) => string.Create(CultureInfo.InvariantCulture, $"at {(int)at.TotalHours}:{at.Minutes:00} h");

    /// <summary>A host that stays, with the handles of its present life.</summary>
    private sealed class Member(SimulatedHost host)
    {
        public SimulatedHost Host => host;

        public FeedKey? Key { get; set; }

        public Feed? Feed { get; set; }

        /// <summary>How many of its lives are over.</summary>
        public int Lives { get; private set; }

        public HashSet<FeedKey> Follows { get; } = [];

        public Dictionary<FeedKey, Feed> Copies { get; } = [];

        public void Forget()
        {
            Lives++;
            Feed = null;
            Follows.Clear();
            Copies.Clear();
        }
    }

    private sealed record Measures(TimeSpan At, long Steps, IReadOnlyList<(string Name, long Value)> Values);
}
