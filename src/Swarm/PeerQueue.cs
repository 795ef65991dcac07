using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>Peers that wait to be dialled: the highest class first, within it whom chance picks.</summary>
internal sealed class PeerQueue(RandomSource random)
{
    private readonly List<SwarmPeer>[] _classes = [[], [], [], [], []];

    public int Count { get; private set; }

    public void Add(SwarmPeer peer)
    {
        List<SwarmPeer> members = _classes[(int)peer.Priority];
        peer.QueueIndex = members.Count;
        peer.IsQueued = true;
        members.Add(peer);
        Count++;
    }

    public SwarmPeer? Take()
    {
        for (int i = _classes.Length - 1; i >= 0; i--)
        {
            List<SwarmPeer> members = _classes[i];
            if (members.Count > 0)
            {
                SwarmPeer peer = members[random.NextInt32(members.Count)];
                Remove(peer);
                return peer;
            }
        }

        return null;
    }

    public void Remove(SwarmPeer peer)
    {
        List<SwarmPeer> members = _classes[(int)peer.Priority];
        SwarmPeer last = members[^1];
        members[peer.QueueIndex] = last;
        last.QueueIndex = peer.QueueIndex;
        members.RemoveAt(members.Count - 1);
        peer.IsQueued = false;
        Count--;
    }

    public void Clear()
    {
        foreach (List<SwarmPeer> members in _classes)
        {
            members.ForEach(peer => peer.IsQueued = false);
            members.Clear();
        }

        Count = 0;
    }

    public IEnumerable<SwarmPeer> Peers => _classes.SelectMany(members => members);
}
