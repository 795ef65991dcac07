using System.Buffers;

namespace HyperActors.Udx;

/// <summary>Packets that leave once and are never repeated: messages, and what is relayed for others.</summary>
internal sealed class Outbox
{
    private readonly Queue<(byte[] Bytes, int Length, bool IsForwarded)> _packets = new();

    public int Count => _packets.Count;

    public int Bytes { get; private set; }

    public int NextLength => _packets.Peek().Length;

    /// <summary>Room for a packet at the end of the queue.</summary>
    public Span<byte> Add(int length, bool isForwarded)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        _packets.Enqueue((bytes, length, isForwarded));
        Bytes += length;
        return bytes.AsSpan(0, length);
    }

    /// <summary>Copies the first packet out; <paramref name="output"/> has room for it.</summary>
    public int Take(Span<byte> output, out bool isForwarded)
    {
        (byte[] bytes, int length, isForwarded) = _packets.Dequeue();
        bytes.AsSpan(0, length).CopyTo(output);
        ArrayPool<byte>.Shared.Return(bytes);
        Bytes -= length;
        return length;
    }

    public void Clear()
    {
        while (_packets.TryDequeue(out var packet))
        {
            ArrayPool<byte>.Shared.Return(packet.Bytes);
        }

        Bytes = 0;
    }
}
