using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>A message that the owner of a session sends on its channel <see cref="RelayProtocol.Name"/>.</summary>
/// <param name="Session">Whose channel.</param>
/// <param name="Type">The type of the message.</param>
/// <param name="Payload">Its bytes.</param>
public sealed record RelayMessage(long Session, uint Type, ReadOnlyMemory<byte> Payload);

/// <summary>A blind relay: joins the streams of two peers that show the same token, without seeing into them.</summary>
/// <remarks>
/// <para>A session is the channel <see cref="RelayProtocol.Name"/> of one connection, whose actor drives it: on
/// <c>ChannelRequested</c> with that name it opens the channel with the peer's public key as its id, calls
/// <see cref="OpenSession"/>, hands every message to <see cref="HandleMessage"/>, sends what <see cref="TryPollMessage"/> gives,
/// and calls <see cref="CloseSession"/> when channel or connection end. False from <see cref="HandleMessage"/> means that the
/// peer broke the protocol.</para>
/// <para>A pair goes through: <b>waiting</b> (one side is there), <b>joined</b> (both; each has a stream of ours, which connects to
/// whoever sends to it first), <b>gone</b>.</para>
/// </remarks>
public sealed class RelayPairing
{
    private readonly RelayOptions _options;
    private readonly IDhtDoors _doors;
    private readonly Dictionary<long, Session> _sessions = [];
    private readonly Dictionary<Hash, Pairing> _waiting = [];
    private readonly Dictionary<uint, Side> _streams = [];
    private readonly List<Pairing> _joined = [];
    private readonly PriorityQueue<Pairing, TimeSpan> _deadlines = new();
    private readonly Queue<RelayMessage> _messages = new();
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private TimeSpan? _meterAt;

    public RelayPairing(RelayOptions options, IDhtDoors doors) => (_options, _doors) = (options, doors);

    /// <summary>When <see cref="HandleTimeout"/> is next due; null while nothing is timed.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            while (_deadlines.TryPeek(out Pairing? first, out _) && !first.IsWaiting)
            {
                _deadlines.Dequeue();
            }

            TimeSpan? waiting = _deadlines.TryPeek(out _, out TimeSpan due) ? due : null;
            return waiting is null || _meterAt < waiting ? _meterAt : waiting;
        }
    }

    /// <summary>Pairs that wait for their second side.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Pairs that are joined.</summary>
    public int Joined => _joined.Count;

    /// <summary>Pairs that were joined so far.</summary>
    public long TotalJoined { get; private set; }

    /// <summary>Requests that were refused because a bound was reached, and pairs that were ended for it.</summary>
    public long Refused { get; private set; }

    /// <summary>Bytes sent on for pairs that are gone.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes sent on so far.</summary>
    public long Bytes => TotalBytes + _joined.Sum(p => p.Bytes);

    /// <summary>True for a session without pairs, waiting or joined; false for one that is not open.</summary>
    public bool IsIdle(long session) => _sessions.TryGetValue(session, out Session? found) && found.Sides.Count == 0;

    /// <summary>A peer has opened the channel.</summary>
    public void OpenSession(long session) => _sessions.TryAdd(session, new Session(session));

    /// <summary>The channel or its connection is over: what waits for a partner is forgotten, what is joined is parted.</summary>
    public void CloseSession(long session)
    {
        if (!_sessions.Remove(session, out Session? closed))
        {
            return;
        }

        foreach (Side side in closed.Sides.Values.ToArray())
        {
            End(side.Pairing);
        }
    }

    /// <summary>A message of the session; false when it is none, which ends the connection.</summary>
    public bool HandleMessage(long session, uint type, ReadOnlySpan<byte> payload, TimeSpan now)
    {
        var reader = new CompactReader(payload);
        if (!_sessions.TryGetValue(session, out Session? from))
        {
            return true;
        }

        switch (type)
        {
            case RelayProtocol.Pair when RelayPair.TryDecode(ref reader, out RelayPair pair):
                HandlePair(from, pair, now);
                return true;
            case RelayProtocol.Unpair when RelayUnpair.TryDecode(ref reader, out RelayUnpair unpair):
                HandleUnpair(from, unpair.Token);
                return true;
            default:
                return type > RelayProtocol.Unpair;
        }
    }

    /// <summary>It is this late.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        while (_deadlines.TryPeek(out Pairing? first, out TimeSpan due) && (due <= now || !first.IsWaiting))
        {
            _deadlines.Dequeue();
            if (first.IsWaiting)
            {
                End(first);
            }
        }

        if (_meterAt <= now)
        {
            foreach (Pairing pairing in _joined.Where(p => p.Bytes > _options.MaxBytesPerPair).ToArray())
            {
                Refused++;
                End(pairing);
            }

            _meterAt = _joined.Count > 0 ? now + _options.MeterInterval : null;
        }
    }

    /// <summary>A message that wants to leave; false when there are none.</summary>
    public bool TryPollMessage([MaybeNullWhen(false)] out RelayMessage message) => _messages.TryDequeue(out message);

    /// <summary>Somebody sends to a stream that is not connected, or to another socket than the stream's.</summary>
    /// <returns>False when the stream is none of ours.</returns>
    public bool HandleStreamPacket(uint stream, int socket, DhtAddress from)
    {
        if (!_streams.TryGetValue(stream, out Side? side))
        {
            return false;
        }

        // Only the first: a pair that could be moved by whoever knows its id could be stolen.
        if (!side.IsConnected)
        {
            side.IsConnected = true;
            side.Stream!.Connect(socket, side.RemoteId, from);
        }

        return true;
    }

    /// <summary>A stream is over; false when it was none of ours.</summary>
    public bool HandleStreamClosed(uint stream)
    {
        if (!_streams.TryGetValue(stream, out Side? side))
        {
            return false;
        }

        End(side.Pairing);
        return true;
    }

    private void HandlePair(Session from, in RelayPair pair, TimeSpan now)
    {
        if (_waiting.TryGetValue(pair.Token, out Pairing? pairing))
        {
            if (pairing.Of(pair.IsInitiator) is not null)
            {
                return;
            }
        }
        else if (from.Sides.ContainsKey((pair.Token, pair.IsInitiator)))
        {
            return;
        }

        if (from.Sides.Count >= _options.MaxPairsPerPeer ||
            (pairing is null && _waiting.Count + _joined.Count >= _options.MaxPairs))
        {
            Refused++;
            return;
        }

        if (pairing is null)
        {
            pairing = new Pairing(pair.Token) { IsWaiting = true };
            _waiting.Add(pair.Token, pairing);
            _deadlines.Enqueue(pairing, now + _options.PairTimeout);
        }

        var side = new Side(pairing, from, pair.IsInitiator, pair.StreamId);
        from.Sides.Add((pair.Token, pair.IsInitiator), side);
        pairing.Add(side);
        if (pairing is { Initiator: not null, Responder: not null })
        {
            Join(pairing, now);
        }
    }

    private void Join(Pairing pairing, TimeSpan now)
    {
        pairing.IsWaiting = false;
        _waiting.Remove(pairing.Token);
        foreach (Side side in pairing.Sides)
        {
            if (_doors.OpenStream() is not { } stream)
            {
                Refused++;
                End(pairing);
                return;
            }

            side.Stream = stream;
            _streams.Add(stream.Id, side);
        }

        pairing.Initiator!.Stream!.RelayTo(pairing.Responder!.Stream!);
        pairing.Responder.Stream!.RelayTo(pairing.Initiator.Stream);
        _joined.Add(pairing);
        TotalJoined++;
        _meterAt ??= now + _options.MeterInterval;
        foreach (Side side in pairing.Sides)
        {
            _buffer.ResetWrittenCount();
            var writer = new CompactWriter(_buffer);
            new RelayPair(side.IsInitiator, pairing.Token, side.Stream!.Id).Encode(ref writer);
            _messages.Enqueue(new RelayMessage(side.Session.Id, RelayProtocol.Pair, _buffer.WrittenSpan.ToArray()));
        }
    }

    // A waiting pair may be forgotten by whoever knows its token, as upstream has it; a joined one by its two sides alone.
    private void HandleUnpair(Session from, Hash token)
    {
        if (_waiting.TryGetValue(token, out Pairing? waiting))
        {
            End(waiting);
        }
        else if (from.Sides.TryGetValue((token, true), out Side? side) || from.Sides.TryGetValue((token, false), out side))
        {
            End(side.Pairing);
        }
    }

    private void End(Pairing pairing)
    {
        if (pairing.IsWaiting)
        {
            pairing.IsWaiting = false;
            _waiting.Remove(pairing.Token);
        }

        if (_joined.Remove(pairing))
        {
            TotalBytes += pairing.Bytes;
        }

        foreach (Side side in pairing.Sides)
        {
            side.Session.Sides.Remove((pairing.Token, side.IsInitiator));
            if (side.Stream is { } stream)
            {
                side.Stream = null;
                _streams.Remove(stream.Id);
                stream.Destroy();
            }
        }
    }

    private sealed class Session(long id)
    {
        public long Id { get; } = id;

        public Dictionary<(Hash Token, bool IsInitiator), Side> Sides { get; } = [];
    }

    private sealed class Pairing(Hash token)
    {
        public Hash Token { get; } = token;

        public bool IsWaiting { get; set; }

        public Side? Initiator { get; private set; }

        public Side? Responder { get; private set; }

        public IEnumerable<Side> Sides => new[] { Initiator, Responder }.OfType<Side>();

        public long Bytes => (Initiator?.Stream?.RelayedBytes ?? 0) + (Responder?.Stream?.RelayedBytes ?? 0);

        public Side? Of(bool isInitiator) => isInitiator ? Initiator : Responder;

        public void Add(Side side)
        {
            if (side.IsInitiator)
            {
                Initiator = side;
            }
            else
            {
                Responder = side;
            }
        }
    }

    private sealed class Side(Pairing pairing, Session session, bool isInitiator, uint remoteId)
    {
        public Pairing Pairing { get; } = pairing;

        public Session Session { get; } = session;

        public bool IsInitiator { get; } = isInitiator;

        public uint RemoteId { get; } = remoteId;

        public IRawStream? Stream { get; set; }

        public bool IsConnected { get; set; }
    }
}
