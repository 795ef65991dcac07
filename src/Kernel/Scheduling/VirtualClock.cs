namespace HyperActors.Kernel;

/// <summary>Time that stands still until somebody moves it. One thread, no lock.</summary>
internal sealed class VirtualClock : Clock
{
    private static readonly DateTimeOffset Origin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TimerHeap _heap = new();
    private TimeSpan _elapsed;

    public override TimeSpan Elapsed => _elapsed;

    public override DateTimeOffset Now => Origin + _elapsed;

    /// <summary>When the next item is due; null while nothing is armed.</summary>
    public TimeSpan? NextDue => _heap.Count == 0 ? null : _heap.First.Due;

    /// <summary>Items that are armed.</summary>
    public int Armed => _heap.Count;

    public override void Arm(ScheduledItem item, TimeSpan due)
    {
        if (!item.IsDisarmed)
        {
            _heap.Put(item, due);
        }
    }

    public override void Disarm(ScheduledItem item)
    {
        item.IsDisarmed = true;
        _heap.Remove(item);
    }

    public override void Stop() => _heap.Clear();

    /// <summary>Moves time forward, never back.</summary>
    public void MoveTo(TimeSpan time) => _elapsed = time > _elapsed ? time : _elapsed;

    /// <summary>Fires the next item that is due by now; false when there is none.</summary>
    public bool FireNext()
    {
        if (_heap.Count == 0 || _heap.First.Due > _elapsed)
        {
            return false;
        }

        ScheduledItem item = _heap.First;
        _heap.Remove(item);
        item.Fire();
        return true;
    }
}
