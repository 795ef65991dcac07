using System.Diagnostics.Tracing;

namespace HyperActors.Simulation;

/// <summary>How many buffers of the process's shared pools are out, and what the pools hold in all, as they tell themselves.</summary>
internal sealed class BufferLedger : EventListener
{
    private const string Pools = "System.Buffers.ArrayPoolEventSource";
    private const int Rented = 1;
    private const int Allocated = 2;
    private const int Returned = 3;
    private const int Trimmed = 4;
    private const int Dropped = 6;

    private long _outstanding;
    private long _bytes;

    /// <summary>Rented and not returned since the ledger was opened.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

    /// <summary>Bytes of the arrays that the pools have made and not given up, in and out: they fill as they are used, up to their own bounds.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Pools)
        {
            EnableEvents(eventSource, EventLevel.Verbose);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        switch (eventData.EventId)
        {
            case Rented:
                Interlocked.Increment(ref _outstanding);
                break;
            case Allocated:
                Interlocked.Add(ref _bytes, Size(eventData));
                break;
            case Trimmed or Dropped:
                Interlocked.Add(ref _bytes, -Size(eventData));
                break;
            case Returned:
                Interlocked.Decrement(ref _outstanding);
                break;
        }
    }

    // Nearly all pooled arrays are bytes.
    private static int Size(EventWrittenEventArgs eventData) => (int)eventData.Payload![1]!;
}
