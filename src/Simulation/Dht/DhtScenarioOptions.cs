namespace HyperActors.Simulation;

/// <summary>How large the story of the DHT is, and how hard its world.</summary>
internal sealed record DhtScenarioOptions
{
    /// <summary>Nodes alive at a time.</summary>
    public int Nodes { get; set; } = 2000;

    /// <summary>How long nodes come and go.</summary>
    public TimeSpan Churn { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>The share of all nodes that is replaced per hour.</summary>
    public double ReplacedPerHour { get; set; } = 0.5;

    /// <summary>The share of datagrams that get lost.</summary>
    public double Loss { get; set; } = 0.02;

    /// <summary>How long the network is in two halves.</summary>
    public TimeSpan Partition { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Lookups that each look at the network takes.</summary>
    public int Lookups { get; set; } = 200;

    /// <summary>Hostile nodes for each honest one.</summary>
    public double Hostile { get; set; } = 0.2;

    /// <summary>The /24s that the hostile nodes share.</summary>
    public int HostileNetworks { get; set; } = 4;

    /// <summary>Nodes of the network that is attacked, and of each of the two that meet.</summary>
    public int SmallNetwork { get; set; } = 300;
}
