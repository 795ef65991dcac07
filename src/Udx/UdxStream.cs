using System.Buffers;
using HyperActors.Udx.Congestion;

namespace HyperActors.Udx;

/// <summary>Decides whether a packet may enter that came in on another socket than the stream's own.</summary>
/// <remarks>It may connect the stream, or change its remote: that is how a server learns where its client is.</remarks>
/// <returns>True to let the packet in; false swallows it.</returns>
public delegate bool UdxFirewall(UdxStream stream, int socket, UdxAddress from, TimeSpan now);

/// <summary>A reliable stream of bytes over datagrams, with unordered messages beside it.</summary>
/// <remarks>
/// <para>States: <b>unconnected</b> (only the firewall admits packets, nothing is sent); <b>connected</b>; <b>ending</b> (our last byte
/// waits for its acknowledgement); <b>ended</b> and <b>remotely ended</b>, in either order; <b>closed</b>. There is no handshake: both
/// sides start at number 0 and learn each other's id and address elsewhere.</para>
/// <para>After each call that hands something in, the owner drains events, then transmits, and sleeps until
/// <see cref="Deadline"/>. A datagram is lent until its events are drained. A closed stream may still have a last packet
/// to transmit. One thread at a time.</para>
/// </remarks>
public sealed partial class UdxStream : IBufferWriter<byte>
{
    private readonly UdxOptions _options;
    private readonly UdxFirewall? _firewall;
    private readonly List<UdxPath> _paths = [];
    private UdxPath? _path;
    private bool _isEnding;
    private bool _hasSentEnd;
    private bool _hasEnded;
    private UdxCloseReason _closeReason;
    private UdxStream? _relayTarget;
    private long _relayedBytes;
    private List<UdxStream>? _relaySources;

    /// <summary>A stream that is not connected yet.</summary>
    /// <param name="localId">Our id; the peer writes it into every packet.</param>
    /// <param name="options">Bounds and clocks.</param>
    /// <param name="now">The time it is.</param>
    /// <param name="firewall">Who may come in on another socket; without one, nobody.</param>
    public UdxStream(uint localId, UdxOptions options, TimeSpan now, UdxFirewall? firewall = null)
    {
        LocalId = localId;
        _options = options;
        _firewall = firewall;
        _rtt = new RttEstimator(options);
        _pacer = new Pacer(options.PacingBurst);
        _mtu = new MtuProbe(options);
        _reorder = new ReorderBuffer(options);
        _congestion = options.Congestion == CongestionControl.Bbr
            ? new Bbr(options.InitialWindow, MaxPayload, localId, now)
            : new Cubic(options.InitialWindow, MaxPayload);
    }

    /// <summary>Our id.</summary>
    public uint LocalId { get; }

    /// <summary>The peer's id; 0 while unconnected.</summary>
    public uint RemoteId => _path?.RemoteId ?? 0;

    /// <summary>Where packets go; default while unconnected.</summary>
    public UdxAddress RemoteAddress => _path?.Remote ?? default;

    /// <summary>The socket packets go out of; -1 while unconnected.</summary>
    public int Socket => _path?.Socket ?? -1;

    /// <summary>Whether the stream has a remote and is not over.</summary>
    public bool IsConnected => _path is not null && !IsClosed;

    /// <summary>Whether the stream is over.</summary>
    public bool IsClosed => _closeReason != UdxCloseReason.None;

    /// <summary>Whether the peer has acknowledged our end, and with it everything that was written.</summary>
    public bool HasEnded => _hasEnded;

    /// <summary>Why the stream is over.</summary>
    public UdxCloseReason CloseReason => _closeReason;

    /// <summary>How the stream fares.</summary>
    public UdxStatistics Statistics => new(
        _rtt.Smoothed,
        _rtt.HasSample ? _rtt.Min : TimeSpan.Zero,
        _congestion.Window,
        _congestion.PacingRate,
        _sent.InFlight.Count,
        _mtu.Mtu,
        _retransmits,
        _timeouts,
        _rejected,
        BytesHeld,
        _relayedBytes);

    /// <summary>Starts counting elsewhere than at 0; only before the first packet.</summary>
    public void StartAt(uint sequence, uint acknowledged)
    {
        Invariant.Hold(_sent.Next == 0 && _received == 0);
        _sent.StartAt(sequence);
        _received = _delivered = _windowSequence = acknowledged;
        _windowAcknowledged = sequence;
    }

    /// <summary>Gives the stream its remote. From now on it may send.</summary>
    /// <param name="socket">The socket to use, by the owner's number.</param>
    /// <param name="remoteId">The peer's id for its end.</param>
    /// <param name="remote">The peer's address.</param>
    /// <param name="now">The time it is.</param>
    /// <param name="routeMtu">The largest datagram of the route, if the system knows it.</param>
    public void Connect(int socket, uint remoteId, UdxAddress remote, TimeSpan now, int routeMtu = int.MaxValue)
    {
        Invariant.Hold(_path is null && socket >= 0);
        if (IsClosed)
        {
            return;
        }

        SetPath(new UdxPath(socket, remoteId, remote), routeMtu);
        TouchKeepalive(now);
    }

    /// <summary>Moves to another remote, or another socket. What is under way is repeated to where it went first; until it
    /// has arrived the change is not complete.</summary>
    public void ChangeRemote(int socket, uint remoteId, UdxAddress remote, TimeSpan now, int routeMtu = int.MaxValue)
    {
        Invariant.Hold(_path is not null && socket >= 0);
        if (IsClosed)
        {
            return;
        }

        SetPath(new UdxPath(socket, remoteId, remote), routeMtu);
        if (_sent.Count == 0)
        {
            _changeAt = null;
            _hasRemoteChanged = true;
        }
        else
        {
            _changeAt = _sent.Next;
        }

        TouchKeepalive(now);
    }

    /// <summary>From now on hands every packet for this stream on to the remote of <paramref name="target"/>, as it is but for the id.</summary>
    public void RelayTo(UdxStream target)
    {
        Invariant.Hold(_relayTarget is null && target != this);
        if (IsClosed || target.IsClosed)
        {
            return;
        }

        _relayTarget = target;
        (target._relaySources ??= []).Add(this);
    }

    /// <summary>Sends a heartbeat after so long without traffic; null for none. Silence in return does not end the stream.</summary>
    public void SetKeepalive(TimeSpan? interval, TimeSpan now)
    {
        _keepalive = interval;
        TouchKeepalive(now);
    }

    /// <summary>Nothing follows what was written. The other direction stays open.</summary>
    public void End()
    {
        if (!IsClosed)
        {
            _isEnding = true;
        }
    }

    /// <summary>Aborts the stream and tells the peer, once.</summary>
    public void Destroy()
    {
        if (IsClosed)
        {
            return;
        }

        // A relay has no stream of its own: its two sides belong to others.
        _owesDestroy = _path is not null && _relayTarget is null && _relaySources is null;
        Close(UdxCloseReason.Destroyed);
    }

    /// <summary>What must be remembered of a closed stream for a peer that missed the end; null when nothing.</summary>
    public UdxLinger? ToLinger() => _path is null || _closeReason is not (UdxCloseReason.Ended or UdxCloseReason.Destroyed)
        ? null
        : new UdxLinger(
            _path,
            _closeReason == UdxCloseReason.Destroyed ? PacketFlags.Destroy : PacketFlags.None,
            _sent.Next,
            _received,
            (uint)_options.ReceiveWindow);

    /// <summary>Reports one event; false when there are none.</summary>
    public bool TryPollEvent(out UdxEvent streamEvent)
    {
        ReleaseLent();
        if (TryPollData(out ReadOnlyMemory<byte> data))
        {
            streamEvent = new UdxEvent(UdxEventKind.Data, data);
            return true;
        }

        if (_message is { } message)
        {
            _message = null;
            streamEvent = new UdxEvent(UdxEventKind.Message, message);
            return true;
        }

        UdxEventKind? kind =
            Take(ref _hasRemoteChanged) ? UdxEventKind.RemoteChanged :
            Take(ref _reportsRemoteEnd) ? UdxEventKind.RemoteEnded :
            TakeWritable() ? UdxEventKind.Writable :
            Take(ref _reportsClose) ? UdxEventKind.Closed : null;
        streamEvent = kind is { } k
            ? new UdxEvent(k, reason: k == UdxEventKind.Closed ? _closeReason : UdxCloseReason.None)
            : default;
        return kind is not null;
    }

    private static bool Take(ref bool flag)
    {
        bool was = flag;
        flag = false;
        return was;
    }

    private void SetPath(UdxPath path, int routeMtu)
    {
        // Packets under way remember their path by its place in this list, which is a byte.
        if (_sent.Count == 0)
        {
            _paths.Clear();
        }

        if (_paths.Count > byte.MaxValue)
        {
            _paths[^1] = path;
        }
        else
        {
            _paths.Add(path);
        }

        _path = path;
        _mtu.Reset(routeMtu);
    }

    private void CloseIfAllEnded()
    {
        if (_hasEnded && _hasRemoteEnded)
        {
            Close(UdxCloseReason.Ended);
        }
    }

    private void Close(UdxCloseReason reason)
    {
        if (IsClosed)
        {
            return;
        }

        _closeReason = reason;
        _reportsClose = true;
        _owesHeartbeat = false;
        _owesAck &= reason == UdxCloseReason.Ended;
        _sent.Clear();
        ForgetUnsent();
        if (reason != UdxCloseReason.Ended)
        {
            // What was not delivered in order before an abort is not delivered at all.
            _delivered = _received;
            _reorder.Clear();
        }

        StopTimers();
        _relayTarget?._relaySources?.Remove(this);
        _relayTarget = null;
        if (_relaySources is { } sources)
        {
            _relaySources = null;
            foreach (UdxStream source in sources)
            {
                source._relayTarget = null;
                source.Close(UdxCloseReason.Destroyed);
            }
        }
    }
}

/// <summary>How a stream fares.</summary>
/// <param name="RoundTrip">The smoothed round trip; zero before the first sample.</param>
/// <param name="MinRoundTrip">The least round trip of the last minutes.</param>
/// <param name="Window">Packets that may be under way.</param>
/// <param name="PacingRate">Bytes per second that may leave.</param>
/// <param name="InFlight">Packets under way.</param>
/// <param name="Mtu">The datagram size in use, IP header included.</param>
/// <param name="Retransmits">Packets sent more than once.</param>
/// <param name="Timeouts">Retransmission timeouts.</param>
/// <param name="Rejected">Packets that were not taken: refused by the firewall, out of bounds, or nonsense.</param>
/// <param name="BytesHeld">Bytes that the stream keeps in memory for either direction.</param>
/// <param name="RelayedBytes">Bytes of packets that were handed on to the stream's relay target.</param>
public readonly record struct UdxStatistics(
    TimeSpan RoundTrip,
    TimeSpan MinRoundTrip,
    int Window,
    double PacingRate,
    int InFlight,
    int Mtu,
    long Retransmits,
    long Timeouts,
    long Rejected,
    long BytesHeld,
    long RelayedBytes);
