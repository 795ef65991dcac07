using System.Net;
using HyperActors.Actors;
using HyperActors.Catalog;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>A whole network in one process and on one thread: hosts, their disks, the wires between them. One seed decides all.</summary>
public sealed class World : IDisposable
{
    private readonly RandomSource _random;
    private readonly WorldOptions _options;
    private readonly List<SimulatedHost> _hosts = [];

    public World(ulong seed, WorldOptions options)
    {
        Seed = seed;
        _options = options;
        _random = RandomSource.Seeded(seed);
        Engine = DeterministicSystem.Create(seed);
        Network = new SimulatedNetwork(Engine, Fork(), options.Network);
    }

    public ulong Seed { get; }

    /// <summary>The engine with its virtual time.</summary>
    public DeterministicSystem Engine { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>A hash over every delivery, every byte on a wire and every write to a disk so far.</summary>
    public string Hash => Convert.ToHexStringLower(Engine.Journal.CurrentHash());

    /// <summary>Adds a host with an empty disk. It runs nothing yet.</summary>
    public SimulatedHost AddHost()
    {
        int number = _hosts.Count + 1;
        var address = new IPAddress([10, 0, (byte)(number >> 8), (byte)number]);
        var disk = new SimulatedStoreDisk(Engine, Fork(), address.ToString(), _options.Disk);
        var host = new SimulatedHost(this, address, disk, Fork(), _options);
        _hosts.Add(host);
        return host;
    }

    /// <summary>Chance for whoever drives the world, apart from what its parts draw.</summary>
    public RandomSource Fork() => RandomSource.Seeded(_random.NextUInt64());

    public void Dispose()
    {
        foreach (SimulatedHost host in _hosts)
        {
            host.Kill();
        }

        Engine.RunUntilIdle();
        Engine.Dispose();
    }
}

/// <summary>One host: a disk that stays, and a node that comes and goes.</summary>
public sealed class SimulatedHost
{
    private readonly World _world;
    private readonly RandomSource _random;
    private readonly WorldOptions _options;
    private FeedCatalog? _catalog;
    private int _lives;

    internal SimulatedHost(World world, IPAddress address, SimulatedStoreDisk disk, RandomSource random, WorldOptions options)
    {
        _world = world;
        Address = address;
        Disk = disk;
        _random = random;
        _options = options;
    }

    public IPAddress Address { get; }

    public SimulatedStoreDisk Disk { get; }

    /// <summary>The node; null while the host's process is not running.</summary>
    public HyperNode? Node { get; private set; }

    /// <summary>Starts the process. Its catalog is new: what it knows of feeds it reads off the disk.</summary>
    public HyperNode Start()
    {
        Invariant.Hold(Node is null);
        _catalog = FeedCatalog.Open(":memory:");
        var doors = new NodeDoors(_world.Network.At(Address), Disk, _random);
        NodeOptions options = _options.Node with { Name = $"{Address}-{++_lives}" };
        Node = _world.Engine.Run(() => HyperNode.StartAsync(options, _world.Engine.System, doors, _catalog));
        return Node;
    }

    /// <summary>Kills the process: nothing that it had under way gets done, nobody is told.</summary>
    public void Kill()
    {
        if (Node is null)
        {
            return;
        }

        Disk.Crash();
        _world.Network.CutAll(Address);
        Node.Abort();
        Node = null;
        _catalog!.Dispose();
    }
}
