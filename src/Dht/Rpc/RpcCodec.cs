using System.Buffers.Binary;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Datagrams of the RPC (docs/dht-rpc.md#layout).</summary>
/// <remarks>
/// <code>
/// request   | 03 | flags | tid: uint16 LE | to: 6 | [id: 32] | [token: 32] | command: uint | [target: 32] | [value: buffer] |
/// response  | 13 | flags | tid: uint16 LE | to: 6 | [id: 32] | [token: 32] | [closer: array of 6] | [error: uint] | [value: buffer] |
/// </code>
/// </remarks>
internal static class RpcCodec
{
    /// <summary>Addresses that a reply carries, and that are read from one: a bucket's worth.</summary>
    public const int MaxCloserNodes = 20;

    /// <summary>What every message takes at most besides its value.</summary>
    public const int MaxOverhead = 10 + Hash.Size + Hash.Size + Hash.Size + 9 + 9 + 9 + (MaxCloserNodes * DhtAddress.Size);

    private const byte RequestType = 0x03;
    private const byte ResponseType = 0x13;

    private const byte HasId = 1;
    private const byte HasToken = 2;
    private const byte IsInternal = 4;
    private const byte HasCloserNodes = 4;
    private const byte HasTarget = 8;
    private const byte HasError = 8;
    private const byte HasValue = 16;

    /// <summary>Reads a datagram; false for everything that is not a whole message. What follows the message is ignored.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> datagram, out RpcMessage message)
    {
        message = default;
        var reader = new CompactReader(datagram);
        byte type = reader.ReadUInt8();
        if (type is not (RequestType or ResponseType))
        {
            return false;
        }

        message.IsResponse = type == ResponseType;
        ulong flags = reader.ReadUInt();
        message.Tid = reader.ReadUInt16();
        _ = DhtAddress.TryDecode(ref reader, out message.To);
        message.Id = (flags & HasId) != 0 ? reader.ReadFixed(Hash.Size) : default;
        message.Token = (flags & HasToken) != 0 ? reader.ReadFixed(Hash.Size) : default;
        if (message.IsResponse)
        {
            message.CloserNodes = (flags & HasCloserNodes) != 0
                ? reader.ReadFixed(reader.ReadCount(reader.Remaining.Length / DhtAddress.Size) * DhtAddress.Size)
                : default;
            message.Error = (flags & HasError) != 0 ? Narrow(reader.ReadUInt()) : 0;
        }
        else
        {
            message.IsInternal = (flags & IsInternal) != 0;
            message.Command = Narrow(reader.ReadUInt());
            message.Target = (flags & HasTarget) != 0 ? reader.ReadFixed(Hash.Size) : default;
        }

        message.HasValue = (flags & HasValue) != 0;
        message.Value = message.HasValue ? reader.ReadBuffer() : default;
        return reader.Succeeded;
    }

    /// <summary>Writes a request; <paramref name="output"/> holds <see cref="MaxOverhead"/> bytes and the value.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int EncodeRequest(
        Span<byte> output,
        ushort tid,
        DhtAddress to,
        in Hash? id,
        in Hash? token,
        bool isInternal,
        uint command,
        in Hash? target,
        bool hasValue,
        ReadOnlySpan<byte> value)
    {
        output[0] = RequestType;
        output[1] = (byte)((id.HasValue ? HasId : 0) | (token.HasValue ? HasToken : 0) | (isInternal ? IsInternal : 0)
            | (target.HasValue ? HasTarget : 0) | (hasValue ? HasValue : 0));
        int length = WriteHead(output, tid, to, id, token);
        length += CompactSize.WriteUInt(output[length..], command);
        length += Write(output[length..], target);
        return length + (hasValue ? WriteBuffer(output[length..], value) : 0);
    }

    /// <summary>Writes a response; <paramref name="output"/> holds <see cref="MaxOverhead"/> bytes and the value.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int EncodeResponse(
        Span<byte> output,
        ushort tid,
        DhtAddress to,
        in Hash? id,
        in Hash? token,
        ReadOnlySpan<Contact> closerNodes,
        uint error,
        bool hasValue,
        ReadOnlySpan<byte> value)
    {
        output[0] = ResponseType;
        output[1] = (byte)((id.HasValue ? HasId : 0) | (token.HasValue ? HasToken : 0)
            | (closerNodes.IsEmpty ? 0 : HasCloserNodes) | (error > 0 ? HasError : 0) | (hasValue ? HasValue : 0));
        int length = WriteHead(output, tid, to, id, token);
        if (!closerNodes.IsEmpty)
        {
            length += CompactSize.WriteUInt(output[length..], (ulong)closerNodes.Length);
            foreach (Contact contact in closerNodes)
            {
                contact.Address.CopyTo(output[length..]);
                length += DhtAddress.Size;
            }
        }

        if (error > 0)
        {
            length += CompactSize.WriteUInt(output[length..], error);
        }

        return length + (hasValue ? WriteBuffer(output[length..], value) : 0);
    }

    // No command and no error is that large: what is, stays unknown.
    private static uint Narrow(ulong value) => value > uint.MaxValue ? uint.MaxValue : (uint)value;

    private static int WriteHead(Span<byte> output, ushort tid, DhtAddress to, in Hash? id, in Hash? token)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(output[2..], tid);
        to.CopyTo(output[4..]);
        int length = 4 + DhtAddress.Size;
        length += Write(output[length..], id);
        return length + Write(output[length..], token);
    }

    private static int Write(Span<byte> output, in Hash? hash)
    {
        if (hash is not { } bytes)
        {
            return 0;
        }

        bytes.CopyTo(output);
        return Hash.Size;
    }

    private static int WriteBuffer(Span<byte> output, ReadOnlySpan<byte> value)
    {
        int length = CompactSize.WriteUInt(output, (ulong)value.Length);
        value.CopyTo(output[length..]);
        return length + value.Length;
    }
}
