using System.Buffers;
using System.Diagnostics;

namespace HyperActors.Compact.Tests;

public class CompactWriterTests
{
    [Theory]
    [InlineData(0UL)]
    [InlineData(0xfcUL)]
    [InlineData(0xfdUL)]
    [InlineData(0xffffUL)]
    [InlineData(0x10000UL)]
    [InlineData(0xffffffffUL)]
    [InlineData(0x100000000UL)]
    [InlineData(CompactReader.MaxUInt)]
    public void The_size_of_an_integer_is_what_it_takes(ulong value)
    {
        var output = new ArrayBufferWriter<byte>();
        new CompactWriter(output).WriteUInt(value);
        byte[] span = new byte[9];

        Assert.Equal(CompactSize.OfUInt(value), output.WrittenCount);
        Assert.Equal(output.WrittenCount, CompactSize.WriteUInt(span, value));
        Assert.Equal(output.WrittenSpan, span.AsSpan(0, output.WrittenCount));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(252)]
    [InlineData(253)]
    [InlineData(70_000)]
    public void The_size_of_a_buffer_is_what_it_takes(int length)
    {
        var output = new ArrayBufferWriter<byte>();
        new CompactWriter(output).WriteBuffer(new byte[length]);
        Assert.Equal(CompactSize.OfBuffer(length), output.WrittenCount);
    }

    [Fact]
    public void The_size_of_a_text_counts_its_bytes()
    {
        var output = new ArrayBufferWriter<byte>();
        new CompactWriter(output).WriteString("äöü €");
        Assert.Equal(CompactSize.OfString("äöü €"), output.WrittenCount);
    }

    [Fact]
    public void An_integer_that_JavaScript_could_not_hold_is_a_fault_of_the_caller()
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.Throws<UnreachableException>(() => new CompactWriter(output).WriteUInt(CompactReader.MaxUInt + 1));
        Assert.Throws<UnreachableException>(() => new CompactWriter(output).WriteInt(1L << 52));
        Assert.Throws<UnreachableException>(() => new CompactWriter(output).WriteInt((-1L << 52) - 1));
        Assert.Throws<UnreachableException>(() => new CompactWriter(output).WriteUInt24(1 << 24));
        Assert.Equal(0, output.WrittenCount);
    }
}
