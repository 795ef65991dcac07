using System.Net;
using HyperActors.Actors;
using HyperActors.Catalog;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>One host: a disk that stays, and a node that comes and goes.</summary>
public sealed class SimulatedHost
{
    private readonly World _world;
    private readonly RandomSource _random;
    private readonly WorldOptions _options;
    private FeedCatalog? _catalog;

    internal SimulatedHost(World world, IPAddress address, SimulatedStoreDisk disk, RandomSource random, WorldOptions options)
    {
        _world = world;
        Address = address;
        Disk = disk;
        _random = random;
        _options = options;
    }

    public IPAddress Address { get; }

    public SimulatedStoreDisk Disk { get; private set; }

    /// <summary>Whether the process has its catalog open.</summary>
    public bool HasCatalog => _catalog is not null;

    /// <summary>The node; null while the host's process is not running.</summary>
    public HyperNode? Node { get; private set; }

    /// <summary>How often the process was started.</summary>
    public int Lives { get; private set; }

    /// <summary>Another machine takes the place of this one: its disk is empty.</summary>
    public void Reinstall()
    {
        Invariant.Hold(Node is null);
        Disk = _world.AddDisk(Address);
    }

    /// <summary>Starts the process. Its catalog is new: what it knows of feeds it reads off the disk.</summary>
    public async Task<HyperNode> StartAsync(Func<NodeOptions, NodeOptions>? configure = null)
    {
        Invariant.Hold(Node is null);
        _catalog = FeedCatalog.Open(":memory:");
        var doors = new NodeDoors(_world.Network.At(Address), Disk, _random, () => _world.Datagrams.At(Address));
        NodeOptions options = _options.Node with { Name = $"{Address}-{++Lives}" };
        options = configure?.Invoke(options) ?? options;
        Node = await HyperNode.StartAsync(options, _world.Engine.System, doors, _catalog);
        return Node;
    }

    /// <summary>Ends the process in order.</summary>
    public async Task StopAsync()
    {
        HyperNode? node = Node;
        if (node is not null)
        {
            await node.DisposeAsync();
            Kill();
        }
    }

    /// <summary>Kills the process: nothing that it had under way gets done, nobody is told.</summary>
    /// <param name="losesPower">The machine goes down with it: what was not flushed may be lost.</param>
    public void Kill(bool losesPower = false)
    {
        if (Node is null)
        {
            return;
        }

        Disk.Crash(losesPower);
        _world.Network.Kill(Address);
        _world.Datagrams.Kill(Address);
        Node.Abort();
        Node = null;
        _catalog!.Dispose();
        _catalog = null;
    }

    public override string ToString() => $"{Address} (life {Lives})";
}
