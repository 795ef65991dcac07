using HyperActors.Udx.Congestion;

namespace HyperActors.Udx;

public sealed partial class UdxStream
{
    // When a full packet timed out this often in a row, the path may no longer carry its size.
    private const int BlackHoleTimeouts = 2;

    private static readonly TimeSpan _never = TimeSpan.MaxValue;
    private static readonly TimeSpan _maxAckDelay = TimeSpan.FromMilliseconds(2);

    private readonly List<uint> _losses = [];
    private TimeSpan _retransmitAt = _never;
    private TimeSpan _reorderAt = _never;
    private TimeSpan _tailProbeAt = _never;
    private TimeSpan _zeroWindowAt = _never;
    private TimeSpan _keepaliveAt = _never;
    private TimeSpan _paceAt = _never;
    private TimeSpan? _keepalive;
    private int _timeoutsInARow;
    private long _timeouts;

    /// <summary>When <see cref="HandleTimeout"/>, or the next transmission, is due; null while nothing is timed.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            TimeSpan first = Sooner(
                Sooner(Sooner(_retransmitAt, _reorderAt), Sooner(_tailProbeAt, _zeroWindowAt)),
                Sooner(_keepaliveAt, _paceAt));
            return first == _never ? null : first;
        }
    }

    private static TimeSpan Sooner(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>It is this late. Too early does nothing.</summary>
    public void HandleTimeout(TimeSpan now)
    {
        if (_paceAt <= now)
        {
            _paceAt = _never;
        }

        if (_retransmitAt <= now)
        {
            HandleRetransmitTimeout(now);
        }
        else
        {
            if (_reorderAt <= now)
            {
                DetectLosses(now);
            }

            if (_tailProbeAt <= now)
            {
                _tailProbeAt = _never;
                _owesTailProbe = _sent.Count > 0 && (_loss.MayProbe || _sent.Lost.Count > 0);
            }
        }

        if (_zeroWindowAt <= now)
        {
            _zeroWindowAt = now + (2 * _rtt.Timeout);
            _owesHeartbeat = true;
        }

        if (_keepaliveAt <= now)
        {
            TouchKeepalive(now);
            _owesHeartbeat |= _sent.Count == 0;
        }
    }

    private void StopTimers() =>
        _retransmitAt = _reorderAt = _tailProbeAt = _zeroWindowAt = _keepaliveAt = _paceAt = _never;

    private void TouchKeepalive(TimeSpan now) =>
        _keepaliveAt = _keepalive is { } interval && IsConnected ? now + interval : _never;

    private void HandleRetransmitTimeout(TimeSpan now)
    {
        _timeouts++;
        if (++_timeoutsInARow >= _options.MaxTimeouts)
        {
            Close(UdxCloseReason.TimedOut);
            return;
        }

        _loss.EnterRecovery(LossPhase.Timeout, _sent.Next);
        _owesTailProbe = false;
        _reorderAt = _tailProbeAt = _never;
        _retransmitAt = now + (2 * _rtt.Timeout);
        LoseOverdue(now);

        // Reported out of order, and yet nothing moves: what was reported is no longer believed.
        if (_timeoutsInARow >= 3)
        {
            _sent.Disbelieve();
        }

        if (_timeoutsInARow >= BlackHoleTimeouts && ToDatagramSize(_sent[_sent.First]) > _options.BaseMtu)
        {
            _mtu.HandleBlackHole(now);
            _oversizedEnd = _sent.Next;
        }

        _congestion.HandleTimeout(_sent.InFlight.Count);
    }

    private void LoseOverdue(TimeSpan now)
    {
        uint first = _sent.First;
        for (uint sequence = first; sequence != _sent.Next; sequence++)
        {
            ref SentPacket packet = ref _sent[sequence];
            bool isLost = packet.State == PacketState.InFlight &&
                (sequence == first || _loss.IsOverdue(packet, _sent, _rtt, now));
            if (isLost)
            {
                _sent.MarkLost(sequence);
                LosePacket(sequence, now);
                packet.Timeouts = (byte)Math.Min(byte.MaxValue, packet.Timeouts + 1);
            }
        }

        _sent.SortLost();
    }

    /// <summary>After everything is acknowledged the peer's window may be shut with more to send: then it is asked now and then.</summary>
    private bool HeartbeatForWindow(TimeSpan now)
    {
        bool isBlocked = _peerWindow == 0 && _sent.Count == 0 && (Waiting > 0 || HasEndToSend);
        if (!isBlocked || _zeroWindowAt != _never)
        {
            return false;
        }

        _zeroWindowAt = now + _rtt.Timeout;
        return true;
    }

    private void ArmAfterSend(bool armsTailProbe, bool isTailProbe, TimeSpan now)
    {
        if (_retransmitAt == _never || isTailProbe)
        {
            _retransmitAt = now + _rtt.Timeout;
        }

        _zeroWindowAt = _never;
        if (armsTailProbe)
        {
            ArmTailProbe(now);
        }
    }

    private void ArmAfterAck(bool hasProgress, TimeSpan now)
    {
        if (_sent.Count == 0)
        {
            _retransmitAt = _reorderAt = _tailProbeAt = _never;
            _owesTailProbe = false;
            TouchKeepalive(now);
            bool isBlocked = _peerWindow == 0 && (Waiting > 0 || HasEndToSend);
            _zeroWindowAt = isBlocked ? now + _rtt.Timeout : _never;
            return;
        }

        if (hasProgress)
        {
            _retransmitAt = now + _rtt.Timeout;
            ArmTailProbe(now);
        }
    }

    private void ArmTailProbe(TimeSpan now)
    {
        // In recovery too the flight may be lost as a whole, or the window leave no room to repeat anything.
        bool isTail = _loss.Phase == LossPhase.Open && _sent.Sacked == 0 && _loss.MayProbe;
        bool isStuck = _loss.Phase == LossPhase.Recovery && (_sent.Lost.Count > 0 || _loss.MayProbe);
        if ((!isTail && !isStuck) || !_rtt.HasSample)
        {
            _tailProbeAt = _never;
            return;
        }

        TimeSpan wait = 2 * _rtt.Smoothed;
        wait += _sent.Count == 1 ? _maxAckDelay : TimeSpan.Zero;
        _tailProbeAt = Sooner(now + wait, _retransmitAt);
    }
}
