using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>One host of a feed scenario: its node, its handle on the feed, the connections that it wants to have.</summary>
internal sealed class Participant(World world, SimulatedHost host, FeedScenarioOptions options, RandomSource random)
{
    public const int Port = 4000;
    public const string FeedName = "feed";

    private readonly Dictionary<long, TaskCompletionSource> _openConnections = [];
    private TaskCompletionSource _gone = new();
    private (ulong Fork, ulong Length, ulong Contiguous) _seen;
    private bool _wasSeen;

    public SimulatedHost Host => host;

    /// <summary>Whom to dial.</summary>
    public List<SimulatedHost> Targets { get; } = [];

    /// <summary>The handle; null while there is none.</summary>
    public Feed? Feed { get; private set; }

    /// <summary>The feed's key; none for the writer, who makes it.</summary>
    public FeedKey? Key { get; set; }

    public bool IsUp => host.Node is not null && Feed is not null;

    /// <summary>Starts the process and all that it does by itself.</summary>
    public async Task StartAsync()
    {
        HyperNode node = await host.StartAsync();
        int life = host.Lives;
        _openConnections.Clear();
        _gone = new TaskCompletionSource();
        world.Go(() => FollowConnectionsAsync(node, life));
        await AnsweredAsync(node.ListenTcpAsync(new IPEndPoint(host.Address, Port)).AsTask(), "listen");
        foreach (SimulatedHost target in Targets)
        {
            world.Go(() => DialAsync(node, life, target));
        }

        world.Go(() => KeepOpenAsync(node, life));
    }

    public void Kill(bool losesPower)
    {
        Look();
        Feed = null;
        host.Kill(losesPower);
        _gone.TrySetResult();
    }

    /// <summary>Ends when that life of the host does.</summary>
    public Task GoneAsync(int life) => IsAlive(life) ? _gone.Task : Task.CompletedTask;

    public async Task StopAsync()
    {
        Look();
        Feed = null;
        await AnsweredAsync(host.StopAsync(), "stop");
        _gone.TrySetResult();
    }

    /// <summary>What was confirmed to us stays confirmed, over crashes too.</summary>
    public void Look()
    {
        if (Feed is not { } feed)
        {
            return;
        }

        (ulong Fork, ulong Length, ulong Contiguous) now = (feed.Fork, feed.Length, feed.ContiguousLength);
        if (_wasSeen && (now.Fork < _seen.Fork
            || (now.Fork == _seen.Fork && (now.Length < _seen.Length || now.Contiguous < _seen.Contiguous))))
        {
            throw new SimulationFailedException($"{host} had confirmed {_seen} and now has {now}");
        }

        _seen = now;
        _wasSeen = true;
    }

    /// <summary>Waits for an answer; a node that lives and never gives one fails the run.</summary>
    public async Task<T> AnsweredAsync<T>(Task<T> call, string what)
    {
        await AnsweredAsync((Task)call, what);
        return await call;
    }

    /// <inheritdoc cref="AnsweredAsync{T}(Task{T}, string)"/>
    public async Task AnsweredAsync(Task call, string what)
    {
        if (!call.IsCompleted)
        {
            int life = host.Lives;
            world.After(options.AnswersWithin, () =>
            {
                if (!call.IsCompleted && host.Node is not null && host.Lives == life)
                {
                    world.Fail($"{what} at {host} was not answered within {options.AnswersWithin}");
                }
            });
        }

        await call;
    }

    /// <summary>A moment's pause, as long as chance says.</summary>
    public Task PauseAsync(TimeSpan longest) => world.Delay(longest * random.NextDouble());

    private bool IsAlive(int life) => host.Node is not null && host.Lives == life;

    /// <summary>Opens the writer's feed again after it has failed.</summary>
    public async Task ReopenAsync()
    {
        int life = host.Lives;
        HyperNode? node = host.Node;
        while (node is not null && IsAlive(life))
        {
            try
            {
                await OpenAsync(node);
                await AnsweredAsync(Feed!.GetInfoAsync().AsTask(), "info");
                Look();
                return;
            }
            catch (Exception e) when (IsRefusal(e, life))
            {
            }

            await PauseAsync(options.MaxRedialPause);
        }
    }

    // A handle whose feed has stopped is opened again; a reader wants all that there is and will be.
    private async Task KeepOpenAsync(HyperNode node, int life)
    {
        while (IsAlive(life))
        {
            try
            {
                await OpenAsync(node);
                Look();
                if (Feed!.IsWritable)
                {
                    return;
                }

                await Feed.DownloadAsync();
                throw new SimulationFailedException("a download without an end has ended");
            }
            catch (Exception e) when (IsRefusal(e, life))
            {
            }

            await PauseAsync(options.MaxRedialPause);
        }
    }

    private async Task OpenAsync(HyperNode node)
    {
        if (Feed is { } old)
        {
            Look();
            Feed = null;
            await old.DisposeAsync();
        }

        Feed = await AnsweredAsync(
            (Key is { } key ? node.OpenFeedAsync(key) : node.OpenFeedAsync(FeedName)).AsTask(), "open");
    }

    private async Task DialAsync(HyperNode node, int life, SimulatedHost target)
    {
        while (IsAlive(life))
        {
            try
            {
                PeerInfo peer = await AnsweredAsync(node.ConnectTcpAsync(target.Address.ToString(), Port).AsTask(), "dial");
                await ClosedAsync(peer.ConnectionId);
            }
            catch (Exception e) when (IsRefusal(e, life))
            {
            }

            await PauseAsync(options.MaxRedialPause);
        }
    }

    private async Task FollowConnectionsAsync(HyperNode node, int life)
    {
        try
        {
            await foreach (ConnectionEvent e in node.WatchConnectionsAsync())
            {
                if (IsAlive(life) && e is ConnectionEvent.Closed closed)
                {
                    Ending(closed.ConnectionId).TrySetResult();
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The node was stopped.
        }
    }

    private Task ClosedAsync(long connectionId) => Ending(connectionId).Task;

    // Whoever comes first, the dialler or the news that the connection has ended, leaves it for the other.
    private TaskCompletionSource Ending(long connectionId)
    {
        if (!_openConnections.TryGetValue(connectionId, out TaskCompletionSource? ending))
        {
            ending = new TaskCompletionSource();
            _openConnections.Add(connectionId, ending);
        }

        return ending;
    }

    /// <summary>Whether an exception is one that callers have to expect: refused, failed disks, nodes that went away.</summary>
    public bool IsRefusal(Exception e, int life) =>
        !IsAlive(life) || e is FeedFailedException or ConnectionFailedException or IOException or ObjectDisposedException;
}
