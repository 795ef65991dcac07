using System.Net;
using HyperActors.Abstractions;
using HyperActors.Catalog;
using HyperActors.Crypto;
using HyperActors.Simulation;
using HyperActors.TestKit;

namespace HyperActors.Actors.Tests;

/// <summary>Nodes on one thread and in virtual time, at public addresses, with disks that fail on demand.</summary>
public abstract class TestWorld : IDisposable
{
    private readonly World _world = new(ActorTest.SeedFromEnvironment(), new WorldOptions());
    private readonly List<TestNode> _nodes = [];

    private protected World World => _world;

    private protected DeterministicSystem Engine => _world.Engine;

    public virtual void Dispose()
    {
        foreach (TestNode node in _nodes)
        {
            node.Kill();
        }

        _world.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static IPAddress Address(int number) => new([203, 0, 113, (byte)number]);

    private protected static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private protected static ReadOnlyMemory<byte>[] Blocks(int count, int size = 8)
    {
        var blocks = new ReadOnlyMemory<byte>[count];
        for (int i = 0; i < count; i++)
        {
            byte[] block = new byte[size];
            BitConverter.TryWriteBytes(block, (long)i);
            blocks[i] = block;
        }

        return blocks;
    }

    private protected TestNode StartNode(Action<NodeOptions>? configure = null, byte[]? primaryKey = null)
    {
        var node = new TestNode(_world, _nodes.Count + 1);
        if (primaryKey is not null)
        {
            node.Files.ReadPrimaryKey(new Fixed(primaryKey));
        }

        _nodes.Add(node);
        node.Start(configure);
        return node;
    }

    /// <summary>Lets a node dial another; both are open afterwards.</summary>
    private protected PeerInfo Connect(TestNode from, TestNode to) =>
        Await(() => from.Node.ConnectTcpAsync(to.EndPoint.Address.ToString(), to.EndPoint.Port));

    private protected T Await<T>(Func<ValueTask<T>> work, TimeSpan? within = null) => Engine.Run(() => work().AsTask(), within);

    private protected void Await(Func<ValueTask> work, TimeSpan? within = null) => Engine.Run(() => work().AsTask(), within);

    private protected void Await(Func<Task> work, TimeSpan? within = null) => Engine.Run(work, within);

    /// <summary>Starts work that goes on while the test does other things.</summary>
    private protected Task<T> Begin<T>(Func<ValueTask<T>> work)
    {
        Task<T>? task = null;
        Engine.Run(() =>
        {
            task = work().AsTask();
            return Task.CompletedTask;
        });
        Engine.RunUntilIdle();
        return task!;
    }

    /// <inheritdoc cref="Begin{T}"/>
    private protected Task Begin(Func<Task> work) => Begin<bool>(async () =>
    {
        await work();
        return true;
    });

    /// <summary>What comes of work that fails; time passes as needed.</summary>
    private protected TException Refused<TException>(Task task, TimeSpan? within = null)
        where TException : Exception => Assert.Throws<TException>(() => Engine.Run(task, within));

    /// <summary>Chance that is none.</summary>
    private sealed class Fixed(byte[] bytes) : RandomSource
    {
        public override void Fill(Span<byte> output) => bytes.CopyTo(output);
    }

    private protected void Eventually(Func<bool> holds, TimeSpan? within = null) =>
        Assert.True(Engine.RunUntil(holds, within ?? TimeSpan.FromMinutes(1)), $"it never came true ({Engine})");
}

/// <summary>One node of a <see cref="TestWorld"/>, with all that it says of its connections.</summary>
internal sealed class TestNode(World world, int number)
{
    private readonly SimulatedStoreDisk _files = new(world.Engine, world.Fork(), $"203.0.113.{number}", new DiskOptions());
    private FeedCatalog? _catalog;
    private HyperNode? _node;
    private int _lives;

    public IPAddress Address { get; } = new([203, 0, 113, (byte)number]);

    public FaultyStoreDisk Disk { get; private set; } = null!;

    /// <summary>The simulated files beneath <see cref="Disk"/>.</summary>
    public SimulatedStoreDisk Files => _files;

    public HyperNode Node => _node!;

    public string Name { get; private set; } = "";

    /// <summary>Where the node takes connections.</summary>
    public IPEndPoint EndPoint { get; private set; } = null!;

    public List<ConnectionEvent> Events { get; } = [];

    public IEnumerable<ConnectionEvent.Closed> Closed => Events.OfType<ConnectionEvent.Closed>();

    public IEnumerable<ConnectionEvent.Opened> Opened => Events.OfType<ConnectionEvent.Opened>();

    public FeedCatalog Catalog => _catalog!;

    public void Start(Action<NodeOptions>? configure = null)
    {
        Disk = new FaultyStoreDisk(_files);
        StartAsync(configure);
        EndPoint = world.Engine.Run(() => Node.ListenTcpAsync(new IPEndPoint(Address, 0)).AsTask());
        world.Engine.Run(() =>
        {
            _ = ListenToEventsAsync(Node);
            return Task.CompletedTask;
        });
    }

    /// <summary>Starts the node and nothing else, on the disk that is there.</summary>
    public void StartAsync(Action<NodeOptions>? configure)
    {
        Name = $"node-{number}-{++_lives}";
        var options = new NodeOptions { Name = Name };
        configure?.Invoke(options);
        _catalog = FeedCatalog.Open(":memory:");
        var doors = new NodeDoors(world.Network.At(Address), Disk, world.Fork(), () => world.Datagrams.At(Address));
        _node = world.Engine.Run(() => HyperNode.StartAsync(options, world.Engine.System, doors, _catalog));
    }

    public Feed Open(string name) => world.Engine.Run(() => Node.OpenFeedAsync(name).AsTask());

    public Feed Open(FeedKey key) => world.Engine.Run(() => Node.OpenFeedAsync(key).AsTask());

    public ActorSelection Find(string path) => world.Engine.System.ActorSelection($"/user/{Name}/{path}");

    public void Kill()
    {
        if (_node is null)
        {
            return;
        }

        _files.Crash();
        world.Network.Kill(Address);
        world.Datagrams.Kill(Address);
        _node.Abort();
        world.Engine.RunUntilIdle();
        _node = null;
        _catalog!.Dispose();
    }

    private async Task ListenToEventsAsync(HyperNode node)
    {
        await foreach (ConnectionEvent connectionEvent in node.WatchConnectionsAsync())
        {
            Events.Add(connectionEvent);
        }
    }
}
