using HyperActors.Udx.Congestion;

namespace HyperActors.Udx;

/// <summary>Smoothed round trip, its variation, the retransmission timeout that follows, and a five-minute minimum.</summary>
internal sealed class RttEstimator(UdxOptions options)
{
    private static readonly TimeSpan _minWindow = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _suspicious = TimeSpan.FromSeconds(5);
    private WindowedFilter _min = new(long.MaxValue);

    /// <summary>The smoothed round trip (SRTT); zero before the first sample.</summary>
    public TimeSpan Smoothed { get; private set; }

    /// <summary>The mean deviation (RTTVAR).</summary>
    public TimeSpan Variation { get; private set; }

    /// <summary>How long an unanswered packet is waited for (RTO).</summary>
    public TimeSpan Timeout { get; private set; } = options.MinRetransmitTimeout;

    public bool HasSample => Smoothed > TimeSpan.Zero;

    /// <summary>The least round trip of the last five minutes; <see cref="TimeSpan.MaxValue"/> before the first sample.</summary>
    public TimeSpan Min => TimeSpan.FromTicks((long)_min.Best);

    /// <summary>A round trip that spans a sleep of the machine would blow the timeout up; it is cut to what is credible.</summary>
    public TimeSpan Clamp(TimeSpan sample)
    {
        TimeSpan credible = HasSample ? Smoothed + (5 * Variation) : options.MaxRetransmitTimeout;
        if (HasSample && (sample <= _suspicious || sample <= credible))
        {
            return sample;
        }

        return Shortest(sample, Shortest(credible, options.MaxRetransmitTimeout));
    }

    /// <summary>Takes in a clamped sample of a packet that was sent only once.</summary>
    public void Add(TimeSpan sample, TimeSpan now)
    {
        // A clock that stood still between two reads must not look like no sample at all.
        sample = sample < TimeSpan.FromMicroseconds(1) ? TimeSpan.FromMicroseconds(1) : sample;
        _min.AddMin(sample.Ticks, now.Ticks, _minWindow.Ticks);
        if (!HasSample)
        {
            Smoothed = sample;
            Variation = sample / 2;
        }
        else
        {
            Variation = ((3 * Variation) + (sample - Smoothed).Duration()) / 4;
            Smoothed = ((7 * Smoothed) + sample) / 8;
        }

        Timeout = Shortest(
            options.MaxRetransmitTimeout, Longest(options.MinRetransmitTimeout, Smoothed + (4 * Variation)));
    }

    private static TimeSpan Shortest(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Longest(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
