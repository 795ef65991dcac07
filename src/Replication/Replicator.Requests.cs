using System.Numerics;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <content>What we ask of peers.</content>
/// <remarks>
/// A proof has to reach up to a node that is stored here, and how far that is must be known without asking storage for each
/// block. It follows from the blocks that are there: a block's proof brought every node on its way up and every sibling of
/// these. So the lowest stored node above a missing block lies just below the place where its path meets that of the nearest
/// block, left or right; else it is a root. Requests to the same peer that were sent before count as if they were answered:
/// then a run of blocks costs one node per block or less, where a proof for itself would cost a whole path. An answer that
/// overtakes the one it rests on is parked until that one is there.
/// </remarks>
public sealed partial class Replicator
{
    private const int MaxRangesPerTurn = 64;
    private const int MaxHotswapsPerTurn = 16;
    private const int WantAhead = 3;

    private readonly BlockSet _busy = new();
    private readonly BlockSet _applying = new();
    private readonly HashSet<ulong> _idleWants = [];
    private readonly HashSet<ulong> _distrusted = [];
    private readonly Dictionary<ulong, int> _parallel = [];
    private PeerState? _manifestPeer;
    private TimeSpan? _nextHotswap;
    private TimeSpan _upgradeAskedAt;
    private int _upgrading;
    private bool _isReorganizing;
    private int _inFlight;

    private void Ask(PeerState peer)
    {
        if (!peer.IsAskable || IsFrozen || _isReorganizing || _restUntil is not null
            || (HasTooManyCancelled(peer) && peer.Requests.Active > 0))
        {
            return;
        }

        if (_state.Manifest is null && _manifestPeer is null && peer is { Length: 0, HasManifest: true })
        {
            _manifestPeer = peer;
            Send(peer, RequestKind.Manifest, new ProofRequest { Fork = peer.Fork, Manifest = true }, 0);
        }

        AskFork(peer);
        AskWanted(peer);
        if (peer.Fork != _state.Fork)
        {
            return;
        }

        if (MayAskUpgrade(peer) && (_options.EagerUpgrade || _updates.Count > 0))
        {
            AskUpgrade(peer);
        }

        AskRanges(peer);
        AskAgain(peer);
    }

    /// <summary>One peer at a time is asked, and another only when that one is slow: nobody may keep us from the newest version.</summary>
    private bool MayAskUpgrade(PeerState peer) =>
        peer.CanUpgradeUs && peer.Fork == _state.Fork && peer.Length > _state.Length && peer.LengthAcked == _state.Length
        && (_upgrading == 0
            || (_upgrading < _options.MaxParallelRequests && _now - _upgradeAskedAt >= _options.HotswapAfter
                && !peer.Requests.InFlight().Any(request => request.HasUpgrade)));

    private void AskUpgrade(PeerState peer)
    {
        // Whoever follows the feed wants the newest block: it comes with the proof of its length.
        ulong last = peer.Length - 1;
        if (peer.HasBlock(last) && !_busy.Contains(last) && _ranges.Exists(range => range.IsLive && range.Contains(last)))
        {
            AskBlock(peer, last, 0);
        }
        else
        {
            Send(peer, RequestKind.Upgrade, new ProofRequest { Fork = _state.Fork, Upgrade = UpgradeFor(peer), Manifest = AsksManifest(peer) }, 0);
        }
    }

    private UpgradeRequest UpgradeFor(PeerState peer) => new(_state.Length, peer.Length - _state.Length);

    private bool AsksManifest(PeerState peer) => _state.Manifest is null && peer.HasManifest;

    /// <summary>Single blocks that somebody waits for.</summary>
    private void AskWanted(PeerState peer)
    {
        if (_idleWants.Count == 0)
        {
            return;
        }

        foreach (ulong index in _idleWants.ToArray())
        {
            if (peer.Fork != _state.Fork || !peer.HasBlock(index))
            {
                Want(peer, index);
            }
            else if (Room(peer) > 0 && (index < AskableLength(peer) || (index >= _state.Length && index < peer.Length && MayAskUpgrade(peer))))
            {
                AskBlock(peer, index, 1);
            }
        }
    }

    private void AskRanges(PeerState peer)
    {
        int room = Room(peer);
        for (int i = 0; i < _ranges.Count && i < MaxRangesPerTurn && room > 0; i++)
        {
            RangeDownload range = _ranges[i];
            range.Cursor = NextMissing(range.Cursor);
            ulong end = Math.Min(range.End, AskableLength(peer));
            for (ulong index = NextFor(peer, range.Cursor, end); index < end && room > 0; index = NextFor(peer, index + 1, end))
            {
                AskBlock(peer, index, 0);
                room--;
            }

            if (room > 0)
            {
                WantRange(peer, range, Math.Min(range.End, peer.Length));
            }
        }
    }

    /// <summary>Blocks that are long in flight elsewhere are asked for here too, when there is nothing else to do.</summary>
    private void AskAgain(PeerState peer)
    {
        if (_order.Count < 2 || _inFlight == 0)
        {
            return;
        }

        _nextHotswap ??= _now + _options.HotswapAfter;
        int room = Math.Min(Room(peer), MaxHotswapsPerTurn);
        ulong end = AskableLength(peer);
        foreach (PeerState other in _order)
        {
            if (other == peer || !other.IsOpen || room <= 0)
            {
                continue;
            }

            foreach (OutRequest request in other.Requests.InFlight())
            {
                if (room > 0 && request.HasBlock && request.Index < end && _now - request.SentAt >= _options.HotswapAfter
                    && peer.HasBlock(request.Index) && !peer.InFlight.Contains(request.Index)
                    && _parallel.GetValueOrDefault(request.Index, 1) < _options.MaxParallelRequests)
                {
                    _parallel[request.Index] = _parallel.GetValueOrDefault(request.Index, 1) + 1;
                    AskBlock(peer, request.Index, 0);
                    room--;
                }
            }
        }
    }

    /// <summary>How many more requests may be in flight to the peer.</summary>
    private int Room(PeerState peer)
    {
        if (_applyingBytes >= _options.MaxApplyingBytes)
        {
            return 0;
        }

        // Only the answer to a later request frees the ids of cancelled ones: one may go, or none ever could.
        if (HasTooManyCancelled(peer))
        {
            return peer.Requests.Active == 0 ? 1 : 0;
        }

        long window = MeanBlockSize == 0 ? _options.MaxInFlight : _options.MaxInFlightBytes / MeanBlockSize;
        int max = Math.Max(_options.MinInFlight, _options.MaxInFlight);
        return (int)Math.Clamp(window, _options.MinInFlight, max) - peer.Requests.Active - peer.Parked.Count;
    }

    private bool HasTooManyCancelled(PeerState peer) => peer.Requests.Cancelled >= _options.MaxInFlight;

    /// <summary>Blocks below this one can be proven by the peer and verified here.</summary>
    private ulong AskableLength(PeerState peer)
    {
        if (peer.Fork != _state.Fork)
        {
            return 0;
        }

        // A shorter peer's roots are not ours; it is asked only when they are known to be stored here.
        return peer.Length >= _state.Length ? _state.Length
            : peer.UpgradableFork == _state.Fork ? Math.Min(peer.UpgradableLength, peer.Length) : 0;
    }

    private ulong NextMissing(ulong from)
    {
        while (true)
        {
            ulong next = _busy.NextClear(_have.NextClear(from));
            if (next == from)
            {
                return from;
            }

            from = next;
        }
    }

    private ulong NextFor(PeerState peer, ulong from, ulong end)
    {
        while (from < end)
        {
            ulong next = NextMissing(from);
            if (next >= peer.ContiguousLength)
            {
                next = peer.Blocks.NextSet(next);
            }

            if (next == from)
            {
                if (!peer.Refused.Contains(from))
                {
                    return from;
                }

                next++;
            }

            from = next;
        }

        return BlockSet.None;
    }

    private void AskBlock(PeerState peer, ulong index, ulong priority)
    {
        bool upgrades = index >= _state.Length;
        int nodes = 0;
        bool isPresumed = false;
        if (!upgrades)
        {
            nodes = BitOperations.Log2(index ^ AskableLength(peer));
            if (_distrusted.Count == 0 || !_distrusted.Contains(index))
            {
                // What is stored counts more than what is on its way, but only if it is as near.
                int presumed = LevelBeside(peer.InFlight, index, nodes);
                int stored = StoredLevel(index, Math.Min(nodes, presumed + 1));
                isPresumed = presumed < stored;
                nodes = Math.Min(presumed, stored);
            }
        }

        var request = new ProofRequest
        {
            Fork = _state.Fork,
            Block = new BlockRequest(index, (ulong)nodes),
            Upgrade = upgrades ? UpgradeFor(peer) : null,
            Manifest = AsksManifest(peer),
        };
        _busy.Add(index);
        if (_idleWants.Count > 0)
        {
            _idleWants.Remove(index);
        }

        OutRequest sent = Send(peer, RequestKind.Block, request, priority);
        sent.Index = index;
        sent.Nodes = nodes;
        sent.IsPresumed = isPresumed;

        // What lies beyond the tree brings no nodes that a block inside could rest on.
        if (!upgrades)
        {
            peer.InFlight.Add(index);
        }
    }

    private OutRequest Send(PeerState peer, RequestKind kind, ProofRequest request, ulong priority)
    {
        OutRequest sent = peer.Requests.Add(_now);
        sent.Kind = kind;
        sent.Fork = request.Fork;
        sent.UpgradeStart = kind is RequestKind.Block or RequestKind.Upgrade ? request.Upgrade?.Start : null;
        sent.Index = request.Hash?.Index ?? 0;
        _inFlight++;
        if (sent.HasUpgrade)
        {
            _upgrading++;
            _upgradeAskedAt = _now;
        }

        peer.Send(new RequestMessage(sent.Id, request, priority));
        return sent;
    }

    /// <summary>How many levels above a block the lowest node is that is stored, or will be when what is being applied is.</summary>
    /// <param name="index">The block.</param>
    /// <param name="level">A level to which a node is known, or beyond which nobody asks.</param>
    private int StoredLevel(ulong index, int level) => LevelBeside(_have, index, LevelBeside(_applying, index, level));

    /// <summary>How many levels above a block its path meets that of the nearest block of a set, less one; at most so many.</summary>
    private static int LevelBeside(BlockSet blocks, ulong index, int level)
    {
        if (level == 0)
        {
            return 0;
        }

        // Only blocks below the node at that level can make it less: all others are further away.
        ulong below = (1UL << level) - 1;
        ulong previous = blocks.PreviousSet(index, index & ~below);
        if (previous != BlockSet.None && previous != index)
        {
            level = BitOperations.Log2(index ^ previous);
            if (level == 0)
            {
                return 0;
            }

            below = (1UL << level) - 1;
        }

        ulong next = blocks.NextSet(index, index | below);
        return next == BlockSet.None || next == index ? level : BitOperations.Log2(index ^ next);
    }

    /// <summary>A block will not come from this peer: it may be asked for again, unless another peer has it in flight.</summary>
    private void Release(PeerState peer, ulong index)
    {
        peer.InFlight.Remove(index);
        Release(index);
    }

    private void Release(ulong index)
    {
        if (_parallel.Count > 0 && _parallel.TryGetValue(index, out int count))
        {
            if (count > 2)
            {
                _parallel[index] = count - 1;
            }
            else
            {
                _parallel.Remove(index);
            }

            return;
        }

        MakeIdle(index);
    }

    private void MakeIdle(ulong index)
    {
        _isDirty = true;
        _busy.Remove(index);
        if (_wanted.ContainsKey(index))
        {
            _idleWants.Add(index);
        }

        foreach (RangeDownload range in _ranges)
        {
            if (index < range.Cursor && range.Contains(index))
            {
                range.Cursor = index;
            }
        }
    }

    /// <summary>A request will bring nothing.</summary>
    private void Release(PeerState peer, OutRequest request)
    {
        if (request.HasBlock)
        {
            Release(peer, request.Index);
        }

        if (request.HasUpgrade)
        {
            _upgrading--;
        }

        if (request.Kind == RequestKind.Manifest)
        {
            _manifestPeer = null;
        }

        if (request.Kind is RequestKind.ForkProof or RequestKind.ForkHash && _forks.TryGetValue(request.Fork, out ForkSearch? search))
        {
            search.Release(peer);
        }

        _isDirty = true;
    }

    /// <summary>One request less in flight; with the last one it may be that nothing is wanted any more.</summary>
    private void CountDone()
    {
        _inFlight--;
        Invariant.Hold(_inFlight >= 0);
        if (!IsDownloading)
        {
            SignalUpgrade();
        }
    }

    private void CancelRequest(PeerState peer, OutRequest request)
    {
        peer.Requests.Cancel(request);
        peer.Send(new CancelMessage(request.Id));
        Release(peer, request);
        CountDone();
    }

    /// <summary>Takes back what nobody wants any more.</summary>
    private void CancelUnwanted()
    {
        _idleWants.RemoveWhere(index => !_wanted.ContainsKey(index));
        foreach (PeerState peer in _order)
        {
            foreach (OutRequest request in peer.Requests.InFlight())
            {
                if (request is { Kind: RequestKind.Block, HasUpgrade: false } && !IsWanted(request.Index))
                {
                    CancelRequest(peer, request);
                }
            }
        }
    }

    /// <summary>Takes back a block that came from somewhere else.</summary>
    private void CancelOthers(ulong index)
    {
        if (_parallel.Count == 0 || !_parallel.Remove(index))
        {
            return;
        }

        foreach (PeerState peer in _order)
        {
            if (!peer.InFlight.Contains(index))
            {
                continue;
            }

            foreach (OutRequest request in peer.Requests.InFlight())
            {
                if (request.HasBlock && request.Index == index)
                {
                    peer.Requests.Cancel(request);
                    peer.Send(new CancelMessage(request.Id));
                    CountDone();
                }
            }

            peer.InFlight.Remove(index);
        }
    }

    /// <summary>The peer's channel is gone with all that was in flight on it.</summary>
    private void ReleaseAll(PeerState peer)
    {
        foreach (OutRequest request in peer.Requests.InFlight())
        {
            _inFlight--;
            Release(peer, request);
        }

        foreach (ParkedProof parked in peer.Parked)
        {
            Release(peer, parked.Index);
        }

        if (_manifestPeer == peer)
        {
            _manifestPeer = null;
        }

        ForgetForks();
    }

    /// <summary>Asks which blocks of a segment the peer has, once.</summary>
    private void Want(PeerState peer, ulong index)
    {
        if (index < peer.FirstGap)
        {
            return;
        }

        ulong segment = index / WantMessage.SegmentLength;
        if (peer.WantedSegments.Contains(segment))
        {
            return;
        }

        if (peer.WantedSegments.Count >= _options.MaxWants)
        {
            peer.Send(new UnwantMessage(peer.WantedSegments[0] * WantMessage.SegmentLength, WantMessage.SegmentLength));
            peer.WantedSegments.RemoveAt(0);
        }

        peer.WantedSegments.Add(segment);
        peer.Send(new WantMessage(segment * WantMessage.SegmentLength, WantMessage.SegmentLength));
    }

    /// <summary>Nothing more can be asked for in a range: find out more about its next segments.</summary>
    private void WantRange(PeerState peer, RangeDownload range, ulong end)
    {
        ulong index = Math.Max(range.Cursor, peer.FirstGap);
        for (int i = 0; i < WantAhead; i++)
        {
            index = NextMissing(index);
            if (index >= end)
            {
                return;
            }

            Want(peer, index);
            index = ((index / WantMessage.SegmentLength) + 1) * WantMessage.SegmentLength;
        }
    }
}
