using System.Collections.Concurrent;

namespace HyperActors.Kernel;

/// <summary>A stretch of a mailbox: slots that are filled once, emptied once, and then lent to the next mailbox.</summary>
internal sealed class Segment(int capacity)
{
    public readonly Envelope[] Slots = new Envelope[capacity];

    /// <summary>The stretch behind this one.</summary>
    public Segment? Next;

    /// <summary>What a mailbox begins with: enough for an actor that keeps up.</summary>
    public const int FirstCapacity = 16;

    /// <summary>What it goes on with: linking then costs next to nothing a message.</summary>
    public const int FurtherCapacity = 256;

    private const int MaxShared = 1024;

    private static readonly ConcurrentQueue<Segment> SharedFirst = new();
    private static readonly ConcurrentQueue<Segment> SharedFurther = new();

    public static Segment RentFirst(Worker worker) => worker.First.TryRent() ?? Share(SharedFirst, FirstCapacity);

    public static Segment RentFurther(Worker worker) => worker.Further.TryRent() ?? Share(SharedFurther, FurtherCapacity);

    /// <summary>Takes back a segment whose slots are all empty again.</summary>
    public static void Return(Segment segment, Worker worker)
    {
        bool isFirst = segment.Slots.Length == FirstCapacity;
        if (!(isFirst ? worker.First : worker.Further).TryReturn(segment))
        {
            ConcurrentQueue<Segment> shared = isFirst ? SharedFirst : SharedFurther;
            if (shared.Count < MaxShared)
            {
                shared.Enqueue(segment);
            }
        }
    }

    private static Segment Share(ConcurrentQueue<Segment> shared, int capacity) =>
        shared.TryDequeue(out Segment? segment) ? segment : new Segment(capacity);
}
