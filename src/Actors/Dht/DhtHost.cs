using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Udx;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors;

/// <summary>Any number of nodes of the DHT in this process, without storage and without connections: what keeps a network up.</summary>
/// <remarks>All of them share one door to UDP and its thread.</remarks>
public sealed class DhtHost : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly UdxHub _hub;
    private readonly IActorRef _host;
    private readonly StopSignal _end = new();
    private readonly LocalAddresses _addresses = new();
    private readonly ILogger _log;
    private readonly List<KeyPair> _keys = [];
    private int _disposed;

    private DhtHost(ActorSystem system, UdxHub hub, ILoggerFactory loggers)
    {
        _system = system;
        _hub = hub;
        _log = loggers.CreateLogger("HyperActors.Dht");
        _host = system.ActorOf(DhtHostActor.PropsFor(_end), "dht");
    }

    /// <summary>A host without nodes.</summary>
    public static DhtHost Start(ILoggerFactory? loggers = null)
    {
        loggers ??= NullLoggerFactory.Instance;
        ActorSystem system = NodeSystem.Start("hyperactors-dht", loggers);
        IScheduler clock = system.Scheduler;
        var hub = new UdxHub(UdpDoor.Open(new UdpOptions(), () => clock.MonotonicClock), new UdxOptions(), RandomSource.System);
        return new DhtHost(system, hub, loggers);
    }

    /// <summary>Adds a node.</summary>
    /// <param name="network">Its part in the network.</param>
    /// <param name="keys">Who it is; null for a key of its own. It stays the caller's.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="HyperActorsException">Its port can't be had; the message says why.</exception>
    public async ValueTask<IDht> AddAsync(NetworkOptions network, KeyPair? keys = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        if (keys is null)
        {
            keys = KeyPair.Generate(RandomSource.System);
            lock (_keys)
            {
                _keys.Add(keys);
            }
        }

        var add = new DhtHostActor.Add(
            new DhtSetup(network with { }, _hub, _addresses, keys, RandomSource.System, null, null, _log));
        DhtHostActor.Added added = await _host.Ask<DhtHostActor.Added>(add, Timeout.InfiniteTimeSpan, cancellationToken);
        return new NodeDht(added.Node, _end);
    }

    /// <summary>Stops every node.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _system.Terminate();
        _hub.Dispose();
        _end.Dispose();
        foreach (KeyPair keys in _keys)
        {
            keys.Dispose();
        }
    }
}
