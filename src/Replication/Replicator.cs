using System.Diagnostics.CodeAnalysis;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>One feed with all of its peers: who is asked for what, who is told what, who is served what.</summary>
/// <remarks>
/// <para>
/// Knows the committed version of the feed and which blocks are there; touches no storage. What has to be read, proven or
/// stored it asks of its owner as <see cref="ReplicatorEvent"/>s, in batches. After each change the owner drains it:
/// <see cref="TryPollEvent"/>, then <see cref="TryPollTransmit"/>, until both have nothing; then it sleeps until
/// <see cref="Deadline"/>. Nothing a peer sends makes it throw. See docs/replication.md.
/// </para>
/// <para>
/// A peer is attached (its connection is there), open (both halves of the channel are), closed (idle; it may open again)
/// or gone. The feed is live, or frozen after a conflict.
/// </para>
/// </remarks>
public sealed partial class Replicator
{
    private readonly FeedKey _key;
    private readonly ReplicationOptions _options;
    private readonly RandomSource _random;
    private readonly BlockSet _have;
    private readonly Dictionary<PeerId, PeerState> _peers = [];
    private readonly List<PeerState> _order = [];
    private readonly Queue<ReplicatorEvent> _events = new();
    private FeedState _state;
    private TimeSpan _now;
    private bool _isDirty;
    private int _turn;
    private ulong _ticket;

    /// <summary>A replicator of a feed without peers.</summary>
    /// <param name="key">The feed.</param>
    /// <param name="state">Its committed version.</param>
    /// <param name="have">The blocks that are there; the replicator keeps and changes the set.</param>
    /// <param name="options">Bounds and habits.</param>
    /// <param name="random">Chance, for lingering and for the search of forks.</param>
    /// <param name="isFrozen">A conflict was found in an earlier life of the feed.</param>
    public Replicator(
        FeedKey key, FeedState state, BlockSet have, ReplicationOptions options, RandomSource random, bool isFrozen = false)
    {
        IsFrozen = isFrozen;
        _key = key;
        _state = state;
        _have = have;
        _options = options;
        _random = random;
        ContiguousLength = have.NextClear(0);
    }

    /// <summary>The version of the feed as the owner last reported it.</summary>
    public FeedState State => _state;

    /// <summary>How many blocks from the first on are there without a gap.</summary>
    public ulong ContiguousLength { get; private set; }

    /// <summary>Whether peers are told that this side wants blocks.</summary>
    public bool IsDownloading => !IsFrozen && (_downloading || _inFlight > 0);

    /// <summary>Whether a conflict was found: nothing is asked for or applied any more. Who asks is served what there is.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>Blocks received and stored since the beginning.</summary>
    public ulong BlocksDownloaded { get; private set; }

    /// <summary>Blocks sent since the beginning.</summary>
    public ulong BlocksUploaded { get; private set; }

    /// <summary>When <see cref="HandleTimeout"/> is next due; null while nothing is timed.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan? deadline = _lingerUntil;
            if (_restUntil is { } rest)
            {
                deadline = Earlier(deadline, rest);
            }

            if (_nextHotswap is { } hotswap)
            {
                deadline = Earlier(deadline, hotswap);
            }

            if (_updates.Count > 0)
            {
                // All wait equally long: the first is the next.
                deadline = Earlier(deadline, _updates[0].Due);
            }

            foreach (PeerState peer in _order)
            {
                if (peer.ConflictDeadline is { } conflict)
                {
                    deadline = Earlier(deadline, conflict);
                }

                if (peer.ForgivenAt is { } forgiven)
                {
                    deadline = Earlier(deadline, forgiven);
                }

                if (peer.DelayedRefusals.TryPeek(out (TimeSpan Due, ulong RequestId) refusal))
                {
                    deadline = Earlier(deadline, refusal.Due);
                }
            }

            return deadline;
        }
    }

    /// <summary>What is known of the peers.</summary>
    public IReadOnlyList<PeerInfo> GetPeers() =>
    [
        .. _order.Select(p => new PeerInfo(
            p.Id, p.IsOpen, p.IsPaused, p.Fork, p.Length, p.FirstGap, p.IsDownloading, p.Requests.Active, p.Unsent)),
    ];

    /// <summary>It is this late.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        _now = now;
        if (_lingerUntil <= now)
        {
            _lingerUntil = null;
            StopDownloading();
        }

        if (_restUntil <= now)
        {
            _restUntil = null;
            _isDirty = true;
            foreach (PeerState peer in _order)
            {
                SearchFork(peer);
            }
        }

        if (_nextHotswap <= now)
        {
            _nextHotswap = null;
            _isDirty = true;
        }

        if (_updates.Count > 0 && _updates[0].Due <= now)
        {
            _isDirty = true;
        }

        foreach (PeerState peer in _order)
        {
            if (peer.ConflictDeadline <= now)
            {
                Fail(peer, ReplicationError.InvalidProof);
                continue;
            }

            if (peer.ForgivenAt <= now)
            {
                peer.ForgiveRefusals();
                _isDirty = true;
            }

            while (peer.DelayedRefusals.TryPeek(out (TimeSpan Due, ulong RequestId) refusal) && refusal.Due <= now)
            {
                peer.DelayedRefusals.Dequeue();
                peer.Send(new NoDataMessage(refusal.RequestId, NoDataReason.InvalidRequest));
            }
        }
    }

    /// <summary>Hands out what the owner should know or do; false when there is nothing.</summary>
    public bool TryPollEvent([NotNullWhen(true)] out ReplicatorEvent? replicatorEvent)
    {
        Schedule();
        return _events.TryDequeue(out replicatorEvent);
    }

    /// <summary>Hands out all that one peer is to be sent; false when there is nothing for any.</summary>
    /// <remarks>Give the size back by <see cref="HandleSent"/> when the transport has taken it, or service stops.</remarks>
    public bool TryPollTransmit(out Transmission transmission)
    {
        Schedule();
        foreach (PeerState peer in _order)
        {
            if (peer.Outbox.Count > 0 || peer.IsClosing)
            {
                transmission = new Transmission(peer.Id, peer.Outbox, peer.OutboxLeases, peer.OutboxSize, peer.IsClosing);
                peer.IsClosing = false;
                peer.Unsent += peer.OutboxSize;
                peer.Outbox = [];
                peer.OutboxLeases = [];
                peer.OutboxSize = 0;
                return true;
            }
        }

        transmission = default;
        return false;
    }

    private static TimeSpan Earlier(TimeSpan? a, TimeSpan b) => a is { } other && other < b ? other : b;

    /// <summary>Once per turn, however many things happened in it: ask, serve, answer those who wait for an update.</summary>
    private void Schedule()
    {
        if (!_isDirty)
        {
            return;
        }

        _isDirty = false;

        // Each turn begins with another peer, so that no one always has the first choice of blocks, or of the feed's time.
        _turn = _order.Count == 0 ? 0 : (_turn + 1) % _order.Count;
        for (int i = 0; i < _order.Count; i++)
        {
            PeerState peer = _order[(_turn + i) % _order.Count];
            if (peer.Parked.Count > 0)
            {
                SettleParked(peer);
            }

            if (peer.IsOpen)
            {
                Ask(peer);
                Serve(peer);
            }
        }

        FlushReceived();
        ResolveUpdates();
        foreach (PeerState peer in _order)
        {
            if (peer.IsOpen && peer.Unsent + peer.OutboxSize > _options.MaxBacklogBytes)
            {
                Fail(peer, ReplicationError.TooSlow);
            }
        }
    }

    private void Report(ReplicatorEvent replicatorEvent) => _events.Enqueue(replicatorEvent);
}
