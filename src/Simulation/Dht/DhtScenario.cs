using System.Globalization;
using System.Text;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Simulation;

/// <summary>A DHT that grows, whose nodes come and go, that breaks in two and heals; then one that is attacked, and two that meet.</summary>
internal sealed class DhtScenario(ulong seed, DhtScenarioOptions options) : IDisposable
{
    private const double MinFound = 0.9;

    // Networks merge by what lookups happen to meet: it is under way after two hours, and not always over.
    private const double MinFoundAfterMeeting = 0.75;

    private readonly StringBuilder _report = new();
    private readonly List<string> _failures = [];
    private readonly List<DhtWorld> _worlds = [];

    /// <summary>What was measured, a line each.</summary>
    public string Report => _report.ToString();

    public SeedResult Run(string name)
    {
        Churn();
        (_, double bare) = Attack("attacked, without hardening", Bare);
        (double met, double hardened) = Attack("attacked, as it is", _ => { });
        (double metByPaths, double disjoint) = Attack("attacked, over four paths", _ => { }, paths: 4);
        Expect(hardened > bare && disjoint > bare, "the hardening keeps more honest nodes in results");
        Expect(met >= MinFound && metByPaths >= MinFound, "lookups meet an honest neighbour of their target under attack");
        Meet();
        return new SeedResult(
            name,
            seed,
            Blake2b.Hash256(Encoding.ASCII.GetBytes(string.Join(',', _worlds.Select(w => w.TakeHash())))).ToString(),
            _worlds.Sum(w => w.Datagrams),
            TimeSpan.FromTicks(_worlds.Sum(w => w.Now.Ticks)),
            _failures.Count == 0 ? null : string.Join("; ", _failures))
        { Report = Report };
    }

    public void Dispose() => _worlds.ForEach(w => w.Dispose());

    private void Churn()
    {
        DhtWorld world = NewWorld(0);
        DhtAddress[] first = Grow(world, options.Nodes);
        world.Loss = options.Loss;
        Measure(world, $"{options.Nodes} nodes, at rest", MinFound);
        Say($"  {GC.GetTotalMemory(forceFullCollection: true) / 1024.0 / options.Nodes:F1} kB a node");

        TimeSpan interval = TimeSpan.FromHours(1) / (options.Nodes * options.ReplacedPerHour);
        TimeSpan end = world.Now + options.Churn;
        while (world.Now < end)
        {
            world.Run(interval);
            Replace(world, first);
        }

        Measure(world, $"half replaced per hour, for {options.Churn.TotalMinutes:F0} minutes", MinFound);
        world.IsPartitioned = true;
        world.Run(options.Partition);
        world.IsPartitioned = false;
        world.Run(TimeSpan.FromMinutes(10));
        Measure(world, $"ten minutes after {options.Partition.TotalMinutes:F0} in two halves", MinFound);
    }

    // A party with some /24s picks ports until its ids crowd around a target, joins as anybody may, and names only its own.
    private (double Met, double Honest) Attack(string title, Action<DhtOptions> tune, int paths = 1)
    {
        DhtWorld world = NewWorld(1);
        DhtAddress[] first = Grow(world, options.SmallNetwork, tune);
        Hash target = Target(world);
        DhtAddress[] hostile = Choose(world, target, (int)(options.SmallNetwork * options.Hostile));
        foreach (DhtAddress address in hostile)
        {
            world.Add(OptionsFrom(first, tune), address, isHostile: true).Accomplices = hostile;
            world.Run(TimeSpan.FromMilliseconds(200));
        }

        world.Run(TimeSpan.FromMinutes(10));
        int met = 0;
        int honest = 0;
        int closest = 0;
        int count = options.Lookups / 4;
        HashSet<DhtAddress> neighbours = [.. Nearest(world, target, 20).Select(h => h.Address)];
        HashSet<DhtAddress> liars = [.. hostile];
        for (int i = 0; i < count; i++)
        {
            DhtHost asker = world.Hosts[world.Random.NextInt32(world.Hosts.Count)];
            var heard = new List<DhtReply>();
            QueryResult result = Lookup(world, asker, target, new QueryOptions { DisjointPaths = paths }, heard.Add);
            met += heard.Exists(r => neighbours.Contains(r.From)) ? 1 : 0;
            honest += result.ClosestReplies.Count(r => !liars.Contains(r.From));
            closest += result.ClosestReplies.Count;
        }

        (double Met, double Honest) outcome = ((double)met / count, (double)honest / Math.Max(1, closest));
        Say($"{title}: {hostile.Length} hostile in {options.HostileNetworks} /24s among {options.SmallNetwork}");
        Say($"  {outcome.Met:P0} of lookups met an honest one of the 20 nearest; {outcome.Honest:P0} of the closest replies are honest");
        return outcome;
    }

    private void Meet()
    {
        DhtWorld world = NewWorld(2);
        DhtAddress[] left = Grow(world, options.SmallNetwork / 2);
        List<DhtHost> before = [.. world.Hosts];
        DhtAddress[] right = Grow(world, options.SmallNetwork / 2);
        Expect(!before.Exists(h => h.Node.Routing.Find(right[0].ToNodeId()) is not null), "two networks are two before they meet");
        world.Add(OptionsFrom([left[0], right[0]], _ => { }));
        world.Run(TimeSpan.FromHours(2));
        Measure(world, $"two networks of {options.SmallNetwork / 2}, two hours after a common node", MinFoundAfterMeeting);
    }

    private DhtWorld NewWorld(ulong number)
    {
        var world = new DhtWorld((seed * 31) + number);
        _worlds.Add(world);
        return world;
    }

    private static void Bare(DhtOptions options)
    {
        options.MaxContactsPerNetwork = int.MaxValue;
        options.MaxContactsPerNetworkInBucket = int.MaxValue;
        options.MaxRepliesPerNetwork = int.MaxValue;
        options.VerifiesAskers = false;
    }

    private static DhtOptions OptionsFrom(IEnumerable<DhtAddress> bootstrap, Action<DhtOptions> tune)
    {
        var chosen = new DhtOptions { IsEphemeral = false, Bootstrap = [.. bootstrap.Select(a => new DhtBootstrap(a, null))] };
        tune(chosen);
        return chosen;
    }

    // Three nodes that others start from, then all others, twenty a second.
    private static DhtAddress[] Grow(DhtWorld world, int size, Action<DhtOptions>? tune = null)
    {
        tune ??= _ => { };
        var first = new List<DhtAddress>();
        for (int i = 0; i < 3; i++)
        {
            DhtAddress address = world.FreeAddress();
            DhtOptions own = DhtOptions.Bootstrapper(address);
            own.Bootstrap = [.. first.Select(a => new DhtBootstrap(a, null))];
            tune(own);
            world.Add(own, address);
            first.Add(address);
            world.Run(TimeSpan.FromSeconds(5));
        }

        for (int i = 3; i < size; i++)
        {
            world.Add(OptionsFrom(first, tune));
            world.Run(TimeSpan.FromMilliseconds(50));
        }

        world.Run(TimeSpan.FromMinutes(5));
        return [.. first];
    }

    private static void Replace(DhtWorld world, DhtAddress[] first)
    {
        DhtHost leaving = world.Hosts[first.Length + world.Random.NextInt32(world.Hosts.Count - first.Length)];
        world.Remove(leaving);
        world.Add(OptionsFrom(first, _ => { }));
    }

    private static Hash Target(DhtWorld world)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        world.Random.Fill(bytes);
        return new Hash(bytes);
    }

    private DhtAddress[] Choose(DhtWorld world, Hash target, int count)
    {
        const int Tries = 200;
        var networks = new uint[options.HostileNetworks];
        for (int i = 0; i < networks.Length; i++)
        {
            networks[i] = world.FreeAddress().Host & 0xffff_ff00;
        }

        // Even ports: the odd one beside each is its client socket.
        return [.. Enumerable.Range(0, count * Tries)
            .Select(i => new Contact(new DhtAddress(networks[i % networks.Length] + 1 + (uint)(i / networks.Length % 250), (ushort)(1024 + (2 * world.Random.NextInt32(30_000))))))
            .DistinctBy(c => c.Address)
            .OrderBy(c => c.Id, Comparer<Hash>.Create((a, b) => Distance.Compare(target, a, b)))
            .Take(count)
            .Select(c => c.Address)];
    }

    private static IEnumerable<DhtHost> Nearest(DhtWorld world, Hash target, int count) => world.Hosts
        .Where(h => !h.Node.IsEphemeral)
        .OrderBy(h => h.Node.TableId, Comparer<Hash>.Create((a, b) => Distance.Compare(target, a, b)))
        .Take(count);

    private static QueryResult Lookup(DhtWorld world, DhtHost asker, Hash target, QueryOptions how, Action<DhtReply>? hear = null)
    {
        world.Wake(asker);
        DhtQuery query = asker.Node.FindNode(target, asker.Node.Scope, how);
        query.OnReply = hear ?? (_ => { });
        world.SetAlarm(asker);
        if (!world.RunUntil(() => query.Completion.IsCompleted, TimeSpan.FromMinutes(5)))
        {
            throw new SimulationFailedException("a lookup does not end");
        }

        return query.Completion.Result;
    }

    private void Measure(DhtWorld world, string title, double minFound)
    {
        int found = 0;
        int recalled = 0;
        int expected = 0;
        long requests = 0;
        long hops = 0;
        TimeSpan took = TimeSpan.Zero;
        for (int i = 0; i < options.Lookups; i++)
        {
            DhtHost asker = world.Hosts[world.Random.NextInt32(world.Hosts.Count)];
            Hash target = Target(world);
            TimeSpan start = world.Now;
            QueryResult result = Lookup(world, asker, target, new QueryOptions());
            took += world.Now - start;
            HashSet<DhtAddress> truth = [.. Nearest(world, target, 21).Where(h => h != asker).Take(20).Select(h => h.Address)];
            DhtAddress nearest = Nearest(world, target, 2).First(h => h != asker).Address;
            found += result.ClosestReplies.Any(r => r.From == nearest) ? 1 : 0;
            recalled += result.ClosestReplies.Count(r => truth.Contains(r.From));
            expected += truth.Count;
            requests += result.Requests;
            hops += result.Hops;
        }

        double rate = (double)found / options.Lookups;
        (double alive, double contacts, double persistent) = Tables(world);
        Say($"{title}:");
        Say($"  {rate:P1} of lookups found the nearest node, {(double)recalled / expected:P1} of the nearest twenty");
        Say($"  {(double)hops / options.Lookups:F1} hops, {(double)requests / options.Lookups:F1} requests, {took.TotalMilliseconds / options.Lookups:F0} ms a lookup");
        Say($"  {contacts:F1} contacts a table, {alive:P1} of them alive; {persistent:P1} of nodes persistent");
        Expect(rate >= minFound, $"{title}: lookups find the nearest node");
    }

    private static (double Alive, double Contacts, double Persistent) Tables(DhtWorld world)
    {
        HashSet<DhtAddress> up = [.. world.Hosts.Select(h => h.Address)];
        long contacts = world.Hosts.Sum(h => (long)h.Node.Routing.Count);
        long alive = world.Hosts.Sum(h => (long)h.Node.Routing.Contacts().Count(c => up.Contains(c.Address)));
        return (
            (double)alive / Math.Max(1, contacts),
            (double)contacts / world.Hosts.Count,
            (double)world.Hosts.Count(h => !h.Node.IsEphemeral) / world.Hosts.Count);
    }

    private void Say(FormattableString line) => _report.AppendLine(line.ToString(CultureInfo.InvariantCulture));

    private void Expect(bool holds, string claim)
    {
        if (!holds)
        {
            _failures.Add($"it does not hold that {claim}");
        }
    }
}
