namespace HyperActors.Replication;

/// <content>What the feed itself does.</content>
public sealed partial class Replicator
{
    /// <summary>Blocks were appended here and committed: all between the old length and the new one are there.</summary>
    public void HandleAppended(FeedState state, TimeSpan now)
    {
        _now = now;
        Invariant.Hold(state.Fork == _state.Fork && state.Length >= _state.Length);
        ulong start = _state.Length;
        _state = state;
        _have.AddRange(start, state.Length - start);
        AdvanceContiguous();
        _isDirty = true;
        if (state.Length > start)
        {
            Announce(start, state.Length - start);
        }

        SignalUpgrade();
        if (HasDownloads)
        {
            ResolveAll();
        }
    }

    /// <summary>The feed was cut, here or by its writer, and committed.</summary>
    /// <param name="state">The version now; longer than <paramref name="ancestors"/> if a new history came with it.</param>
    /// <param name="ancestors">How many blocks it has in common with what was there before.</param>
    /// <param name="now">The time.</param>
    public void HandleTruncated(FeedState state, ulong ancestors, TimeSpan now)
    {
        _now = now;
        ulong oldLength = _state.Length;
        _state = state;
        _isReorganizing = false;
        _isDirty = true;
        DropInFlight();
        _have.RemoveRange(ancestors, BlockSet.None - ancestors);
        ContiguousLength = Math.Min(ContiguousLength, ancestors);
        if (ancestors < oldLength)
        {
            AnnounceDrop(ancestors, oldLength - ancestors);
        }

        SignalUpgrade();
        ResolveAll();
        ForgetForks();
        foreach (PeerState peer in _order)
        {
            peer.LengthAcked = 0;
        }

        BeginForksAgain();
    }

    /// <summary>Blocks were removed here to save space; they may come back.</summary>
    public void HandleCleared(ulong start, ulong length, TimeSpan now)
    {
        _now = now;
        _isDirty = true;
        _have.RemoveRange(start, length);
        ContiguousLength = Math.Min(ContiguousLength, start);
        AnnounceDrop(start, length);
        ResolveAll();
    }

    private void AdvanceContiguous()
    {
        if (_have.Contains(ContiguousLength))
        {
            ContiguousLength = _have.NextClear(ContiguousLength);
        }
    }

    private void CountLiveRanges()
    {
        foreach (RangeDownload range in _ranges)
        {
            if (range.IsLive)
            {
                range.Missing = CountMissing(range);
            }
        }
    }

    /// <summary>Another fork: nothing that is in flight or being applied counts any more.</summary>
    private void DropInFlight()
    {
        _epoch++;
        foreach (PeerState peer in _order)
        {
            foreach (OutRequest request in peer.Requests.InFlight())
            {
                if (request.Kind is RequestKind.Block or RequestKind.Upgrade)
                {
                    CancelRequest(peer, request);
                }
            }

            foreach (ParkedProof parked in peer.Parked)
            {
                parked.Lease?.Dispose();
            }

            peer.Parked.Clear();
            peer.InFlight.Clear();
        }

        _busy.Clear();
        _applying.Clear();
        _distrusted.Clear();
        _parallel.Clear();
        _upgrading = 0;
        _idleWants.Clear();
        _idleWants.UnionWith(_wanted.Keys);
    }
}
