using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace HyperActors.Compact;

/// <summary>Writes compact encoding (docs/encoding.md) into a buffer writer.</summary>
/// <remarks>Integers above 2^53 - 1 are a fault of the caller: a JavaScript reader could not take them.</remarks>
public readonly ref struct CompactWriter
{
    private readonly IBufferWriter<byte> _output;

    /// <summary>Appends to <paramref name="output"/>.</summary>
    public CompactWriter(IBufferWriter<byte> output) => _output = output;

    /// <summary>An unsigned integer in 1, 3, 5 or 9 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteUInt(ulong value)
    {
        if (value <= 0xfc)
        {
            _output.GetSpan(1)[0] = (byte)value;
            _output.Advance(1);
            return;
        }

        WriteLongUInt(value);
    }

    private void WriteLongUInt(ulong value)
    {
        Span<byte> span = _output.GetSpan(9);
        _output.Advance(CompactSize.WriteUInt(span, value));
    }

    /// <summary>A zigzag integer, -2^52 to 2^52 - 1.</summary>
    public void WriteInt(long value) => WriteUInt((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>One byte.</summary>
    public void WriteUInt8(byte value)
    {
        _output.GetSpan(1)[0] = value;
        _output.Advance(1);
    }

    /// <summary>Two bytes, little endian.</summary>
    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_output.GetSpan(2), value);
        _output.Advance(2);
    }

    /// <summary>Three bytes, little endian; the value is below 2^24.</summary>
    public void WriteUInt24(uint value)
    {
        Invariant.Hold(value < 1 << 24);
        Span<byte> span = _output.GetSpan(3);
        span[0] = (byte)value;
        span[1] = (byte)(value >> 8);
        span[2] = (byte)(value >> 16);
        _output.Advance(3);
    }

    /// <summary>Four bytes, little endian.</summary>
    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_output.GetSpan(4), value);
        _output.Advance(4);
    }

    /// <summary>Eight bytes, little endian, over the full range of 64 bits.</summary>
    public void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_output.GetSpan(8), value);
        _output.Advance(8);
    }

    /// <summary>One byte, <c>01</c> or <c>00</c>.</summary>
    public void WriteBool(bool value) => WriteUInt8(value ? (byte)1 : (byte)0);

    /// <summary>A length and the bytes.</summary>
    public void WriteBuffer(ReadOnlySpan<byte> bytes)
    {
        WriteUInt((ulong)bytes.Length);
        WriteFixed(bytes);
    }

    /// <summary>The bytes alone.</summary>
    public void WriteFixed(ReadOnlySpan<byte> bytes) => _output.Write(bytes);

    /// <summary>Text in UTF-8 behind its length in bytes.</summary>
    public void WriteString(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteUInt((ulong)length);
        if (length > 0)
        {
            _output.Advance(Encoding.UTF8.GetBytes(text, _output.GetSpan(length)));
        }
    }
}
