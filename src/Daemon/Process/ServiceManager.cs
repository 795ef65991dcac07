using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace HyperActors.Daemon;

/// <summary>Tells systemd how the daemon fares, as <c>sd_notify</c> does: words in a datagram to <c>$NOTIFY_SOCKET</c>.</summary>
internal sealed class ServiceManager(Func<string, string?> variable)
{
    private readonly string? _socket = variable("NOTIFY_SOCKET");

    /// <summary>How often the watchdog wants a word; null: it wants none.</summary>
    public TimeSpan? WatchdogInterval { get; } =
        long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds / 2.0)
            : null;

    public void Ready() => Send("READY=1\nSTATUS=Ready");

    public void Reloading(long monotonicMicroseconds) => Send(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={monotonicMicroseconds}"));

    public void Stopping() => Send("STOPPING=1\nSTATUS=Stopping");

    public void Alive() => Send("WATCHDOG=1");

    private void Send(string words)
    {
        if (string.IsNullOrEmpty(_socket))
        {
            return;
        }

        // An at sign stands for the zero byte of an abstract address.
        string path = _socket[0] == '@' ? "\0" + _socket[1..] : _socket;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(words), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // Nobody listens: the daemon does its work all the same.
        }
    }
}
