namespace HyperActors.Kernel;

/// <summary>Something to do at a time. Lives in the heap of one clock, which keeps its place in it.</summary>
internal abstract class ScheduledItem
{
    internal TimeSpan Due;
    internal long Order;
    internal int Place = -1;
    internal volatile bool IsDisarmed;

    public bool IsArmed => Volatile.Read(ref Place) >= 0;

    /// <summary>Called once it is due, on the clock's thread. Short, and never throws.</summary>
    public abstract void Fire();
}

/// <summary>What a system waits on: a clock, and a heap of what is due.</summary>
internal abstract class Clock
{
    public abstract TimeSpan Elapsed { get; }

    public abstract DateTimeOffset Now { get; }

    /// <summary>Arms an item, or moves it. An item that was disarmed stays so.</summary>
    public abstract void Arm(ScheduledItem item, TimeSpan due);

    /// <summary>Takes an item out for good.</summary>
    public abstract void Disarm(ScheduledItem item);

    /// <summary>No item fires after this.</summary>
    public abstract void Stop();
}

/// <summary>Items by due time, those of one time in the order of arming. Four children a node: flat, and cheap to keep.</summary>
internal sealed class TimerHeap
{
    private const int Arity = 4;

    private ScheduledItem[] _items = new ScheduledItem[16];
    private long _order;

    public int Count { get; private set; }

    public ScheduledItem First => _items[0];

    public void Put(ScheduledItem item, TimeSpan due)
    {
        Remove(item);
        item.Due = due;
        item.Order = _order++;
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        Rise(item, Count++);
    }

    public bool Remove(ScheduledItem item)
    {
        int place = item.Place;
        if (place < 0)
        {
            return false;
        }

        item.Place = -1;
        ScheduledItem last = _items[--Count];
        _items[Count] = null!;
        if (!ReferenceEquals(last, item))
        {
            if (place > 0 && IsBefore(last, _items[(place - 1) / Arity]))
            {
                Rise(last, place);
            }
            else
            {
                Sink(last, place);
            }
        }

        return true;
    }

    public void Clear()
    {
        for (int i = 0; i < Count; i++)
        {
            _items[i].Place = -1;
        }

        Array.Clear(_items);
        Count = 0;
    }

    private static bool IsBefore(ScheduledItem a, ScheduledItem b) =>
        a.Due < b.Due || (a.Due == b.Due && a.Order < b.Order);

    private void Rise(ScheduledItem item, int place)
    {
        while (place > 0)
        {
            int above = (place - 1) / Arity;
            if (!IsBefore(item, _items[above]))
            {
                break;
            }

            Set(_items[above], place);
            place = above;
        }

        Set(item, place);
    }

    private void Sink(ScheduledItem item, int place)
    {
        while (true)
        {
            int first = (place * Arity) + 1;
            if (first >= Count)
            {
                break;
            }

            int least = first;
            for (int i = first + 1; i < Math.Min(first + Arity, Count); i++)
            {
                if (IsBefore(_items[i], _items[least]))
                {
                    least = i;
                }
            }

            if (!IsBefore(_items[least], item))
            {
                break;
            }

            Set(_items[least], place);
            place = least;
        }

        Set(item, place);
    }

    private void Set(ScheduledItem item, int place)
    {
        _items[place] = item;
        item.Place = place;
    }
}
