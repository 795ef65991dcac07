using System.Buffers.Binary;

namespace HyperActors.Api;

/// <summary>Blocks one after the other, as bodies of requests and answers carry them when they are not JSON.</summary>
/// <remarks>
/// <code>
/// | size: uint32 LE | index: uint64 LE | size bytes |
/// | 0xffffffff      | size: uint64 LE  | size bytes of an ApiProblem as JSON |     the last one, when reading failed
/// </code>
/// The end of the body is the end of the blocks. In a request the index is not looked at.
/// </remarks>
public static class BlockFrames
{
    public const string ContentType = "application/vnd.hyperactors.blocks";

    public const int HeaderSize = 12;

    /// <summary>The size that announces a problem.</summary>
    public const uint Problem = uint.MaxValue;

    public static void WriteHeader(Span<byte> destination, uint size, ulong index)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, size);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[4..], index);
    }

    /// <summary>Reads a header of <see cref="HeaderSize"/> bytes.</summary>
    public static (uint Size, ulong Index) ReadHeader(ReadOnlySpan<byte> source) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[4..]));
}
