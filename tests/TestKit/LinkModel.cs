using HyperActors.Crypto;

namespace HyperActors.TestKit;

/// <summary>What one direction of a link does to the datagrams that cross it.</summary>
public sealed record LinkSettings
{
    /// <summary>Time from one end to the other.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Up to so much is added to the delay, by chance; datagrams still arrive in order.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>The share of datagrams that vanish.</summary>
    public double Loss { get; init; }

    /// <summary>The share of datagrams that arrive twice.</summary>
    public double Duplication { get; init; }

    /// <summary>The share of datagrams that arrive with a flipped bit.</summary>
    public double Corruption { get; init; }

    /// <summary>The share of datagrams that others overtake.</summary>
    public double Reordering { get; init; }

    /// <summary>How much later an overtaken datagram arrives.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Bytes per second; 0 for no limit.</summary>
    public double Rate { get; init; }

    /// <summary>Bytes that may wait for a link with a rate; a datagram beyond is dropped.</summary>
    public int QueueBytes { get; init; } = 256 * 1024;

    /// <summary>Larger datagrams, headers of IP and UDP over IPv4 included, vanish.</summary>
    public int Mtu { get; init; } = int.MaxValue;
}

/// <summary>The fate of a datagram: when it arrives, how often, and how it looks then.</summary>
/// <param name="Arrival">When it arrives; null when never.</param>
/// <param name="SecondArrival">When it arrives once more; null when it does not.</param>
/// <param name="FlippedBit">Which bit is wrong on arrival; -1 for none.</param>
public readonly record struct LinkFate(TimeSpan? Arrival, TimeSpan? SecondArrival, int FlippedBit);

/// <summary>One direction of a link: decides by its seed what becomes of each datagram.</summary>
public sealed class LinkModel(LinkSettings settings, ulong seed)
{
    private const int IpOverhead = 28;
    private readonly RandomSource _chance = RandomSource.Seeded(seed);
    private TimeSpan _idleAt;
    private TimeSpan _lastArrival;

    /// <summary>What the link does; may be changed at any time.</summary>
    public LinkSettings Settings { get; set; } = settings;

    /// <summary>Datagrams that did not arrive.</summary>
    public long Dropped { get; private set; }

    /// <summary>Bytes that arrived.</summary>
    public long Carried { get; private set; }

    /// <summary>Sends a datagram of <paramref name="length"/> bytes into the link.</summary>
    public LinkFate Send(int length, TimeSpan now, bool mayFragment = false)
    {
        bool isTooLarge = length + IpOverhead > Settings.Mtu && !mayFragment;
        if (isTooLarge || IsQueueFull(now) || Happens(Settings.Loss))
        {
            Dropped++;
            return new LinkFate(null, null, -1);
        }

        if (Settings.Rate > 0)
        {
            TimeSpan start = _idleAt > now ? _idleAt : now;
            _idleAt = start + TimeSpan.FromSeconds((length + IpOverhead) / Settings.Rate);
        }

        TimeSpan leaves = _idleAt > now ? _idleAt : now;
        TimeSpan arrival = leaves + Settings.Delay + (Settings.Jitter * _chance.NextDouble());
        if (Happens(Settings.Reordering))
        {
            arrival += Settings.ReorderDelay;
        }
        else
        {
            arrival = arrival > _lastArrival ? arrival : _lastArrival;
            _lastArrival = arrival;
        }

        Carried += length;
        return new LinkFate(
            arrival,
            Happens(Settings.Duplication) ? arrival + TimeSpan.FromMilliseconds(1) : null,
            Happens(Settings.Corruption) && length > 0 ? _chance.NextInt32(length * 8) : -1);
    }

    private bool IsQueueFull(TimeSpan now) => Settings.Rate > 0 && _idleAt > now &&
        (_idleAt - now).TotalSeconds * Settings.Rate >= Settings.QueueBytes;

    private bool Happens(double probability) => probability > 0 && _chance.NextDouble() < probability;
}
