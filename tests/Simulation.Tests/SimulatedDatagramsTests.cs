using System.Net;
using HyperActors.Actors;
using HyperActors.Udx;

namespace HyperActors.Simulation.Tests;

/// <summary>Datagrams between two simulated hosts.</summary>
public sealed class SimulatedDatagramsTests
{
    [Fact]
    public void All_arrive_in_order_within_the_latency_when_nothing_goes_wrong()
    {
        List<(TimeSpan At, int Number)> heard = Send(new DatagramOptions(), 200);
        Assert.Equal(Enumerable.Range(0, 200), heard.Select(h => h.Number));
        Assert.All(heard, h => Assert.InRange(h.At.TotalMilliseconds, 1, 20));
    }

    [Fact]
    public void Some_are_lost_some_overtake_others_and_some_come_twice()
    {
        var options = new DatagramOptions { Loss = 0.2, Reordering = 0.2, Duplication = 0.2 };
        List<int> heard = [.. Send(options, 500).Select(h => h.Number)];
        Assert.InRange(heard.Distinct().Count(), 350, 450);
        Assert.InRange(heard.Count - heard.Distinct().Count(), 40, 120);
        Assert.NotEqual(heard.Order(), heard);
    }

    [Fact]
    public void A_host_sends_no_faster_than_its_bandwidth_and_a_full_queue_drops()
    {
        var options = new DatagramOptions { BytesPerSecond = 12_800, QueueBytes = 6400, MaxLatency = TimeSpan.FromMilliseconds(1) };
        List<(TimeSpan At, int Number)> heard = Send(options, 200);

        // 128 bytes each, headers included: a hundred a second, and fifty of them wait.
        Assert.InRange(heard.Count, 50, 52);
        Assert.InRange(heard[^1].At.TotalSeconds, 0.49, 0.53);
    }

    [Fact]
    public void Nothing_passes_between_hosts_that_are_parted_and_nothing_too_large_at_all()
    {
        using var world = new World(1, new WorldOptions());
        var heard = new List<int>();
        (UdpDoor door, UdpSocket from, UdpSocket to) = Open(world, n => heard.Add(n));
        world.Network.Part(new IPAddress([10, 9, 0, 1]), new IPAddress([10, 9, 0, 2]), breaksStreams: false);
        SendOne(door, from, to.LocalAddress, 1, 100);
        world.Engine.Advance(TimeSpan.FromSeconds(1));
        world.Network.Join(new IPAddress([10, 9, 0, 1]), new IPAddress([10, 9, 0, 2]));
        SendOne(door, from, to.LocalAddress, 2, 1473);
        SendOne(door, from, to.LocalAddress, 3, 1472);
        world.Engine.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([3], heard);
        Assert.Equal((3, 2), (world.Datagrams.Sent, world.Datagrams.Lost));
    }

    private static List<(TimeSpan At, int Number)> Send(DatagramOptions options, int count)
    {
        using var world = new World(1, new WorldOptions { Datagrams = options });
        var heard = new List<(TimeSpan, int)>();
        (UdpDoor door, UdpSocket from, UdpSocket to) = Open(world, n => heard.Add((world.Now, n)));
        for (int i = 0; i < count; i++)
        {
            SendOne(door, from, to.LocalAddress, i, 100);
        }

        world.Engine.Advance(TimeSpan.FromMinutes(1));
        return heard;
    }

    private static (UdpDoor Door, UdpSocket From, UdpSocket To) Open(World world, Action<int> hear)
    {
        UdpDoor one = world.Datagrams.At(new IPAddress([10, 9, 0, 1]));
        UdpDoor two = world.Datagrams.At(new IPAddress([10, 9, 0, 2]));
        var listener = new Listener(hear);
        return (one, one.Bind(new IPEndPoint(IPAddress.Any, 0), listener), two.Bind(new IPEndPoint(IPAddress.Any, 7), listener));
    }

    private static void SendOne(UdpDoor door, UdpSocket from, UdxAddress to, int number, int length)
    {
        UdpSendBatch batch = UdpSendBatch.OfThisThread;
        batch.Free[..length].Clear();
        BitConverter.TryWriteBytes(batch.Free, number);
        batch.Add(new UdxTransmit(from.Id, to, length, length));
        door.Send(batch);
    }

    private sealed class Listener(Action<int> hear) : IUdpReceiver
    {
        public void HandleDatagrams(UdpSocket socket, ReadOnlyMemory<byte> datagrams, int segmentSize, UdxAddress from) =>
            hear(BitConverter.ToInt32(datagrams.Span));

        public void HandleBatchEnd(UdpSocket socket)
        {
        }
    }
}
