using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>An iterative lookup: asks ever nearer nodes until nobody knows a nearer one, then commits if it has to.</summary>
/// <remarks>
/// <para>The nearest known is asked first; one that explores asks whoever was named last, and meets more nodes. A request that is not answered within its first attempt frees its place; the
/// query does not wait for such ones once it has a full result.</para>
/// <para>Made by <see cref="DhtNode.Query"/>; under way at once.</para>
/// </remarks>
public sealed class DhtQuery : IRequestOwner
{
    // How many are asked at first when the query starts from given nodes: they most likely know the answer.
    private const int CautiousConcurrency = 3;

    private readonly DhtNode _node;
    private readonly uint _command;
    private readonly Hash _target;
    private readonly ReadOnlyMemory<byte>? _value;
    private readonly QueryOptions _options;
    private readonly FlowScope _scope;
    private readonly FlowSource<QueryResult> _completion;
    private readonly Dictionary<DhtAddress, Candidate> _seen = [];
    private readonly Path[] _paths;
    private Queue<DhtReply>? _unread;
    private bool _isFromTable;
    private bool _isOpen;
    private bool _isCommitting;
    private int _successes;
    private int _errors;
    private int _requests;

    internal DhtQuery(
        DhtNode node, uint command, in Hash target, ReadOnlyMemory<byte>? value, QueryOptions options, FlowScope scope)
    {
        (_node, _command, _target, _value, _options) = (node, command, target, value, options);
        _completion = new FlowSource<QueryResult>(node.Runner, scope);
        _scope = new FlowScope(scope);
        Concurrency = options.Concurrency ?? node.Options.Concurrency;
        _paths = new Path[Math.Max(1, options.DisjointPaths)];
        for (int i = 0; i < _paths.Length; i++)
        {
            _paths[i] = new Path();
        }

        node.Counters.Queries++;
    }

    /// <summary>Requests under way at a time; may change while it runs.</summary>
    public int Concurrency { get; set; }

    public Hash Target => _target;

    /// <summary>Hears each reply without an error, in the turn in which it comes. When null, replies wait for <see cref="TryTake"/>.</summary>
    public Action<DhtReply>? OnReply { get; set; }

    /// <summary>How it ended; fails only when its scope is cancelled.</summary>
    public Flow<QueryResult> Completion => _completion.Flow;

    /// <summary>True when it ended, by itself or not.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Hands over the next reply that nobody has looked at; false when there is none at present.</summary>
    public bool TryTake(out DhtReply? reply)
    {
        reply = null;
        return _unread is not null && _unread.TryDequeue(out reply);
    }

    /// <summary>Ends it with what it has, without committing.</summary>
    public void Stop() => End(committed: 0, commitError: 0);

    void IRequestOwner.OnReply(PendingRequest request, DhtReply reply)
    {
        Candidate candidate = Release(request);
        candidate.State = CandidateState.Done;
        if (_isCommitting || IsEnded)
        {
            return;
        }

        Path path = _paths[candidate.Path];
        if (reply.Error == DhtErrors.None)
        {
            _successes++;
            if (reply.Id is { } id && IsCloser(path, id))
            {
                Keep(path, reply, id, candidate.Hops);
            }
        }
        else
        {
            _errors++;
        }

        foreach (DhtAddress node in reply.CloserNodes)
        {
            if (_node.Options.NodeFilter?.Invoke(node) == false)
            {
                continue;
            }

            Hash id = node.ToNodeId();
            if (id != _node.TableId)
            {
                TryAdd(candidate.Path, node, id, reply, candidate.Hops + 1);
            }
        }

        if (!_isFromTable && _successes + _errors >= Concurrency)
        {
            path.IsCautious = false;
        }

        if (reply.Error == DhtErrors.None)
        {
            Hand(reply);
        }

        Continue();
    }

    void IRequestOwner.OnSlow(PendingRequest request)
    {
        var candidate = (Candidate)request.State!;
        candidate.IsSlow = true;
        _paths[candidate.Path].Slow++;
        Continue();
    }

    void IRequestOwner.OnTimeout(PendingRequest request)
    {
        Candidate candidate = Release(request);
        candidate.State = CandidateState.Down;
        _errors++;
        if (_node.IsSuspended)
        {
            Stop();
            return;
        }

        foreach (DhtAddress referrer in candidate.Referrers ?? [])
        {
            SendDownHint(referrer, candidate.Address);
        }

        candidate.Referrers = null;
        if (!IsEnded)
        {
            Continue();
        }
    }

    /// <summary>Collects where to start, and starts.</summary>
    internal async Flow OpenAsync()
    {
        if (_options.Nodes is { } given)
        {
            int path = 0;
            for (int i = given.Count - 1; i >= 0; i--)
            {
                TryAdd(path, given[i], given[i].ToNodeId(), null, 0);
                path = (path + 1) % _paths.Length;
            }
        }

        if (!_options.OnlyGivenNodes)
        {
            AddFromTable();
            if (PendingCount() < _node.Options.BucketSize && _node.Bootstrap.Count > 0)
            {
                try
                {
                    int path = 0;
                    foreach (DhtAddress address in await _node.FindBootstrapAsync(_scope))
                    {
                        TryAdd(path, address, address.ToNodeId(), null, 0);
                        path = (path + 1) % _paths.Length;
                    }
                }
                catch (FlowCancelledException)
                {
                    return;
                }
            }
        }

        _isOpen = true;
        Continue();
    }

    // Nodes of the table go round the paths: each starts from its own.
    private void AddFromTable()
    {
        int missing = _node.Options.BucketSize - PendingCount();
        if (missing <= 0 || _options.OnlyGivenNodes)
        {
            return;
        }

        _isFromTable = true;
        int path = 0;
        foreach (Contact contact in _node.Routing.Closest(_target, missing))
        {
            TryAdd(path, contact.Address, contact.Id, null, 0);
            path = (path + 1) % _paths.Length;
        }
    }

    // Nodes that are no nearer than what the path has are left out, and whoever names one that is gone hears of it.
    private void TryAdd(int path, DhtAddress address, in Hash id, DhtReply? referrer, int hops)
    {
        if (_seen.TryGetValue(address, out Candidate? known))
        {
            if (referrer is not null && known.State == CandidateState.Down)
            {
                SendDownHint(referrer.From, address);
            }
            else if (referrer is not null && known.State == CandidateState.Open)
            {
                (known.Referrers ??= []).Add(referrer.From);
            }

            return;
        }

        if (!IsCloser(_paths[path], id) || (_options.OnlyGivenNodes && referrer is not null))
        {
            return;
        }

        var candidate = new Candidate(address, id, path, hops) { Referrers = referrer is null ? null : [referrer.From] };
        _seen.Add(address, candidate);
        Insert(_paths[path].Pending, candidate);
    }

    private void Continue()
    {
        if (!_isOpen || _isCommitting || IsEnded)
        {
            return;
        }

        bool isOver = true;
        for (int i = 0; i < _paths.Length; i++)
        {
            isOver &= !Advance(_paths[i]);
            if (IsEnded)
            {
                return;
            }
        }

        if (!isOver)
        {
            return;
        }

        // What was remembered proved stale: once, the table helps out.
        if (!_isFromTable && !_options.OnlyGivenNodes && _successes < _node.Options.BucketSize / 4)
        {
            AddFromTable();
            if (_isFromTable)
            {
                Continue();
                return;
            }
        }

        _isCommitting = true;
        _ = CommitAsync();
    }

    private void Insert(List<Candidate> pending, Candidate candidate)
    {
        int place = pending.Count;
        while (place > 0 && !_options.Explores && Distance.Compare(_target, pending[place - 1].Id, candidate.Id) < 0)
        {
            place--;
        }

        pending.Insert(place, candidate);
    }

    // False when the path is at its end.
    private bool Advance(Path path)
    {
        int share = Math.Max(1, (path.IsCautious ? CautiousConcurrency : Concurrency) / _paths.Length);
        while (path.Inflight < share + path.Slow && path.Pending.Count > 0)
        {
            Candidate next = path.Pending[^1];
            path.Pending.RemoveAt(path.Pending.Count - 1);
            if (IsCloser(path, next.Id))
            {
                Visit(path, next);
            }
        }

        if (!_isFromTable && _successes == 0 && _errors == 0)
        {
            path.IsCautious = true;
        }

        return path.Pending.Count > 0
            || (path.Inflight > 0 && (path.Slow < path.Inflight || path.Closest.Count < _node.Options.BucketSize));
    }

    private void Visit(Path path, Candidate candidate)
    {
        if (_requests >= _node.Options.MaxVisits)
        {
            _node.Counters.EndlessQueries++;
            path.Pending.Clear();
            return;
        }

        var request = new DhtRequest
        {
            To = candidate.Address,
            ToId = candidate.Id,
            IsInternal = _options.IsInternal,
            Command = _command,
            Target = _target,
            Value = _value,
            Retries = _options.IsForced ? 0 : _options.Retries ?? _node.Options.QueryRetries,
            IsForced = _options.IsForced,
        };
        if (_node.StartRequest(request, _scope, this, candidate) is null)
        {
            candidate.State = CandidateState.Done;
            _errors++;
            return;
        }

        _requests++;
        path.Inflight++;
    }

    private Candidate Release(PendingRequest request)
    {
        var candidate = (Candidate)request.State!;
        Path path = _paths[candidate.Path];
        path.Inflight--;
        if (candidate.IsSlow)
        {
            path.Slow--;
        }

        return candidate;
    }

    private bool IsCloser(Path path, in Hash id) =>
        path.Closest.Count < _node.Options.BucketSize || Distance.Compare(_target, id, path.Closest[^1].Reply.Id!.Value) < 0;

    private void Keep(Path path, DhtReply reply, in Hash id, int hops)
    {
        List<(DhtReply Reply, int Hops)> closest = path.Closest;
        int place = closest.Count;
        while (place > 0)
        {
            int order = Distance.Compare(_target, closest[place - 1].Reply.Id!.Value, id);
            if (order == 0)
            {
                return;
            }

            if (order < 0)
            {
                break;
            }

            place--;
        }

        closest.Insert(place, (reply, hops));
        if (!AddressRanges.IsLocal(reply.From.Host))
        {
            DropCrowded(closest, AddressRanges.NetworkOf(reply.From.Host));
        }

        if (closest.Count > _node.Options.BucketSize)
        {
            closest.RemoveAt(closest.Count - 1);
        }
    }

    // A /24 that has more than its share loses its farthest.
    private void DropCrowded(List<(DhtReply Reply, int Hops)> closest, uint network)
    {
        int neighbours = 0;
        int farthest = -1;
        for (int i = 0; i < closest.Count; i++)
        {
            if (AddressRanges.NetworkOf(closest[i].Reply.From.Host) == network)
            {
                neighbours++;
                farthest = i;
            }
        }

        if (neighbours > _node.Options.MaxRepliesPerNetwork)
        {
            closest.RemoveAt(farthest);
            _node.Counters.CrowdedReplies++;
        }
    }

    private void Hand(DhtReply reply)
    {
        if (OnReply is { } hear)
        {
            hear(reply);
        }
        else
        {
            (_unread ??= new Queue<DhtReply>()).Enqueue(reply);
        }
    }

    private void SendDownHint(DhtAddress referrer, DhtAddress down)
    {
        if (_node.TryTakeDownHint())
        {
            _node.SendDownHint(referrer, down);
        }
    }

    private async Flow CommitAsync()
    {
        int committed = 0;
        uint error = 0;
        Func<DhtReply, FlowScope, Flow<DhtReply?>>? commit = _options.Commit ?? (_options.CommitsSame ? CommitSameAsync : null);
        if (commit is not null)
        {
            Flow<DhtReply?>[] commits = [.. Merge().Select(c => commit(c.Reply, _scope))];
            foreach (Flow<DhtReply?> one in commits)
            {
                await one.Ended();
                if (one is { IsSuccess: true, Result: { } reply })
                {
                    committed += reply.Error == DhtErrors.None ? 1 : 0;
                    error = reply.Error == DhtErrors.None ? error : reply.Error;
                }
            }
        }

        End(committed, error);
    }

    private async Flow<DhtReply?> CommitSameAsync(DhtReply reply, FlowScope scope) =>
        reply.Token is null
            ? null
            : await _node.RequestAsync(
                new DhtRequest
                {
                    To = reply.From,
                    Command = _command,
                    IsInternal = _options.IsInternal,
                    Target = _target,
                    Value = _value,
                    Token = reply.Token,
                },
                scope);

    private void End(int committed, uint commitError)
    {
        if (IsEnded)
        {
            return;
        }

        IsEnded = true;
        (DhtReply Reply, int Hops)[] closest = Merge();
        _completion.TryComplete(new QueryResult
        {
            ClosestReplies = [.. closest.Select(c => c.Reply)],
            Successes = _successes,
            Errors = _errors,
            Committed = committed,
            CommitError = commitError,
            Requests = _requests,
            Hops = closest.Length == 0 ? 0 : closest[0].Hops + 1,
        });
        _scope.Cancel();
    }

    private (DhtReply Reply, int Hops)[] Merge()
    {
        if (_paths.Length == 1)
        {
            return [.. _paths[0].Closest];
        }

        var merged = new Path();
        foreach ((DhtReply reply, int hops) in _paths.SelectMany(p => p.Closest))
        {
            Keep(merged, reply, reply.Id!.Value, hops);
        }

        return [.. merged.Closest];
    }

    private int PendingCount()
    {
        int count = 0;
        foreach (Path path in _paths)
        {
            count += path.Pending.Count;
        }

        return count;
    }

    private enum CandidateState : byte
    {
        Open,
        Done,
        Down,
    }

    private sealed class Path
    {
        /// <summary>Whom to ask, the nearest to the target last.</summary>
        public List<Candidate> Pending { get; } = [];

        public List<(DhtReply Reply, int Hops)> Closest { get; } = [];

        public int Inflight { get; set; }

        public int Slow { get; set; }

        public bool IsCautious { get; set; }
    }

    private sealed class Candidate(DhtAddress address, in Hash id, int path, int hops)
    {
        public DhtAddress Address { get; } = address;

        public Hash Id { get; } = id;

        public int Path { get; } = path;

        public int Hops { get; } = hops;

        public bool IsSlow { get; set; }

        public CandidateState State { get; set; }

        /// <summary>Who named it: they hear when it is gone.</summary>
        public List<DhtAddress>? Referrers { get; set; }
    }
}
