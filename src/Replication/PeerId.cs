namespace HyperActors.Replication;

/// <summary>One channel's peer, as its owner numbers it; never used again for another.</summary>
public readonly record struct PeerId(ulong Value)
{
    public override string ToString() => $"peer-{Value}";
}
