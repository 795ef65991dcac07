using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;
using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>Asks for a proof. Answered by one <see cref="DataMessage"/> or <see cref="NoDataMessage"/>, in any order.</summary>
/// <param name="Id">The sender's number for it; 0 asks for evidence of a conflict.</param>
/// <param name="Request">What is asked for.</param>
/// <param name="Priority">0; 1 and 2 for blocks that somebody waits for.</param>
/// <remarks>
/// <code>
/// | flags: uint | id: uint | fork: uint | [1] block | [2] hash | [4] seek | [8] upgrade | [32] priority: uint |
/// </code>
/// Flag 16 asks for the manifest and has no body.
/// </remarks>
public sealed record RequestMessage(ulong Id, ProofRequest Request, ulong Priority = 0) : ReplicationMessage
{
    public override MessageType Type => MessageType.Request;

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(
            (Request.Block is null ? 0 : 1u) | (Request.Hash is null ? 0 : 2u) | (Request.Seek is null ? 0 : 4u)
            | (Request.Upgrade is null ? 0 : 8u) | (Request.Manifest ? 16u : 0) | (Priority == 0 ? 0 : 32u));
        writer.WriteUInt(Id);
        writer.WriteUInt(Request.Fork);
        Request.Block?.Encode(ref writer);
        Request.Hash?.Encode(ref writer);
        Request.Seek?.Encode(ref writer);
        Request.Upgrade?.Encode(ref writer);
        if (Priority != 0)
        {
            writer.WriteUInt(Priority);
        }
    }

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out RequestMessage? message)
    {
        ulong flags = reader.ReadUInt();
        ulong id = reader.ReadUInt();
        ulong fork = reader.ReadUInt();
        BlockRequest block = default;
        HashRequest hash = default;
        SeekRequest seek = default;
        UpgradeRequest upgrade = default;
        bool read = ((flags & 1) == 0 || BlockRequest.TryDecode(ref reader, out block))
            && ((flags & 2) == 0 || HashRequest.TryDecode(ref reader, out hash))
            && ((flags & 4) == 0 || SeekRequest.TryDecode(ref reader, out seek))
            && ((flags & 8) == 0 || UpgradeRequest.TryDecode(ref reader, out upgrade));
        ulong priority = read && (flags & 32) != 0 ? reader.ReadUInt() : 0;
        var request = new ProofRequest
        {
            Fork = fork,
            Block = (flags & 1) != 0 ? block : null,
            Hash = (flags & 2) != 0 ? hash : null,
            Seek = (flags & 4) != 0 ? seek : null,
            Upgrade = (flags & 8) != 0 ? upgrade : null,
            Manifest = (flags & 16) != 0,
        };
        message = new RequestMessage(id, request, priority);
        return reader.Succeeded;
    }
}
