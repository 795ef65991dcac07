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

    public static Worker Current => t_current ?? Begin();

    /// <summary>The running cell, where there is one.</summary>
    public static ActorCell? RunningHere => t_current?.Running;

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
