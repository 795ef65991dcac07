using System.Diagnostics.CodeAnalysis;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Something about each of the peers that were met last.</summary>
internal sealed class PeerCache<T>(int capacity)
    where T : notnull
{
    private readonly Dictionary<PublicKey, LinkedListNode<(PublicKey Peer, T Value)>> _entries = [];
    private readonly LinkedList<(PublicKey Peer, T Value)> _byAge = new();

    public bool Find(in PublicKey peer, [MaybeNullWhen(false)] out T value)
    {
        if (!_entries.TryGetValue(peer, out LinkedListNode<(PublicKey Peer, T Value)>? entry))
        {
            value = default;
            return false;
        }

        _byAge.Remove(entry);
        _byAge.AddLast(entry);
        value = entry.Value.Value;
        return true;
    }

    public void Set(in PublicKey peer, T value)
    {
        Remove(peer);
        _entries.Add(peer, _byAge.AddLast((peer, value)));
        if (_entries.Count > capacity)
        {
            Remove(_byAge.First!.Value.Peer);
        }
    }

    public void Remove(in PublicKey peer)
    {
        if (_entries.Remove(peer, out LinkedListNode<(PublicKey Peer, T Value)>? entry))
        {
            _byAge.Remove(entry);
        }
    }
}
