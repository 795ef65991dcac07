using HyperActors.Actors;

namespace HyperActors.Simulation;

/// <summary>What of a message's content goes into the journal beside its type: enough to see two runs part.</summary>
/// <remarks>Bytes on the wire and on disk are journalled at the doors; here it is who, which and how many.</remarks>
internal static class MessageDigest
{
    private const ulong Offset = 0xcbf2_9ce4_8422_2325;
    private const ulong Prime = 0x0000_0100_0000_01b3;

    public static ulong Of(object message) => message switch
    {
        ITransport.BytesArrived m => Of(m.Owner.Memory.Span[..m.Count]),
        ITransport.Written m => Mix((ulong)m.Count),
        FeedActor.Append m => OfBlocks(m.Blocks),
        FeedActor.Appended m => Mix(m.Length),
        FeedActor.Read m => Mix(m.From, m.To),
        FeedActor.Prove m => Mix(m.Peer.Value, (ulong)m.Requests.Count),
        FeedActor.ApplyProofs m => Mix(m.Id, (ulong)m.Proofs.Count),
        ReplicationActor.Applied m => Mix(m.Id, m.State.Length, m.State.Fork),
        ReplicationActor.Proven m => Mix(m.Peer.Value, (ulong)m.Answers.Count),
        ReplicationActor.Appended m => Mix(m.State.Length, m.State.Fork),
        ReplicationActor.Truncated m => Mix(m.State.Length, m.State.Fork, m.Ancestors),
        ReplicationActor.MessagesArrived m => Mix(m.Peer.Value, m.ChannelId, (ulong)m.Messages.Count, (ulong)m.Cost),
        ReplicationActor.Sent m => Mix(m.Peer.Value, (ulong)m.Size),
        ConnectionActor.SendMessages m => Mix(m.Peer.Value, m.ChannelId, (ulong)m.Size),
        ConnectionActor.Consumed m => Mix((ulong)m.Cost),
        ChannelActor.Arrived m => Mix((ulong)m.Messages.ByteLength),
        _ => 0,
    };

    public static ulong Of(ReadOnlySpan<byte> bytes) => Continue(Offset, bytes);

    public static ulong Continue(ulong hash, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            hash = Step(hash, BitConverter.ToUInt64(bytes));
            bytes = bytes[8..];
        }

        foreach (byte b in bytes)
        {
            hash = Step(hash, b);
        }

        return hash;
    }

    private static ulong OfBlocks(IReadOnlyList<ReadOnlyMemory<byte>> blocks)
    {
        ulong hash = Step(Offset, (ulong)blocks.Count);
        foreach (ReadOnlyMemory<byte> block in blocks)
        {
            hash = Continue(Step(hash, (ulong)block.Length), block.Span);
        }

        return hash;
    }

    private static ulong Mix(params ReadOnlySpan<ulong> values)
    {
        ulong hash = Offset;
        foreach (ulong value in values)
        {
            hash = Step(hash, value);
        }

        return hash;
    }

    // FNV-1a by words, with a rotation so that the high bits of a word count as well.
    private static ulong Step(ulong hash, ulong value) => System.Numerics.BitOperations.RotateLeft((hash ^ value) * Prime, 29);
}
