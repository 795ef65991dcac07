namespace HyperActors.Dht;

/// <summary>What others call us, made into one opinion.</summary>
/// <remarks>Sixteen samples; each counts for its address and for its host, among those that came just before it.</remarks>
public sealed class NatSampler
{
    private const int MaxSamples = 16;
    private const int Lookback = 4;

    private readonly List<(Tally Full, Tally HostOnly)> _samples = [];
    private int _next;
    private Tally? _bestFull;
    private Tally? _bestHost;

    /// <summary>The host that they agree on; null while they don't.</summary>
    public uint? Host { get; private set; }

    /// <summary>The port that they agree on; zero while they don't.</summary>
    public ushort Port { get; private set; }

    /// <summary>Samples counted, sixteen at most.</summary>
    public int Count => _samples.Count;

    /// <summary>Takes one sample.</summary>
    public void Add(DhtAddress address)
    {
        Tally full = Bump(address.Host, address.Port, isFull: true);
        Tally host = Bump(address.Host, 0, isFull: false);
        if (_samples.Count < MaxSamples)
        {
            _samples.Add((full, host));
            _next = _samples.Count;
        }
        else
        {
            _next = _next == MaxSamples ? 0 : _next;
            _samples[_next].Full.Hits--;
            _samples[_next].HostOnly.Hits--;
            _samples[_next++] = (full, host);
        }

        _bestFull = _bestFull is null || _bestFull.Hits < full.Hits ? full : _bestFull;
        _bestHost = _bestHost is null || _bestHost.Hits < host.Hits ? host : _bestHost;
        int threshold = Count - (Count switch { < 4 => 0, < 8 => 1, < 12 => 2, _ => 3 });
        (Host, Port) = _bestFull.Hits >= threshold ? (_bestFull.Host, _bestFull.Port)
            : _bestHost.Hits >= threshold ? (_bestHost.Host, (ushort)0)
            : ((uint?)null, (ushort)0);
    }

    private Tally Bump(uint host, ushort port, bool isFull)
    {
        for (int back = 1; back <= Lookback; back++)
        {
            int place = (_next - back) & (MaxSamples - 1);
            if (place >= _samples.Count)
            {
                break;
            }

            Tally tally = isFull ? _samples[place].Full : _samples[place].HostOnly;
            if (tally.Host == host && tally.Port == port)
            {
                tally.Hits++;
                return tally;
            }
        }

        return new Tally { Host = host, Port = port, Hits = 1 };
    }

    private sealed class Tally
    {
        public required uint Host { get; init; }

        public required ushort Port { get; init; }

        public int Hits { get; set; }
    }
}
