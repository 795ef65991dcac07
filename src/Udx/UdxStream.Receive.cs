using System.Buffers.Binary;

namespace HyperActors.Udx;

public sealed partial class UdxStream
{
    // A sender that was told of little room may still send this much more than it was told.
    private const int WindowSlack = 16 * 2048;

    private readonly ReorderBuffer _reorder;

    // The next number expected (rcv_nxt), and the next one whose bytes the owner has not seen.
    private uint _received;
    private uint _delivered;
    private ReadOnlyMemory<byte>? _arrived;
    private ReadOnlyMemory<byte>? _message;
    private byte[] _lent = [];
    private long _unconsumed;
    private uint _announcedWindow = uint.MaxValue;
    private uint? _remoteEnd;
    private bool _hasRemoteEnded;
    private bool _reportsRemoteEnd;
    private bool _reportsClose;
    private bool _hasRemoteChanged;
    private uint? _changeAt;
    private long _rejected;

    // Bytes that acknowledgements may still weigh: never more than what came in (see WriteAck).
    private int _replyCredit;

    private uint ReceiveWindow =>
        (uint)Math.Clamp(_options.ReceiveWindow - _unconsumed - _reorder.Bytes, 0, int.MaxValue);

    /// <summary>The owner is done with so many of the bytes it was given; the peer may send as many more.</summary>
    public void Consumed(int bytes)
    {
        Invariant.Hold(bytes >= 0 && bytes <= _unconsumed);
        _unconsumed -= bytes;

        // A peer that was told to wait must be told to go on: otherwise it asks only after a second.
        bool wasLow = _announcedWindow < _options.ReceiveWindow / 4;
        if (wasLow && ReceiveWindow >= _options.ReceiveWindow / 2 && !IsClosed && _path is not null && !_hasRemoteEnded)
        {
            _owesAck = true;
        }
    }

    /// <summary>Takes in one datagram. It is lent until the events are drained; nothing in it makes this throw.</summary>
    /// <param name="datagram">The packet, from its first byte.</param>
    /// <param name="socket">The socket it came in on.</param>
    /// <param name="from">Who sent it, as far as one can tell.</param>
    /// <param name="now">The time it is.</param>
    public void HandleDatagram(ReadOnlyMemory<byte> datagram, int socket, UdxAddress from, TimeSpan now)
    {
        Invariant.Hold(_arrived is null && _message is null);
        if (!PacketHeader.TryDecode(datagram.Span, out PacketHeader header) || header.StreamId != LocalId || IsClosed)
        {
            return;
        }

        if (_path?.Socket != socket &&
            (from.Port == 0 || _firewall is null || !_firewall(this, socket, from, now) || IsClosed))
        {
            _rejected++;
            return;
        }

        if (_relayTarget is { } target)
        {
            _relayedBytes += datagram.Length;
            target.Forward(datagram.Span);
            if (header.Has(PacketFlags.Destroy))
            {
                Close(UdxCloseReason.Reset);
            }

            return;
        }

        _replyCredit = Math.Min(MaxAckSize, _replyCredit + datagram.Length);
        if (header.Has(PacketFlags.Heartbeat))
        {
            _owesAck = true;
            return;
        }

        ReadOnlyMemory<byte> rest = datagram[PacketHeader.Size..];
        if (header.DataOffset > rest.Length)
        {
            _rejected++;
            return;
        }

        HandlePacket(header, rest, now);
    }

    private void HandlePacket(in PacketHeader header, ReadOnlyMemory<byte> rest, TimeSpan now)
    {
        ReadOnlyMemory<byte> payload = rest[header.DataOffset..];
        bool isOrdered = header.Has(PacketFlags.Data | PacketFlags.End);
        if (Sequence.Difference(header.Sequence, _received) >= 0)
        {
            if (header.Has(PacketFlags.Destroy))
            {
                Close(UdxCloseReason.Reset);
                return;
            }

            if (isOrdered && !TakeOrdered(header, payload))
            {
                _rejected++;
            }
        }

        if (header.Has(PacketFlags.Message))
        {
            _message = payload;
        }

        // Who acknowledges what was never sent is not answered, and not believed in anything else.
        if (Sequence.Difference(header.Acknowledged, _sent.Next) > 0)
        {
            _rejected++;
            return;
        }

        ReadOnlySpan<byte> sacks = !header.Has(PacketFlags.Sack)
            ? default
            : rest.Span[..(header.DataOffset > 0 && header.DataOffset < rest.Length ? header.DataOffset : rest.Length)];
        HandleAcknowledgement(header, sacks, now);
        _owesAck |= isOrdered;
        EndRemotely();
    }

    /// <summary>Takes a numbered packet: in order, to be kept, or not at all.</summary>
    private bool TakeOrdered(in PacketHeader header, ReadOnlyMemory<byte> payload)
    {
        bool isBeyondEnd = _remoteEnd is { } end && Sequence.Difference(header.Sequence, end) > 0;
        bool isBeyondWindow = _unconsumed + _reorder.Bytes + payload.Length > (long)_options.ReceiveWindow + WindowSlack;
        if (isBeyondEnd || isBeyondWindow)
        {
            return false;
        }

        if (header.Sequence != _received)
        {
            if (_reorder.Contains(header.Sequence))
            {
                return true;
            }

            if (!_reorder.TryAdd(header.Sequence, _received, header.Flags, payload.Span))
            {
                return false;
            }
        }
        else
        {
            if (header.Has(PacketFlags.Data))
            {
                _arrived = payload;
                _unconsumed += payload.Length;
            }

            _delivered = ++_received;
            _received = _reorder.Runs.TakeRunAt(_received);
        }

        if (header.Has(PacketFlags.End))
        {
            _remoteEnd ??= header.Sequence;
        }

        return true;
    }

    private void EndRemotely()
    {
        if (_hasRemoteEnded || IsClosed || _remoteEnd is not { } end || Sequence.Difference(_received, end) <= 0)
        {
            return;
        }

        _hasRemoteEnded = _reportsRemoteEnd = true;
        CloseIfAllEnded();
    }

    private bool TryPollData(out ReadOnlyMemory<byte> data)
    {
        if (_arrived is { } arrived)
        {
            _arrived = null;
            data = arrived;
            return true;
        }

        while (Sequence.Difference(_received, _delivered) > 0 &&
            _reorder.TryTake(_delivered, out byte[] bytes, out int length, out PacketFlags flags))
        {
            _delivered++;
            _lent = bytes;
            bool isInStream = _remoteEnd is not { } end || Sequence.Difference(_delivered, end) <= 1;
            if ((flags & PacketFlags.Data) != PacketFlags.None && isInStream)
            {
                _unconsumed += length;
                data = bytes.AsMemory(0, length);
                return true;
            }

            ReleaseLent();
        }

        data = default;
        return false;
    }

    private void ReleaseLent()
    {
        ReorderBuffer.Return(_lent);
        _lent = [];
    }

    private void HandleAcknowledgement(in PacketHeader header, ReadOnlySpan<byte> sacks, TimeSpan now)
    {
        UpdatePeerWindow(header);
        bool wasInFlight = _sent.Count > 0;
        bool hasAdvanced = Sequence.Difference(header.Acknowledged, _sent.First) > 0;
        if (!wasInFlight || (!hasAdvanced && sacks.IsEmpty))
        {
            return;
        }

        int acked = 0;
        if (hasAdvanced)
        {
            acked = AcknowledgeUpTo(header.Acknowledged, now);
        }

        acked += AcknowledgeBlocks(sacks, now);
        FinishAcknowledgement(acked, hasAdvanced, now);
    }

    // A packet that overtook another must not bring an old window back: only one that is newer by its number, or by what
    // it acknowledges, counts (as in RFC 9293, section 3.10.7.4).
    private void UpdatePeerWindow(in PacketHeader header)
    {
        int newer = Sequence.Difference(header.Sequence, _windowSequence);
        bool isCurrent = Sequence.Difference(header.Acknowledged, _sent.First) >= 0 &&
            (newer > 0 || (newer == 0 && Sequence.Difference(header.Acknowledged, _windowAcknowledged) >= 0));
        if (!isCurrent)
        {
            return;
        }

        _peerWindow = header.Window;
        _windowSequence = header.Sequence;
        _windowAcknowledged = header.Acknowledged;
        if (_peerWindow > 0)
        {
            _zeroWindowAt = TimeSpan.MaxValue;
        }
    }

    private int AcknowledgeUpTo(uint acknowledged, TimeSpan now)
    {
        int count = 0;
        long position = _sendBuffer.Start;
        for (uint sequence = _sent.First; sequence != acknowledged; sequence++)
        {
            ref SentPacket packet = ref _sent[sequence];
            position = packet.Offset + packet.Length;
            if (packet.State != PacketState.Acked)
            {
                AcknowledgePacket(sequence, now);
                count++;
            }
        }

        _sent.Advance(acknowledged);
        _sendBuffer.Release(position);
        _loss.HandleAdvance(acknowledged);
        _timeoutsInARow = 0;
        if (_changeAt is { } change && Sequence.Difference(acknowledged, change) >= 0)
        {
            _changeAt = null;
            _hasRemoteChanged = true;
        }

        return count;
    }

    private int AcknowledgeBlocks(ReadOnlySpan<byte> blocks, TimeSpan now)
    {
        int count = 0;

        // Blocks must ascend: whatever is sent to us, no number is looked at twice. As distances from the first number
        // they can't wrap around.
        uint from = 0;
        while (blocks.Length >= PacketHeader.SackBlockSize)
        {
            uint start = BinaryPrimitives.ReadUInt32LittleEndian(blocks) - _sent.First;
            uint end = BinaryPrimitives.ReadUInt32LittleEndian(blocks[4..]) - _sent.First;
            blocks = blocks[PacketHeader.SackBlockSize..];
            if (start < from || start >= end || end > (uint)_sent.Count)
            {
                _rejected++;
                continue;
            }

            for (uint sequence = _sent.First + start; sequence != _sent.First + end; sequence++)
            {
                if (_sent[sequence].State != PacketState.Acked)
                {
                    AcknowledgePacket(sequence, now);
                    count++;
                }
            }

            from = end;
        }

        return count;
    }
}
