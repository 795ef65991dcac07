using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <content>What peers send us, on its way into the feed.</content>
public sealed partial class Replicator
{
    /// <summary>Peers of version 10 refuse without a reason, and not only what is wrong; there may be some more of these.</summary>
    private const int MaxSilentRefusals = 4096;

    private readonly Dictionary<ulong, List<AppliedProof>> _batches = [];
    private List<ReceivedProof> _received = [];
    private List<AppliedProof> _receivedFor = [];
    private List<IDisposable> _receivedLeases = [];
    private bool _isLeaseUsed;
    private long _applyingBytes;
    private ulong _batch;
    private ulong _epoch;

    /// <summary>What to do when the verdict on a proof comes.</summary>
    private readonly record struct AppliedProof(
        PeerState Peer, ulong? Index, int Size, ulong? UpgradeStart, bool HasManifest, bool IsDistrusted, ulong Epoch);

    /// <summary>The feed has checked and committed a batch of <see cref="ReplicatorEvent.Apply"/>.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="verdicts">One for each proof, in order.</param>
    /// <param name="state">The committed version now.</param>
    /// <param name="now">The time.</param>
    public void HandleApplied(ulong id, IReadOnlyList<ApplyVerdict> verdicts, FeedState state, TimeSpan now)
    {
        _now = now;
        if (!_batches.Remove(id, out List<AppliedProof>? batch))
        {
            return;
        }

        Invariant.Hold(verdicts.Count == batch.Count);
        _isDirty = true;
        var stored = new List<ulong>(batch.Count);
        for (int i = 0; i < batch.Count; i++)
        {
            Settle(batch[i], Judge(batch[i], verdicts[i], state), stored);
        }

        AdvanceContiguous();
        bool hasNews = state.Fork != _state.Fork || state.Length != _state.Length
            || (state.Manifest is null) != (_state.Manifest is null);
        bool hasGrown = state.Length != _state.Length;
        _state = state;
        if (hasNews)
        {
            SignalUpgrade();
        }

        if (hasGrown)
        {
            CountLiveRanges();
        }

        AnnounceStored(stored);
    }

    /// <summary>
    /// An upgrade of a length that is no longer ours does not fit, however true it is: somebody else was faster. One of the
    /// length that is still ours has no such excuse, or a peer could have the same asked of it for ever.
    /// </summary>
    private ApplyVerdict Judge(in AppliedProof proof, ApplyVerdict verdict, FeedState state)
    {
        if (proof.UpgradeStart is not { } start || proof.Epoch != _epoch)
        {
            return verdict;
        }

        return verdict switch
        {
            ApplyVerdict.Malformed when start != state.Length => ApplyVerdict.Stale,
            ApplyVerdict.Stale when start == state.Length && state.Fork == _state.Fork => ApplyVerdict.Malformed,
            _ => verdict,
        };
    }

    private void Settle(in AppliedProof proof, ApplyVerdict verdict, List<ulong> stored)
    {
        _applyingBytes -= proof.Size;
        if (proof.Epoch == _epoch)
        {
            _upgrading -= proof.UpgradeStart is null ? 0 : 1;
            if (proof.Index is { } index)
            {
                SettleBlock(index, verdict, proof.IsDistrusted, stored);
            }
        }

        if (proof.HasManifest && _manifestPeer == proof.Peer)
        {
            _manifestPeer = null;
        }

        switch (verdict)
        {
            case ApplyVerdict.NotStored:
                _restUntil = _now + _options.RetryAfterFailure;
                break;
            case ApplyVerdict.Malformed when proof.Peer.IsOpen:
            case ApplyVerdict.Unverifiable when proof.Peer.IsOpen && proof.IsDistrusted:
                Fail(proof.Peer, ReplicationError.InvalidProof);
                break;
            case ApplyVerdict.False when proof.Peer.IsOpen:
                Suspect(proof.Peer);
                break;
        }
    }

    private void SettleBlock(ulong index, ApplyVerdict verdict, bool isDistrusted, List<ulong> stored)
    {
        _applying.Remove(index);
        if (verdict == ApplyVerdict.Applied)
        {
            BlocksDownloaded++;
            CancelOthers(index);
            _busy.Remove(index);
            if (_distrusted.Count > 0)
            {
                _distrusted.Remove(index);
            }

            if (_have.Add(index))
            {
                stored.Add(index);
                Resolve(index);
            }

            return;
        }

        // What it was to rest on is not there. Next time it brings its whole path.
        if (verdict == ApplyVerdict.Unverifiable && !isDistrusted)
        {
            _distrusted.Add(index);
        }

        Release(index);
    }

    private void AnnounceStored(List<ulong> stored)
    {
        stored.Sort();
        for (int i = 0; i < stored.Count;)
        {
            int next = i + 1;
            while (next < stored.Count && stored[next] == stored[next - 1] + 1)
            {
                next++;
            }

            Announce(stored[i], (ulong)(next - i));
            i = next;
        }
    }

    private void HandleData(PeerState peer, DataMessage data, SharedLease? lease)
    {
        if (data.Request == 0)
        {
            HandleUnrequested(peer, data);
            return;
        }

        if (!peer.Requests.TryGet(data.Request, out OutRequest? request))
        {
            CountUnsolicited(peer);
            return;
        }

        bool isCancelled = request.IsCancelled;
        peer.Requests.Answer(request);
        if (isCancelled)
        {
            return;
        }

        if (request.Kind is RequestKind.ForkProof or RequestKind.ForkHash)
        {
            HandleForkData(peer, request, data);
        }
        else if (!Answers(request, data.Proof))
        {
            Release(peer, request);
            CountUnsolicited(peer);
        }
        else
        {
            Take(peer, request, data, lease);
        }

        CountDone();
    }

    /// <summary>Whether a proof is no more than what was asked for. It may be less.</summary>
    private static bool Answers(OutRequest request, Proof proof) =>
        proof.Fork == request.Fork
        && (proof.Block is not { } block || (request.HasBlock && block.Index == request.Index))
        && proof.Hash is null
        && proof.Seek is null
        && (proof.Upgrade is null || request.HasUpgrade);

    private void Take(PeerState peer, OutRequest request, DataMessage data, SharedLease? lease)
    {
        Proof proof = data.Proof;
        if (data.Climb() != ProofError.None)
        {
            Release(peer, request);
            Fail(peer, ReplicationError.InvalidProof);
            return;
        }

        bool isRefused = (request.HasBlock && proof.Block is null) || (request.HasUpgrade && proof.Upgrade is null);
        if (isRefused)
        {
            CountRefusal(peer, request);
            Release(peer, request);
            if (proof.Manifest is not null && proof.Block is null && proof.Upgrade is null)
            {
                Collect(peer, data, lease, index: null, upgradeStart: null);
            }

            return;
        }

        if (request.HasBlock && (_have.Contains(request.Index) || _applying.Contains(request.Index)) && !request.HasUpgrade)
        {
            Release(peer, request.Index);
            return;
        }

        if (request.IsPresumed && StoredLevel(request.Index, request.Nodes + 1) > request.Nodes)
        {
            Park(peer, request, data, lease);
            return;
        }

        peer.InFlight.Remove(request.Index);
        Collect(peer, data, lease, request.HasBlock ? request.Index : null, request.UpgradeStart);
    }

    private void Park(PeerState peer, OutRequest request, DataMessage data, SharedLease? lease)
    {
        if (peer.Parked.Count >= _options.MaxParked)
        {
            Release(peer, request.Index);
            return;
        }

        peer.Parked.Add(new ParkedProof(request.Sequence, request.Index, request.Nodes, data, lease?.Hold()));
    }

    /// <summary>Parked proofs go on when what they rest on is there; they go when it will not come.</summary>
    private void SettleParked(PeerState peer)
    {
        ulong oldest = peer.Requests.OldestSequence();
        peer.Parked.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
        int kept = 0;
        for (int i = 0; i < peer.Parked.Count; i++)
        {
            ParkedProof parked = peer.Parked[i];
            if (_have.Contains(parked.Index) || _applying.Contains(parked.Index))
            {
                Release(peer, parked.Index);
                parked.Lease?.Dispose();
            }
            else if (StoredLevel(parked.Index, parked.Nodes + 1) <= parked.Nodes)
            {
                peer.InFlight.Remove(parked.Index);
                Collect(peer, parked.Message, null, parked.Index, upgradeStart: null);
                if (parked.Lease is not null)
                {
                    _receivedLeases.Add(parked.Lease);
                }
            }
            else if (parked.Sequence < oldest)
            {
                // In vain: asked for as before it could rest on one that rests on it, and both would be asked for for ever.
                _distrusted.Add(parked.Index);
                Release(peer, parked.Index);
                parked.Lease?.Dispose();
            }
            else
            {
                peer.Parked[kept++] = parked;
            }
        }

        peer.Parked.RemoveRange(kept, peer.Parked.Count - kept);
    }

    /// <summary>Puts a proof on the batch that the feed will be asked to apply.</summary>
    private void Collect(PeerState peer, DataMessage data, SharedLease? lease, ulong? index, ulong? upgradeStart)
    {
        int size = data.Proof.Block?.Value.Length ?? 0;
        _received.Add(new ReceivedProof(peer.Id, data.Climbed!));
        _receivedFor.Add(new AppliedProof(
            peer, index, size, upgradeStart, data.Proof.Manifest is not null, index is { } i && _distrusted.Contains(i), _epoch));
        _applyingBytes += size;
        _isLeaseUsed |= lease is not null && data.Proof.Block is not null;
        if (index is { } block)
        {
            _applying.Add(block);
        }
    }

    private void FlushReceived()
    {
        if (_received.Count == 0)
        {
            return;
        }

        _batches.Add(++_batch, _receivedFor);
        Report(new ReplicatorEvent.Apply(_batch, _received, _receivedLeases));
        _received = [];
        _receivedFor = [];
        _receivedLeases = [];
    }

    private void HandleNoData(PeerState peer, NoDataMessage message)
    {
        if (message.Request == 0)
        {
            // No evidence: what was false is the peer's own doing.
            if (peer.ConflictDeadline is not null)
            {
                Fail(peer, ReplicationError.InvalidProof);
            }

            return;
        }

        if (!peer.Requests.TryGet(message.Request, out OutRequest? request))
        {
            CountUnsolicited(peer);
            return;
        }

        bool isCancelled = request.IsCancelled;
        peer.Requests.Answer(request);
        if (isCancelled)
        {
            return;
        }

        if (message.Reason != NoDataReason.None || !request.HasBlock)
        {
            CountRefusal(peer, request);
        }
        else if (request.Fork == peer.Fork && peer.Refused.Add(request.Index))
        {
            peer.ForgivenAt ??= _now + _options.ForgiveRefusalsAfter;
            peer.IsPaused |= peer.Refused.Count >= MaxSilentRefusals;
        }

        Release(peer, request);
        CountDone();
    }

    /// <summary>A peer that refuses what it announced is not asked for that again, and in the end for nothing, for a while.</summary>
    private void CountRefusal(PeerState peer, OutRequest request)
    {
        // It had moved on before the request came.
        if (request.Fork != peer.Fork)
        {
            return;
        }

        if (request.HasBlock)
        {
            peer.Refused.Add(request.Index);
        }

        peer.ForgivenAt ??= _now + _options.ForgiveRefusalsAfter;
        if (++peer.Refusals >= _options.MaxRefusals)
        {
            peer.IsPaused = true;
        }
    }

    private void HandleUnrequested(PeerState peer, DataMessage data)
    {
        if (data.Proof.Upgrade is { Start: 0 })
        {
            CheckConflict(peer, data);
            return;
        }

        if (!_options.AllowPush)
        {
            CountUnsolicited(peer);
            return;
        }

        TakePushed(peer, data);
    }

    /// <summary>Pushed blocks are taken when they are new and fit as they are; the rest is dropped.</summary>
    private void TakePushed(PeerState peer, DataMessage data)
    {
        Proof proof = data.Proof;
        if (proof.Fork != _state.Fork || proof.Block is not { } block || _have.Contains(block.Index) || _busy.Contains(block.Index)
            || (proof.Upgrade is { } upgrade && (_upgrading > 0 || upgrade.Start != _state.Length))
            || _applyingBytes >= _options.MaxApplyingBytes)
        {
            return;
        }

        // The bytes are copied: pushes are rare, and their batch is often not ours to keep.
        var copy = new DataMessage(0, proof with { Block = block with { Value = block.Value.ToArray() } });
        if (copy.Climb() != ProofError.None)
        {
            Fail(peer, ReplicationError.InvalidProof);
            return;
        }

        _busy.Add(block.Index);
        _idleWants.Remove(block.Index);
        _upgrading += proof.Upgrade is null ? 0 : 1;
        Collect(peer, copy, null, block.Index, proof.Upgrade?.Start);
    }

    private void CountUnsolicited(PeerState peer)
    {
        if (++peer.Unsolicited >= _options.MaxUnsolicited && peer.IsOpen && !_options.AllowPush)
        {
            Fail(peer, ReplicationError.UnsolicitedData);
        }
    }
}
