using System.Buffers;
using FsCheck.Fluent;
using HyperActors.TestKit;

namespace HyperActors.Compact.Tests;

public class CompactLaws
{
    private static readonly FsCheck.Gen<ulong> UInts =
        ArbMap.Default.GeneratorFor<ulong>().SelectMany(value => Gen.Choose(0, 53).Select(bits => value & ((1UL << bits) - 1)));

    [Fact]
    public void Decode_undoes_encode() => Check.That(
        UInts.SelectMany(number => ArbMap.Default.GeneratorFor<(byte[] Bytes, int Small, bool Claim)>()
            .Select(rest => (number, rest.Bytes, rest.Small, rest.Claim))),
        value =>
        {
            var output = new ArrayBufferWriter<byte>();
            var writer = new CompactWriter(output);
            writer.WriteUInt(value.number);
            writer.WriteBuffer(value.Bytes);
            writer.WriteInt(value.Small);
            writer.WriteBool(value.Claim);
            writer.WriteUInt64(ulong.MaxValue - value.number);
            writer.WriteString(value.Small.ToString(System.Globalization.CultureInfo.InvariantCulture));
            writer.WriteFixed(value.Bytes);

            var reader = new CompactReader(output.WrittenSpan);
            return reader.ReadUInt() == value.number
                && reader.ReadBuffer().SequenceEqual(value.Bytes)
                && reader.ReadInt() == value.Small
                && reader.ReadBool() == value.Claim
                && reader.ReadUInt64() == ulong.MaxValue - value.number
                && string.Equals(reader.ReadString(), $"{value.Small}", StringComparison.Ordinal)
                && reader.ReadRest().SequenceEqual(value.Bytes)
                && reader is { Succeeded: true, IsAtEnd: true };
        },
        cases: 500);

    [Fact]
    public void Every_cut_of_an_encoding_is_refused() => Check.That(
        UInts,
        number =>
        {
            var output = new ArrayBufferWriter<byte>();
            new CompactWriter(output).WriteUInt(number);
            for (int cut = 0; cut < output.WrittenCount; cut++)
            {
                var reader = new CompactReader(output.WrittenSpan[..cut]);
                if (reader.ReadUInt() != 0 || reader.Succeeded)
                {
                    return false;
                }
            }

            return true;
        });

    [Fact]
    public void No_bytes_make_a_reader_throw_or_read_beyond_its_input() => Check.That<byte[], byte[]>(
        (input, order) =>
        {
            var reader = new CompactReader(input);
            foreach (byte step in order)
            {
                Read(ref reader, step);
                if (reader.Consumed > input.Length || (!reader.Succeeded && !reader.Remaining.IsEmpty))
                {
                    return false;
                }
            }

            return true;
        },
        cases: 2000);

    [Fact]
    public void Zbase32_undoes_itself_and_refuses_foreign_text() => Check.That<byte[]>(bytes =>
    {
        string text = ZBase32.Encode(bytes);
        byte[] decoded = new byte[bytes.Length];
        bool undone = ZBase32.TryDecode(text, decoded) && decoded.AsSpan().SequenceEqual(bytes);
        bool refused = bytes.Length == 0
            || (!ZBase32.TryDecode(text.AsSpan(0, text.Length - 1), decoded) && !ZBase32.TryDecode(text + "y", decoded)
                && !ZBase32.TryDecode("l" + text[1..], decoded) && !ZBase32.TryDecode("é" + text[1..], decoded));
        return text.Length == ZBase32.TextLength(bytes.Length) && undone && refused;
    });

    [Fact]
    public void Zbase32_has_one_text_for_each_value() =>
        Assert.False(ZBase32.TryDecode("yb", new byte[1])); // the last two bits are padding, and not zero

    [Fact]
    public void Zbase32_of_a_megabyte_fits() =>
        Assert.Equal(ZBase32.TextLength(1 << 20), ZBase32.Encode(new byte[1 << 20]).Length);

    private static void Read(ref CompactReader reader, byte step)
    {
        switch (step % 14)
        {
            case 0: reader.ReadUInt(); break;
            case 1: reader.ReadInt(); break;
            case 2: reader.ReadUInt8(); break;
            case 3: reader.ReadUInt16(); break;
            case 4: reader.ReadUInt24(); break;
            case 5: reader.ReadUInt32(); break;
            case 6: reader.ReadUInt64(); break;
            case 7: reader.ReadBool(); break;
            case 8: reader.ReadBuffer(); break;
            case 9: reader.ReadFixed(step); break;
            case 10: reader.ReadString(step); break;
            case 11: reader.ReadCount(step); break;
            case 12: reader.ReadFixed(-step); break;
            default: reader.ReadRest(); break;
        }
    }
}
