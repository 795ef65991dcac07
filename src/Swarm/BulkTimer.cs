namespace HyperActors.Swarm;

/// <summary>Wakes peers in bulk: a clock that ticks at two thirds of the time, and whoever was added fires on its second tick.</summary>
internal sealed class BulkTimer
{
    private readonly TimeSpan _interval;
    private List<SwarmPeer> _next = [];
    private List<SwarmPeer> _pending = [];
    private TimeSpan? _tick;

    public BulkTimer(TimeSpan time)
    {
        // In whole milliseconds, as upstream counts; a clock that does not advance would never end.
        _interval = TimeSpan.FromMilliseconds(Math.Max(1, Math.Floor(time.TotalMilliseconds * 0.66)));
    }

    /// <summary>The next tick that has anything to do.</summary>
    public TimeSpan? Deadline => _next.Count + _pending.Count > 0 ? _tick : null;

    public void Add(SwarmPeer peer, TimeSpan now)
    {
        // The clock starts with the first peer and then keeps its rhythm.
        _tick = NextTick(_tick ?? now, now);
        _pending.Add(peer);
    }

    /// <summary>Does one tick that is due.</summary>
    /// <returns>Who fires; null when no tick with anything to do is due.</returns>
    public IReadOnlyList<SwarmPeer>? Tick(TimeSpan now)
    {
        if (Deadline is not { } due || due > now)
        {
            return null;
        }

        List<SwarmPeer> fired = _next;
        _next = _pending;
        _pending = [];
        _tick = NextTick(due, now);
        return fired;
    }

    public void Clear()
    {
        _next.Clear();
        _pending.Clear();
        _tick = null;
    }

    // Ticks that nobody needed, and those that a late clock has missed, are passed over.
    private TimeSpan NextTick(TimeSpan tick, TimeSpan now) =>
        tick > now ? tick : tick + (_interval * (((now - tick).Ticks / _interval.Ticks) + 1));
}
