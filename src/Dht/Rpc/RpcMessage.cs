using System.Buffers.Binary;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>One decoded datagram. It lends from the input.</summary>
internal ref struct RpcMessage
{
    public bool IsResponse;
    public bool IsInternal;
    public ushort Tid;

    /// <summary>Where the datagram was sent to: in a response, how the responder sees us.</summary>
    public DhtAddress To;

    /// <summary>The id that the sender claims; empty when there is none.</summary>
    public ReadOnlySpan<byte> Id;

    /// <summary>Empty when there is none.</summary>
    public ReadOnlySpan<byte> Token;

    public uint Command;

    /// <summary>Empty when there is none.</summary>
    public ReadOnlySpan<byte> Target;

    /// <summary>Whole addresses, six bytes each.</summary>
    public ReadOnlySpan<byte> CloserNodes;

    public uint Error;
    public bool HasValue;
    public ReadOnlySpan<byte> Value;

    /// <summary>The target as a value; only where there is one.</summary>
    public readonly Hash TargetHash => new(Target);

    /// <summary>The value to keep. (Beside memory, a bare null is a null array, and that is an empty value.)</summary>
    public readonly ReadOnlyMemory<byte>? CopyValue() => HasValue ? Value.ToArray() : default(ReadOnlyMemory<byte>?);

    /// <summary>The address number <paramref name="index"/> of <see cref="CloserNodes"/>.</summary>
    public readonly DhtAddress CloserNode(int index)
    {
        ReadOnlySpan<byte> bytes = CloserNodes.Slice(index * DhtAddress.Size, DhtAddress.Size);
        return new DhtAddress(BinaryPrimitives.ReadUInt32BigEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]));
    }
}
