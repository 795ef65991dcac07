using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>A message of a <c>hypercore/alpha</c> channel.</summary>
public abstract record ReplicationMessage : IEncodable
{
    private protected ReplicationMessage()
    {
    }

    /// <summary>Its number in the mux.</summary>
    public abstract MessageType Type { get; }

    /// <summary>About how many bytes it takes on the wire; never less than the block that it carries.</summary>
    public virtual int ApproximateSize => 32;

    public abstract void Encode(ref CompactWriter writer);
}
