using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>UDP by the calls that every platform has: a datagram a call, an awaited read per socket, a thread for the alarms.</summary>
internal sealed class PortableUdpDoor : UdpDoor
{
    private const int MaxDatagram = 2048;
    private readonly ConcurrentDictionary<int, PortableUdpSocket> _sockets = new();
    private readonly AlarmQueue _alarms = new();
    private readonly Lock _turn = new();
    private readonly object _bell = new();
    private readonly Thread _thread;
    private volatile bool _isClosing;
    private int _lastId = -1;

    public PortableUdpDoor(UdpOptions options, Func<TimeSpan> clock)
        : base(options, clock)
    {
        _thread = new Thread(WatchClock) { IsBackground = true, Name = "hyperactors-udp" };
        _thread.Start();
    }

    public override IReadOnlyList<string> Features { get; } = ["portable"];

    public override UdpSocket Bind(IPEndPoint address, IUdpReceiver receiver)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            Prepare(socket);
            socket.Bind(address);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var bound = new PortableUdpSocket(
            this,
            Interlocked.Increment(ref _lastId),
            socket,
            new UdxAddress((IPEndPoint)socket.LocalEndPoint!),
            receiver);
        _sockets[bound.Id] = bound;
        _ = ReadAsync(bound);
        return bound;
    }

    public override void Send(UdpSendBatch batch)
    {
        foreach (UdpSendBatch.Entry entry in batch.Entries)
        {
            if (_sockets.TryGetValue(entry.Transmit.Socket, out PortableUdpSocket? socket))
            {
                ReadOnlySpan<byte> bytes = batch.Buffer.AsSpan(entry.Offset, entry.Transmit.Length);
                CountDropped(socket.Send(bytes, entry.Transmit, entry.TimeToLive, (short)Options.TimeToLive));
            }
        }

        batch.Clear();
    }

    public override int RouteMtu(UdxAddress remote) => int.MaxValue;

    public override void SetAlarm(TimeSpan due, IUdpSleeper sleeper)
    {
        if (_alarms.Add(due, sleeper))
        {
            lock (_bell)
            {
                Monitor.Pulse(_bell);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (_isClosing)
        {
            return;
        }

        _isClosing = true;
        foreach (PortableUdpSocket socket in _sockets.Values)
        {
            socket.Dispose();
        }

        lock (_bell)
        {
            Monitor.Pulse(_bell);
        }

        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }
    }

    protected internal override void Close(UdpSocket socket)
    {
        if (_sockets.TryRemove(socket.Id, out PortableUdpSocket? closed))
        {
            closed.Socket.Dispose();
        }
    }

    private void Prepare(Socket socket)
    {
        if (socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        socket.Blocking = false;
        Try(() => socket.ReceiveBufferSize = Options.ReceiveBufferSize);
        Try(() => socket.SendBufferSize = Options.SendBufferSize);
        Try(() => socket.DontFragment = true);
        Try(() => socket.Ttl = (short)Options.TimeToLive);
    }

    private static void Try(Action setOption)
    {
        try
        {
            setOption();
        }
        catch (Exception e) when (e is SocketException or NotSupportedException)
        {
            // Not every platform has every option: without it we are slower, not wrong.
        }
    }

    private async Task ReadAsync(PortableUdpSocket socket)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(MaxDatagram, pinned: true);
        var from = new SocketAddress(socket.Socket.AddressFamily);
        while (!_isClosing)
        {
            try
            {
                int count = await socket.Socket.ReceiveFromAsync(buffer, SocketFlags.None, from).ConfigureAwait(false);
                UdxAddress sender = ToAddress(from, socket.Socket.AddressFamily);
                lock (_turn)
                {
                    socket.Receiver.HandleDatagrams(socket, buffer.AsMemory(0, count), Math.Max(1, count), sender);
                    socket.Receiver.HandleBatchEnd(socket);
                }
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted)
            {
                return;
            }
            catch (SocketException)
            {
                // A former datagram reached nobody, or was too long: neither concerns the next one.
            }
        }
    }

    private static UdxAddress ToAddress(SocketAddress address, AddressFamily family)
    {
        ReadOnlySpan<byte> bytes = address.Buffer.Span;
        ushort port = (ushort)((bytes[2] << 8) | bytes[3]);
        return family == AddressFamily.InterNetworkV6
            ? UdxAddress.FromIPv6(bytes.Slice(8, 16), port)
            : UdxAddress.FromIPv4(
                System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port);
    }

    private void WatchClock()
    {
        while (!_isClosing)
        {
            lock (_turn)
            {
                _alarms.Ring(Clock());
            }

            lock (_bell)
            {
                TimeSpan next = _alarms.Next;
                double wait = next == TimeSpan.MaxValue ? 1000 : Math.Ceiling((next - Clock()).TotalMilliseconds);
                if (wait > 0 && !_isClosing)
                {
                    Monitor.Wait(_bell, (int)Math.Min(wait, 1000));
                }
            }
        }
    }

    private sealed class PortableUdpSocket(
        PortableUdpDoor door, int id, Socket socket, UdxAddress address, IUdpReceiver receiver)
        : UdpSocket(door, id, address, receiver)
    {
        private readonly Lock _gate = new();
        private readonly bool _isIPv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        private readonly SocketAddress _target = new(socket.AddressFamily);

        public Socket Socket { get; } = socket;

        /// <summary>Sends the datagrams of one transmission, and says how many the kernel would not take.</summary>
        public int Send(ReadOnlySpan<byte> bytes, in UdxTransmit transmit, byte timeToLive, short usualTimeToLive)
        {
            int dropped = 0;
            lock (_gate)
            {
                SetTarget(transmit.Remote);
                if (timeToLive > 0)
                {
                    Try(() => Socket.Ttl = timeToLive);
                }

                for (int offset = 0; offset < bytes.Length; offset += transmit.SegmentSize)
                {
                    int length = Math.Min(transmit.SegmentSize, bytes.Length - offset);
                    dropped += TrySend(bytes.Slice(offset, length)) ? 0 : 1;
                }

                if (timeToLive > 0)
                {
                    Try(() => Socket.Ttl = usualTimeToLive);
                }
            }

            return dropped;
        }

        private bool TrySend(ReadOnlySpan<byte> datagram)
        {
            try
            {
                Socket.SendTo(datagram, SocketFlags.None, _target);
                return true;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }

        private void SetTarget(UdxAddress remote)
        {
            Span<byte> bytes = _target.Buffer.Span;
            bytes[2] = (byte)(remote.Port >> 8);
            bytes[3] = (byte)remote.Port;
            if (_isIPv6)
            {
                remote.WriteIPv6(bytes[8..]);
            }
            else
            {
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], remote.ToIPv4());
            }
        }
    }
}
