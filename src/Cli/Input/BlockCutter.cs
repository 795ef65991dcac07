using System.Buffers;
using HyperActors.Cli.Parsing;

namespace HyperActors.Cli.Input;

/// <summary>Cuts blocks off the front of a stream of bytes.</summary>
internal abstract class BlockCutter
{
    /// <summary>Takes the next block off <paramref name="input"/>; false when more bytes have to come first.</summary>
    /// <param name="input">What was read and not yet cut.</param>
    /// <param name="isLast">No more bytes will come: what is left is a block too, if it is anything.</param>
    /// <param name="block">The block, borrowed from the input.</param>
    public abstract bool TryCut(ref ReadOnlySequence<byte> input, bool isLast, out ReadOnlySequence<byte> block);
}

/// <summary>Blocks of one size; the last one is as long as what is left.</summary>
internal sealed class ChunkCutter(int size) : BlockCutter
{
    public override bool TryCut(ref ReadOnlySequence<byte> input, bool isLast, out ReadOnlySequence<byte> block)
    {
        long length = Math.Min(size, input.Length);
        block = input.Slice(0, length);
        if (length < size && !(isLast && length > 0))
        {
            return false;
        }

        input = input.Slice(length);
        return true;
    }
}

/// <summary>A block a line, without its end (<c>\n</c> or <c>\r\n</c>); the last line needs no end.</summary>
internal sealed class LineCutter : BlockCutter
{
    /// <summary>Bytes at the front of the input that are known to hold no end of line.</summary>
    private long _scanned;
    private ulong _lines;

    /// <exception cref="CliException">A line is longer than a block may be.</exception>
    public override bool TryCut(ref ReadOnlySequence<byte> input, bool isLast, out ReadOnlySequence<byte> block)
    {
        block = default;
        SequencePosition? end = input.Slice(_scanned).PositionOf((byte)'\n');
        if (end is { } newline)
        {
            block = WithoutReturn(input.Slice(0, newline));
            input = input.Slice(input.GetPosition(1, newline));
        }
        else if (isLast && !input.IsEmpty)
        {
            block = input;
            input = input.Slice(input.End);
        }
        else
        {
            _scanned = input.Length;

            // One more for the return that may still turn out to belong to the line's end.
            Require(input.Length <= BlockSizes.Max + 1);
            return false;
        }

        _scanned = 0;
        Require(block.Length <= BlockSizes.Max);
        _lines++;
        return true;
    }

    private static ReadOnlySequence<byte> WithoutReturn(ReadOnlySequence<byte> line)
    {
        long last = line.Length - 1;
        return last >= 0 && line.Slice(last).FirstSpan[0] == '\r' ? line.Slice(0, last) : line;
    }

    private void Require(bool isShortEnough)
    {
        if (!isShortEnough)
        {
            throw CliException.Usage(
                $"line {_lines + 1} is longer than the 15 MiB that a block holds; without --lines the input is cut into blocks of one size");
        }
    }
}
