using System.Collections.Concurrent;
using System.Diagnostics;
using HyperActors.Abstractions;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Node;

/// <summary>Stays connected to one peer: dials, and dials again with growing pauses while the peer is away.</summary>
internal sealed class PeerLink : IFeedSource
{
    /// <summary>How long a peer may be away before a verb that has an end gives up.</summary>
    public static readonly TimeSpan DefaultMaxAway = TimeSpan.FromSeconds(30);

    /// <summary>How long a connected peer has to show that it knows the feed.</summary>
    public static readonly TimeSpan MaxOpenTime = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly IHyperNode _node;
    private readonly PeerDial _peer;
    private readonly TimeSpan? _maxAway;
    private readonly Printer _printer;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<ConnectionEvent.Closed>> _ends = [];
    private readonly Task _dialling;
    private volatile bool _isConnected;

    /// <param name="node">Who connects.</param>
    /// <param name="peer">To whom, and how.</param>
    /// <param name="maxAway">How long the peer may be away at a stretch; null: for ever.</param>
    /// <param name="printer">Hears, in words, when the peer is away and when it is back.</param>
    public PeerLink(IHyperNode node, PeerDial peer, TimeSpan? maxAway, Printer printer)
    {
        _node = node;
        _peer = peer;
        _maxAway = maxAway;
        _printer = printer;
        _dialling = StayConnectedAsync(_stop.Token);
    }

    /// <inheritdoc/>
    public async Task WhileConnectedAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task working = work(stop.Token);
        if (await Task.WhenAny(working, _dialling) == working)
        {
            await working;
            return;
        }

        await stop.CancelAsync();
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _dialling;
    }

    /// <inheritdoc/>
    public async Task LearnLengthAsync(IFeed feed, CancellationToken cancellationToken)
    {
        do
        {
            var connected = Stopwatch.StartNew();
            while ((await feed.GetInfoAsync(cancellationToken)).PeerCount == 0)
            {
                if (!_isConnected)
                {
                    connected.Restart();
                }
                else if (connected.Elapsed > MaxOpenTime)
                {
                    throw CliException.Peer($"{_peer} answers, but does not have the feed {feed.Key}");
                }

                await Task.Delay(PollInterval, cancellationToken);
            }

            await feed.UpdateAsync(cancellationToken);
        }
        while ((await feed.GetInfoAsync(cancellationToken)).PeerCount == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _dialling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task StayConnectedAsync(CancellationToken cancellationToken)
    {
        // Asked for before the first dial, so that no end of a connection is missed.
        Task watching = WatchAsync(cancellationToken);
        TimeSpan pause = FirstPause;
        var sinceSeen = Stopwatch.StartNew();
        bool isAwayNoted = false;
        while (true)
        {
            string reason;
            try
            {
                PeerInfo peer = await _peer.ConnectAsync(_node, cancellationToken);
                _isConnected = true;
                var connected = Stopwatch.StartNew();
                _printer.Detail(
                    new ConnectedEvent(peer.ConnectionId, peer.PublicKey.ToString(), peer.Address?.ToString()),
                    ResultJson.Default.ConnectedEvent,
                    e => $"connected to {_peer}, public key {e.PublicKey}");
                Task<ConnectionEvent.Closed> ending = EndOf(peer.ConnectionId).Task;
                if (await Task.WhenAny(ending, watching) == watching)
                {
                    await watching;
                    throw new OperationCanceledException("The node is stopping.");
                }

                ConnectionEvent.Closed closed = await ending;
                _ends.TryRemove(peer.ConnectionId, out _);
                _isConnected = false;
                reason = closed.Reason ?? "the peer closed the connection";
                _printer.Detail(
                    new DisconnectedEvent(closed.ConnectionId, closed.Address?.ToString(), closed.Reason),
                    ResultJson.Default.DisconnectedEvent,
                    e => $"disconnected from {_peer}: {reason}");
                if (connected.Elapsed > LongestPause)
                {
                    // It was really there: a peer that takes connections and drops them does not count as seen.
                    pause = FirstPause;
                    sinceSeen.Restart();
                    isAwayNoted = false;
                }
            }
            catch (ConnectionFailedException failure)
            {
                reason = failure.Message;
            }

            if (sinceSeen.Elapsed + pause > _maxAway)
            {
                throw CliException.Peer($"no lasting connection to {_peer} within {_maxAway.Value.TotalSeconds:0.#} s: {reason}");
            }

            if (!isAwayNoted)
            {
                isAwayNoted = true;
                _printer.Note($"waiting for {_peer}: {reason}");
            }

            await Task.Delay(pause, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        await foreach (ConnectionEvent happened in _node.WatchConnectionsAsync(cancellationToken))
        {
            if (happened is ConnectionEvent.Closed closed)
            {
                EndOf(closed.ConnectionId).TrySetResult(closed);
            }
        }
    }

    private TaskCompletionSource<ConnectionEvent.Closed> EndOf(long connectionId) =>
        _ends.GetOrAdd(connectionId, _ => new TaskCompletionSource<ConnectionEvent.Closed>(TaskCreationOptions.RunContinuationsAsynchronously));
}
