using System.Collections.Concurrent;
using System.Globalization;
using HyperActors.Abstractions;
using HyperActors.Api;
using HyperActors.Catalog;
using HyperActors.Crypto;

namespace HyperActors.Daemon;

/// <summary>What the node does without being asked again: topics that it is in, feeds that it announces or brings here.</summary>
/// <remarks>Safe for use from any thread. What is remembered is in the catalog before a call returns.</remarks>
public sealed class Keeper : IAsyncDisposable
{
    /// <summary>Wishes to be in a topic, of all callers. A caller that forgets to end its own must not fill the memory.</summary>
    private const int MaxSessions = 4096;

    private static readonly TimeSpan RetryDownloadAfter = TimeSpan.FromSeconds(30);

    private readonly IHyperNode _node;
    private readonly NodeMemory? _memory;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentDictionary<string, ISwarmSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<FeedKey, Kept> _feeds = new();
    private long _lastSession;

    /// <param name="node">The node.</param>
    /// <param name="memory">Where it remembers; null: nowhere.</param>
    /// <param name="log">Hears of what does not work.</param>
    /// <param name="clock">Times the attempts at what did not work.</param>
    public Keeper(IHyperNode node, NodeMemory? memory, ILogger log, TimeProvider clock)
    {
        _node = node;
        _memory = memory;
        _log = log;
        _clock = clock;
    }

    /// <summary>Takes up again what is remembered. What does not work is logged, and does not keep the node from starting.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        foreach (RememberedTopic topic in _memory?.Topics() ?? [])
        {
            try
            {
                var options = new SwarmJoinOptions { Server = topic.IsServer, Client = topic.IsClient, Limit = topic.Limit };
                await JoinAsync(topic.Topic, options, remember: false, cancellationToken, topic.Topic.ToString());
            }
            catch (HyperActorsException e)
            {
                Log.TopicFailed(_log, topic.Topic.ToString(), e.Message);
            }
        }

        foreach (KeptFeed feed in _memory?.Feeds() ?? [])
        {
            try
            {
                await ApplyAsync(feed.Key, new KeepDto(feed.ShouldSeed, feed.ShouldDownload), cancellationToken);
            }
            catch (HyperActorsException e)
            {
                Log.KeepFailed(_log, feed.Key.ToString(), e.Message);
            }
        }
    }

    /// <summary>What is done for a feed.</summary>
    public KeepDto Find(FeedKey key) => _feeds.TryGetValue(key, out Kept? kept) ? kept.What : new KeepDto(false, false);

    /// <summary>Changes what is done for a feed, and remembers it.</summary>
    public async Task KeepAsync(FeedKey key, KeepDto what, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await ApplyAsync(key, what, cancellationToken);
            _memory?.Keep(new KeptFeed(key, what.Seed, what.Download));
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Joins a topic.</summary>
    /// <returns>The name of the wish: the topic itself when it is remembered.</returns>
    public async Task<string> JoinAsync(
        DiscoveryKey topic, SwarmJoinOptions options, bool remember, CancellationToken cancellationToken, string? name = null)
    {
        if (_sessions.Count >= MaxSessions)
        {
            throw new ApiException(ApiCodes.Busy, $"there are {MaxSessions} wishes to be in a topic already; end some first");
        }

        ISwarmSession session = await _node.Swarm.JoinAsync(topic, options, cancellationToken);
        name ??= remember
            ? topic.ToString()
            : Interlocked.Increment(ref _lastSession).ToString(CultureInfo.InvariantCulture);
        ISwarmSession? former = null;
        _sessions.AddOrUpdate(name, session, (_, old) =>
        {
            former = old;
            return session;
        });
        if (former is not null)
        {
            await former.DisposeAsync();
        }

        if (remember)
        {
            await _gate.WaitAsync(cancellationToken);
            try
            {
                _memory?.Remember(new RememberedTopic(topic, options.Server, options.Client, options.Limit));
            }
            finally
            {
                _gate.Release();
            }
        }

        Log.Joined(_log, topic.ToString());
        return name;
    }

    /// <summary>Leaves a topic, whoever wanted it, and forgets it.</summary>
    public async Task LeaveAsync(DiscoveryKey topic, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _memory?.ForgetTopic(topic);
        }
        finally
        {
            _gate.Release();
        }

        foreach ((string name, ISwarmSession session) in _sessions.ToArray())
        {
            if (session.Topic == topic)
            {
                _sessions.TryRemove(name, out _);
            }
        }

        await _node.Swarm.LeaveAsync(topic, cancellationToken);
        Log.Left(_log, topic.ToString());
    }

    /// <summary>A wish by its name.</summary>
    /// <exception cref="ApiException">There is none of that name.</exception>
    internal ISwarmSession Session(string name) => _sessions.TryGetValue(name, out ISwarmSession? session)
        ? session
        : throw new ApiException(ApiCodes.NotFound, $"there is no session '{name}'");

    /// <summary>Ends one wish. A wish that is no more is no fault.</summary>
    public async Task EndAsync(string name)
    {
        if (_sessions.TryRemove(name, out ISwarmSession? session))
        {
            await session.DisposeAsync();
        }
    }

    /// <summary>Stops what is done; what is remembered stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (Kept kept in _feeds.Values)
        {
            // The swarm ends with the node, and takes all announcements back at once.
            await kept.EndAsync(leaves: false);
        }

        _memory?.Dispose();
        _gate.Dispose();
        _stop.Dispose();
    }

    private async Task ApplyAsync(FeedKey key, KeepDto what, CancellationToken cancellationToken)
    {
        if (_feeds.TryRemove(key, out Kept? former))
        {
            await former.EndAsync(leaves: true);
        }

        if (!what.Seed && !what.Download)
        {
            return;
        }

        // The feed is held open: a node that means to have it says so to its peers.
        IFeed feed = await _node.OpenFeedAsync(key, cancellationToken);
        var kept = new Kept(feed, what, _stop.Token);
        _feeds[key] = kept;
        if (what.Download)
        {
            kept.Downloading = DownloadAsync(feed, kept.Stop);
        }

        try
        {
            // Who downloads looks for others, who seeds is found by others.
            kept.Session = await _node.Swarm.JoinAsync(
                feed.DiscoveryKey, new SwarmJoinOptions { Server = what.Seed, Client = what.Download }, cancellationToken);
        }
        catch (HyperActorsException e)
        {
            Log.KeepFailed(_log, key.ToString(), e.Message);
        }
    }

    private async Task DownloadAsync(IFeed feed, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await feed.DownloadAsync(cancellationToken: cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (HyperActorsException e)
            {
                Log.KeepFailed(_log, feed.Key.ToString(), e.Message);
            }

            await Task.Delay(RetryDownloadAfter, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class Kept : IDisposable
    {
        private readonly IFeed _feed;
        private readonly CancellationTokenSource _stop;

        public Kept(IFeed feed, KeepDto what, CancellationToken nodeStops)
        {
            _feed = feed;
            What = what;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(nodeStops);
        }

        public KeepDto What { get; }

        public CancellationToken Stop => _stop.Token;

        public Task Downloading { get; set; } = Task.CompletedTask;

        public ISwarmSession? Session { get; set; }

        public async Task EndAsync(bool leaves)
        {
            await _stop.CancelAsync();
            await Downloading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (leaves && Session is not null)
            {
                await Session.DisposeAsync();
            }

            await _feed.DisposeAsync();
            Dispose();
        }

        public void Dispose() => _stop.Dispose();
    }
}
