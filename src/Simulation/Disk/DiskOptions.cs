namespace HyperActors.Simulation;

/// <summary>How the simulated disks behave.</summary>
public sealed record DiskOptions
{
    /// <summary>The shortest time to an answer.</summary>
    public TimeSpan MinLatency { get; set; } = TimeSpan.FromMicroseconds(20);

    /// <summary>The longest one; each request draws its own, so that they overtake one another.</summary>
    public TimeSpan MaxLatency { get; set; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Whether a loss of power takes what was not flushed; without, disks remember all that was written.</summary>
    public bool CanLosePower { get; set; }
}
