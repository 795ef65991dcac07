using System.Buffers;
using System.Numerics;

namespace HyperActors.Udx;

/// <summary>Where a packet stands that has been sent.</summary>
internal enum PacketState : byte
{
    InFlight,

    /// <summary>Taken for lost, waiting to be sent again.</summary>
    Lost,

    /// <summary>Arrived, though something before it has not.</summary>
    Acked,
}

/// <summary>A packet that was sent. Its bytes and its number never change, whatever happens to it.</summary>
internal struct SentPacket
{
    public long Offset;
    public TimeSpan SentAt;
    public TimeSpan FirstSentAt;
    public TimeSpan DeliveredAt;
    public long Delivered;
    public uint Previous;
    public uint Next;
    public ushort Length;
    public PacketFlags Flags;
    public PacketState State;
    public byte Padding;
    public byte Path;
    public byte Timeouts;
    public bool IsRetransmitted;
    public bool IsAppLimited;
}

/// <summary>A queue of sent packets, linked through the packets themselves.</summary>
internal struct PacketQueue
{
    public uint Head;
    public uint Tail;
    public int Count;
}

/// <summary>All packets from the first unacknowledged to the next to be sent, and the queues through them.</summary>
internal sealed class SentPackets
{
    private const int MinCapacity = 16;
    private SentPacket[]? _ring;
    private uint _mask;

    /// <summary>Packets under way, in the order in which they were last sent.</summary>
    public PacketQueue InFlight;

    /// <summary>Packets to send again, in the order in which they were missed.</summary>
    public PacketQueue Lost;

    /// <summary>The first number not acknowledged (snd_una).</summary>
    public uint First { get; private set; }

    /// <summary>The next number to be used (snd_nxt).</summary>
    public uint Next { get; private set; }

    public int Count => Sequence.Difference(Next, First);

    /// <summary>Packets acknowledged out of order.</summary>
    public int Sacked { get; private set; }

    public ref SentPacket this[uint sequence] => ref _ring![sequence & _mask];

    public bool Contains(uint sequence) =>
        Sequence.Difference(sequence, First) >= 0 && Sequence.Difference(sequence, Next) < 0;

    /// <summary>Starts counting at <paramref name="sequence"/>; only before anything was sent.</summary>
    public void StartAt(uint sequence) => First = Next = sequence;

    /// <summary>Takes the next number for a packet, which belongs to no queue yet.</summary>
    public ref SentPacket Add()
    {
        if (_ring is null || Count > (int)_mask)
        {
            Grow();
        }

        ref SentPacket packet = ref this[Next++];
        packet = default;
        return ref packet;
    }

    /// <summary>Marks a packet as arrived; the caller has seen that it was not yet.</summary>
    public void Acknowledge(uint sequence)
    {
        ref SentPacket packet = ref this[sequence];
        Invariant.Hold(packet.State != PacketState.Acked);
        Remove(ref packet.State == PacketState.Lost ? ref Lost : ref InFlight, sequence);
        packet.State = PacketState.Acked;
        Sacked++;
    }

    /// <summary>Forgets all packets before <paramref name="first"/>, which must have arrived.</summary>
    public void Advance(uint first)
    {
        Sacked -= Sequence.Difference(first, First);
        First = first;
        Invariant.Hold(Sacked >= 0);
        if (Count == 0)
        {
            Release();
        }
    }

    /// <summary>The peer may have dropped what it reported out of order: all of it counts as lost again.</summary>
    public void Disbelieve()
    {
        for (uint sequence = First; sequence != Next; sequence++)
        {
            if (this[sequence].State == PacketState.Acked)
            {
                this[sequence].State = PacketState.Lost;
            }
        }

        Sacked = 0;
        SortLost();
    }

    public void MarkLost(uint sequence)
    {
        Remove(ref InFlight, sequence);
        this[sequence].State = PacketState.Lost;
        Append(ref Lost, sequence);
    }

    /// <summary>Brings the queue of lost packets into the order of their numbers: after a timeout the oldest goes first.</summary>
    public void SortLost()
    {
        Lost = default;
        for (uint sequence = First; sequence != Next; sequence++)
        {
            if (this[sequence].State == PacketState.Lost)
            {
                Append(ref Lost, sequence);
            }
        }
    }

    public void MarkInFlight(uint sequence)
    {
        this[sequence].State = PacketState.InFlight;
        Append(ref InFlight, sequence);
    }

    public void Append(ref PacketQueue queue, uint sequence)
    {
        if (queue.Count == 0)
        {
            queue.Head = sequence;
        }
        else
        {
            this[queue.Tail].Next = sequence;
            this[sequence].Previous = queue.Tail;
        }

        queue.Tail = sequence;
        queue.Count++;
    }

    public void Remove(ref PacketQueue queue, uint sequence)
    {
        ref SentPacket packet = ref this[sequence];
        if (queue.Head == sequence)
        {
            queue.Head = packet.Next;
        }
        else
        {
            this[packet.Previous].Next = packet.Next;
        }

        if (queue.Tail == sequence)
        {
            queue.Tail = packet.Previous;
        }
        else
        {
            this[packet.Next].Previous = packet.Previous;
        }

        queue.Count--;
        Invariant.Hold(queue.Count >= 0);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        First = Next;
        InFlight = Lost = default;
        Sacked = 0;
        Release();
    }

    // An idle stream keeps nothing: there may be very many of them.
    private void Release()
    {
        if (_ring is not null)
        {
            ArrayPool<SentPacket>.Shared.Return(_ring);
            _ring = null;
            _mask = 0;
        }
    }

    private void Grow()
    {
        int count = Count;
        int capacity = Math.Max(MinCapacity, (int)BitOperations.RoundUpToPowerOf2((uint)count + 1));
        SentPacket[] grown = ArrayPool<SentPacket>.Shared.Rent(capacity);
        uint mask = (uint)capacity - 1;
        for (uint i = 0; i < count; i++)
        {
            uint sequence = First + i;
            grown[sequence & mask] = this[sequence];
        }

        Release();
        _ring = grown;
        _mask = mask;
    }
}
