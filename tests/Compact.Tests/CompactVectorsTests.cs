using System.Buffers;
using System.Globalization;
using System.Text.Json;
using HyperActors.TestKit;

namespace HyperActors.Compact.Tests;

/// <summary>Our bytes are those of the package compact-encoding, in both directions.</summary>
public class CompactVectorsTests
{
    private static readonly JsonElement Encoding = Vectors.Load("encoding.json");

    private delegate T Read<out T>(ref CompactReader reader);

    [Fact]
    public void Unsigned_integers_are_those_of_JavaScript() => Agree(
        "uint", ulong.Parse, (ref CompactWriter w, ulong v) => w.WriteUInt(v), (ref CompactReader r) => r.ReadUInt());

    [Fact]
    public void Signed_integers_are_those_of_JavaScript() => Agree(
        "int", long.Parse, (ref CompactWriter w, long v) => w.WriteInt(v), (ref CompactReader r) => r.ReadInt());

    [Fact]
    public void Integers_of_one_byte_are_those_of_JavaScript() => Agree(
        "uint8", byte.Parse, (ref CompactWriter w, byte v) => w.WriteUInt8(v), (ref CompactReader r) => r.ReadUInt8());

    [Fact]
    public void Integers_of_two_bytes_are_those_of_JavaScript() => Agree(
        "uint16", ushort.Parse, (ref CompactWriter w, ushort v) => w.WriteUInt16(v), (ref CompactReader r) => r.ReadUInt16());

    [Fact]
    public void Integers_of_three_bytes_are_those_of_JavaScript() => Agree(
        "uint24", uint.Parse, (ref CompactWriter w, uint v) => w.WriteUInt24(v), (ref CompactReader r) => r.ReadUInt24());

    [Fact]
    public void Integers_of_four_bytes_are_those_of_JavaScript() => Agree(
        "uint32", uint.Parse, (ref CompactWriter w, uint v) => w.WriteUInt32(v), (ref CompactReader r) => r.ReadUInt32());

    [Theory]
    [InlineData("uint64")]
    [InlineData("biguint64")]
    public void Integers_of_eight_bytes_are_those_of_JavaScript(string name) => Agree(
        name, ulong.Parse, (ref CompactWriter w, ulong v) => w.WriteUInt64(v), (ref CompactReader r) => r.ReadUInt64());

    [Fact]
    public void Claims_are_those_of_JavaScript() => Agree(
        "bool", (text, _) => bool.Parse(text), (ref CompactWriter w, bool v) => w.WriteBool(v), (ref CompactReader r) => r.ReadBool());

    [Fact]
    public void Text_is_that_of_JavaScript() => Agree(
        "string", (text, _) => text, (ref CompactWriter w, string v) => w.WriteString(v), (ref CompactReader r) => r.ReadString());

    [Fact]
    public void Buffers_are_those_of_JavaScript() => Agree(
        "buffer",
        (text, _) => text,
        (ref CompactWriter w, string v) => w.WriteBuffer(Convert.FromHexString(v)),
        (ref CompactReader r) => Convert.ToHexStringLower(r.ReadBuffer()));

    [Fact]
    public void Integers_in_more_bytes_than_they_need_are_read()
    {
        foreach (JsonElement vector in Encoding.Items("nonMinimal"))
        {
            var reader = new CompactReader(vector.Hex("hex"));
            Assert.Equal(vector.Number("value"), reader.ReadUInt());
            Assert.True(reader is { Succeeded: true, IsAtEnd: true });
        }
    }

    [Fact]
    public void Only_01_is_true()
    {
        foreach (JsonElement text in Encoding.Items("boolsThatAreFalse"))
        {
            var reader = new CompactReader(text.Hex());
            Assert.False(reader.ReadBool());
            Assert.True(reader.Succeeded);
        }
    }

    [Fact]
    public void What_JavaScript_refuses_we_refuse()
    {
        Refuse("uint", (ref CompactReader r) => r.ReadUInt());
        Refuse("buffer", (ref CompactReader r) => (ulong)r.ReadBuffer().Length);
        Refuse("string", (ref CompactReader r) => (ulong)r.ReadString().Length);
        Refuse("fixed32", (ref CompactReader r) => (ulong)r.ReadFixed(32).Length);
        Refuse("uint16", (ref CompactReader r) => r.ReadUInt16());
        Refuse("uint32", (ref CompactReader r) => r.ReadUInt32());
        Refuse("uint64", (ref CompactReader r) => r.ReadUInt64());
    }

    [Fact]
    public void Zbase32_is_that_of_JavaScript()
    {
        foreach (JsonElement vector in Encoding.Items("z32").Concat(Encoding.Items("keys")))
        {
            byte[] bytes = vector.Hex("hex");
            string text = vector.Text("text");
            byte[] decoded = new byte[bytes.Length];

            Assert.Equal(text, ZBase32.Encode(bytes));
            Assert.True(ZBase32.TryDecode(text, decoded));
            Assert.Equal(bytes, decoded);
        }
    }

    private delegate void WriteValue<in T>(ref CompactWriter writer, T value);

    private static void Agree<T>(string name, Func<string, IFormatProvider?, T> parse, WriteValue<T> write, Read<T> read)
    {
        Assert.NotEmpty(Encoding.Items(name));
        foreach (JsonElement vector in Encoding.Items(name))
        {
            T value = parse(vector.Text("value"), CultureInfo.InvariantCulture);
            var output = new ArrayBufferWriter<byte>();
            var writer = new CompactWriter(output);
            write(ref writer, value);
            Assert.Equal(vector.Text("hex"), Convert.ToHexStringLower(output.WrittenSpan));

            var reader = new CompactReader(vector.Hex("hex"));
            Assert.Equal(value, read(ref reader));
            Assert.True(reader is { Succeeded: true, IsAtEnd: true });
        }
    }

    private static void Refuse(string name, Read<ulong> read)
    {
        foreach (JsonElement text in Encoding.GetProperty("refused").Items(name))
        {
            var reader = new CompactReader(text.Hex());
            Assert.Equal(0UL, read(ref reader));
            Assert.False(reader.Succeeded, $"{name} {text}");
        }
    }
}
