namespace HyperActors.Dht;

/// <summary>What a node reports to its owner.</summary>
public abstract record DhtEvent
{
    private DhtEvent()
    {
    }

    /// <summary>The first lookup is over: the node knows its neighbours, if there are any.</summary>
    public sealed record Ready : DhtEvent;

    /// <summary>The node is reachable and says its id from now on: others keep it in their tables and store with it.</summary>
    public sealed record Persistent : DhtEvent;

    /// <summary>The node says its id no longer.</summary>
    public sealed record Ephemeral : DhtEvent;

    /// <summary>Requests are answered, or half of them, or none at all.</summary>
    public sealed record NetworkUpdate(bool IsOnline, bool IsDegraded) : DhtEvent;

    /// <summary>Others see us elsewhere.</summary>
    /// <param name="Host">Null when they disagree.</param>
    /// <param name="Port">Zero when it differs from one to the other.</param>
    public sealed record NatUpdate(uint? Host, ushort Port) : DhtEvent;

    /// <summary>Time passed that nobody noticed: the machine slept, or the network was away.</summary>
    public sealed record WokeUp : DhtEvent;
}
