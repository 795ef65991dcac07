using System.Runtime.CompilerServices;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;

namespace HyperActors.Actors;

/// <summary>The swarm of one node, for those who use it from outside: every call is a question to its <see cref="SwarmActor"/>.</summary>
internal sealed class NodeSwarm(IActorRef actor, StopSignal end) : ISwarm
{
    private const int MaxUnseenEvents = 1024;

    /// <inheritdoc/>
    public async ValueTask<ISwarmSession> JoinAsync(
        DiscoveryKey topic, SwarmJoinOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new SwarmJoinOptions();
        if (options.Limit is { } limit)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(limit, nameof(options));
        }

        var join = new SwarmActor.Join(topic, options.Server, options.Client, options.Limit);
        SwarmActor.Joined joined = await AskAsync<SwarmActor.Joined>(join, cancellationToken);
        return new Session(this, topic, joined.SessionId);
    }

    /// <inheritdoc/>
    public ValueTask LeaveAsync(DiscoveryKey topic, CancellationToken cancellationToken = default) =>
        DoAsync(new SwarmActor.Leave(topic), cancellationToken);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => DoAsync(SwarmActor.Flush.Instance, cancellationToken);

    /// <inheritdoc/>
    public ValueTask JoinPeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        DoAsync(new SwarmActor.JoinPeer(peer), cancellationToken);

    /// <inheritdoc/>
    public ValueTask LeavePeerAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        DoAsync(new SwarmActor.LeavePeer(peer), cancellationToken);

    /// <inheritdoc/>
    public ValueTask BanAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        DoAsync(new SwarmActor.Ban(peer), cancellationToken);

    /// <inheritdoc/>
    public ValueTask UnbanAsync(PublicKey peer, CancellationToken cancellationToken = default) =>
        DoAsync(new SwarmActor.Unban(peer), cancellationToken);

    /// <inheritdoc/>
    public ValueTask SuspendAsync(CancellationToken cancellationToken = default) => DoAsync(SwarmActor.Suspend.Instance, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ResumeAsync(CancellationToken cancellationToken = default) => DoAsync(SwarmActor.Resume.Instance, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<SwarmInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        await AskAsync<SwarmInfo>(SwarmActor.GetInfo.Instance, cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<SwarmEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A listener that lags misses the oldest events, never the actor's time.
        var events = Channel.CreateBounded<SwarmEvent>(
            new BoundedChannelOptions(MaxUnseenEvents) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        using CancellationTokenRegistration stopped = end.Stopped.Register(() => events.Writer.TryComplete());
        actor.Tell(new SwarmActor.Watch(events.Writer), ActorRefs.NoSender);
        try
        {
            // Not ReadAllAsync: it leaves the caller's context, and with it a deterministic run.
            while (await events.Reader.WaitToReadAsync(cancellationToken))
            {
                while (events.Reader.TryRead(out SwarmEvent? swarmEvent))
                {
                    yield return swarmEvent;
                }
            }
        }
        finally
        {
            actor.Tell(new SwarmActor.Unwatch(events.Writer), ActorRefs.NoSender);
        }
    }

    private async ValueTask DoAsync(object message, CancellationToken cancellationToken) =>
        await AskAsync<SwarmActor.Done>(message, cancellationToken);

    private async Task<T> AskAsync<T>(object message, CancellationToken cancellationToken)
    {
        using CancellationTokenSource? either = cancellationToken.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, end.Stopped)
            : null;
        try
        {
            return await actor.Ask<T>(message, Timeout.InfiniteTimeSpan, either?.Token ?? end.Stopped);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw end.ToFailure();
        }
    }

    private sealed class Session(NodeSwarm swarm, DiscoveryKey topic, long id) : ISwarmSession
    {
        private int _disposed;

        public DiscoveryKey Topic => topic;

        public ValueTask RefreshAsync(CancellationToken cancellationToken = default) =>
            swarm.DoAsync(new SwarmActor.RefreshSession(id), cancellationToken);

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
            swarm.DoAsync(new SwarmActor.FlushSession(id), cancellationToken);

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
            {
                return;
            }

            try
            {
                await swarm.DoAsync(new SwarmActor.EndSession(id), CancellationToken.None);
            }
            catch (HyperActorsException)
            {
                // The node has stopped, and left the topic before.
            }
        }
    }
}
