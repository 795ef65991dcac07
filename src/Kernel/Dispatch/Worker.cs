namespace HyperActors.Kernel;

/// <summary>What the engine keeps for each thread, in one object: a thread's own variables are dear to look up.</summary>
internal sealed class Worker
{
    private const int MaxFirst = 64;
    private const int MaxFurther = 8;

    [ThreadStatic]
    private static Worker? t_current;

    /// <summary>Spare segments at hand.</summary>
    public readonly Shelf First = new(MaxFirst);
    public readonly Shelf Further = new(MaxFurther);

    /// <summary>The cell whose turn runs on this thread.</summary>
    public ActorCell? Running;

    /// <summary>True while this thread asks from outside: the cell that it wakes is left in <see cref="Asked"/>.</summary>
    public bool IsAsking;

    /// <summary>A cell that was at rest until this thread asked it.</summary>
    public ActorCell? Asked;

    public static Worker Current => t_current ?? Begin();

    /// <summary>The running cell, where there is one.</summary>
    public static ActorCell? RunningHere => t_current?.Running;

    /// <summary>Leaves a cell that was woken by an ask from outside to the thread that asks.</summary>
    /// <returns>False when it has to be given a thread.</returns>
    public static bool TryKeepAsked(ActorCell cell)
    {
        if (t_current is not { IsAsking: true } worker)
        {
            return false;
        }

        worker.IsAsking = false;
        worker.Asked = cell;
        return true;
    }

    private static Worker Begin() => t_current = new Worker();

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
