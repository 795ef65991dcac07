namespace HyperActors.Udx;

/// <summary>A token bucket that spreads a window over its round trip.</summary>
internal sealed class Pacer(TimeSpan burst)
{
    private const int MinBurst = 10 * 1500;
    private const int MaxQuantum = 64 * 1024;
    private const double QuantumSeconds = 0.001;
    private double _tokens = MinBurst;
    private TimeSpan _refilled;

    /// <summary>Whether a packet may leave now. The last one may overdraw.</summary>
    public bool HasTokens => _tokens > 0;

    /// <summary>Fills the bucket for the time that passed, at so many bytes per second.</summary>
    public void Refill(TimeSpan now, double rate)
    {
        if (now > _refilled)
        {
            double capacity = Math.Max(MinBurst, rate * burst.TotalSeconds);
            _tokens = Math.Min(capacity, _tokens + (rate * (now - _refilled).TotalSeconds));
            _refilled = now;
        }
    }

    public void Spend(int bytes) => _tokens -= bytes;

    /// <summary>When enough has come together for a send that is worth its call.</summary>
    public TimeSpan ReadyAt(TimeSpan now, double rate)
    {
        double quantum = Math.Clamp(rate * QuantumSeconds, 1, MaxQuantum);
        double seconds = Math.Min(1, (quantum - _tokens) / rate);
        return now + TimeSpan.FromTicks(Math.Max(1, (long)Math.Ceiling(seconds * TimeSpan.TicksPerSecond)));
    }
}
