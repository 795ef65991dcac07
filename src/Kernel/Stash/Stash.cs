namespace HyperActors.Kernel;

/// <summary>Sets messages aside for later. They come back ahead of the mailbox, in the order in which they arrived.</summary>
public interface IStash
{
    int Count { get; }

    bool IsEmpty { get; }

    bool NonEmpty { get; }

    bool IsFull { get; }

    int Capacity { get; }

    /// <summary>Sets the current message aside; twice is a mistake.</summary>
    void Stash();

    void Unstash();

    void UnstashAll();

    void UnstashAll(Func<Envelope, bool> predicate);

    IEnumerable<Envelope> ClearStash();

    void Prepend(IEnumerable<Envelope> envelopes);
}

/// <summary>An actor with a stash. A restart or stop puts what is in it back into the mailbox.</summary>
public interface IActorStash
{
    IStash Stash { get; set; }
}

/// <summary>An actor with a stash, bounded where <see cref="Props.WithStashCapacity"/> says so.</summary>
public interface IWithStash : IActorStash;

public interface IWithUnboundedStash : IActorStash;

internal sealed class ActorStash(ActorCell cell) : IStash
{
    private readonly LinkedList<Envelope> _stashed = new();
    private (long Taken, long FrontTaken) _lastStashed = (-1, -1);

    public int Count => _stashed.Count;

    public bool IsEmpty => _stashed.Count == 0;

    public bool NonEmpty => _stashed.Count > 0;

    public bool IsFull => Capacity > 0 && _stashed.Count >= Capacity;

    public int Capacity => cell.Actor is IWithUnboundedStash ? -1 : cell.Props.StashCapacity;

    public void Stash()
    {
        if (cell.CurrentMessage is not { } message)
        {
            throw new IllegalActorStateException("There is no message to stash.");
        }

        if (cell.EnvelopeNumber == _lastStashed)
        {
            throw new IllegalActorStateException($"Can't stash the same message {message} more than once");
        }

        if (IsFull)
        {
            throw new StashOverflowException($"Couldn't enqueue message {message} to stash of {cell.Self}");
        }

        _lastStashed = cell.EnvelopeNumber;
        _stashed.AddLast(new Envelope(message, cell.CurrentSender));
    }

    public void Unstash()
    {
        if (_stashed.First is { } first)
        {
            _stashed.RemoveFirst();
            PutBack(first.Value);
        }
    }

    public void UnstashAll() => UnstashAll(static _ => true);

    public void UnstashAll(Func<Envelope, bool> predicate)
    {
        for (LinkedListNode<Envelope>? node = _stashed.Last; node is not null; node = node.Previous)
        {
            if (predicate(node.Value))
            {
                PutBack(node.Value);
            }
        }

        _stashed.Clear();
    }

    public IEnumerable<Envelope> ClearStash()
    {
        Envelope[] stashed = [.. _stashed];
        _stashed.Clear();
        return stashed;
    }

    public void Prepend(IEnumerable<Envelope> envelopes)
    {
        foreach (Envelope envelope in envelopes.Distinct().Reverse())
        {
            _stashed.AddFirst(envelope);
        }
    }

    private void PutBack(Envelope envelope)
    {
        cell.PutInFront(envelope);
        if (envelope.Message is Terminated terminated)
        {
            cell.AnnounceAgain(terminated);
        }
    }
}
