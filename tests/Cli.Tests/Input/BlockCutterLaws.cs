using System.Buffers;
using System.Text;
using HyperActors.Cli.Input;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Tests.Input;

public sealed class BlockCutterLaws
{
    [Theory]
    [InlineData("a\nb\n", "a|b")]
    [InlineData("a\nb", "a|b")]
    [InlineData("a\r\nb\r\n", "a|b")]
    [InlineData("a\rb\n", "a\rb")]
    [InlineData("a\r", "a\r")]
    [InlineData("\n\r\n\n", "||")]
    [InlineData("", null)]
    public void A_line_is_a_block_without_its_end_however_the_input_is_split(string text, string? blocks)
    {
        string[] expected = blocks?.Split('|') ?? [];
        byte[] input = Encoding.UTF8.GetBytes(text);
        for (int cut = 0; cut <= input.Length; cut++)
        {
            Assert.Equal(expected, Cut(new LineCutter(), [input[..cut], input[cut..]]).Select(Encoding.UTF8.GetString));
        }

        Assert.Equal(expected, Cut(new LineCutter(), [.. input.Select(b => new[] { b })]).Select(Encoding.UTF8.GetString));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(4, "4")]
    [InlineData(9, "4,4,1")]
    public void A_chunk_is_as_long_as_was_asked_and_the_last_one_as_what_is_left(int length, string sizes)
    {
        byte[] input = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        for (int cut = 0; cut <= length; cut++)
        {
            List<byte[]> blocks = Cut(new ChunkCutter(4), [input[..cut], input[cut..]]);
            Assert.Equal(sizes, string.Join(',', blocks.Select(block => block.Length)));
            Assert.Equal(input, blocks.SelectMany(block => block));
        }
    }

    [Fact]
    public void A_line_of_15_MiB_is_a_block_also_with_both_ends()
    {
        byte[] line = new byte[BlockSizes.Max + 2];
        "\r\n"u8.CopyTo(line.AsSpan(BlockSizes.Max));
        Assert.Equal(BlockSizes.Max, Assert.Single(Cut(new LineCutter(), [line[..^1], line[^1..]])).Length);
    }

    [Fact]
    public void A_longer_line_is_refused_before_it_has_ended()
    {
        byte[] input = new byte[BlockSizes.Max + 4];
        "a\n"u8.CopyTo(input);
        var refused = Assert.Throws<CliException>(() => Cut(new LineCutter(), [input]));
        Assert.StartsWith("line 2 is longer than the 15 MiB", refused.Message, StringComparison.Ordinal);
    }

    private static List<byte[]> Cut(BlockCutter cutter, byte[][] pieces)
    {
        List<byte[]> blocks = [];
        byte[] held = [];
        foreach (byte[]? piece in pieces.Append(null))
        {
            held = held.Concat(piece ?? []).ToArray();
            var input = new ReadOnlySequence<byte>(held);
            while (cutter.TryCut(ref input, isLast: piece is null, out ReadOnlySequence<byte> block))
            {
                blocks.Add(block.ToArray());
            }

            held = input.ToArray();
        }

        Assert.Empty(held);
        return blocks;
    }
}
