namespace HyperActors.Simulation;

/// <summary>How the simulated network behaves.</summary>
public sealed record NetworkOptions
{
    /// <summary>The shortest way between two hosts.</summary>
    public TimeSpan MinLatency { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The longest one; each piece of a stream draws its own, and none overtakes another.</summary>
    public TimeSpan MaxLatency { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The largest piece in which bytes arrive: less cuts frames in more places.</summary>
    public int MaxPiece { get; set; } = 16 << 10;

    /// <summary>Bytes that a receiver may leave unread before its peer's pieces wait.</summary>
    public int MaxUnreadBytes { get; set; } = 1 << 20;

    /// <summary>Bytes a second on each stream, one way; zero for no limit.</summary>
    public long BytesPerSecond { get; set; }
}
