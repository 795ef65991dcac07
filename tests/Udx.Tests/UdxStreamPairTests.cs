using System.Security.Cryptography;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Udx.Tests;

/// <summary>Two streams, a link between them that misbehaves, one clock.</summary>
public sealed class UdxStreamPairTests
{
    private const int Megabyte = 1024 * 1024;

    public static TheoryData<string, int, CongestionControl> Situations()
    {
        var data = new TheoryData<string, int, CongestionControl>();
        foreach (CongestionControl congestion in Enum.GetValues<CongestionControl>())
        {
            foreach (string name in _links.Keys)
            {
                bool isHard = name.Contains("loss of 20", StringComparison.Ordinal);
                data.Add(name, isHard && congestion == CongestionControl.Cubic ? 1 : 4, congestion);
            }
        }

        return data;
    }

    private static readonly Dictionary<string, LinkSettings> _links = new(StringComparer.Ordinal)
    {
        ["no delay"] = new(),
        ["a long way"] = new() { Delay = Milliseconds(150) },
        ["loss of 1 in 100"] = new() { Delay = Milliseconds(20), Loss = 0.01 },
        ["loss of 5 in 100"] = new() { Delay = Milliseconds(20), Loss = 0.05 },
        ["loss of 20 in 100"] = new() { Delay = Milliseconds(20), Loss = 0.2 },
        ["reordering"] = new() { Delay = Milliseconds(20), Reordering = 0.1 },
        ["jitter"] = new() { Delay = Milliseconds(20), Jitter = Milliseconds(30) },
        ["duplication"] = new() { Delay = Milliseconds(20), Duplication = 0.2 },
        ["a short queue"] = new() { Delay = Milliseconds(20), Rate = 2_500_000, QueueBytes = 20_000 },
        ["a long queue"] = new() { Delay = Milliseconds(20), Rate = 2_500_000, QueueBytes = 1_000_000 },
        ["a small path"] = new() { Delay = Milliseconds(20), Mtu = 1280 },
        ["everything at once"] = new()
        {
            Delay = Milliseconds(20),
            Jitter = Milliseconds(5),
            Loss = 0.02,
            Reordering = 0.02,
            Duplication = 0.02,
            Rate = 5_000_000,
            QueueBytes = 100_000,
        },
    };

    [Theory]
    [MemberData(nameof(Situations))]
    public void What_is_written_arrives_whatever_the_link_does(string link, int megabytes, CongestionControl congestion)
    {
        var world = new World(seed: 7) { DefaultLink = _links[link] };
        (Peer a, Peer b) = Pair(world, new UdxOptions { Congestion = congestion });
        byte[] bytes = Bytes(world, megabytes * Megabyte);
        a.Write(bytes, ends: true);
        b.Act(s => s.End());
        world.RunUntil(() => a.IsClosed && b.IsClosed, 600, link);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), b.Digest);
        Assert.Equal((UdxCloseReason.Ended, UdxCloseReason.Ended), (a.Reason, b.Reason));
    }

    [Fact]
    public void Both_directions_carry_at_once()
    {
        var world = new World(seed: 8) { DefaultLink = new() { Delay = Milliseconds(10), Loss = 0.01 } };
        (Peer a, Peer b) = Pair(world);
        byte[] there = Bytes(world, 2 * Megabyte);
        byte[] back = Bytes(world, 3 * Megabyte);
        a.Write(there, ends: true);
        b.Write(back, ends: true);
        world.RunUntil(() => a.IsClosed && b.IsClosed, 60);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(there)), b.Digest);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(back)), a.Digest);
    }

    [Fact]
    public void Flipped_bits_break_no_machine_and_no_bound()
    {
        // The wire has no checksum of its own (UDP's catches these before us): bytes may be wrong, never the machine.
        for (ulong seed = 0; seed < 20; seed++)
        {
            var world = new World(seed) { DefaultLink = new() { Delay = Milliseconds(10), Corruption = 0.05 } };
            (Peer a, Peer b) = Pair(world);
            a.Write(Bytes(world, 200_000), ends: true);
            b.Write(Bytes(world, 200_000), ends: true);
            world.Run(120);
            Assert.InRange(a.Stream.Statistics.BytesHeld + b.Stream.Statistics.BytesHeld, 0, 16 * Megabyte);
        }
    }

    [Fact]
    public void A_lossy_long_path_is_filled_to_four_fifths_of_its_rate()
    {
        const double rate = 12_500_000;
        LinkSettings link = new() { Delay = Milliseconds(20), Loss = 0.01, Rate = rate, QueueBytes = 500_000 };
        var world = new World(seed: 9) { DefaultLink = link };
        (Peer a, Peer b) = Pair(world);
        a.Write(Bytes(world, 64 * Megabyte), ends: true);
        TimeSpan start = world.Now;
        world.RunUntil(() => b.HasRemoteEnded, 60);
        double achieved = b.Received / (world.Now - start).TotalSeconds;
        Assert.True(achieved > 0.8 * rate, $"{achieved / 1e6:F1} MB/s of {rate / 1e6:F1}");
    }

    [Theory]
    [InlineData(CongestionControl.Bbr)]
    [InlineData(CongestionControl.Cubic)]
    public void A_clean_path_is_filled_to_nine_tenths(CongestionControl congestion)
    {
        const double rate = 12_500_000;
        LinkSettings link = new() { Delay = Milliseconds(20), Rate = rate, QueueBytes = 500_000 };
        var world = new World(seed: 10) { DefaultLink = link };
        (Peer a, Peer b) = Pair(world, new UdxOptions { Congestion = congestion });
        a.Write(Bytes(world, 64 * Megabyte), ends: true);
        TimeSpan start = world.Now;
        world.RunUntil(() => b.HasRemoteEnded, 60);
        double achieved = b.Received / (world.Now - start).TotalSeconds;
        Assert.True(achieved > 0.9 * rate, $"{achieved / 1e6:F1} MB/s of {rate / 1e6:F1}");
    }

    [Theory]
    [InlineData(CongestionControl.Bbr, CongestionControl.Bbr)]
    [InlineData(CongestionControl.Cubic, CongestionControl.Cubic)]
    public void Two_flows_share_a_bottleneck(CongestionControl first, CongestionControl second)
    {
        const double rate = 12_500_000;
        var world = new World(seed: 11);
        var bottleneck = new LinkModel(
            new() { Delay = Milliseconds(20), Rate = rate, QueueBytes = 500_000 }, 5);
        Host a1 = world.AddHost("10.0.0.1:1", new UdxOptions { Congestion = first });
        Host a2 = world.AddHost("10.0.0.2:1", new UdxOptions { Congestion = second });
        Host b = world.AddHost("10.0.0.3:1");
        world.ShareLink(bottleneck, (a1.Address, b.Address), (a2.Address, b.Address));
        (Peer s1, Peer r1) = Pair(a1, b, 1, 2);
        (Peer s2, Peer r2) = Pair(a2, b, 3, 4);
        byte[] bytes = Bytes(world, 80 * Megabyte);
        s1.Write(bytes);
        world.After(Milliseconds(700), () => s2.Write(bytes));
        world.Run(4);
        (long before1, long before2) = (r1.Received, r2.Received);
        world.Run(8);
        double share = (r1.Received - before1) / (double)(r1.Received + r2.Received - before1 - before2);
        Assert.InRange(share, 0.4, 0.6);
    }

    [Fact]
    public void The_largest_datagram_of_the_path_is_found()
    {
        foreach ((int mtu, int least) in new[] { (1500, 1500), (1400, 1368), (1280, 1248), (1200, 1200), (9000, 1500) })
        {
            var world = new World(seed: 12) { DefaultLink = new() { Delay = Milliseconds(5), Rate = 2_000_000, Mtu = mtu } };
            (Peer a, Peer b) = Pair(world);
            a.Write(Bytes(world, 2 * Megabyte), ends: true);
            world.RunUntil(() => b.HasRemoteEnded, 60);
            Assert.InRange(a.Stream.Statistics.Mtu, least, Math.Min(mtu, 1500));
        }
    }

    [Fact]
    public void A_path_that_shrinks_under_way_is_noticed_and_what_was_under_way_still_arrives()
    {
        var world = new World(seed: 13) { DefaultLink = new() { Delay = Milliseconds(10), Rate = 2_000_000 } };
        (Peer a, Peer b) = Pair(world);
        byte[] bytes = Bytes(world, 4 * Megabyte);
        a.Write(bytes, ends: true);
        world.RunUntil(() => b.Received > Megabyte, 20);
        Assert.Equal(1500, a.Stream.Statistics.Mtu);
        LinkModel link = world.Link(UdxAddressOf("10.0.0.1:1"), UdxAddressOf("10.0.0.2:1"));
        link.Settings = link.Settings with { Mtu = 1300 };
        world.RunUntil(() => b.HasRemoteEnded, 30);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), b.Digest);
        Assert.Equal(1200, a.Stream.Statistics.Mtu);
    }

    [Fact]
    public void A_route_that_the_system_knows_to_be_small_is_not_probed()
    {
        var world = new World(seed: 14) { Trace = [] };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        (Peer sender, Peer receiver) = (a.Open(1), b.Open(2));
        sender.Connect(receiver, routeMtu: 1200);
        receiver.Connect(sender);
        sender.Write(Bytes(world, Megabyte), ends: true);
        world.RunUntil(() => receiver.HasRemoteEnded, 20);
        Assert.All(world.Trace, p => Assert.InRange(p.Bytes.Length, 1, 1200 - 28));
    }

    [Fact]
    public void A_slow_owner_stops_the_sender_and_releases_it()
    {
        var world = new World(seed: 15) { DefaultLink = new() { Delay = Milliseconds(5) } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1", new UdxOptions { ReceiveWindow = 100_000 });
        (Peer sender, Peer receiver) = Pair(a, b, 1, 2);
        receiver.Consumes = false;
        byte[] bytes = Bytes(world, Megabyte);
        sender.Write(bytes, ends: true);
        world.Run(5);
        Assert.InRange(receiver.Received, 90_000, 100_000 + (16 * 2048));
        long held = receiver.Received;
        world.Run(30);
        Assert.Equal(held, receiver.Received);
        Assert.False(sender.IsClosed);

        // Released, it goes on at once: nobody waits for the next heartbeat.
        TimeSpan released = world.Now;
        receiver.Consumes = true;
        receiver.ConsumeAll();
        world.RunUntil(() => receiver.HasRemoteEnded, 5);
        Assert.InRange((world.Now - released).TotalSeconds, 0, 0.6);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), receiver.Digest);
    }

    [Fact]
    public void A_lost_window_update_is_made_good_by_a_heartbeat()
    {
        var world = new World(seed: 16) { DefaultLink = new() { Delay = Milliseconds(5) } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1", new UdxOptions { ReceiveWindow = 50_000 });
        (Peer sender, Peer receiver) = Pair(a, b, 1, 2);
        receiver.Consumes = false;
        sender.Write(Bytes(world, 200_000), ends: true);
        world.Run(3);
        bool isCut = true;
        world.Filter = (from, _, _) => isCut && from == b.Address;
        receiver.Consumes = true;
        receiver.ConsumeAll();
        world.Run(0.1);
        isCut = false;
        world.RunUntil(() => receiver.HasRemoteEnded, 5);
    }

    [Fact]
    public void Nobody_answers_and_the_stream_gives_up_after_thirteen_seconds()
    {
        var world = new World(seed: 17) { Trace = [] };
        (Peer a, Peer b) = Pair(world);
        world.Filter = (_, _, _) => true;
        TimeSpan start = world.Now;
        a.Write(Bytes(world, 20));
        world.RunUntil(() => a.IsClosed, 20);
        Assert.Equal(UdxCloseReason.TimedOut, a.Reason);
        Assert.Equal([0, 1, 3, 5, 7, 9, 11], world.Trace.Select(p => (p.At - start).TotalSeconds));
        Assert.Equal(13, (world.Now - start).TotalSeconds);
        Assert.False(b.IsClosed);
    }

    [Fact]
    public void A_lost_tail_is_probed_after_two_round_trips_and_only_then_waited_for()
    {
        var world = new World(seed: 18) { DefaultLink = new() { Delay = Milliseconds(26) } };
        (Peer a, _) = Pair(world);
        a.Write(Bytes(world, 10));
        world.Run(1);
        world.Trace = [];
        world.Filter = (_, _, _) => true;
        TimeSpan start = world.Now;
        a.Write(Bytes(world, 3 * 1100));
        world.Run(4);
        var probes = world.Trace.Where(p => p.At > start).ToList();
        Assert.Equal(104, (probes[0].At - start).TotalMilliseconds, 3.0);
        Assert.Equal(3u, SequenceOf(probes[0].Bytes));
        Assert.Equal([1u, 1u], probes.Skip(1).Take(2).Select(p => SequenceOf(p.Bytes)));
        Assert.Equal(1.104, (probes[1].At - start).TotalSeconds, 0.01);
        Assert.Equal(3.104, (probes[2].At - start).TotalSeconds, 0.01);
    }

    [Fact]
    public void A_tail_probe_saves_a_lost_tail_from_the_timeout()
    {
        var world = new World(seed: 19) { DefaultLink = new() { Delay = Milliseconds(20) } };
        (Peer a, Peer b) = Pair(world);
        a.Write(Bytes(world, 10));
        world.Run(1);
        int dropped = 0;
        world.Filter = (from, _, _) => from.ToIPv4() == 0x0a000001 && dropped++ == 0;
        a.Write(Bytes(world, 100));
        TimeSpan start = world.Now;
        world.RunUntil(() => b.Received == 110, 5);
        Assert.InRange((world.Now - start).TotalMilliseconds, 80, 120);
        Assert.Equal(0, a.Stream.Statistics.Timeouts);
    }

    [Fact]
    public void What_is_missing_is_repeated_in_one_burst_with_the_same_bytes_under_the_same_number()
    {
        var world = new World(seed: 20) { DefaultLink = new() { Delay = Milliseconds(20) }, Trace = [] };
        (Peer a, Peer b) = Pair(world);
        HashSet<uint> toDrop = [3, 5, 6];
        world.Filter = (from, _, bytes) =>
            from.ToIPv4() == 0x0a000001 && IsData(bytes) && toDrop.Remove(SequenceOf(bytes));
        a.Write(Bytes(world, 10 * 1152));
        world.RunUntil(() => b.Received == 10 * 1152, 5);
        var sent = world.Trace.Where(p => p.From.ToIPv4() == 0x0a000001 && IsData(p.Bytes)).ToList();
        var repeated = sent.GroupBy(p => SequenceOf(p.Bytes)).Where(g => g.Count() > 1).ToList();
        Assert.Equal([3u, 5u, 6u], repeated.Select(g => g.Key));
        Assert.All(repeated, g => Assert.Equal(g.First().Bytes[20..], g.Last().Bytes[20..]));
        Assert.InRange((world.Now - TimeSpan.FromSeconds(1)).TotalMilliseconds, 59, 75);
    }

    [Fact]
    public void Half_a_stream_may_end_while_the_other_half_goes_on()
    {
        var world = new World(seed: 21);
        (Peer a, Peer b) = Pair(world);
        a.Write("there"u8, ends: true);
        world.RunUntil(() => b.HasRemoteEnded, 1);
        Assert.False(a.IsClosed || b.IsClosed);
        b.Write(Bytes(world, 100_000));
        world.RunUntil(() => a.Received == 100_000, 5);
        b.Act(s => s.End());
        world.RunUntil(() => a.IsClosed && b.IsClosed, 1);
        Assert.Equal(UdxCloseReason.Ended, a.Reason);
    }

    [Fact]
    public void A_destroyed_stream_resets_its_peer()
    {
        var world = new World(seed: 22);
        (Peer a, Peer b) = Pair(world);
        a.Write("x"u8);
        world.Run(1);
        a.Act(s => s.Destroy());
        world.RunUntil(() => b.IsClosed, 1);
        Assert.Equal((UdxCloseReason.Destroyed, UdxCloseReason.Reset), (a.Reason, b.Reason));
    }

    [Fact]
    public void Who_missed_the_last_acknowledgement_hears_it_from_the_lingering_stream()
    {
        var world = new World(seed: 23);
        (Peer a, Peer b) = Pair(world);
        a.Write("x"u8, ends: true);
        world.RunUntil(() => b.HasRemoteEnded, 1);
        bool isCut = true;
        world.Filter = (from, _, _) => isCut && from.ToIPv4() == 0x0a000001;
        b.Act(s => s.End());
        world.Run(0.5);
        Assert.True(a.IsClosed);
        Assert.False(b.IsClosed);
        isCut = false;
        world.RunUntil(() => b.IsClosed, 3);
        Assert.Equal(UdxCloseReason.Ended, b.Reason);
    }

    [Fact]
    public void Who_missed_the_abort_hears_it_from_the_lingering_stream()
    {
        var world = new World(seed: 24);
        (Peer a, Peer b) = Pair(world);
        a.Write("x"u8);
        world.Run(1);
        bool isCut = true;
        world.Filter = (_, _, _) => isCut;
        a.Act(s => s.Destroy());
        world.Run(0.1);
        isCut = false;
        b.Write("y"u8);
        world.RunUntil(() => b.IsClosed, 1);
        Assert.Equal(UdxCloseReason.Reset, b.Reason);
    }

    [Fact]
    public void Messages_pass_the_stream_by_and_are_never_repeated()
    {
        var world = new World(seed: 25) { DefaultLink = new() { Delay = Milliseconds(10), Loss = 0.3 } };
        (Peer a, Peer b) = Pair(world);
        for (int i = 0; i < 100; i++)
        {
            byte[] message = [(byte)i];
            a.Act(s => Assert.True(s.SendMessage(message)));
        }

        world.Run(5);
        Assert.InRange(b.Messages.Count, 50, 90);
        Assert.Equal(b.Messages.Count, b.Messages.Select(m => m[0]).Distinct().Count());
        Assert.Equal(0, b.Received);
    }

    [Fact]
    public void A_keepalive_is_answered_and_silence_ends_nothing()
    {
        var world = new World(seed: 26) { Trace = [] };
        (Peer a, Peer b) = Pair(world);
        a.Act(s => s.SetKeepalive(TimeSpan.FromSeconds(5), world.Now));
        world.Run(26);
        Assert.Equal(5, world.Trace.Count(p => p.Bytes[2] == (byte)PacketFlags.Heartbeat));
        Assert.Equal(5, world.Trace.Count(p => p.Bytes[2] == (byte)PacketFlags.None));
        world.Filter = (_, _, _) => true;
        world.Run(300);
        Assert.False(a.IsClosed || b.IsClosed);
    }

    [Fact]
    public void A_stream_learns_its_client_through_the_firewall_and_answers_once_it_is_connected()
    {
        var world = new World(seed: 27) { Trace = [] };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        Peer client = a.Open(1);
        UdxAddress seen = default;
        Peer server = b.Open(2, (_, _, from, _) => { seen = from; return true; });
        client.Connect(server);
        client.Write("hello"u8);
        world.Run(0.5);
        Assert.Equal("hello"u8, server.Bytes.ToArray());
        Assert.Equal(a.Address, seen);
        Assert.DoesNotContain(world.Trace, p => p.From == b.Address);

        // The acknowledgement was owed all the while, and is sent exactly once.
        server.Connect(client);
        Assert.Single(world.Trace, p => p.From == b.Address);
    }

    [Fact]
    public void A_firewall_may_connect_the_stream_on_the_spot()
    {
        var world = new World(seed: 28);
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        Peer client = a.Open(1);
        Peer server = b.Open(2, (stream, socket, from, now) => { stream.Connect(socket, 1, from, now); return true; });
        client.Connect(server);
        client.Write("hello"u8, ends: true);
        server.Write("world"u8);
        world.Run(0.5);
        server.Act(s => s.End());
        world.RunUntil(() => client.IsClosed && server.IsClosed, 2);
        Assert.Equal("world"u8, client.Bytes.ToArray());
    }

    [Fact]
    public void Without_a_firewall_nothing_enters_an_unconnected_stream()
    {
        var world = new World(seed: 29);
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        (Peer client, Peer server) = (a.Open(1), b.Open(2));
        client.Connect(server);
        client.Write("hello"u8);
        world.Run(2);
        Assert.Equal(0, server.Received);
        Assert.InRange(server.Stream.Statistics.Rejected, 1, 10);
    }

    [Fact]
    public void A_stream_moves_to_another_address_in_the_middle_of_a_transfer()
    {
        var world = new World(seed: 30) { DefaultLink = new() { Delay = Milliseconds(10), Rate = 2_000_000 } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        int second = world.Bind(b, "10.0.0.9:9");
        Peer sender = a.Open(1);
        Peer receiver = b.Open(2, (_, _, _, _) => true);
        sender.Connect(receiver);
        receiver.Connect(sender);
        byte[] bytes = Bytes(world, 2 * Megabyte);
        sender.Write(bytes, ends: true);
        world.RunUntil(() => receiver.Received > Megabyte / 2, 20);
        sender.Act(s => s.ChangeRemote(0, 2, b.AddressOf(second), world.Now));
        Assert.DoesNotContain(UdxEventKind.RemoteChanged, sender.Events);
        world.RunUntil(() => receiver.HasRemoteEnded, 20);
        Assert.Contains(UdxEventKind.RemoteChanged, sender.Events);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), receiver.Digest);
    }

    [Fact]
    public void What_was_under_way_follows_to_the_new_address_when_the_old_one_is_dead()
    {
        var world = new World(seed: 31) { DefaultLink = new() { Delay = Milliseconds(10) } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        int second = world.Bind(b, "10.0.0.9:9");
        Peer sender = a.Open(1);
        Peer receiver = b.Open(2, (_, _, _, _) => true);
        sender.Connect(receiver);
        receiver.Connect(sender);
        sender.Write("a"u8);
        world.Run(1);
        world.Filter = (_, to, _) => to == b.Address;
        sender.Write(Bytes(world, 20_000));
        world.Run(0.05);
        sender.Act(s => s.ChangeRemote(0, 2, b.AddressOf(second), world.Now));
        world.RunUntil(() => receiver.Received == 20_001, 12);
        Assert.Contains(UdxEventKind.RemoteChanged, sender.Events);
    }

    [Fact]
    public void A_relay_carries_a_stream_between_two_that_cannot_see_each_other()
    {
        var world = new World(seed: 32) { DefaultLink = new() { Delay = Milliseconds(10), Loss = 0.01 } };
        Host a = world.AddHost("10.0.0.1:1");
        Host r = world.AddHost("10.0.0.2:1");
        Host b = world.AddHost("10.0.0.3:1");
        (Peer left, Peer right) = (a.Open(1), b.Open(2));
        (Peer toLeft, Peer toRight) = (r.Open(11), r.Open(12));
        left.Connect(toLeft);
        right.Connect(toRight);
        toLeft.Connect(left);
        toRight.Connect(right);
        toLeft.Stream.RelayTo(toRight.Stream);
        toRight.Stream.RelayTo(toLeft.Stream);
        byte[] bytes = Bytes(world, Megabyte);

        // The owner of both sides drains the other one after each packet.
        world.After(TimeSpan.Zero, Tick);
        left.Write(bytes, ends: true);
        right.Act(s => s.End());
        world.RunUntil(() => left.IsClosed && right.IsClosed, 60);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), right.Digest);
        Assert.Equal(0, toLeft.Received + toRight.Received);

        void Tick()
        {
            toLeft.Drain();
            toRight.Drain();
            if (!left.IsClosed || !right.IsClosed)
            {
                world.After(TimeSpan.FromMicroseconds(100), Tick);
            }
        }
    }

    [Fact]
    public void An_abort_through_a_relay_closes_the_relay_too()
    {
        var world = new World(seed: 33);
        Host a = world.AddHost("10.0.0.1:1");
        Host r = world.AddHost("10.0.0.2:1");
        Host b = world.AddHost("10.0.0.3:1");
        (Peer left, Peer right) = (a.Open(1), b.Open(2));
        (Peer toLeft, Peer toRight) = (r.Open(11), r.Open(12));
        left.Connect(toLeft);
        right.Connect(toRight);
        toLeft.Connect(left);
        toRight.Connect(right);
        toLeft.Stream.RelayTo(toRight.Stream);
        toRight.Stream.RelayTo(toLeft.Stream);
        left.Act(s => s.Destroy());
        world.Run(0.05);
        toRight.Drain();
        world.Run(0.05);
        Assert.Equal(UdxCloseReason.Reset, right.Reason);
        Assert.True(toLeft.IsClosed && toRight.IsClosed);
    }

    [Fact]
    public void Sequence_numbers_wrap_without_a_seam()
    {
        var world = new World(seed: 34) { DefaultLink = new() { Delay = Milliseconds(10), Loss = 0.05 } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        (Peer sender, Peer receiver) = (a.Open(1), b.Open(2));
        sender.Stream.StartAt(uint.MaxValue - 100, 7);
        receiver.Stream.StartAt(7, uint.MaxValue - 100);
        sender.Connect(receiver);
        receiver.Connect(sender);
        byte[] bytes = Bytes(world, Megabyte);
        sender.Write(bytes, ends: true);
        receiver.Act(s => s.End());
        world.RunUntil(() => sender.IsClosed && receiver.IsClosed, 60);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(bytes)), receiver.Digest);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_to_the_byte()
    {
        string Run(ulong seed)
        {
            LinkSettings link = new()
            {
                Delay = Milliseconds(15),
                Jitter = Milliseconds(10),
                Loss = 0.05,
                Reordering = 0.05,
                Duplication = 0.05,
                Rate = 5_000_000,
            };
            var world = new World(seed) { DefaultLink = link, Trace = [] };
            (Peer a, Peer b) = Pair(world);
            a.Write(Bytes(world, Megabyte), ends: true);
            b.Write(Bytes(world, Megabyte / 2), ends: true);
            world.RunUntil(() => a.IsClosed && b.IsClosed, 60);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var packet in world.Trace)
            {
                hash.AppendData(BitConverter.GetBytes(packet.At.Ticks));
                hash.AppendData(packet.Bytes);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }

        Assert.Equal(Run(1), Run(1));
        Assert.False(string.Equals(Run(1), Run(2), StringComparison.Ordinal));
    }

    [Fact]
    public void A_peer_that_forgets_what_it_reported_out_of_order_gets_it_again()
    {
        var world = new World(seed: 35) { DefaultLink = new() { Delay = Milliseconds(10) } };
        (Peer a, Peer b) = Pair(world);
        bool hasLied = false;
        UdxAddress receiver = UdxAddressOf("10.0.0.2:1");
        world.Filter = (from, _, bytes) =>
        {
            // The first flight but its first packet vanishes, and a report says that all of it has come.
            if (from != receiver && !hasLied && IsData(bytes) && SequenceOf(bytes) == 9)
            {
                hasLied = true;
                byte[] lie = new byte[28];
                new PacketHeader(PacketFlags.Sack, 0, 1, 4_000_000, 0, 1).Encode(lie);
                BitConverter.TryWriteBytes(lie.AsSpan(20), 2u);
                BitConverter.TryWriteBytes(lie.AsSpan(24), 10u);
                world.Send(receiver, from, lie, mayFragment: false);
            }

            return from != receiver && IsData(bytes) && SequenceOf(bytes) > 0 && world.Now < TimeSpan.FromSeconds(1.1);
        };
        a.Write(Bytes(world, 10 * 1152), ends: true);
        world.RunUntil(() => b.HasRemoteEnded, 12);
        Assert.Equal(10 * 1152, b.Received);
    }

    [Fact]
    public void Ten_thousand_idle_streams_take_less_than_four_kilobytes_each()
    {
        var world = new World(seed: 36) { DefaultLink = new() { Delay = Milliseconds(1) } };
        Host a = world.AddHost("10.0.0.1:1");
        Host b = world.AddHost("10.0.0.2:1");
        const int count = 10_000;
        var options = new UdxOptions();
        var streams = new UdxStream[count];
        UdxAddress remote = b.Address;
        byte[] buffer = new byte[UdxTransmit.MaxLength];
        byte[] ack = new byte[20];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (uint i = 0; i < count; i++)
        {
            var stream = new UdxStream(i, options, world.Now);
            stream.Connect(0, i, remote, world.Now);
            stream.Write("once used"u8);
            while (stream.TryPollTransmit(buffer, world.Now, out _))
            {
            }

            new PacketHeader(PacketFlags.None, 0, i, 4_000_000, 0, 1).Encode(ack);
            stream.HandleDatagram(ack, 0, remote, world.Now + Milliseconds(1));
            while (stream.TryPollEvent(out _))
            {
            }

            streams[i] = stream;
        }

        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / count;
        Assert.InRange(each, 100, 4000);
        GC.KeepAlive(streams);
    }

    private static (Peer Client, Peer Server) Pair(World world, UdxOptions? options = null) =>
        Pair(world.AddHost("10.0.0.1:1", options), world.AddHost("10.0.0.2:1", options), 1, 2);

    private static (Peer Client, Peer Server) Pair(Host a, Host b, uint idA, uint idB)
    {
        (Peer client, Peer server) = (a.Open(idA), b.Open(idB));
        client.Connect(server);
        server.Connect(client);
        return (client, server);
    }

    private static byte[] Bytes(World world, int length)
    {
        byte[] bytes = new byte[length];
        world.Chance.Fill(bytes);
        return bytes;
    }

    private static UdxAddress UdxAddressOf(string text)
    {
        Assert.True(UdxAddress.TryParse(text, out UdxAddress address));
        return address;
    }

    private static bool IsData(byte[] packet) => (packet[2] & 1) != 0;

    private static uint SequenceOf(byte[] packet) => BitConverter.ToUInt32(packet, 12);

    private static TimeSpan Milliseconds(double value) => TimeSpan.FromMilliseconds(value);
}
