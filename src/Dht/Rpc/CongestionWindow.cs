namespace HyperActors.Dht;

/// <summary>How many requests may leave: so many per slot of 750 ms, twice that in the last four slots together.</summary>
internal struct CongestionWindow(int maxWindow)
{
    private int _slot;
    private int _total;
    private int _sent0;
    private int _sent1;
    private int _sent2;
    private int _sent3;

    public bool IsFull => _total >= 2 * maxWindow || Sent(_slot) >= maxWindow;

    public bool IsEmpty => _total == 0;

    public void Clear() => this = new CongestionWindow(maxWindow);

    public void OnSent()
    {
        _total++;
        Sent(_slot)++;
    }

    /// <summary>A request has ended, with a reply or without.</summary>
    public void OnEnded()
    {
        if (Sent(_slot) > 0)
        {
            Sent(_slot)--;
            _total--;
        }
    }

    public void Drain(long drains)
    {
        for (long i = Math.Min(drains, 4); i > 0; i--)
        {
            _slot = (_slot + 1) & 3;
            _total -= Sent(_slot);
            Sent(_slot) = 0;
        }
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    private ref int Sent(int slot)
    {
        switch (slot)
        {
            case 0: return ref _sent0;
            case 1: return ref _sent1;
            case 2: return ref _sent2;
            default: return ref _sent3;
        }
    }
}
