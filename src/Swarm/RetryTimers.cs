using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>The rest between dials of one peer (docs/hyperswarm.md#retries).</summary>
internal sealed class RetryTimers
{
    private readonly BulkTimer[] _timers;

    public RetryTimers(SwarmOptions options, RandomSource random)
    {
        // What was drawn holds as long as the swarm: its peers come back together, those of others at other times.
        _timers =
        [
            new BulkTimer(Draw(options.ShortBackoff, 1)),
            new BulkTimer(Draw(options.MediumBackoff, 2)),
            new BulkTimer(Draw(options.LongBackoff, 4)),
            new BulkTimer(Draw(options.ExplicitBackoff, 240)),
        ];

        TimeSpan Draw(TimeSpan backoff, int spread) =>
            backoff + (options.BackoffJitter * spread * random.NextDouble()) + (options.BackoffJitter * random.NextDouble());
    }

    internal enum Rest
    {
        None = -1,
        Short,
        Medium,
        Long,
        Explicit,
    }

    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan? earliest = null;
            foreach (BulkTimer timer in _timers)
            {
                if (timer.Deadline is { } deadline && (earliest is null || deadline < earliest))
                {
                    earliest = deadline;
                }
            }

            return earliest;
        }
    }

    /// <summary>Lets a peer rest.</summary>
    /// <returns>False when it is given up.</returns>
    public bool Add(SwarmPeer peer, TimeSpan now)
    {
        Rest rest = RestOf(peer.Attempts, peer.IsProven, peer.IsExplicit, peer.IsBanned);
        if (rest == Rest.None)
        {
            return false;
        }

        _timers[(int)rest].Add(peer, now);
        return true;
    }

    /// <summary>Does one tick that is due.</summary>
    /// <returns>Who has rested enough; null when nothing is due.</returns>
    public IReadOnlyList<SwarmPeer>? Tick(TimeSpan now)
    {
        foreach (BulkTimer timer in _timers)
        {
            if (timer.Tick(now) is { } fired)
            {
                return fired;
            }
        }

        return null;
    }

    public void Clear()
    {
        foreach (BulkTimer timer in _timers)
        {
            timer.Clear();
        }
    }

    internal static Rest RestOf(int attempts, bool isProven, bool isExplicit, bool isBanned) => (attempts, isProven) switch
    {
        _ when isBanned => Rest.None,
        ( > 3, _) => isExplicit ? Rest.Explicit : Rest.None,
        (0, _) => Rest.Short,
        (1, true) => Rest.Short,
        (1, false) => Rest.Medium,
        (2, true) => Rest.Medium,
        _ => Rest.Long,
    };
}
