using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Why a request is answered without data.</summary>
public enum NoDataReason
{
    /// <summary>The peer didn't say, as those of version 10 never do.</summary>
    None = 0,

    /// <summary>Not that block, or not that fork.</summary>
    NotAvailable = 1,

    /// <summary>Nothing that could be proven.</summary>
    InvalidRequest = 2,
}

/// <summary>Answers a request that can't be served.</summary>
/// <remarks><code>| request: uint | (optional) flags: uint | [1] reason: uint |</code></remarks>
public sealed record NoDataMessage(ulong Request, NoDataReason Reason) : ReplicationMessage
{
    public override MessageType Type => MessageType.NoData;

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteUInt(Request);
        writer.WriteUInt(Reason == NoDataReason.None ? 0 : 1u);
        if (Reason != NoDataReason.None)
        {
            writer.WriteUInt((ulong)Reason);
        }
    }

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out NoDataMessage? message)
    {
        ulong request = reader.ReadUInt();
        ulong flags = reader.IsAtEnd ? 0 : reader.ReadUInt();
        ulong reason = (flags & 1) != 0 ? reader.ReadUInt() : 0;
        message = new NoDataMessage(request, reason <= 2 ? (NoDataReason)reason : NoDataReason.None);
        return reader.Succeeded;
    }
}
