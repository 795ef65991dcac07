namespace HyperActors.Dht;

/// <summary>A budget per host or network that refills with time, for so many of them.</summary>
internal sealed class Meter(double perSecond, double burst, int maxKeys)
{
    private readonly Dictionary<uint, (double Used, TimeSpan At)> _used = [];

    /// <summary>Takes <paramref name="amount"/> from the budget of <paramref name="key"/>; false, and nothing taken, when there is not that much.</summary>
    public bool TryTake(uint key, double amount, TimeSpan now)
    {
        double used = _used.TryGetValue(key, out (double Used, TimeSpan At) entry) ? UsedNow(entry, now) : 0;
        if (used + amount > burst)
        {
            return false;
        }

        if (_used.Count >= maxKeys && !_used.ContainsKey(key))
        {
            Sweep(now);
        }

        _used[key] = (used + amount, now);
        return true;
    }

    // Those that have refilled need no entry. When that frees too little, those that used less than most go as well.
    private void Sweep(TimeSpan now)
    {
        uint[] lightest = [.. _used.OrderBy(e => UsedNow(e.Value, now)).ThenBy(e => e.Key).Take(maxKeys / 4).Select(e => e.Key)];
        foreach (uint key in lightest)
        {
            _used.Remove(key);
        }

        foreach (uint key in _used.Where(e => UsedNow(e.Value, now) <= 0).Select(e => e.Key).ToArray())
        {
            _used.Remove(key);
        }
    }

    private double UsedNow((double Used, TimeSpan At) entry, TimeSpan now) =>
        Math.Max(0, entry.Used - ((now - entry.At).TotalSeconds * perSecond));
}
