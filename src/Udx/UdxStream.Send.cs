using System.Buffers;
using System.Buffers.Binary;
using HyperActors.Udx.Congestion;

namespace HyperActors.Udx;

public sealed partial class UdxStream
{
    private const int MaxAckSize = PacketHeader.Size + (PacketHeader.MaxSackBlocks * PacketHeader.SackBlockSize);

    private readonly SentPackets _sent = new();
    private readonly SendBuffer _sendBuffer = new();
    private readonly RateSampler _rate = new();
    private readonly RttEstimator _rtt;
    private readonly LossDetection _loss = new();
    private readonly Pacer _pacer;
    private readonly MtuProbe _mtu;
    private readonly ICongestionController _congestion;
    private Outbox? _outbox;
    private long _unsent;
    private bool _waitsForRoom;
    private uint _peerWindow = 4 * 1024 * 1024;
    private uint _windowSequence;
    private uint _windowAcknowledged;
    private bool _owesAck;
    private bool _owesHeartbeat;
    private bool _owesDestroy;
    private bool _owesTailProbe;
    private long _retransmits;

    // Full packets before this number were sent when the path still seemed to carry them.
    private uint? _oversizedEnd;

    /// <summary>Bytes that may be written now.</summary>
    public int SendCapacity
    {
        get
        {
            if (IsClosed || _isEnding)
            {
                return 0;
            }

            long window = Math.Min((long)_congestion.Window * MaxPayload, _peerWindow);
            long room = Math.Min(
                _options.SendBacklog + window - Waiting,
                _options.MaxSendBuffer - (_sendBuffer.End - _sendBuffer.Start));
            return (int)Math.Max(0, room);
        }
    }

    private int MaxPayload => _mtu.Mtu - (_path?.IpOverhead ?? 28) - PacketHeader.Size;

    private long Waiting => _sendBuffer.End - _unsent;

    private bool HasEndToSend => _isEnding && !_hasSentEnd && Waiting == 0;

    private long BytesHeld => _sendBuffer.End - _sendBuffer.Start + _unconsumed + _reorder.Bytes + (_outbox?.Bytes ?? 0);

    /// <summary>Queues bytes, as many as there is room for.</summary>
    /// <returns>How many were taken; when fewer than given, <see cref="UdxEventKind.Writable"/> tells when to go on.</returns>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int length = Math.Min(bytes.Length, SendCapacity);
        _sendBuffer.Write(bytes[..length]);
        if (length < bytes.Length)
        {
            WaitForRoom();
        }

        return length;
    }

    /// <summary>Asks for <see cref="UdxEventKind.Writable"/> once there is room again.</summary>
    public void WaitForRoom() => _waitsForRoom = true;

    /// <inheritdoc/>
    /// <remarks>The way to write without a copy. Who uses it looks at <see cref="SendCapacity"/> first.</remarks>
    public Memory<byte> GetMemory(int sizeHint = 0) => _sendBuffer.GetMemory(Math.Max(1, sizeHint), isMinimum: true);

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public void Advance(int count)
    {
        Invariant.Hold(!_isEnding);
        _sendBuffer.Advance(count);
        if (IsClosed)
        {
            ForgetUnsent();
        }
    }

    /// <summary>Sends an unordered datagram, which may be lost.</summary>
    /// <returns>False when it doesn't fit one packet, too many are waiting, or there is nowhere to send it.</returns>
    public bool SendMessage(ReadOnlySpan<byte> message)
    {
        if (!IsConnected || message.Length > MaxPayload)
        {
            return false;
        }

        _outbox ??= new Outbox();
        if (_outbox.Bytes + message.Length + PacketHeader.Size > _options.MaxQueuedMessageBytes)
        {
            return false;
        }

        Span<byte> packet = _outbox.Add(PacketHeader.Size + message.Length, isForwarded: false);
        message.CopyTo(packet[PacketHeader.Size..]);
        return true;
    }

    /// <summary>Writes what has to leave next: one datagram, or several of one size to one address.</summary>
    /// <param name="buffer">At least one largest datagram; the more, the fewer calls the kernel sees.</param>
    /// <param name="now">The time it is.</param>
    /// <param name="transmit">Where the bytes go.</param>
    /// <returns>False when nothing has to leave now.</returns>
    public bool TryPollTransmit(Span<byte> buffer, TimeSpan now, out UdxTransmit transmit)
    {
        Invariant.Hold(buffer.Length >= _options.MaxMtu);
        buffer = buffer[..Math.Min(buffer.Length, UdxTransmit.MaxLength)];
        transmit = default;
        if (_path is not { } path)
        {
            return false;
        }

        int length = 0;
        if (_owesAck)
        {
            _owesAck = false;
            length = WriteAck(buffer, path);
        }
        else if (_owesDestroy)
        {
            _owesDestroy = false;
            length = WriteBare(buffer, path, PacketFlags.Destroy);
        }
        else if (_owesHeartbeat)
        {
            _owesHeartbeat = false;
            length = WriteBare(buffer, path, PacketFlags.Heartbeat);
        }

        if (length > 0)
        {
            transmit = new UdxTransmit(path.Socket, path.Remote, length, length);
            return true;
        }

        if (_outbox is { Count: > 0 })
        {
            transmit = TransmitOutbox(buffer, path);
            return true;
        }

        return !IsClosed && TryTransmitPackets(buffer, now, out transmit);
    }

    private void ForgetUnsent()
    {
        _sendBuffer.Clear();
        _unsent = _sendBuffer.End;
    }

    private void Forward(ReadOnlySpan<byte> packet)
    {
        if (!IsConnected)
        {
            return;
        }

        _outbox ??= new Outbox();
        if (_outbox.Bytes + packet.Length > _options.MaxQueuedRelayBytes || packet.Length > _options.MaxMtu)
        {
            _rejected++;
            return;
        }

        packet.CopyTo(_outbox.Add(packet.Length, isForwarded: true));
    }

    private UdxTransmit TransmitOutbox(Span<byte> buffer, UdxPath path)
    {
        int segment = _outbox!.NextLength;
        int length = 0;
        int last;
        int count = 0;
        do
        {
            Span<byte> packet = buffer[length..];
            last = _outbox.Take(packet, out bool isForwarded);
            if (isForwarded)
            {
                PacketHeader.Readdress(packet, path.RemoteId);
            }
            else
            {
                ToHeader(path.RemoteId, PacketFlags.Message).Encode(packet);
            }

            length += last;
            count++;
        }
        while (last == segment && _outbox.Count > 0 && _outbox.NextLength <= segment &&
            length + _outbox.NextLength <= buffer.Length && count < UdxTransmit.MaxSegments);

        return new UdxTransmit(path.Socket, path.Remote, length, segment);
    }

    private PacketHeader ToHeader(uint remoteId, PacketFlags flags, byte dataOffset = 0) =>
        new(flags, dataOffset, remoteId, _announcedWindow = ReceiveWindow, _sent.Next, _received);

    private int WriteBare(Span<byte> buffer, UdxPath path, PacketFlags flags)
    {
        ToHeader(path.RemoteId, flags).Encode(buffer);
        return PacketHeader.Size;
    }

    /// <summary>Acknowledges all that arrived. All acknowledgements together never weigh more than what they answer, so that
    /// nobody can use us to flood the peer; what does not fit is told with the next packets.</summary>
    private int WriteAck(Span<byte> buffer, UdxPath path)
    {
        int affordable = Math.Max(0, _replyCredit - PacketHeader.Size) / PacketHeader.SackBlockSize;
        Span<(uint Start, uint End)> runs = stackalloc (uint, uint)[PacketHeader.MaxSackBlocks];
        int count = _reorder.Runs.Report(runs[..Math.Min(affordable, runs.Length)]);
        ToHeader(path.RemoteId, count > 0 ? PacketFlags.Sack : PacketFlags.None).Encode(buffer);
        int length = PacketHeader.Size;
        foreach ((uint start, uint end) in runs[..count])
        {
            BinaryPrimitives.WriteUInt32LittleEndian(buffer[length..], start);
            BinaryPrimitives.WriteUInt32LittleEndian(buffer[(length + 4)..], end);
            length += PacketHeader.SackBlockSize;
        }

        _replyCredit = Math.Max(0, _replyCredit - length);
        return length;
    }

    private bool TryTransmitPackets(Span<byte> buffer, TimeSpan now, out UdxTransmit transmit)
    {
        transmit = default;
        _pacer.Refill(now, _congestion.PacingRate);
        _paceAt = TimeSpan.MaxValue;
        if (HeartbeatForWindow(now))
        {
            transmit = new UdxTransmit(
                _path!.Socket, _path.Remote, WriteBare(buffer, _path, PacketFlags.Heartbeat), PacketHeader.Size);
            return true;
        }

        int length = 0;
        int segment = 0;
        UdxPath? path = null;
        bool mayFragment = false;
        for (int count = 0; count < UdxTransmit.MaxSegments && TryChoose(now, out Candidate next); count++)
        {
            bool isFirst = count == 0;
            bool fits = isFirst ||
                (next.Size <= segment && next.Path == path && next.MayFragment == mayFragment &&
                    length + next.Size <= buffer.Length);
            if (!fits)
            {
                break;
            }

            if (isFirst)
            {
                (segment, path, mayFragment) = (next.Size, next.Path, next.MayFragment);
            }

            Send(next, buffer.Slice(length, next.Size), now);
            length += next.Size;
            if (next.Size < segment)
            {
                break;
            }
        }

        if (Waiting == 0 && !HasEndToSend && _sent.Lost.Count == 0 && _sent.InFlight.Count < _congestion.Window)
        {
            _rate.MarkAppLimited(_sent.InFlight.Count);
        }

        if (length == 0)
        {
            return false;
        }

        TouchKeepalive(now);
        transmit = new UdxTransmit(path!.Socket, path.Remote, length, segment, mayFragment);
        return true;
    }

    /// <summary>The next packet that windows and pacing allow, without sending it yet.</summary>
    private bool TryChoose(TimeSpan now, out Candidate next)
    {
        next = default;
        if (_owesTailProbe)
        {
            return TryChooseTailProbe(now, out next);
        }

        bool isRepeat = _sent.Lost.Count > 0;
        bool hasNew = !isRepeat && (Waiting > 0 || HasEndToSend) && _sent.Count < _options.MaxUnackedPackets;
        int window = isRepeat ? _congestion.Window : Math.Min(_congestion.Window, PeerWindowInPackets);
        if ((!isRepeat && !hasNew) || _sent.InFlight.Count >= window)
        {
            return false;
        }

        if (!_pacer.HasTokens)
        {
            _paceAt = _pacer.ReadyAt(now, _congestion.PacingRate);
            return false;
        }

        next = isRepeat ? ChooseRepeat(_sent.Lost.Head) : ChooseNew(now, isTailProbe: false);
        return true;
    }

    private int PeerWindowInPackets =>
        _peerWindow == 0 ? 0 : (int)Math.Clamp(_peerWindow / MaxPayload, 1, int.MaxValue);

    // It ignores the congestion window: one packet, and it may save a timeout.
    private bool TryChooseTailProbe(TimeSpan now, out Candidate next)
    {
        _owesTailProbe = false;
        if (_sent.Lost.Count > 0)
        {
            next = ChooseRepeat(_sent.Lost.Head);
            return true;
        }

        bool hasNew = (Waiting > 0 || HasEndToSend) && _peerWindow > 0 && _sent.Count < _options.MaxUnackedPackets;
        if (hasNew)
        {
            next = ChooseNew(now, isTailProbe: true);
            return true;
        }

        uint last = _sent.Next - 1;
        bool mayRepeat = _sent.Count > 0 && _sent[last].State == PacketState.InFlight;
        next = mayRepeat ? ChooseRepeat(last) with { IsTailProbe = true } : default;
        return mayRepeat;
    }

    private Candidate ChooseNew(TimeSpan now, bool isTailProbe)
    {
        int payload = (int)Math.Min(MaxPayload, Waiting);
        int size = PacketHeader.Size + payload;
        int padding = 0;
        if (!isTailProbe && payload > 0 && _changeAt is null && _mtu.IsWanted(now))
        {
            padding = _mtu.ProbeSize - _path!.IpOverhead - size;
            padding = padding is > 0 and <= byte.MaxValue ? padding : 0;
        }

        return new Candidate(null, _path!, size + padding, payload, (byte)padding, false, isTailProbe);
    }

    private Candidate ChooseRepeat(uint sequence)
    {
        ref SentPacket packet = ref _sent[sequence];

        // Once repeated in vain, a packet follows its stream to the new path.
        UdxPath path = packet.Timeouts > 0 ? _path! : _paths[packet.Path];
        int size = PacketHeader.Size + packet.Length;
        bool mayFragment = _oversizedEnd is { } end && Sequence.Difference(sequence, end) < 0 &&
            size + path.IpOverhead > _options.BaseMtu;
        return new Candidate(sequence, path, size, packet.Length, 0, mayFragment, false);
    }

    private void Send(in Candidate candidate, Span<byte> output, TimeSpan now)
    {
        bool isFirstInFlight = _sent.InFlight.Count == 0;
        bool isNew = candidate.Repeated is null;
        uint sequence = candidate.Repeated ?? _sent.Next;
        ref SentPacket packet = ref isNew ? ref AddPacket(candidate) : ref Requeue(sequence);
        packet.SentAt = now;
        _rate.HandleSent(ref packet, isFirstInFlight);
        _sent.MarkInFlight(sequence);

        var header = new PacketHeader(
            packet.Flags,
            packet.Padding,
            candidate.Path.RemoteId,
            _announcedWindow = ReceiveWindow,
            sequence,
            _received);
        header.Encode(output);
        output.Slice(PacketHeader.Size, packet.Padding).Clear();
        if (packet.Length > 0)
        {
            _sendBuffer.CopyTo(packet.Offset, output[(PacketHeader.Size + packet.Padding)..]);
        }

        _pacer.Spend(output.Length);
        if (isFirstInFlight)
        {
            _congestion.HandleTransmitStart(_rate.IsAppLimited, now);
        }

        if (packet.Padding > 0)
        {
            _mtu.HandleProbeSent();
        }

        if (candidate.IsTailProbe)
        {
            _loss.HandleProbeSent(sequence, !isNew);
        }

        ArmAfterSend(isNew && !candidate.IsTailProbe, candidate.IsTailProbe, now);
    }

    private ref SentPacket AddPacket(in Candidate candidate)
    {
        ref SentPacket packet = ref _sent.Add();
        packet.Offset = _unsent;
        packet.Length = (ushort)candidate.Payload;
        packet.Padding = candidate.Padding;
        packet.Path = (byte)Math.Min(byte.MaxValue, _paths.Count - 1);
        _unsent += candidate.Payload;
        packet.Flags = candidate.Payload > 0 ? PacketFlags.Data : PacketFlags.None;
        if (_isEnding && Waiting == 0)
        {
            packet.Flags |= PacketFlags.End;
            _hasSentEnd = true;
        }

        return ref packet;
    }

    private ref SentPacket Requeue(uint sequence)
    {
        ref SentPacket packet = ref _sent[sequence];
        _sent.Remove(ref packet.State == PacketState.Lost ? ref _sent.Lost : ref _sent.InFlight, sequence);
        if (packet.Padding > 0)
        {
            packet.Padding = 0;
        }

        packet.IsRetransmitted = true;
        _retransmits++;
        return ref packet;
    }

    private void AcknowledgePacket(uint sequence, TimeSpan now)
    {
        ref SentPacket packet = ref _sent[sequence];
        if (_paths[packet.Path] == _path)
        {
            _mtu.HandleAck();
            if (packet.Padding > 0)
            {
                _mtu.HandleProbeAcked(ToDatagramSize(packet), now);
            }
        }

        _sent.Acknowledge(sequence);
        _rate.HandleDelivered(packet, now);
        _loss.HandleAcked(packet, sequence, _rtt.Clamp(now - packet.SentAt), _rtt.Min);
    }

    /// <summary>Measures the round trip of the packet that left last among those that were just acknowledged.</summary>
    /// <remarks>Older ones may have arrived long ago, and only the gap before them kept that from us.</remarks>
    private TimeSpan? MeasureRoundTrip(TimeSpan now)
    {
        if (_rate.Newest is not { } newest)
        {
            return null;
        }

        TimeSpan roundTrip = _rtt.Clamp(now - newest.SentAt);
        if (!newest.IsRetransmitted)
        {
            _rtt.Add(roundTrip, now);
            _loss.PermitProbe();
            return roundTrip;
        }

        return roundTrip >= _rtt.Min ? roundTrip : null;
    }

    private void FinishAcknowledgement(int acked, bool hasAdvanced, TimeSpan now)
    {
        if (_isEnding && _hasSentEnd && _sent.Count == 0)
        {
            // The peer should learn that we know: it may be waiting for nothing else.
            _hasEnded = true;
            _owesAck |= !_hasRemoteEnded;
            ArmAfterAck(hasAdvanced, now);
            CloseIfAllEnded();
            return;
        }

        TimeSpan? roundTrip = MeasureRoundTrip(now);
        int lost = acked > 0 ? DetectLosses(now) : 0;
        ArmAfterAck(hasAdvanced || acked > 0, now);
        var sample = new AckSample
        {
            Now = now,
            Acked = acked,
            Lost = lost,
            InFlight = _sent.InFlight.Count,
            Delivered = _rate.Delivered,
            Phase = _loss.Phase,
            RoundTrip = roundTrip,
            Rate = _rate.Take(now, _rtt.Min),
            SmoothedRoundTrip = _rtt.Smoothed,
            PacketSize = MaxPayload,
        };
        if (_congestion.HandleAck(sample))
        {
            _rate.MarkAppLimited(_sent.InFlight.Count);
        }
    }

    /// <summary>Looks for losses; those of MTU probes are not the path's fault and don't count.</summary>
    private int DetectLosses(TimeSpan now)
    {
        _losses.Clear();
        _reorderAt = _loss.Detect(_sent, _rtt, now, _losses);
        int lost = 0;
        foreach (uint sequence in _losses)
        {
            lost += LosePacket(sequence, now) ? 1 : 0;
        }

        if (lost > 0 && _loss.Phase == LossPhase.Open)
        {
            _loss.EnterRecovery(LossPhase.Recovery, _sent.Next);
        }

        return lost;
    }

    private bool LosePacket(uint sequence, TimeSpan now)
    {
        ref SentPacket packet = ref _sent[sequence];
        if (packet.Padding == 0)
        {
            return true;
        }

        if (_paths[packet.Path] == _path)
        {
            _mtu.HandleProbeLost(ToDatagramSize(packet), now);
        }

        packet.Padding = 0;
        return false;
    }

    private int ToDatagramSize(in SentPacket packet) =>
        packet.Length + packet.Padding + PacketHeader.Size + _paths[packet.Path].IpOverhead;

    private bool TakeWritable()
    {
        if (!_waitsForRoom || IsClosed || SendCapacity < _options.SendBacklog / 2)
        {
            return false;
        }

        _waitsForRoom = false;
        return true;
    }

    private readonly record struct Candidate(
        uint? Repeated, UdxPath Path, int Size, int Payload, byte Padding, bool MayFragment, bool IsTailProbe);
}
