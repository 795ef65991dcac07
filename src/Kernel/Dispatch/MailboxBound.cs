namespace HyperActors.Kernel;

/// <summary>The bound of one mailbox. What comes while it is full is dropped and counted: its sender must be able to bear it.</summary>
internal sealed class MailboxBound(int capacity)
{
    private int _waiting;
    private long _dropped;

    public int Capacity => capacity;

    public long Dropped => Volatile.Read(ref _dropped);

    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _waiting) <= capacity)
        {
            return true;
        }

        Interlocked.Decrement(ref _waiting);
        Interlocked.Increment(ref _dropped);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _waiting);
}
