using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>A whole network in one process and on one thread: hosts, their disks, the wires between them. One seed decides all.</summary>
public sealed class World : IDisposable
{
    private static readonly TimeSpan s_longestRun = TimeSpan.FromHours(6);

    private readonly RandomSource _random;
    private readonly WorldOptions _options;
    private readonly List<SimulatedHost> _hosts = [];
    private readonly TaskCompletionSource _failed = new();

    /// <param name="seed">Decides everything.</param>
    /// <param name="options">What the world is like.</param>
    /// <param name="trace">Hears a line for each thing that happens, to find where two runs part.</param>
    public World(ulong seed, WorldOptions options, Action<string>? trace = null)
    {
        Seed = seed;
        _options = options;
        _random = RandomSource.Seeded(seed);
        Engine = DeterministicSystem.Create(seed, new DeterministicSetup { Digest = MessageDigest.Of, Trace = trace });
        Network = new SimulatedNetwork(Engine, Fork(), options.Network);

        // Not one fork more than before it was there: a seed keeps what it decides.
        Datagrams = new SimulatedDatagrams(Engine, RandomSource.Seeded(~seed), options.Datagrams, Network);
        FaultListener.Subscribe(Engine.System, Fail);
    }

    public ulong Seed { get; }

    /// <summary>The engine with its virtual time.</summary>
    public DeterministicSystem Engine { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>The datagrams beside the network's streams.</summary>
    public SimulatedDatagrams Datagrams { get; }

    public IReadOnlyList<SimulatedHost> Hosts => _hosts;

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => Engine.Now;

    /// <summary>A hash over every delivery, every byte on a wire and every write to a disk so far.</summary>
    public string Hash => Convert.ToHexStringLower(Engine.Journal.CurrentHash());

    /// <summary>Adds a host with an empty disk. It runs nothing yet.</summary>
    public SimulatedHost AddHost()
    {
        int number = _hosts.Count + 1;
        return AddHost(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]));
    }

    /// <inheritdoc cref="AddHost()"/>
    public SimulatedHost AddHost(IPAddress address)
    {
        var host = new SimulatedHost(this, address, AddDisk(address), Fork(), _options);
        _hosts.Add(host);
        return host;
    }

    internal SimulatedStoreDisk AddDisk(IPAddress address) => new(Engine, Fork(), address.ToString(), _options.Disk);

    /// <summary>Chance for whoever drives the world, apart from what its parts draw.</summary>
    public RandomSource Fork() => RandomSource.Seeded(_random.NextUInt64());

    /// <summary>Lives a story to its end, or to the first failure.</summary>
    /// <param name="story">What happens.</param>
    /// <param name="within">So much virtual time it may take; six hours when not said.</param>
    /// <exception cref="SimulationFailedException">Something happened that must not.</exception>
    public void Run(Func<Task> story, TimeSpan? within = null) => Engine.Run(
        async () =>
        {
            Task first = await Task.WhenAny(story(), _failed.Task);
            await first;
        },
        within ?? s_longestRun);

    /// <summary>Something happened that must not: the run ends here.</summary>
    public void Fail(string what) => _failed.TrySetException(new SimulationFailedException($"at {Now}: {what}"));

    /// <summary>Work beside the story, whose failure is the world's.</summary>
    public void Go(Func<Task> work)
    {
        _ = WatchAsync();

        async Task WatchAsync()
        {
            try
            {
                await work();
            }
            catch (Exception e)
            {
                Fail(e.ToString());
            }
        }
    }

    /// <summary>Lets virtual time pass.</summary>
    public Task Delay(TimeSpan time)
    {
        var passed = new TaskCompletionSource();
        Engine.System.Scheduler.Advanced.ScheduleOnce(time, passed.SetResult);
        return passed.Task;
    }

    /// <summary>Does something after a while.</summary>
    public void After(TimeSpan time, Action action) => Engine.System.Scheduler.Advanced.ScheduleOnce(time, action);

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

/// <summary>Something happened in a simulated world that must not happen.</summary>
public sealed class SimulationFailedException(string message) : Exception(message);
