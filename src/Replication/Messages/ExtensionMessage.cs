using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;

namespace HyperActors.Replication;

/// <summary>Carries a message of an application between two peers of a feed.</summary>
/// <param name="Name">The extension; empty for the one of the last extension message in this direction.</param>
/// <param name="Payload">Its bytes; in the memory from which the message was decoded.</param>
/// <remarks><code>| name: string | payload: the rest |</code></remarks>
public sealed record ExtensionMessage(string Name, ReadOnlyMemory<byte> Payload) : ReplicationMessage
{
    /// <summary>Bytes of a name, at most.</summary>
    public const int MaxNameSize = 1024;

    public override MessageType Type => MessageType.Extension;

    public override int ApproximateSize => 32 + (3 * Name.Length) + Payload.Length;

    public override void Encode(ref CompactWriter writer)
    {
        writer.WriteString(Name);
        writer.WriteFixed(Payload.Span);
    }

    /// <inheritdoc cref="DataMessage.TryDecode"/>
    public static bool TryDecode(
        ref CompactReader reader, ReadOnlyMemory<byte> input, [NotNullWhen(true)] out ExtensionMessage? message)
    {
        string name = reader.ReadString(MaxNameSize);
        message = reader.Succeeded ? new ExtensionMessage(name, input[reader.Consumed..]) : null;
        return message is not null;
    }
}
