using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <content>New forks, and conflicts.</content>
public sealed partial class Replicator
{
    private readonly Dictionary<ulong, ForkSearch> _forks = [];
    private readonly Dictionary<ulong, PendingRead> _reads = [];
    private ulong _read;

    /// <summary>Forks of peers that are being compared with ours.</summary>
    internal int ForkSearches => _forks.Count;

    /// <summary>What to do with nodes that were read.</summary>
    private abstract record PendingRead
    {
        public sealed record UpgradeCheck(PeerState Peer, ulong Fork, ulong Length, bool IsAfterSync) : PendingRead;

        public sealed record ForkCompare(ForkSearch Search) : PendingRead;

        public sealed record ConflictCompare(PeerState Peer, Proof Evidence, ulong Fork) : PendingRead;
    }

    /// <summary>The nodes of <see cref="ReplicatorEvent.ReadNodes"/>, in its order; null for those that are not stored.</summary>
    public void HandleNodes(ulong id, IReadOnlyList<TreeNode?> nodes, TimeSpan now)
    {
        _now = now;
        if (!_reads.Remove(id, out PendingRead? pending))
        {
            return;
        }

        _isDirty = true;
        switch (pending)
        {
            case PendingRead.UpgradeCheck check:
                HandleUpgradeChecked(check, id, nodes);
                break;
            case PendingRead.ForkCompare compare:
                HandleForkCompared(compare, nodes);
                break;
            case PendingRead.ConflictCompare compare:
                HandleConflictCompared(compare, nodes);
                break;
        }
    }

    /// <summary>The feed could not take over the version of <see cref="ReplicatorEvent.Reorganize"/>.</summary>
    public void HandleReorganizeFailed(TimeSpan now)
    {
        _now = now;
        _isReorganizing = false;
        _isDirty = true;
        _forks.Clear();
        _restUntil = now + _options.RetryAfterFailure;
    }

    private ulong Read(IReadOnlyList<ulong> indices, PendingRead pending)
    {
        ulong id = ++_read;
        _reads.Add(id, pending);
        Report(new ReplicatorEvent.ReadNodes(id, indices));
        return id;
    }

    /// <summary>A peer has a later fork: look for what it has in common with ours.</summary>
    private void SearchFork(PeerState peer)
    {
        // A proven search of a later fork makes those of earlier ones pointless.
        if (_options.AllowForks && !IsFrozen && peer.IsOpen && peer.Fork > _state.Fork && peer.Length > 0 && !_isReorganizing
            && !_forks.ContainsKey(peer.Fork) && !_forks.Values.Any(search => search.Head is not null && search.Fork > peer.Fork))
        {
            _forks.Add(peer.Fork, new ForkSearch(peer.Fork));
            _isDirty = true;
        }
    }

    /// <summary>Our feed is another one now: what was found in common with the former one counts no more.</summary>
    private void BeginForksAgain()
    {
        foreach (ForkSearch search in _forks.Values.Where(search => search.Head is not null).ToArray())
        {
            _forks.Remove(search.Fork);
        }

        foreach (PeerState peer in _order)
        {
            SearchFork(peer);
        }
    }

    /// <summary>Drops searches that are behind us, or that no peer can help with any more.</summary>
    private void ForgetForks()
    {
        foreach (ulong fork in _forks.Keys.ToArray())
        {
            if (fork <= _state.Fork || _order.TrueForAll(peer => !peer.IsOpen || peer.Fork != fork))
            {
                _forks.Remove(fork);
            }
        }
    }

    private void AskFork(PeerState peer)
    {
        if (peer.Length == 0 || !_forks.TryGetValue(peer.Fork, out ForkSearch? search)
            || !search.MayAsk(peer, _now, _options.HotswapAfter))
        {
            return;
        }

        if (_order.Count > 1)
        {
            _nextHotswap ??= _now + _options.HotswapAfter;
        }

        if (search.Step == ForkStep.AskProof)
        {
            search.Ask(peer, _now);
            Send(peer, RequestKind.ForkProof, new ProofRequest { Fork = peer.Fork, Upgrade = new UpgradeRequest(0, peer.Length), Manifest = _state.Manifest is null }, 0);
        }
        else if (search.Step == ForkStep.AskPath)
        {
            AskPath(peer, search);
        }
    }

    private void AskPath(PeerState peer, ForkSearch search)
    {
        (ulong start, ulong end) = search.Wanted;
        end = Math.Min(end, peer.Length);
        if (start >= end)
        {
            return;
        }

        // Any block below will do, as long as the peer has it; a random one, so that a bad answer is not asked for again.
        ulong index = start + _random.NextUInt64(end - start);
        if (!peer.HasBlock(index))
        {
            ulong next = peer.ContiguousLength > start ? start : peer.Blocks.NextSet(start);
            if (next >= end || !peer.HasBlock(next))
            {
                Want(peer, start);
                return;
            }

            index = next;
        }

        search.Ask(peer, _now);
        int depth = FlatTree.Depth(search.Different.Index);
        var request = new ProofRequest
        {
            Fork = peer.Fork,
            Hash = new HashRequest(2 * index, (ulong)depth),
        };
        Send(peer, RequestKind.ForkHash, request, 0).Nodes = depth;
    }

    private void HandleForkData(PeerState peer, OutRequest request, DataMessage data)
    {
        Release(peer, request);
        if (!_forks.TryGetValue(request.Fork, out ForkSearch? search) || !search.IsCurrent(request))
        {
            return;
        }

        bool isEmpty = data.Proof.Upgrade is null && data.Proof.Hash is null;
        bool isTaken = data.Proof.Fork == request.Fork && !isEmpty && (request.Kind == RequestKind.ForkProof
            ? search.TryTakeProof(data, _key, _state.Manifest, _state.Length)
            : search.TryTakePath(data));
        if (isTaken)
        {
            // Only the newest of what is proven is worth the search.
            foreach (ulong older in _forks.Keys.Where(fork => fork < search.Fork).ToArray())
            {
                _forks.Remove(older);
            }

            Read(search.ToCompare(), new PendingRead.ForkCompare(search));
        }
        else if (isEmpty)
        {
            CountRefusal(peer, request);
        }
        else
        {
            Fail(peer, ReplicationError.InvalidProof);
        }
    }

    private void HandleForkCompared(PendingRead.ForkCompare compare, IReadOnlyList<TreeNode?> nodes)
    {
        ForkSearch search = compare.Search;
        if (!_forks.TryGetValue(search.Fork, out ForkSearch? current) || current != search)
        {
            return;
        }

        search.TakeLocal(nodes);
        if (search.Step == ForkStep.Done && !_isReorganizing)
        {
            _isReorganizing = true;
            Report(new ReplicatorEvent.Reorganize(
                search.Head!, search.Ancestors, search.Nodes, search.Signature, search.Manifest));
        }
    }

    /// <summary>A proof of this peer was false. Either the peer lies, or there are two histories of the same fork.</summary>
    private void Suspect(PeerState peer)
    {
        if (peer.ConflictDeadline is not null)
        {
            return;
        }

        ulong length = Math.Min(_state.Length, peer.Length);
        if (length == 0 || peer.Fork != _state.Fork)
        {
            Fail(peer, ReplicationError.InvalidProof);
            return;
        }

        peer.IsPaused = true;
        peer.ConflictDeadline = _now + _options.ConflictTimeout;
        peer.Send(new RequestMessage(0, new ProofRequest { Fork = peer.Fork, Upgrade = new UpgradeRequest(0, length) }));
    }

    /// <summary>A signed version from nothing, with request 0: evidence of another history, or of none.</summary>
    private void CheckConflict(PeerState peer, DataMessage data)
    {
        bool isAsked = peer.ConflictDeadline is not null;
        if (!isAsked || peer.IsEvidenceChecked)
        {
            CountUnsolicited(peer);
        }

        if (!peer.IsOpen || IsFrozen || peer.IsEvidenceChecked)
        {
            return;
        }

        UpgradeProof upgrade = data.Proof.Upgrade!.Value;
        if (data.Proof.Fork == _state.Fork && upgrade.Length <= _state.Length && _state.Manifest is { } manifest
            && data.Proof is { Block: null, Hash: null, Seek: null }
            && ForkSearch.TryVerify(data, _key, manifest, out _, out _))
        {
            peer.IsEvidenceChecked = true;
            Read([.. upgrade.Nodes.Select(node => node.Index)], new PendingRead.ConflictCompare(peer, data.Proof, _state.Fork));
        }
        else if (isAsked)
        {
            Fail(peer, ReplicationError.InvalidProof);
        }
    }

    private void HandleConflictCompared(PendingRead.ConflictCompare compare, IReadOnlyList<TreeNode?> nodes)
    {
        compare.Peer.IsEvidenceChecked = false;
        TreeNode[] theirs = compare.Evidence.Upgrade!.Value.Nodes;
        bool isComparable = compare.Fork == _state.Fork && nodes.All(node => node is not null);
        for (int i = 0; i < theirs.Length && isComparable && !IsFrozen; i++)
        {
            if (nodes[i]!.Value.Hash != theirs[i].Hash)
            {
                Freeze(compare.Peer, compare.Evidence);
            }
        }

        if (!IsFrozen && compare.Peer is { IsOpen: true, ConflictDeadline: not null })
        {
            Fail(compare.Peer, ReplicationError.InvalidProof);
        }
    }

    /// <summary>Two histories: tell everyone ours, then close.</summary>
    private void Freeze(PeerState peer, Proof evidence)
    {
        IsFrozen = true;
        Report(new ReplicatorEvent.ConflictFound(peer.Id, evidence));
        DropInFlight();
        _forks.Clear();
        foreach (PeerState other in _order)
        {
            if (!other.IsOpen)
            {
                continue;
            }

            other.ConflictDeadline = null;
            other.IsLeaving = true;
            other.Serving.Clear();
            ulong length = Math.Min(_state.Length, other.Length);
            if (length > 0 && other.Fork == _state.Fork)
            {
                var request = new ProofRequest { Fork = _state.Fork, Upgrade = new UpgradeRequest(0, length) };
                other.Serving.Add(new InRequest(0, ++_ticket, request, isUrgent: true));
            }
        }

        _isDirty = true;
        CloseFrozen();
    }

    private void CloseFrozen()
    {
        if (!IsFrozen)
        {
            return;
        }

        foreach (PeerState peer in _order)
        {
            if (peer is { IsOpen: true, IsLeaving: true } && peer.Serving is { Waiting: 0, Serving: 0 })
            {
                CloseGently(peer);
            }
        }
    }
}
