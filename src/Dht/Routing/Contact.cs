using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>An entry of the routing table: a node and where it listens.</summary>
public sealed class Contact(Hash id, DhtAddress address)
{
    private readonly Hash _id = id;

    public Contact(DhtAddress address)
        : this(address.ToNodeId(), address)
    {
    }

    public ref readonly Hash Id => ref _id;

    public DhtAddress Address { get; } = address;

    public override string ToString() => Address.ToString();
}
