using System.Net;
using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>The door to UDP: all sockets of a node, and one thread that listens to them and keeps their time.</summary>
/// <remarks>
/// Datagrams come in and leave in batches. On Linux the kernel joins and cuts them (<c>recvmmsg</c>, <c>UDP_GRO</c>,
/// <c>sendmmsg</c>, <c>UDP_SEGMENT</c>), as far as it turns out to be able to when the door opens; elsewhere the portable calls
/// serve. Nothing here blocks its caller. Sending is possible from any thread, and happens on it. In simulation another door
/// stands here, on virtual time.
/// </remarks>
public abstract class UdpDoor : IDisposable
{
    /// <summary>Opens the best door that this machine has.</summary>
    /// <param name="options">Bounds and sizes.</param>
    /// <param name="clock">The time that alarms go by.</param>
    public static UdpDoor Open(UdpOptions options, Func<TimeSpan> clock) =>
        options.UseSystemCalls && LinuxUdpDoor.IsSupported
            ? new LinuxUdpDoor(options, clock)
            : new PortableUdpDoor(options, clock);

    /// <summary>What this door uses, in a word each: for logs and tests.</summary>
    public abstract IReadOnlyList<string> Features { get; }

    /// <summary>Datagrams that we dropped because the kernel would not take them in time.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>The time that alarms go by.</summary>
    public TimeSpan Now => Clock();

    private long _dropped;

    /// <summary>A door that goes by <paramref name="clock"/>.</summary>
    protected UdpDoor(UdpOptions options, Func<TimeSpan> clock) => (Options, Clock) = (options, clock);

    /// <summary>Bounds and sizes.</summary>
    protected UdpOptions Options { get; }

    private protected Func<TimeSpan> Clock { get; }

    /// <summary>Opens a socket. <c>[::]</c> takes IPv4 too.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The address can't be had.</exception>
    public abstract UdpSocket Bind(IPEndPoint address, IUdpReceiver receiver);

    /// <summary>Sends what <paramref name="batch"/> holds, and empties it.</summary>
    public abstract void Send(UdpSendBatch batch);

    /// <summary>The largest datagram, headers of IP included, that the way to <paramref name="remote"/> is known to carry.</summary>
    public abstract int RouteMtu(UdxAddress remote);

    /// <summary>Wakes <paramref name="sleeper"/> at <paramref name="due"/>. Each call stands for itself: an alarm can't be taken back.</summary>
    public abstract void SetAlarm(TimeSpan due, IUdpSleeper sleeper);

    /// <summary>Closes every socket and ends the thread; no call comes after.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes every socket and ends the thread.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Counts datagrams in <see cref="Dropped"/>.</summary>
    protected void CountDropped(int datagrams) => Interlocked.Add(ref _dropped, datagrams);

    /// <summary>Closes one socket; closing it twice does nothing.</summary>
    protected internal abstract void Close(UdpSocket socket);
}

/// <summary>One bound UDP socket.</summary>
public abstract class UdpSocket : IDisposable
{
    /// <summary>A socket of <paramref name="door"/> under a number of its own.</summary>
    protected UdpSocket(UdpDoor door, int id, UdxAddress address, IUdpReceiver receiver) =>
        (Door, Id, LocalAddress, Receiver) = (door, id, address, receiver);

    /// <summary>The number that <see cref="UdxTransmit.Socket"/> goes by.</summary>
    public int Id { get; }

    /// <summary>Where it listens.</summary>
    public UdxAddress LocalAddress { get; }

    /// <summary>Who hears what it hears.</summary>
    protected internal IUdpReceiver Receiver { get; }

    private UdpDoor Door { get; }

    /// <summary>Closes the socket.</summary>
    public void Dispose() => Door.Close(this);
}
