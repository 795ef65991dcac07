using HyperActors.Compact;

namespace HyperActors.Wire;

/// <summary>The control messages of the mux (docs/protomux.md#frame).</summary>
/// <remarks>
/// <code>
/// frame   uint channel id of the sender | uint type | payload
/// batch   00 00 | uint channel id | items: uint length, type, payload; or 00, uint channel id
/// open    00 01 | uint id | string protocol | buffer id | handshake to the end
/// reject  00 02 | uint id of the one who opened
/// close   00 03 | uint id of the one who closes
/// </code>
/// </remarks>
internal static class ChannelCodec
{
    public const ulong ControlChannel = 0;
    public const ulong Batch = 0;
    public const ulong Open = 1;
    public const ulong Reject = 2;
    public const ulong Close = 3;

    /// <summary>An open's fields; the handshake is what the reader has left.</summary>
    public static bool TryDecodeOpen(
        ref CompactReader reader, LinkOptions options, out ulong id, out string protocol, out ReadOnlySpan<byte> channelId)
    {
        id = reader.ReadUInt();
        protocol = reader.ReadString(options.MaxProtocolNameSize);
        channelId = reader.ReadBuffer();
        return reader.Succeeded && channelId.Length <= options.MaxChannelIdSize;
    }

    /// <summary>How long an open is.</summary>
    public static int SizeOfOpen(ulong id, in ChannelKey key, int handshakeSize) =>
        2 + CompactSize.OfUInt(id) + CompactSize.OfString(key.Protocol) + CompactSize.OfBuffer(key.Id.Length) + handshakeSize;
}
