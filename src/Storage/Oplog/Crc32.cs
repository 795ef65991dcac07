using System.Buffers.Binary;

namespace HyperActors.Storage;

/// <summary>CRC-32 (IEEE 802.3, as in zlib), eight bytes at a time.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> table = Table;
        uint crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = table[(int)((7 * 256) + (low & 0xff))]
                ^ table[(int)((6 * 256) + ((low >> 8) & 0xff))]
                ^ table[(int)((5 * 256) + ((low >> 16) & 0xff))]
                ^ table[(int)((4 * 256) + (low >> 24))]
                ^ table[(int)((3 * 256) + (high & 0xff))]
                ^ table[(int)((2 * 256) + ((high >> 8) & 0xff))]
                ^ table[(int)(256 + ((high >> 16) & 0xff))]
                ^ table[(int)(high >> 24)];
            bytes = bytes[8..];
        }

        foreach (byte value in bytes)
        {
            crc = (crc >> 8) ^ table[(int)((crc ^ value) & 0xff)];
        }

        return ~crc;
    }

    private static uint[] MakeTable()
    {
        const uint Polynomial = 0xedb88320;
        var table = new uint[8 * 256];
        for (uint value = 0; value < 256; value++)
        {
            uint crc = value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            }

            table[value] = crc;
        }

        for (int i = 256; i < table.Length; i++)
        {
            uint crc = table[i - 256];
            table[i] = (crc >> 8) ^ table[(int)(crc & 0xff)];
        }

        return table;
    }
}
