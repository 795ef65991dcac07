namespace HyperActors.Kernel;

/// <summary>What the engine keeps for each thread, in one object: a thread's own variables are dear to look up.</summary>
internal sealed class Worker
{
    private const int MaxFirst = 64;
    private const int MaxFurther = 8;

    /// <summary>Turns in a row that one thread does for itself. Then whatever waits in the shared queue has its chance.</summary>
    private const int LongestRun = 32;

    [ThreadStatic]
    private static Worker? t_current;

    /// <summary>Spare segments at hand.</summary>
    public readonly Shelf First = new(MaxFirst);
    public readonly Shelf Further = new(MaxFurther);

    /// <summary>The cell whose turn runs on this thread.</summary>
    public ActorCell? Running;

    /// <summary>True while this thread runs turns for the thread pool: the cell that a turn wakes is left in <see cref="Next"/>.</summary>
    public bool IsPooled;

    /// <summary>
    /// A cell that the turn woke which runs here: it follows on this thread, where its message is in the cache. Any
    /// thread may take it by an exchange.
    /// </summary>
    public ActorCell? Next;

    /// <summary>How many turns have begun here, so that <see cref="TurnWatch"/> sees one that does not end.</summary>
    public long Turns;

    /// <summary>True while this thread asks from outside: the cell that it wakes is left in <see cref="Asked"/>.</summary>
    public bool IsAsking;

    /// <summary>A cell that was at rest until this thread asked it.</summary>
    public ActorCell? Asked;

    public static Worker Current => t_current ?? Begin();

    /// <summary>The running cell, where there is one.</summary>
    public static ActorCell? RunningHere => t_current?.Running;

    /// <summary>Leaves a cell to the thread that wakes it, by its turn or by an ask from outside.</summary>
    /// <returns>False when it has to be given a thread.</returns>
    public static bool TryKeep(ActorCell cell)
    {
        if (t_current is not { } worker)
        {
            return false;
        }

        if (worker.IsPooled)
        {
            if (worker.Next is not null)
            {
                return false;
            }

            Volatile.Write(ref worker.Next, cell);
            TurnWatch.LookAgain();
            return true;
        }

        if (!worker.IsAsking)
        {
            return false;
        }

        worker.IsAsking = false;
        worker.Asked = cell;
        return true;
    }

    /// <summary>Runs a cell for the thread pool, then what its turn woke, and so on for a while.</summary>
    public void Run(ActorCell cell)
    {
        IsPooled = true;
        for (int turns = 1; ; turns++)
        {
            if (cell.RunTurn(cell.Dispatcher.Throughput))
            {
                cell.Dispatcher.ScheduleAgain(cell);
            }

            if (TakeNext() is not { } next)
            {
                break;
            }

            if (turns == LongestRun)
            {
                ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
                break;
            }

            cell = next;
        }

        IsPooled = false;
    }

    /// <summary>Takes the cell that was to follow here, for whoever runs it or queues it.</summary>
    public ActorCell? TakeNext() => Volatile.Read(ref Next) is null ? null : Interlocked.Exchange(ref Next, null);

    /// <summary>Gives the cell that was to follow here to any thread of the pool: the turn before it is a long one.</summary>
    public void LetGoOfNext()
    {
        if (TakeNext() is { } next)
        {
            ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
        }
    }

    private static Worker Begin()
    {
        t_current = new Worker();
        TurnWatch.Add(t_current);
        return t_current;
    }

    /// <summary>A few segments of one size.</summary>
    internal sealed class Shelf(int capacity)
    {
        private readonly Segment?[] _segments = new Segment?[capacity];
        private int _count;

        // A rented segment's place is left as it is: the one that comes back is mostly the same, and then nothing
        // has to be written.
        public Segment? TryRent() => _count > 0 ? _segments[--_count] : null;

        public bool TryReturn(Segment segment)
        {
            if (_count == _segments.Length)
            {
                return false;
            }

            if (!ReferenceEquals(_segments[_count], segment))
            {
                _segments[_count] = segment;
            }

            _count++;
            return true;
        }
    }
}
