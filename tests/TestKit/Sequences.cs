using System.Buffers;
using HyperActors.Crypto;

namespace HyperActors.TestKit;

/// <summary>Bytes in pieces, as a transport hands them over.</summary>
public static class Sequences
{
    /// <summary>One sequence of several segments.</summary>
    public static ReadOnlySequence<byte> Of(params IEnumerable<byte[]> pieces)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (byte[] piece in pieces)
        {
            last = new Segment(piece, last);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    /// <summary>Cuts bytes where chance says, into pieces that are never empty.</summary>
    public static List<byte[]> Cut(ReadOnlySpan<byte> bytes, RandomSource random, int maxPiece)
    {
        var pieces = new List<byte[]>();
        while (!bytes.IsEmpty)
        {
            int size = Math.Min(bytes.Length, 1 + random.NextInt32(maxPiece));
            pieces.Add(bytes[..size].ToArray());
            bytes = bytes[size..];
        }

        return pieces;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, Segment? previous)
        {
            Memory = bytes;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
