using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Replication;

/// <summary>Requests in flight to one peer, by id.</summary>
/// <remarks>
/// Ids are small numbers that are used again: at once when an answer came; after a cancel only when a request that was
/// sent later has been answered, since an answer may have crossed the cancel (docs/replication.md#requests).
/// </remarks>
internal sealed class RequestTable
{
    private readonly List<OutRequest> _slots = [];
    private readonly Stack<OutRequest> _free = new();
    private readonly Queue<(OutRequest Request, ulong CancelledAt)> _cancelled = new();
    private ulong _sequence;

    /// <summary>Requests that are to be answered.</summary>
    public int Active { get; private set; }

    /// <summary>Cancelled ids that may not be used yet.</summary>
    public int Cancelled => _cancelled.Count;

    /// <summary>A request with an id of its own, sent now.</summary>
    public OutRequest Add(TimeSpan now)
    {
        if (!_free.TryPop(out OutRequest? request))
        {
            request = new OutRequest((ulong)_slots.Count + 1);
            _slots.Add(request);
        }

        request.Sequence = ++_sequence;
        request.SentAt = now;
        request.IsCancelled = false;
        request.IsFree = false;
        request.IsPresumed = false;
        request.UpgradeStart = null;
        request.Nodes = 0;
        Active++;
        return request;
    }

    /// <summary>The request of an id, cancelled or not.</summary>
    public bool TryGet(ulong id, [NotNullWhen(true)] out OutRequest? request)
    {
        request = id - 1 < (ulong)_slots.Count ? _slots[(int)(id - 1)] : null;
        if (request is null || request.IsFree)
        {
            request = null;
        }

        return request is not null;
    }

    /// <summary>The peer has answered: the id is free, and so are those that were cancelled before it was sent.</summary>
    public void Answer(OutRequest request)
    {
        if (!request.IsCancelled)
        {
            Active--;
            Free(request);
        }

        while (_cancelled.TryPeek(out (OutRequest Request, ulong CancelledAt) oldest)
            && oldest.CancelledAt < request.Sequence)
        {
            _cancelled.Dequeue();
            Free(oldest.Request);
        }
    }

    /// <summary>Takes a request back; its answer will be ignored.</summary>
    public void Cancel(OutRequest request)
    {
        Invariant.Hold(request is { IsCancelled: false, IsFree: false });
        request.IsCancelled = true;
        Active--;
        _cancelled.Enqueue((request, _sequence));
    }

    /// <summary>All requests that are to be answered.</summary>
    public IEnumerable<OutRequest> InFlight()
    {
        for (int i = 0; i < _slots.Count; i++)
        {
            if (_slots[i] is { IsFree: false, IsCancelled: false } request)
            {
                yield return request;
            }
        }
    }

    /// <summary>The sequence of the oldest request that is to be answered.</summary>
    public ulong OldestSequence()
    {
        ulong oldest = ulong.MaxValue;
        foreach (OutRequest slot in _slots)
        {
            if (slot is { IsFree: false, IsCancelled: false })
            {
                oldest = Math.Min(oldest, slot.Sequence);
            }
        }

        return oldest;
    }

    private void Free(OutRequest request)
    {
        request.IsFree = true;
        _free.Push(request);
    }
}
