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
/// begins, and the stream's firewall decides about it. The id of a closed stream stays taken for a while, and whoever missed
/// its last packet hears it again. One thread at a time.
/// </remarks>
/// <typeparam name="TOwner">Whoever gets the packets of a stream: the stream itself, or the actor that drives it.</typeparam>
public sealed class UdxEndpoint<TOwner>(UdxOptions options)
    where TOwner : class
{
    private const byte DhtRequest = 0x03;
    private const byte DhtResponse = 0x13;

    private readonly Dictionary<uint, Entry> _entries = [];
    private readonly Queue<(TimeSpan Until, uint Id, UdxLinger? Linger)> _lingering = new();
    private readonly Queue<UdxLinger> _replies = new();

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

    /// <summary>Takes this very id; false when it is taken, or there are too many streams.</summary>
    public bool TryOpen(TOwner owner, uint id)
    {
        if (Count >= options.MaxStreams || !_entries.TryAdd(id, new Entry(owner, null)))
        {
            return false;
        }

        Count++;
        return true;
    }

    /// <summary>A stream is over. Its id stays taken for a while, so that a late packet never meets a fresh stream.</summary>
    public void Close(uint id, UdxLinger? linger, TimeSpan now)
    {
        if (!_entries.TryGetValue(id, out Entry entry) || entry.Owner is null)
        {
            return;
        }

        Count--;
        _entries[id] = new Entry(null, linger);
        _lingering.Enqueue((now + options.Linger, id, linger));
        if (_lingering.Count > options.MaxLingering)
        {
            _entries.Remove(_lingering.Dequeue().Id);
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

        owner = entry.Owner;
        if (owner is not null)
        {
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
            _lingering.Dequeue();
            _entries.Remove(oldest.Id);
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

    private readonly record struct Entry(TOwner? Owner, UdxLinger? Linger);
}
