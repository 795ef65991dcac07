using System.Diagnostics.Tracing;

namespace HyperActors.Simulation;

/// <summary>How many buffers of the process's shared pools are out at the moment, as the pools themselves tell.</summary>
internal sealed class BufferLedger : EventListener
{
    private const string Pools = "System.Buffers.ArrayPoolEventSource";
    private const int Rented = 1;
    private const int Returned = 3;

    private long _outstanding;

    /// <summary>Rented and not returned since the ledger was opened.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

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
            case Returned:
                Interlocked.Decrement(ref _outstanding);
                break;
        }
    }
}
