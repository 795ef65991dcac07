namespace HyperActors.Compact;

/// <summary>z-base-32: bytes as text that people read aloud; how keys print (docs/encoding.md#key-text).</summary>
/// <remarks>Five bits a character, most significant first; the last character is padded with zero bits.</remarks>
public static class ZBase32
{
    private const string Alphabet = "ybndrfg8ejkmcpqxot1uwisza345h769";

    private static readonly sbyte[] Values = MakeValues();

    /// <summary>The number of characters for <paramref name="byteCount"/> bytes.</summary>
    public static int TextLength(int byteCount) => ((byteCount * 8) + 4) / 5;

    /// <summary>Writes <paramref name="bytes"/> as text.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) =>
        string.Create(TextLength(bytes.Length), bytes, static (text, bytes) => Encode(bytes, text));

    private static void Encode(ReadOnlySpan<byte> bytes, Span<char> text)
    {
        uint bits = 0;
        int count = 0;
        int written = 0;
        foreach (byte b in bytes)
        {
            bits = (bits << 8) | b;
            count += 8;
            while (count >= 5)
            {
                count -= 5;
                text[written++] = Alphabet[(int)(bits >> count) & 31];
            }
        }

        if (count > 0)
        {
            text[written] = Alphabet[(int)(bits << (5 - count)) & 31];
        }
    }

    /// <summary>Reads text back into exactly <paramref name="bytes"/>.</summary>
    /// <returns>False when a character is foreign, the length does not fit, or the padding is not zero.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != TextLength(bytes.Length))
        {
            return false;
        }

        uint bits = 0;
        int count = 0;
        int written = 0;
        foreach (char c in text)
        {
            int value = c < Values.Length ? Values[c] : -1;
            if (value < 0)
            {
                return false;
            }

            bits = (bits << 5) | (uint)value;
            count += 5;
            if (count >= 8)
            {
                count -= 8;
                bytes[written++] = (byte)(bits >> count);
            }
        }

        return (bits & ((1u << count) - 1)) == 0;
    }

    private static sbyte[] MakeValues()
    {
        var values = new sbyte[128];
        Array.Fill(values, (sbyte)-1);
        for (int i = 0; i < Alphabet.Length; i++)
        {
            values[Alphabet[i]] = (sbyte)i;
        }

        return values;
    }
}
