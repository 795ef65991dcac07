namespace HyperActors.Replication;

/// <summary>Memory that several holders need: the last one to dispose it lets it go.</summary>
/// <remarks>Holders may be other actors, so the count is atomic.</remarks>
internal sealed class SharedLease(IDisposable inner) : IDisposable
{
    private int _holders = 1;

    public SharedLease Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            inner.Dispose();
        }
    }
}
