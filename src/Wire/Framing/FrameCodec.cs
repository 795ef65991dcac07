using System.Buffers;

namespace HyperActors.Wire;

/// <summary>Frames of a connection, cut from and joined into one byte stream.</summary>
/// <remarks><code>| length: uint24 LE | body: length bytes |</code></remarks>
public static class FrameCodec
{
    /// <summary>The size of the length in front of a body.</summary>
    public const int HeaderSize = 3;

    /// <summary>Reads the length of the frame that starts at <paramref name="input"/>, judging it before its body is here.</summary>
    public static OperationStatus DecodeHeader(ReadOnlySpan<byte> input, int maxBodySize, out int length)
    {
        if (input.Length < HeaderSize)
        {
            length = 0;
            return OperationStatus.NeedMoreData;
        }

        length = input[0] | (input[1] << 8) | (input[2] << 16);
        return length > maxBodySize ? OperationStatus.InvalidData : OperationStatus.Done;
    }

    /// <summary>Cuts one frame off the front of <paramref name="input"/>.</summary>
    /// <returns>Anything but <see cref="OperationStatus.Done"/> leaves <paramref name="input"/> as it was.</returns>
    public static OperationStatus Decode(
        scoped ref ReadOnlySpan<byte> input, int maxBodySize, out ReadOnlySpan<byte> body)
    {
        body = default;
        OperationStatus header = DecodeHeader(input, maxBodySize, out int length);
        if (header != OperationStatus.Done)
        {
            return header;
        }

        if (input.Length - HeaderSize < length)
        {
            return OperationStatus.NeedMoreData;
        }

        body = input.Slice(HeaderSize, length);
        input = input[(HeaderSize + length)..];
        return OperationStatus.Done;
    }

    /// <summary>Writes the length of a body to the front of <paramref name="output"/>.</summary>
    public static void EncodeHeader(Span<byte> output, int length)
    {
        Invariant.Hold((uint)length <= LinkOptions.LargestFrame);
        output[0] = (byte)length;
        output[1] = (byte)(length >> 8);
        output[2] = (byte)(length >> 16);
    }
}
