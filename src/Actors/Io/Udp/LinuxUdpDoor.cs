using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>UDP by Linux' own calls: one epoll for all sockets, its timeout the clock of all alarms.</summary>
internal sealed unsafe partial class LinuxUdpDoor : UdpDoor
{
    private const int MaxEvents = 64;
    private static readonly int _eventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly ConcurrentDictionary<int, LinuxUdpSocket> _sockets = new();
    private readonly AlarmQueue _alarms = new();
    private readonly UdpReader _reader;
    private readonly Thread _thread;
    private readonly int _epoll;
    private readonly int _bell;
    private volatile bool _segments;
    private bool _waitsExactly = true;
    private volatile bool _isClosing;
    private int _lastId = -1;

    // When the thread means to wake next: a ring is only needed for something sooner.
    private long _wakesAt = long.MaxValue;

    public LinuxUdpDoor(UdpOptions options, Func<TimeSpan> clock)
        : base(options, clock)
    {
        _segments = options.UseSegmentation && UdpProbe.Segments();
        bool coalesces = options.UseCoalescing && UdpProbe.Coalesces();
        _reader = new UdpReader(coalesces);
        _epoll = Check(Native.EpollCreate(0x80000));
        _bell = Check(Native.EventOpen(0, 0x80800));
        Watch(_bell, Native.EpollAdd, Native.EpollIn, -1);
        Features = [.. new[] { "epoll", "recvmmsg", "sendmmsg" },
            .. _segments ? new[] { "UDP_SEGMENT" } : [], .. coalesces ? new[] { "UDP_GRO" } : []];
        _thread = new Thread(Listen) { IsBackground = true, Name = "hyperactors-udp" };
        _thread.Start();
    }

    /// <summary>Whether this is a system whose calls and structures we know.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() &&
        RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    public override IReadOnlyList<string> Features { get; }

    public override UdpSocket Bind(IPEndPoint address, IUdpReceiver receiver)
    {
        bool isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        int fd = Check(Native.Socket(isIPv6 ? Native.AddressIPv6 : Native.AddressIPv4, Native.Datagram, 0));
        try
        {
            Prepare(fd, isIPv6);
            byte* name = stackalloc byte[28];
            int length = Native.WriteAddress(new UdxAddress(address), isIPv6, name);
            Check(Native.Bind(fd, name, length));
            length = 28;
            Check(Native.GetName(fd, name, &length));
            var socket = new LinuxUdpSocket(
                this, Interlocked.Increment(ref _lastId), fd, isIPv6, Native.ReadAddress(name), receiver);
            _sockets[socket.Id] = socket;
            Watch(fd, Native.EpollAdd, Native.EpollIn, socket.Id);
            return socket;
        }
        catch
        {
            Native.Close(fd);
            throw;
        }
    }

    public override void Send(UdpSendBatch batch)
    {
        ReadOnlySpan<UdpSendBatch.Entry> entries = batch.Entries;
        while (!entries.IsEmpty)
        {
            int socket = entries[0].Transmit.Socket;
            int count = 1;
            while (count < entries.Length && entries[count].Transmit.Socket == socket)
            {
                count++;
            }

            if (_sockets.TryGetValue(socket, out LinuxUdpSocket? target))
            {
                target.Send(batch.Buffer, entries[..count]);
            }

            entries = entries[count..];
        }

        batch.Clear();
    }

    public override int RouteMtu(UdxAddress remote)
    {
        int fd = Native.Socket(remote.IsIPv4 ? Native.AddressIPv4 : Native.AddressIPv6, Native.Datagram, 0);
        if (fd < 0)
        {
            return int.MaxValue;
        }

        byte* name = stackalloc byte[28];
        int mtu = 0;
        int size = sizeof(int);
        int length = Native.WriteAddress(remote, !remote.IsIPv4, name);
        bool isKnown = Native.Connect(fd, name, length) == 0 && (remote.IsIPv4
            ? Native.GetOption(fd, Native.LevelIP, Native.Mtu, &mtu, &size)
            : Native.GetOption(fd, Native.LevelIPv6, Native.MtuIPv6, &mtu, &size)) == 0;
        Native.Close(fd);
        return isKnown ? mtu : int.MaxValue;
    }

    public override void SetAlarm(TimeSpan due, IUdpSleeper sleeper)
    {
        if (_alarms.Add(due, sleeper) && due.Ticks < Volatile.Read(ref _wakesAt))
        {
            Ring();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (_isClosing)
        {
            return;
        }

        _isClosing = true;
        Ring();
        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }

        foreach (LinuxUdpSocket socket in _sockets.Values)
        {
            socket.Dispose();
        }

        Native.Close(_bell);
        Native.Close(_epoll);
        _reader.Dispose();
    }

    protected internal override void Close(UdpSocket socket)
    {
        if (_sockets.TryRemove(socket.Id, out LinuxUdpSocket? closed))
        {
            closed.CloseHandle();
        }
    }

    private static int Check(int result) => result >= 0
        ? result
        : throw new SocketException((int)ToSocketError(Marshal.GetLastPInvokeError()), Marshal.GetLastPInvokeErrorMessage());

    // The numbers of Linux are not those that callers of .NET look for.
    private static SocketError ToSocketError(int error) => error switch
    {
        13 => SocketError.AccessDenied,
        24 => SocketError.TooManyOpenSockets,
        97 => SocketError.AddressFamilyNotSupported,
        98 => SocketError.AddressAlreadyInUse,
        99 => SocketError.AddressNotAvailable,
        _ => SocketError.SocketError,
    };

    private void Prepare(int fd, bool isIPv6)
    {
        if (isIPv6)
        {
            Native.TrySetOption(fd, Native.LevelIPv6, Native.OnlyIPv6, 0);
            Native.TrySetOption(fd, Native.LevelIPv6, Native.MtuDiscoverIPv6, Native.DiscoverProbe);
            Native.TrySetOption(fd, Native.LevelIPv6, Native.HopsIPv6, Options.TimeToLive);
        }

        Native.TrySetOption(fd, Native.LevelIP, Native.MtuDiscover, Native.DiscoverProbe);
        Native.TrySetOption(fd, Native.LevelIP, Native.TimeToLive, Options.TimeToLive);
        if (_reader.Coalesces)
        {
            Native.TrySetOption(fd, Native.LevelUdp, Native.Coalesce, 1);
        }

        // By force where we are allowed to, else as much as anyone may have.
        if (!Native.TrySetOption(fd, Native.LevelSocket, Native.ReceiveBufferForce, Options.ReceiveBufferSize))
        {
            Native.TrySetOption(fd, Native.LevelSocket, Native.ReceiveBuffer, Options.ReceiveBufferSize);
        }

        if (!Native.TrySetOption(fd, Native.LevelSocket, Native.SendBufferForce, Options.SendBufferSize))
        {
            Native.TrySetOption(fd, Native.LevelSocket, Native.SendBuffer, Options.SendBufferSize);
        }
    }

    private void Ring()
    {
        ulong one = 1;
        Native.Write(_bell, &one, sizeof(ulong));
    }

    // An event is packed on x64 alone: flags first, then our number in the 64 bits that follow.
    private void Watch(int fd, int operation, uint events, int id)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(long*)(change + (_eventSize - 8)) = id;
        Native.EpollControl(_epoll, operation, fd, change);
    }

    private void Listen()
    {
        byte* events = stackalloc byte[16 * MaxEvents];
        while (!_isClosing)
        {
            int count = Wait(events);

            // Awake: whatever alarm is set now will be seen before the next sleep.
            Volatile.Write(ref _wakesAt, long.MinValue);
            for (int i = 0; i < count && !_isClosing; i++)
            {
                byte* e = events + (i * _eventSize);
                HandleEvent(*(uint*)e, (int)*(long*)(e + (_eventSize - 8)));
            }

            if (!_isClosing)
            {
                _alarms.Ring(Clock());
            }
        }
    }

    private void HandleEvent(uint events, int id)
    {
        if (id < 0)
        {
            ulong rung;
            Native.Read(_bell, &rung, sizeof(ulong));
        }
        else if (_sockets.TryGetValue(id, out LinuxUdpSocket? socket))
        {
            if ((events & Native.EpollOut) != 0)
            {
                socket.SendQueued();
            }

            socket.Read(_reader, Options.MaxReadsPerTurn);
        }
    }

    private int Wait(byte* events)
    {
        // Announced before the queue is looked at: an alarm that comes in between rings the bell.
        Volatile.Write(ref _wakesAt, long.MaxValue);
        Interlocked.MemoryBarrier();
        TimeSpan next = _alarms.Next;
        Volatile.Write(ref _wakesAt, next.Ticks);
        TimeSpan wait = next == TimeSpan.MaxValue ? TimeSpan.MaxValue : next - Clock();
        if (wait < TimeSpan.Zero)
        {
            wait = TimeSpan.Zero;
        }

        if (_waitsExactly)
        {
            long* timeout = stackalloc long[2];
            timeout[0] = (long)Math.Min(wait.TotalSeconds, 1e6);
            timeout[1] = wait.Ticks % TimeSpan.TicksPerSecond * 100;
            int count = Native.EpollWaitExactly(_epoll, events, MaxEvents, timeout, null);
            if (count >= 0 || Marshal.GetLastPInvokeError() != Native.NotImplemented)
            {
                return count;
            }

            _waitsExactly = false;
        }

        int milliseconds = (int)Math.Min(Math.Ceiling(wait.TotalMilliseconds), 1e6);
        return Native.EpollWait(_epoll, events, MaxEvents, milliseconds);
    }
}
