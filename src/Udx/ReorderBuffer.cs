using System.Buffers;
using System.Numerics;

namespace HyperActors.Udx;

/// <summary>Packets that arrived before the one that has to be delivered first.</summary>
internal sealed class ReorderBuffer(UdxOptions options)
{
    private const int MinCapacity = 16;
    private Slot[] _ring = [];

    /// <summary>What a selective acknowledgement reports.</summary>
    public SequenceRuns Runs { get; } = new(options.MaxReorderRuns);

    /// <summary>Payload bytes held.</summary>
    public int Bytes { get; private set; }

    /// <summary>Packets held.</summary>
    public int Count { get; private set; }

    public bool Contains(uint sequence) => _ring.Length > 0 && this[sequence] is { Bytes: not null } slot &&
        slot.Sequence == sequence;

    private ref Slot this[uint sequence] => ref _ring[sequence & ((uint)_ring.Length - 1)];

    /// <summary>Keeps a copy of a packet; false when it is here already or beyond a bound.</summary>
    public bool TryAdd(uint sequence, uint expected, PacketFlags flags, ReadOnlySpan<byte> payload)
    {
        int distance = Sequence.Difference(sequence, expected);
        if (distance > options.MaxReorderDistance || Contains(sequence) || !Runs.TryAdd(sequence))
        {
            return false;
        }

        if (distance >= _ring.Length)
        {
            Grow(distance);
        }

        byte[] bytes = payload.IsEmpty ? [] : ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(bytes);
        this[sequence] = new Slot(bytes, sequence, payload.Length, flags);
        Bytes += payload.Length;
        Count++;
        return true;
    }

    /// <summary>Takes a packet out. Its array goes back with <see cref="Return"/>.</summary>
    public bool TryTake(uint sequence, out byte[] bytes, out int length, out PacketFlags flags)
    {
        if (!Contains(sequence))
        {
            (bytes, length, flags) = ([], 0, PacketFlags.None);
            return false;
        }

        ref Slot slot = ref this[sequence];
        (bytes, length, flags) = (slot.Bytes!, slot.Length, slot.Flags);
        slot = default;
        Bytes -= length;
        if (--Count == 0 && _ring.Length > MinCapacity)
        {
            _ring = [];
        }

        return true;
    }

    public static void Return(byte[] bytes)
    {
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public void Clear()
    {
        foreach (Slot slot in _ring)
        {
            if (slot.Bytes is { } bytes)
            {
                Return(bytes);
            }
        }

        _ring = [];
        Bytes = Count = 0;
        Runs.Clear();
    }

    private void Grow(int distance)
    {
        Slot[] old = _ring;
        _ring = new Slot[Math.Max(MinCapacity, (int)BitOperations.RoundUpToPowerOf2((uint)distance + 1))];
        foreach (Slot slot in old)
        {
            if (slot.Bytes is not null)
            {
                this[slot.Sequence] = slot;
            }
        }
    }

    private readonly record struct Slot(byte[]? Bytes, uint Sequence, int Length, PacketFlags Flags);
}
