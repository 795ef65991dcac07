using System.Collections.Immutable;
using HyperActors.Compact;

namespace HyperActors.Dht;

/// <summary>Who is announced under a topic, as one node knows it.</summary>
/// <param name="Peers">Up to twenty, by lot.</param>
/// <param name="Bump">When somebody last asked for attention, in milliseconds since 1970; 0 for never.</param>
/// <remarks><code>| count: uint | peers | bump: uint, may be missing |</code></remarks>
public sealed record LookupReply(ImmutableArray<Peer> Peers, ulong Bump) : IEncodable
{
    public static bool TryDecode(ref CompactReader reader, out LookupReply reply)
    {
        int count = reader.ReadCount(reader.Remaining.Length / Peer.MinSize);
        ImmutableArray<Peer>.Builder peers = ImmutableArray.CreateBuilder<Peer>(count);
        while (peers.Count < count && Peer.TryDecode(ref reader, out Peer peer))
        {
            peers.Add(peer);
        }

        reply = new LookupReply(peers.DrainToImmutable(), reader.IsAtEnd ? 0 : reader.ReadUInt());
        return reader.Succeeded;
    }

    public void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt((ulong)Peers.Length);
        foreach (Peer peer in Peers)
        {
            peer.Encode(ref writer);
        }

        writer.WriteUInt(Bump);
    }
}
