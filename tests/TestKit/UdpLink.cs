using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace HyperActors.TestKit;

/// <summary>A link between two UDP sockets that misbehaves as it is told: datagrams go through it in user space.</summary>
/// <remarks>Each side sends to the socket that faces it, and hears from it as if it were the other side.</remarks>
public sealed class UdpLink : IDisposable
{
    private readonly PriorityQueue<(Socket From, byte[] Bytes, EndPoint To), (TimeSpan At, long Order)> _underWay = new();
    private readonly object _gate = new();
    private readonly Socket _facingLeft;
    private readonly Socket _facingRight;
    private readonly LinkModel _forth;
    private readonly LinkModel _back;
    private IPEndPoint? _left;
    private IPEndPoint? _right;
    private long _order;
    private bool _isClosed;

    /// <summary>A link on loopback; <paramref name="forth"/> is from left to right.</summary>
    public UdpLink(LinkSettings forth, LinkSettings back, ulong seed)
        : this(new LinkModel(forth, seed), new LinkModel(back, seed + 1))
    {
    }

    /// <summary>A link over lines that others may use as well: together they get what one line carries.</summary>
    public UdpLink(LinkModel forth, LinkModel back)
    {
        _forth = forth;
        _back = back;
        _facingLeft = Open();
        _facingRight = Open();
        Start(() => Read(_facingLeft, _forth, _facingRight, from => (_left ??= from, _right).Item2));
        Start(() => Read(_facingRight, _back, _facingLeft, _ => _left));
        Start(Deliver);
    }

    /// <summary>Where the left side sends to.</summary>
    public IPEndPoint FacingLeft => (IPEndPoint)_facingLeft.LocalEndPoint!;

    /// <summary>Where the right side sends to.</summary>
    public IPEndPoint FacingRight => (IPEndPoint)_facingRight.LocalEndPoint!;

    /// <summary>Datagrams that did not arrive.</summary>
    public long Dropped => _forth.Dropped + _back.Dropped;

    /// <summary>Names the two sides; before that nothing passes. A left side without a name is whoever speaks first.</summary>
    public void Join(IPEndPoint? left, IPEndPoint right)
    {
        lock (_gate)
        {
            (_left, _right) = (left, right);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }

        _facingLeft.Dispose();
        _facingRight.Dispose();
    }

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = 4 << 20,
            SendBufferSize = 4 << 20,
        };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static void Start(ThreadStart body) => new Thread(body) { IsBackground = true, Name = "udp-link" }.Start();

    private void Read(Socket from, LinkModel link, Socket via, Func<IPEndPoint, IPEndPoint?> target)
    {
        byte[] buffer = new byte[65_536];
        while (TryReceive(from, buffer, out int length, out IPEndPoint sender))
        {
            lock (_gate)
            {
                if (_isClosed)
                {
                    return;
                }

                if (target(sender) is not { } to)
                {
                    continue;
                }

                LinkFate fate;
                lock (link)
                {
                    fate = link.Send(length, Now);
                }

                byte[] bytes = buffer[..length];
                if (fate.FlippedBit >= 0)
                {
                    bytes[fate.FlippedBit / 8] ^= (byte)(1 << (fate.FlippedBit % 8));
                }

                Enqueue(fate.Arrival, via, bytes, to);
                Enqueue(fate.SecondArrival, via, bytes, to);
            }
        }
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    private static bool TryReceive(Socket socket, byte[] buffer, out int length, out IPEndPoint sender)
    {
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        sender = (IPEndPoint)from;
        try
        {
            length = socket.ReceiveFrom(buffer, ref from);
            sender = (IPEndPoint)from;
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            length = 0;
            return false;
        }
    }

    private void Enqueue(TimeSpan? arrival, Socket via, byte[] bytes, IPEndPoint to)
    {
        if (arrival is { } at)
        {
            _underWay.Enqueue((via, bytes, to), (at, _order++));
            Monitor.PulseAll(_gate);
        }
    }

    private void Deliver()
    {
        var due = new List<(Socket From, byte[] Bytes, EndPoint To)>();
        while (true)
        {
            lock (_gate)
            {
                while (!TakeDue(due))
                {
                    if (_isClosed)
                    {
                        return;
                    }

                    double wait = _underWay.TryPeek(out _, out var next) ? (next.At - Now).TotalMilliseconds : 1000;
                    Monitor.Wait(_gate, (int)Math.Clamp(Math.Ceiling(wait), 1, 1000));
                }
            }

            foreach ((Socket from, byte[] bytes, EndPoint to) in due)
            {
                TrySend(from, bytes, to);
            }

            due.Clear();
        }
    }

    private bool TakeDue(List<(Socket From, byte[] Bytes, EndPoint To)> due)
    {
        while (!_isClosed && _underWay.TryPeek(out var datagram, out var key) && key.At <= Now)
        {
            _underWay.Dequeue();
            due.Add(datagram);
        }

        return due.Count > 0;
    }

    private static void TrySend(Socket socket, byte[] bytes, EndPoint to)
    {
        try
        {
            socket.SendTo(bytes, to);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The side it goes to is gone, or we are: a datagram may be lost.
        }
    }
}
