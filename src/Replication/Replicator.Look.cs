namespace HyperActors.Replication;

// What those see who only look.
public sealed partial class Replicator
{
    /// <summary>What a peer has shown of itself; false while it has said nothing.</summary>
    /// <param name="id">Who.</param>
    /// <param name="length">The length that it has.</param>
    /// <param name="contiguousLength">Blocks that it has without a gap, from the first.</param>
    public bool TryLook(PeerId id, out ulong length, out ulong contiguousLength)
    {
        bool isKnown = _peers.TryGetValue(id, out PeerState? peer) && peer.IsOpen;
        length = isKnown ? peer!.Length : 0;
        contiguousLength = isKnown ? Math.Max(peer!.ContiguousLength, peer.Blocks.NextClear(0)) : 0;
        return isKnown;
    }
}
