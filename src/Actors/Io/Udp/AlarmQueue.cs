namespace HyperActors.Actors;

/// <summary>Who wants to be woken when. Safe from any thread.</summary>
internal sealed class AlarmQueue
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<IUdpSleeper, TimeSpan> _alarms = new();

    /// <summary>When the next alarm is due; <see cref="TimeSpan.MaxValue"/> when there is none.</summary>
    public TimeSpan Next
    {
        get
        {
            lock (_gate)
            {
                return _alarms.TryPeek(out _, out TimeSpan due) ? due : TimeSpan.MaxValue;
            }
        }
    }

    /// <summary>Adds an alarm; true when it is the first to be due.</summary>
    public bool Add(TimeSpan due, IUdpSleeper sleeper)
    {
        lock (_gate)
        {
            bool isFirst = !_alarms.TryPeek(out _, out TimeSpan next) || due < next;
            _alarms.Enqueue(sleeper, due);
            return isFirst;
        }
    }

    /// <summary>Wakes everyone whose time has come.</summary>
    public void Ring(TimeSpan now)
    {
        while (TryTake(now, out IUdpSleeper? sleeper))
        {
            sleeper.HandleAlarm(now);
        }
    }

    private bool TryTake(TimeSpan now, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IUdpSleeper? sleeper)
    {
        lock (_gate)
        {
            if (_alarms.TryPeek(out sleeper, out TimeSpan due) && due <= now)
            {
                _alarms.Dequeue();
                return true;
            }
        }

        sleeper = null;
        return false;
    }
}
