using System.Collections.Concurrent;

namespace HyperActors.Kernel;

/// <summary>A stretch of a mailbox: slots that are filled once, emptied once, and then lent to the next mailbox.</summary>
internal sealed class Segment(int capacity)
{
    public readonly Envelope[] Slots = new Envelope[capacity];

    /// <summary>The stretch behind this one, or the next spare one while the pool holds it.</summary>
    public Segment? Next;

    /// <summary>What a mailbox begins with: enough for an actor that keeps up.</summary>
    public const int FirstCapacity = 16;

    /// <summary>What it goes on with: linking then costs next to nothing a message.</summary>
    public const int FurtherCapacity = 256;

    private const int MaxFirstPerThread = 64;
    private const int MaxFurtherPerThread = 8;
    private const int MaxShared = 1024;

    private static readonly ConcurrentQueue<Segment> SharedFirst = new();
    private static readonly ConcurrentQueue<Segment> SharedFurther = new();

    [ThreadStatic]
    private static Spares? t_spares;

    public static Segment RentFirst()
    {
        Spares spares = t_spares ??= new Spares();
        if (spares.First is { } segment)
        {
            spares.First = segment.Next;
            spares.FirstCount--;
            segment.Next = null;
            return segment;
        }

        return SharedFirst.TryDequeue(out Segment? shared) ? shared : new Segment(FirstCapacity);
    }

    public static Segment RentFurther()
    {
        Spares spares = t_spares ??= new Spares();
        if (spares.Further is { } segment)
        {
            spares.Further = segment.Next;
            spares.FurtherCount--;
            segment.Next = null;
            return segment;
        }

        return SharedFurther.TryDequeue(out Segment? shared) ? shared : new Segment(FurtherCapacity);
    }

    /// <summary>Takes back a segment whose slots are all empty again.</summary>
    public static void Return(Segment segment)
    {
        Spares spares = t_spares ??= new Spares();
        bool first = segment.Slots.Length == FirstCapacity;
        if (first && spares.FirstCount < MaxFirstPerThread)
        {
            segment.Next = spares.First;
            spares.First = segment;
            spares.FirstCount++;
        }
        else if (!first && spares.FurtherCount < MaxFurtherPerThread)
        {
            segment.Next = spares.Further;
            spares.Further = segment;
            spares.FurtherCount++;
        }
        else
        {
            segment.Next = null;
            ConcurrentQueue<Segment> shared = first ? SharedFirst : SharedFurther;
            if (shared.Count < MaxShared)
            {
                shared.Enqueue(segment);
            }
        }
    }

    private sealed class Spares
    {
        public Segment? First;
        public Segment? Further;
        public int FirstCount;
        public int FurtherCount;
    }
}
