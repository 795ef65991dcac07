using System.Diagnostics.CodeAnalysis;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>A request of a peer.</summary>
internal sealed class InRequest(ulong id, ulong ticket, ProofRequest request, bool isUrgent)
{
    public ulong Id { get; } = id;

    public ulong Ticket { get; } = ticket;

    public ProofRequest Request { get; } = request;

    public bool IsUrgent { get; } = isUrgent;

    public bool IsCancelled { get; set; }
}

/// <summary>Requests of one peer that wait to be served: urgent ones first, the last come of them before the others.</summary>
internal sealed class ServeQueue
{
    private readonly Dictionary<ulong, InRequest> _byId = [];
    private readonly Dictionary<ulong, InRequest> _serving = [];
    private readonly Stack<InRequest> _urgent = new();
    private readonly Queue<InRequest> _normal = new();

    /// <summary>Requests that wait; those that are being served don't count.</summary>
    public int Waiting { get; private set; }

    /// <summary>Requests that the feed is looking up.</summary>
    public int Serving => _serving.Count;

    /// <summary>Adds a request; one of the same id that is still unanswered is replaced.</summary>
    public void Add(InRequest request)
    {
        Cancel(request.Id);
        _byId[request.Id] = request;
        Waiting++;
        if (request.IsUrgent)
        {
            _urgent.Push(request);
        }
        else
        {
            _normal.Enqueue(request);
        }

        // Cancelled requests are only marked: a peer that asks and takes back must not make the queue grow.
        if (_urgent.Count + _normal.Count > (2 * Waiting) + 64)
        {
            Compact();
        }
    }

    /// <summary>Forgets a request, wherever it is: it will not be answered.</summary>
    public void Cancel(ulong id)
    {
        if (_byId.Remove(id, out InRequest? request))
        {
            request.IsCancelled = true;
            if (!_serving.ContainsKey(request.Ticket))
            {
                Waiting--;
            }
        }
    }

    /// <summary>The next one to serve.</summary>
    public bool TryTake([NotNullWhen(true)] out InRequest? request)
    {
        while (_urgent.TryPop(out request) || _normal.TryDequeue(out request))
        {
            if (!request.IsCancelled)
            {
                Waiting--;
                _serving.Add(request.Ticket, request);
                return true;
            }
        }

        return false;
    }

    /// <summary>The feed has answered; false when nobody waits for it any more.</summary>
    public bool TryFinish(ulong ticket, [NotNullWhen(true)] out InRequest? request)
    {
        if (!_serving.Remove(ticket, out request) || request.IsCancelled)
        {
            request = null;
            return false;
        }

        _byId.Remove(request.Id);
        return true;
    }

    public void Clear()
    {
        _byId.Clear();
        _serving.Clear();
        _urgent.Clear();
        _normal.Clear();
        Waiting = 0;
    }

    private void Compact()
    {
        InRequest[] urgent = [.. _urgent.Where(r => !r.IsCancelled).Reverse()];
        InRequest[] normal = [.. _normal.Where(r => !r.IsCancelled)];
        _urgent.Clear();
        _normal.Clear();
        foreach (InRequest request in urgent)
        {
            _urgent.Push(request);
        }

        foreach (InRequest request in normal)
        {
            _normal.Enqueue(request);
        }
    }
}
