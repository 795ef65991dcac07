namespace HyperActors.Dht;

/// <summary>What stands between a node and the internet.</summary>
public enum Firewall : uint
{
    /// <summary>Nobody knows yet.</summary>
    Unknown = 0,

    /// <summary>Nothing: whoever sends, arrives.</summary>
    Open = 1,

    /// <summary>A NAT that shows the same address to everybody.</summary>
    Consistent = 2,

    /// <summary>A NAT that shows everybody another port.</summary>
    Random = 3,
}
