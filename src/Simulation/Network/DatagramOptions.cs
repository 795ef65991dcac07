namespace HyperActors.Simulation;

/// <summary>How simulated datagrams fare.</summary>
public sealed record DatagramOptions
{
    /// <summary>The shortest way between two hosts.</summary>
    public TimeSpan MinLatency { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The longest one; each datagram draws its own, and only those that are reordered overtake another.</summary>
    public TimeSpan MaxLatency { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The part of all datagrams that is lost.</summary>
    public double Loss { get; set; }

    /// <summary>The part that comes late, so that others overtake it.</summary>
    public double Reordering { get; set; }

    /// <summary>How late that is, at most.</summary>
    public TimeSpan MaxReorderDelay { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>The part that arrives twice.</summary>
    public double Duplication { get; set; }

    /// <summary>Bytes a second that each host can send; zero for no limit.</summary>
    public long BytesPerSecond { get; set; }

    /// <summary>Bytes that wait at a host whose bandwidth is used up; a datagram beyond is lost.</summary>
    public int QueueBytes { get; set; } = 256 << 10;

    /// <summary>The largest datagram, headers of IP included, that a path carries; a larger one is lost.</summary>
    public int Mtu { get; set; } = 1500;
}
