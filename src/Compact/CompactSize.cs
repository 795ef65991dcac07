using System.Buffers.Binary;
using System.Text;

namespace HyperActors.Compact;

/// <summary>How many bytes a value takes, and integers written into a plain span.</summary>
public static class CompactSize
{
    /// <summary>The size of an unsigned integer: 1, 3, 5 or 9 bytes.</summary>
    public static int OfUInt(ulong value) => value switch
    {
        <= 0xfc => 1,
        <= 0xffff => 3,
        <= 0xffff_ffff => 5,
        _ => 9,
    };

    /// <summary>The size of a buffer with its length in front.</summary>
    public static int OfBuffer(int length) => OfUInt((ulong)length) + length;

    /// <summary>The size of a text with its length in front.</summary>
    public static int OfString(string text) => OfBuffer(Encoding.UTF8.GetByteCount(text));

    /// <summary>Writes an unsigned integer to the front of <paramref name="output"/>, which has room for it.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int WriteUInt(Span<byte> output, ulong value)
    {
        Invariant.Hold(value <= CompactReader.MaxUInt);
        switch (value)
        {
            case <= 0xfc:
                output[0] = (byte)value;
                return 1;
            case <= 0xffff:
                output[0] = 0xfd;
                BinaryPrimitives.WriteUInt16LittleEndian(output[1..], (ushort)value);
                return 3;
            case <= 0xffff_ffff:
                output[0] = 0xfe;
                BinaryPrimitives.WriteUInt32LittleEndian(output[1..], (uint)value);
                return 5;
            default:
                output[0] = 0xff;
                BinaryPrimitives.WriteUInt64LittleEndian(output[1..], value);
                return 9;
        }
    }
}
