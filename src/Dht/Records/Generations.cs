namespace HyperActors.Dht;

/// <summary>When two generations of entries move on: every two thirds of the age, so that an entry lives between one and two of these.</summary>
internal sealed class Generations(TimeSpan age)
{
    private TimeSpan? _next;
    private bool _hasTurned;

    private TimeSpan Period => age * (2.0 / 3);

    /// <summary>How many generations have passed since it was last asked; two empty everything.</summary>
    public int Advance(TimeSpan now)
    {
        _next ??= now + Period;
        if (now < _next)
        {
            return 0;
        }

        long periods = ((now - _next.Value).Ticks / Period.Ticks) + 1;
        _next += Period * periods;

        // A generation that was full has turned by itself: the next turn by the clock is left out.
        if (_hasTurned)
        {
            _hasTurned = false;
            periods--;
        }

        return (int)Math.Min(periods, 2);
    }

    /// <summary>A generation was full and has turned.</summary>
    public void OnTurned() => _hasTurned = true;
}
