using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Takes a request back; an answer may cross it.</summary>
/// <remarks><code>| request: uint |</code></remarks>
public sealed record CancelMessage(ulong Request) : ReplicationMessage
{
    public override MessageType Type => MessageType.Cancel;

    public override void Encode(ref CompactWriter writer) => writer.WriteUInt(Request);

    public static bool TryDecode(ref CompactReader reader, [NotNullWhen(true)] out CancelMessage? message)
    {
        message = new CancelMessage(reader.ReadUInt());
        return reader.Succeeded;
    }
}
