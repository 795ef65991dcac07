using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using HyperActors.Actors;
using HyperActors.Udx;

namespace HyperActors.Interop.Tests;

/// <summary>The door to UDP on this machine's own sockets: the kernel is the peer.</summary>
public sealed class UdpDoorTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static TheoryData<string> Doors() => ["best", "uncut", "unjoined", "neither", "portable"];

    [Theory]
    [MemberData(nameof(Doors))]
    public void A_batch_arrives_cut_as_it_was_meant(string kind)
    {
        using UdpDoor door = Open(kind);
        var heard = new Listener();
        UdpSocket from = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), new Listener());
        UdpSocket to = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), heard);
        int[] sizes = [1200, 1200, 1200, 700, 1, 20, 20, 20, 1472];
        Send(door, from, to.LocalAddress, (1200, 4300), (1, 1), (20, 60), (1472, 1472));
        heard.WaitFor(sizes.Length);
        Assert.Equal(sizes, heard.Datagrams.Select(d => d.Bytes.Length));
        Assert.Equal(Enumerable.Range(0, 4300).Select(i => (byte)i), heard.Datagrams.Take(4).SelectMany(d => d.Bytes));
        Assert.All(heard.Datagrams, d => Assert.Equal(from.LocalAddress, d.From));
        Assert.Equal(0, door.Dropped);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public void An_address_that_is_taken_or_not_ours_is_refused_as_everywhere_else(string kind)
    {
        using UdpDoor door = Open(kind);
        UdpSocket taken = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), new Listener());
        Assert.Equal(
            SocketError.AddressAlreadyInUse,
            Assert.Throws<SocketException>(() => door.Bind(taken.LocalAddress.ToIPEndPoint(), new Listener())).SocketErrorCode);
        Assert.Equal(
            SocketError.AddressNotAvailable,
            Assert.Throws<SocketException>(() => door.Bind(new IPEndPoint(new IPAddress([203, 0, 113, 1]), 0), new Listener())).SocketErrorCode);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public void A_socket_of_the_newer_kind_takes_the_older_kind_too(string kind)
    {
        using UdpDoor door = Open(kind);
        var heard = new Listener();
        UdpSocket both;
        try
        {
            both = door.Bind(new IPEndPoint(IPAddress.IPv6Any, 0), heard);
        }
        catch (SocketException)
        {
            // A machine without IPv6 has nothing to show here.
            return;
        }

        var old = new Listener();
        UdpSocket older = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), old);
        var newer = new UdxAddress(IPAddress.IPv6Loopback, both.LocalAddress.Port);
        Send(door, older, new UdxAddress(IPAddress.Loopback, both.LocalAddress.Port), (5, 5));
        heard.WaitFor(1);
        Assert.Equal(older.LocalAddress, heard.Datagrams[0].From);
        Send(door, both, older.LocalAddress, (6, 6));
        old.WaitFor(1);
        Send(door, both, newer, (7, 7));
        heard.WaitFor(2);
        Assert.Equal(newer, heard.Datagrams[1].From);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public void Alarms_ring_in_their_order_and_never_early(string kind)
    {
        using UdpDoor door = Open(kind);
        var sleepers = new List<Sleeper>();
        var order = new ConcurrentQueue<Sleeper>();
        using var rung = new CountdownEvent(20);
        TimeSpan start = door.Now + TimeSpan.FromMilliseconds(300);
        for (int i = 20; i > 0; i--)
        {
            var sleeper = new Sleeper(start + TimeSpan.FromMilliseconds(i * 3), order, rung);
            sleepers.Add(sleeper);
            door.SetAlarm(sleeper.Due, sleeper);
        }

        TimeSpan isSetAt = door.Now;
        Assert.True(rung.Wait(_patience));
        Assert.All(sleepers, s => Assert.True(s.At >= s.Due, $"{s.Due - s.At} early"));
        bool wereSetInTime = isSetAt < start;
        Assert.True(!wereSetInTime || sleepers.OrderBy(s => s.Due).SequenceEqual(order));
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public void What_cannot_be_sent_harms_nothing(string kind)
    {
        using UdpDoor door = Open(kind);
        var heard = new Listener();
        UdpSocket from = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), new Listener());
        UdpSocket to = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), heard);
        UdpSocket gone = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), new Listener());
        gone.Dispose();
        Send(door, gone, to.LocalAddress, (3, 3));
        Send(door, from, UdxAddress.FromIPv4(0xffff_ffff, 9), (3, 3));
        Send(door, from, gone.LocalAddress, (4, 4));
        Send(door, from, to.LocalAddress, (5, 5));
        heard.WaitFor(1);
        Assert.Equal(5, heard.Datagrams[0].Bytes.Length);
    }

    [Fact]
    public void A_datagram_may_be_told_how_far_to_go()
    {
        using UdpDoor door = Open("best");
        UdpSocket from = door.Bind(new IPEndPoint(IPAddress.Loopback, 0), new Listener());
        using var to = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        to.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        to.ReceiveTimeout = (int)_patience.TotalMilliseconds;
        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        foreach (byte hops in new byte[] { 1, 0, 7 })
        {
            batch.Free[0] = hops;
            batch.Add(new UdxTransmit(from.Id, new UdxAddress((IPEndPoint)to.LocalEndPoint!), 1, 1), hops);
        }

        door.Send(batch);
        byte[] one = new byte[1];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(1, to.Receive(one));
        }
    }

    [Fact]
    public void The_best_door_of_Linux_uses_what_the_kernel_has()
    {
        using UdpDoor door = Open("best");
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains("recvmmsg", door.Features);
            Assert.InRange(door.RouteMtu(new UdxAddress(IPAddress.Loopback, 9)), 1280, int.MaxValue);
        }

        using UdpDoor plain = Open("portable");
        Assert.Equal(["portable"], plain.Features);
    }

    private static UdpDoor Open(string kind) => UdpDoor.Open(
        new UdpOptions
        {
            UseSegmentation = kind is not ("uncut" or "neither"),
            UseCoalescing = kind is not ("unjoined" or "neither"),
            UseSystemCalls = kind is not "portable",
        },
        () => Stopwatch.GetElapsedTime(0));

    private static void Send(UdpDoor door, UdpSocket from, UdxAddress to, params (int Segment, int Length)[] transmissions)
    {
        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        foreach ((int segment, int length) in transmissions)
        {
            for (int i = 0; i < length; i++)
            {
                batch.Free[i] = (byte)i;
            }

            batch.Add(new UdxTransmit(from.Id, to, length, segment));
        }

        door.Send(batch);
    }

    private sealed class Listener : IUdpReceiver
    {
        private readonly BlockingCollection<(byte[] Bytes, UdxAddress From)> _arrived = [];

        public List<(byte[] Bytes, UdxAddress From)> Datagrams { get; } = [];

        public void HandleDatagrams(UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from)
        {
            for (int offset = 0; offset < datagrams.Length; offset += segmentSize)
            {
                int length = Math.Min(segmentSize, datagrams.Length - offset);
                _arrived.Add((datagrams.Slice(offset, length).ToArray(), from));
            }
        }

        public void HandleBatchEnd(UdpSocket socket)
        {
        }

        public void WaitFor(int count)
        {
            while (Datagrams.Count < count)
            {
                Assert.True(_arrived.TryTake(out var datagram, _patience), $"{Datagrams.Count} of {count} arrived");
                Datagrams.Add(datagram);
            }
        }
    }

    private sealed class Sleeper(TimeSpan due, ConcurrentQueue<Sleeper> order, CountdownEvent rung) : IUdpSleeper
    {
        public TimeSpan Due => due;

        public TimeSpan At { get; private set; }

        public void HandleAlarm(TimeSpan now)
        {
            At = now;
            order.Enqueue(this);
            rung.Signal();
        }
    }
}
