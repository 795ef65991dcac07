using HyperActors.Compact;
using HyperActors.Wire;

namespace HyperActors.Replication;

/// <summary>The messages of a replication channel, from and to the payload of a mux message.</summary>
/// <remarks>Bytes after a message are ignored: that is how the protocol grows (docs/replication.md#messages).</remarks>
public static class ReplicationCodec
{
    /// <summary>The protocol's name in the mux.</summary>
    public const string Protocol = "hypercore/alpha";

    /// <summary>The name by which the same protocol may be opened by others.</summary>
    public const string Alias = "hypercore";

    /// <summary>Decodes a batch as it came over the wire; messages of unknown types are left out.</summary>
    /// <param name="batch">The batch; blocks, bitfields and extension payloads stay in its memory.</param>
    /// <param name="messages">Where the messages go.</param>
    /// <returns>False when one is malformed; those before it have been decoded.</returns>
    public static bool TryDecode(MessageBatch batch, ICollection<ReplicationMessage> messages)
    {
        foreach (Message item in batch)
        {
            if (!TryDecode(item.Type, item.Payload, out ReplicationMessage? message))
            {
                return false;
            }

            if (message is not null)
            {
                messages.Add(message);
            }
        }

        return true;
    }

    /// <summary>Writes messages where they will be sent from; blocks are copied once, into place.</summary>
    public static void Encode(IReadOnlyList<ReplicationMessage> messages, MessageBatchWriter writer)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            writer.Write((uint)messages[i].Type, messages[i], messages[i].ApproximateSize);
        }
    }

    /// <summary>Decodes one message; blocks, bitfields and extension payloads stay where they are, in <paramref name="payload"/>.</summary>
    /// <returns>
    /// False when the payload is malformed. True without a message for a type that is not known: such messages are ignored.
    /// </returns>
    public static bool TryDecode(ulong type, ReadOnlyMemory<byte> payload, out ReplicationMessage? message)
    {
        var reader = new CompactReader(payload.Span);
        bool read = true;
        message = null;
        switch (type > (ulong)MessageType.Extension ? (MessageType)(-1) : (MessageType)type)
        {
            case MessageType.Sync:
                read = SyncMessage.TryDecode(ref reader, out SyncMessage? sync);
                message = sync;
                break;
            case MessageType.Request:
                read = RequestMessage.TryDecode(ref reader, out RequestMessage? request);
                message = request;
                break;
            case MessageType.Cancel:
                read = CancelMessage.TryDecode(ref reader, out CancelMessage? cancel);
                message = cancel;
                break;
            case MessageType.Data:
                read = DataMessage.TryDecode(ref reader, payload, out DataMessage? data);
                message = data;
                break;
            case MessageType.NoData:
                read = NoDataMessage.TryDecode(ref reader, out NoDataMessage? noData);
                message = noData;
                break;
            case MessageType.Want:
                read = WantMessage.TryDecode(ref reader, out WantMessage? want);
                message = want;
                break;
            case MessageType.Unwant:
                read = UnwantMessage.TryDecode(ref reader, out UnwantMessage? unwant);
                message = unwant;
                break;
            case MessageType.Bitfield:
                read = BitfieldMessage.TryDecode(ref reader, payload, out BitfieldMessage? bitfield);
                message = bitfield;
                break;
            case MessageType.Range:
                read = RangeMessage.TryDecode(ref reader, out RangeMessage? range);
                message = range;
                break;
            case MessageType.Extension:
                read = ExtensionMessage.TryDecode(ref reader, payload, out ExtensionMessage? extension);
                message = extension;
                break;
        }

        if (!read)
        {
            message = null;
        }

        return read;
    }
}
