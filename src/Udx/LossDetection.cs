using HyperActors.Udx.Congestion;

namespace HyperActors.Udx;

/// <summary>Finds lost packets by time and by tail-loss probes (RACK-TLP, RFC 8985).</summary>
/// <remarks>A packet is lost when one that left later has arrived, and a little more than a round trip has passed. When the last
/// packets of a flight are lost nothing later arrives: then a probe provokes the acknowledgement that shows it.</remarks>
internal sealed class LossDetection
{
    private TimeSpan _sentAt;
    private uint _sentEnd;
    private TimeSpan _roundTrip;
    private uint _forwardMost;
    private bool _hasForwardMost;
    private bool _hasSeenReordering;
    private bool _probeIsRepeat;
    private uint _probeSequence;
    private bool _probeIsInFlight;
    private bool _probeIsPermitted;

    public LossPhase Phase { get; private set; }

    /// <summary>Where recovery ends: everything sent before it began is then accounted for.</summary>
    public uint RecoveryEnd { get; private set; }

    /// <summary>Whether a tail-loss probe may be sent: one per round trip sample, and one at a time.</summary>
    public bool MayProbe => _probeIsPermitted && !_probeIsInFlight;

    public void EnterRecovery(LossPhase phase, uint next)
    {
        Phase = phase;
        RecoveryEnd = next;
        _probeIsInFlight = false;
    }

    /// <summary>Cumulative acknowledgement moved to <paramref name="acknowledged"/>.</summary>
    public void HandleAdvance(uint acknowledged)
    {
        if (Phase != LossPhase.Open && Sequence.Difference(acknowledged, RecoveryEnd) >= 0)
        {
            Phase = LossPhase.Open;
        }

        if (_probeIsInFlight)
        {
            int beyond = Sequence.Difference(acknowledged, _probeSequence);
            _probeIsInFlight = _probeIsRepeat ? beyond <= 0 : beyond < 0;
        }
    }

    /// <summary>A round trip was measured: the next tail may be probed.</summary>
    public void PermitProbe() => _probeIsPermitted = true;

    public void HandleProbeSent(uint sequence, bool isRepeat)
    {
        _probeSequence = sequence;
        _probeIsRepeat = isRepeat;
        _probeIsInFlight = true;
        _probeIsPermitted = false;
    }

    /// <summary>Learns from an acknowledged packet how far the peer has come.</summary>
    public void HandleAcked(in SentPacket packet, uint sequence, TimeSpan roundTrip, TimeSpan minRoundTrip)
    {
        uint end = sequence + 1;
        int beyond = _hasForwardMost ? Sequence.Difference(end, _forwardMost) : 1;
        if (beyond > 0)
        {
            _forwardMost = end;
            _hasForwardMost = true;
        }
        else if (beyond < 0 && !packet.IsRetransmitted)
        {
            _hasSeenReordering = true;
        }

        // Sooner than any round trip: it was the earlier sending that arrived.
        if (packet.IsRetransmitted && roundTrip < minRoundTrip)
        {
            return;
        }

        _roundTrip = roundTrip;
        if (IsAfter(packet.SentAt, end, _sentAt, _sentEnd))
        {
            _sentAt = packet.SentAt;
            _sentEnd = end;
        }
    }

    /// <summary>Moves packets that must be lost from the one queue to the other.</summary>
    /// <returns>When to look again; <see cref="TimeSpan.MaxValue"/> when nothing is in doubt.</returns>
    public TimeSpan Detect(SentPackets sent, RttEstimator rtt, TimeSpan now, List<uint> lost)
    {
        TimeSpan deadline = TimeSpan.MinValue;
        TimeSpan patience = _roundTrip + ReorderWindow(sent, rtt);
        uint sequence = sent.InFlight.Head;
        for (int left = sent.InFlight.Count; left > 0; left--)
        {
            ref SentPacket packet = ref sent[sequence];
            if (packet.SentAt > _sentAt)
            {
                break;
            }

            uint next = packet.Next;
            if (IsAfter(_sentAt, _sentEnd, packet.SentAt, sequence + 1))
            {
                TimeSpan due = packet.SentAt + patience;
                if (due <= now)
                {
                    sent.MarkLost(sequence);
                    lost.Add(sequence);
                }
                else if (due > deadline)
                {
                    deadline = due;
                }
            }

            sequence = next;
        }

        return deadline == TimeSpan.MinValue ? TimeSpan.MaxValue : deadline;
    }

    /// <summary>Whether a packet, at a timeout, has been under way for longer than reordering explains.</summary>
    public bool IsOverdue(in SentPacket packet, SentPackets sent, RttEstimator rtt, TimeSpan now) =>
        packet.SentAt + _roundTrip + ReorderWindow(sent, rtt) < now;

    private TimeSpan ReorderWindow(SentPackets sent, RttEstimator rtt)
    {
        if ((!_hasSeenReordering && (Phase != LossPhase.Open || sent.Sacked >= 3)) || !rtt.HasSample)
        {
            return TimeSpan.Zero;
        }

        TimeSpan quarter = rtt.Min / 4;
        return quarter < rtt.Smoothed ? quarter : rtt.Smoothed;
    }

    private static bool IsAfter(TimeSpan a, uint aEnd, TimeSpan b, uint bEnd) =>
        a > b || (a == b && Sequence.Difference(aEnd, bEnd) > 0);
}
