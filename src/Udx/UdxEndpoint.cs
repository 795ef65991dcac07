using HyperActors.Crypto;

namespace HyperActors.Udx;

/// <summary>What a datagram on a shared UDP socket is.</summary>
public enum DatagramKind
{
    /// <summary>Nothing that we know.</summary>
    Unknown,

    /// <summary>A packet of a stream that is open here.</summary>
    Stream,

    /// <summary>A packet of a stream that has closed; the answer, if any, is in <see cref="UdxEndpoint{TOwner}.TryPollTransmit"/>.</summary>
    Lingering,

    /// <summary>A packet of a stream that was never here. It gets no answer.</summary>
    Stray,

    /// <summary>A message of the DHT.</summary>
    Dht,

    /// <summary>The single byte that opens a hole in a NAT.</summary>
    Holepunch,
}

/// <summary>The streams of one node by their id, whatever socket a packet comes in on.</summary>
/// <remarks>
/// Ids are looked up across all sockets: a packet for a known stream on another socket is how a hole-punched connection
/// begins, and the stream's firewall decides about it. The id of a closed stream is remembered for a while, and whoever missed
/// its last packet hears it again. Who wants that very id again may have it meanwhile: the first packet of a stream, the one with
/// the sequence 0, tells that its peer is a new one. One thread at a time.
/// </remarks>
/// <typeparam name="TOwner">Whoever gets the packets of a stream: the stream itself, or the actor that drives it.</typeparam>
public sealed class UdxEndpoint<TOwner>(UdxOptions options)
    where TOwner : class
{
    private const byte DhtRequest = 0x03;
    private const byte DhtResponse = 0x13;

    private readonly Dictionary<uint, Entry> _entries = [];
    private readonly Queue<(TimeSpan Until, uint Id, long Closing)> _lingering = new();
    private readonly Queue<UdxLinger> _replies = new();
    private long _closings;

    /// <summary>Open streams.</summary>
    public int Count { get; private set; }

    /// <summary>When the oldest closed stream may be forgotten; null when there is none.</summary>
    public TimeSpan? Deadline => _lingering.TryPeek(out var oldest) ? oldest.Until : null;

    /// <summary>Takes an id that is free; false when there are too many streams.</summary>
    public bool TryOpen(TOwner owner, RandomSource random, out uint id)
    {
        do
        {
            id = (uint)random.NextUInt64();
        }
        while (_entries.ContainsKey(id));
        return TryOpen(owner, id);
    }

    /// <summary>Takes this very id; false when a stream has it, or there are too many streams.</summary>
    public bool TryOpen(TOwner owner, uint id)
    {
        Entry former = _entries.GetValueOrDefault(id);
        if (Count >= options.MaxStreams || former.Owner is not null)
        {
            return false;
        }

        _entries[id] = former with { Owner = owner };
        Count++;
        return true;
    }

    /// <summary>A stream is over. Its id is remembered for a while, so that a late packet never meets a fresh stream.</summary>
    public void Close(uint id, UdxLinger? linger, TimeSpan now)
    {
        if (!_entries.TryGetValue(id, out Entry entry) || entry.Owner is null)
        {
            return;
        }

        Count--;
        _entries[id] = new Entry(null, linger, ++_closings);
        _lingering.Enqueue((now + options.Linger, id, _closings));
        if (_lingering.Count > options.MaxLingering)
        {
            ForgetOldest();
        }
    }

    /// <summary>Tells what a datagram is, and to whom it goes.</summary>
    public DatagramKind Route(ReadOnlySpan<byte> datagram, out TOwner? owner)
    {
        owner = null;
        if (datagram.Length == 1)
        {
            return DatagramKind.Holepunch;
        }

        if (!PacketHeader.TryDecode(datagram, out PacketHeader header))
        {
            return datagram.Length >= 2 && datagram[0] is DhtRequest or DhtResponse
                ? DatagramKind.Dht
                : DatagramKind.Unknown;
        }

        if (!_entries.TryGetValue(header.StreamId, out Entry entry))
        {
            return DatagramKind.Stray;
        }

        if (entry.Owner is not null && (entry.Closing == 0 || IsFirst(header)))
        {
            if (entry.Closing != 0)
            {
                _entries[header.StreamId] = new Entry(entry.Owner, null, 0);
            }

            owner = entry.Owner;
            return DatagramKind.Stream;
        }

        // One answer is enough for a burst, and keeps the queue as short as the list of the closed.
        if (entry.Linger is { OwesReply: false } linger && linger.HandlePacket(header))
        {
            _replies.Enqueue(linger);
        }

        return DatagramKind.Lingering;
    }

    /// <summary>It is this late: forgets closed streams whose time is over.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        while (_lingering.TryPeek(out var oldest) && oldest.Until <= now)
        {
            ForgetOldest();
        }
    }

    /// <summary>Writes an answer of a closed stream; false when there is none.</summary>
    public bool TryPollTransmit(Span<byte> buffer, out UdxTransmit transmit)
    {
        if (_replies.TryDequeue(out UdxLinger? linger))
        {
            transmit = linger.WriteReply(buffer);
            return true;
        }

        transmit = default;
        return false;
    }

    // What was closed before had more to say than this, or is of no use to anyone: nothing was ever sent on it.
    private static bool IsFirst(in PacketHeader header) =>
        header.Sequence == 0 && !header.Has(PacketFlags.End) && !header.Has(PacketFlags.Destroy);

    private void ForgetOldest()
    {
        (_, uint id, long closing) = _lingering.Dequeue();
        if (!_entries.TryGetValue(id, out Entry entry) || entry.Closing != closing)
        {
            return;
        }

        if (entry.Owner is null)
        {
            _entries.Remove(id);
        }
        else
        {
            _entries[id] = new Entry(entry.Owner, null, 0);
        }
    }

    // Closing: the number of the closing that the id remembers; 0 for none.
    private readonly record struct Entry(TOwner? Owner, UdxLinger? Linger, long Closing);
}
