using HyperActors.Actors;

namespace HyperActors.Simulation;

/// <summary>What a simulated world is like.</summary>
public sealed record WorldOptions
{
    /// <summary>How its network behaves.</summary>
    public NetworkOptions Network { get; set; } = new();

    /// <summary>How its datagrams fare.</summary>
    public DatagramOptions Datagrams { get; set; } = new();

    /// <summary>How its disks behave.</summary>
    public DiskOptions Disk { get; set; } = new();

    /// <summary>How its nodes live.</summary>
    public NodeOptions Node { get; set; } = new();
}
