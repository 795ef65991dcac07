using static HyperActors.Udx.Tests.Packets;

namespace HyperActors.Udx.Tests;

/// <summary>One stream: packets made by hand in, exact packets and events out.</summary>
public sealed class UdxStreamTests
{
    [Fact]
    public void The_first_packet_carries_number_zero_and_the_window_of_upstream()
    {
        UdxStream stream = Connected();
        stream.Write("hi"u8);
        byte[] packet = Assert.Single(stream.Transmit());
        Assert.Equal("FF010100" + "02000000" + "00004000" + "00000000" + "00000000" + "6869", Convert.ToHexString(packet));
    }

    [Fact]
    public void Nothing_is_sent_before_there_is_a_remote()
    {
        var stream = new UdxStream(LocalId, new UdxOptions(), Start);
        stream.Write("hi"u8);
        Assert.Empty(stream.Transmit());
        stream.Connect(0, RemoteId, Remote, Start);
        Assert.Single(stream.Transmit());
    }

    [Fact]
    public void Small_writes_of_one_turn_share_a_packet_and_large_ones_fill_packets()
    {
        UdxStream stream = Connected();
        stream.Write("a"u8);
        stream.Write("b"u8);
        stream.Write(new byte[2 * FullPayload]);
        Assert.Equal([FullPayload, FullPayload, 2], stream.Transmit().Select(p => p.Length - 20));
    }

    [Fact]
    public void An_address_of_the_newer_kind_leaves_less_room_in_a_packet()
    {
        var stream = new UdxStream(LocalId, new UdxOptions(), Start);
        Assert.True(UdxAddress.TryParse("[2001:db8::1]:5", out UdxAddress remote));
        stream.Connect(0, RemoteId, remote, Start);
        stream.Write(new byte[5000]);
        Assert.Equal(1200 - 68, stream.Transmit()[0].Length - 20);
    }

    [Fact]
    public void Data_is_delivered_and_acknowledged_at_once()
    {
        UdxStream stream = Connected();
        Assert.Equal(["data 0102"], stream.Receive(Data(0, 1, 2)));
        PacketHeader ack = Assert.Single(stream.Transmit()).Header();
        Assert.Equal(new PacketHeader(PacketFlags.None, 0, RemoteId, 4 * 1024 * 1024, 0, 1), ack);
    }

    [Fact]
    public void Data_out_of_order_waits_and_is_reported()
    {
        UdxStream stream = Connected();
        stream.Receive(Data(0, 0));
        stream.Receive(Data(1, 1));
        stream.Receive(Data(2, 2));
        stream.Transmit();
        Assert.Empty(stream.Receive(Data(4, 4)));
        stream.Receive(Data(8, 8));
        stream.Receive(Data(7, 7));
        byte[] sack = Assert.Single(stream.Transmit());
        Assert.Equal("03000000" + "04000000" + "05000000" + "07000000" + "09000000", Convert.ToHexString(sack[16..]));
        Assert.Equal(PacketFlags.Sack, sack.Header().Flags);
        Assert.Equal(["data 03", "data 04"], stream.Receive(Data(3, 3)));
        Assert.Equal("05000000" + "07000000" + "09000000", Convert.ToHexString(Assert.Single(stream.Transmit())[16..]));
    }

    [Fact]
    public void What_came_before_is_acknowledged_again_and_not_delivered_again()
    {
        UdxStream stream = Connected();
        stream.Receive(Data(0, 7));
        stream.Transmit();
        Assert.Empty(stream.Receive(Data(0, 7)));
        Assert.Equal(1u, Assert.Single(stream.Transmit()).Header().Acknowledged);
    }

    [Fact]
    public void An_empty_packet_of_data_counts_and_is_delivered()
    {
        UdxStream stream = Connected();
        Assert.Equal(["data "], stream.Receive(Data(0)));
        Assert.Equal(1u, Assert.Single(stream.Transmit()).Header().Acknowledged);
    }

    [Theory]
    [InlineData(0x41)]
    [InlineData(0x81)]
    [InlineData(0xc1)]
    public void Unknown_flags_mean_nothing(byte flags)
    {
        UdxStream stream = Connected();
        Assert.Equal(["data 05"], stream.Receive(Packet((PacketFlags)flags, payload: [5])));
    }

    [Fact]
    public void Padding_is_stripped()
    {
        UdxStream stream = Connected();
        byte[] probe = Packet(PacketFlags.Data, payload: [0, 0, 0, 9], dataOffset: 3);
        Assert.Equal(["data 09"], stream.Receive(probe));
    }

    [Fact]
    public void Padding_that_exceeds_the_packet_makes_it_nothing()
    {
        UdxStream stream = Connected();
        Assert.Empty(stream.Receive(Packet(PacketFlags.Data, payload: [1, 2], dataOffset: 3)));
        Assert.Empty(stream.Transmit());
    }

    [Fact]
    public void A_heartbeat_is_answered_and_nothing_else_in_it_counts()
    {
        UdxStream stream = Connected();
        byte[] heartbeat = Packet(PacketFlags.Heartbeat | PacketFlags.Data, 0, 77, window: 0, payload: [1]);
        Assert.Empty(stream.Receive(heartbeat));
        Assert.Equal(PacketFlags.None, Assert.Single(stream.Transmit()).Header().Flags);
        stream.Write("x"u8);
        Assert.Equal(PacketFlags.Data, Assert.Single(stream.Transmit()).Header().Flags);
    }

    [Fact]
    public void Who_acknowledges_what_was_never_sent_is_heard_but_not_answered()
    {
        UdxStream stream = Connected();
        Assert.Equal(["data 01"], stream.Receive(Packet(PacketFlags.Data, 0, 5, window: 0, payload: [1])));
        Assert.Empty(stream.Transmit());
        stream.Write("x"u8);
        Assert.Equal(PacketFlags.Data, Assert.Single(stream.Transmit()).Header().Flags);
    }

    [Fact]
    public void An_abort_closes_and_an_old_one_does_not()
    {
        UdxStream stream = Connected();
        stream.Receive(Data(0, 0));
        Assert.Empty(stream.Receive(Packet(PacketFlags.Destroy, 0)));
        Assert.Equal(["closed Reset"], stream.Receive(Packet(PacketFlags.Destroy, 1)));
        Assert.Empty(stream.Receive(Data(1, 1)));
    }

    [Fact]
    public void Our_abort_carries_the_next_number_and_is_sent_once()
    {
        UdxStream stream = Connected();
        stream.Write("xy"u8);
        stream.Transmit();
        stream.Destroy();
        Assert.Equal(["closed Destroyed"], stream.Events());
        PacketHeader abort = Assert.Single(stream.Transmit()).Header();
        Assert.Equal((PacketFlags.Destroy, 1u), (abort.Flags, abort.Sequence));
        Assert.Empty(stream.Transmit());
        Assert.Null(stream.Deadline);
    }

    [Fact]
    public void An_abort_before_there_is_a_remote_says_nothing()
    {
        var stream = new UdxStream(LocalId, new UdxOptions(), Start);
        stream.Destroy();
        Assert.Equal(["closed Destroyed"], stream.Events());
        Assert.Empty(stream.Transmit());
        Assert.Null(stream.ToLinger());
    }

    [Fact]
    public void The_end_rides_on_the_last_data()
    {
        UdxStream stream = Connected();
        stream.Write("x"u8);
        stream.End();
        Assert.Equal(PacketFlags.Data | PacketFlags.End, Assert.Single(stream.Transmit()).Header().Flags);
    }

    [Fact]
    public void The_end_alone_takes_a_number_too()
    {
        UdxStream stream = Connected();
        stream.Write("x"u8);
        stream.Transmit();
        stream.End();
        PacketHeader end = Assert.Single(stream.Transmit()).Header();
        Assert.Equal((PacketFlags.End, 1u), (end.Flags, end.Sequence));
        stream.Receive(Packet(PacketFlags.None, 0, 2));
        PacketHeader final = Assert.Single(stream.Transmit()).Header();
        Assert.Equal((PacketFlags.None, 2u), (final.Flags, final.Sequence));
        Assert.Equal(["RemoteEnded", "closed Ended"], stream.Receive(Packet(PacketFlags.End, 0, 2)));
        Assert.Equal(1u, Assert.Single(stream.Transmit()).Header().Acknowledged);
    }

    [Fact]
    public void The_end_is_reported_after_everything_before_it()
    {
        UdxStream stream = Connected();
        Assert.Empty(stream.Receive(Packet(PacketFlags.Data | PacketFlags.End, 1, payload: [1])));
        Assert.Equal(["data 00", "data 01", "RemoteEnded"], stream.Receive(Data(0, 0)));
        Assert.Empty(stream.Receive(Data(2, 2)));
    }

    [Fact]
    public void A_message_of_any_number_is_delivered_and_not_acknowledged()
    {
        UdxStream stream = Connected();
        Assert.Equal(["message 0A"], stream.Receive(Packet(PacketFlags.Message, 999, payload: [10])));
        Assert.Equal(["message "], stream.Receive(Packet(PacketFlags.Message)));
        Assert.Empty(stream.Transmit());
    }

    [Fact]
    public void A_message_leaves_under_the_next_number_without_taking_it()
    {
        UdxStream stream = Connected();
        Assert.True(stream.SendMessage("m"u8));
        Assert.True(stream.SendMessage(default));
        stream.Write("x"u8);
        Assert.Equal(
            [(PacketFlags.Message, 0u), (PacketFlags.Message, 0u), (PacketFlags.Data, 0u)],
            stream.Transmit().Select(p => (p.Header().Flags, p.Header().Sequence)));
        Assert.False(stream.SendMessage(new byte[FullPayload + 1]));
    }

    [Fact]
    public void Messages_beyond_the_bound_are_refused()
    {
        UdxStream stream = Connected(new UdxOptions { MaxQueuedMessageBytes = 3000 });
        byte[] message = new byte[900];
        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => stream.SendMessage(message)));
        stream.Transmit();
        Assert.True(stream.SendMessage(message));
    }

    [Fact]
    public void A_shut_window_is_asked_about_at_once_and_then_ever_more_slowly()
    {
        UdxStream stream = Connected();
        stream.Receive(Packet(PacketFlags.None, 0, 0, window: 0));
        stream.Write("x"u8);
        Assert.Equal(PacketFlags.Heartbeat, Assert.Single(stream.Transmit()).Header().Flags);
        var asked = new List<double>();
        for (TimeSpan now = Start; asked.Count < 3; now += TimeSpan.FromMilliseconds(100))
        {
            stream.HandleTimeout(now);
            asked.AddRange(stream.Transmit(now).Select(_ => (now - Start).TotalSeconds));
        }

        Assert.Equal([1, 3, 5], asked);
        stream.Receive(Packet(PacketFlags.None, 0, 0, window: 10));
        Assert.Equal(PacketFlags.Data, Assert.Single(stream.Transmit()).Header().Flags);
    }

    [Fact]
    public void A_packet_that_was_overtaken_does_not_bring_an_old_window_back()
    {
        UdxStream stream = Connected();
        stream.Receive(Packet(PacketFlags.Data, 1, 0, window: 5000, payload: [1]));
        stream.Receive(Packet(PacketFlags.Data, 0, 0, window: 0, payload: [0]));
        stream.Transmit();
        stream.Write("x"u8);
        Assert.Equal(PacketFlags.Data, Assert.Single(stream.Transmit()).Header().Flags);
    }

    [Fact]
    public void No_more_packets_leave_than_the_peer_has_room_for()
    {
        UdxStream stream = Connected();
        stream.Receive(Packet(PacketFlags.None, 0, 0, window: (3 * FullPayload) + 1));
        stream.Write(new byte[10 * FullPayload]);
        Assert.Equal(3, stream.Transmit().Count);
    }

    [Fact]
    public void The_first_flight_is_ten_packets()
    {
        UdxStream stream = Connected();
        stream.Write(new byte[100 * FullPayload]);
        Assert.Equal(10, stream.Transmit().Count);
    }

    [Fact]
    public void A_repeated_packet_tells_the_latest_acknowledgement_and_keeps_its_bytes()
    {
        UdxStream stream = Connected();
        stream.Write("first"u8);
        byte[] first = Assert.Single(stream.Transmit());
        stream.Receive(Data(0, 1));
        stream.Transmit();
        TimeSpan later = Start + TimeSpan.FromSeconds(1);
        stream.HandleTimeout(later);
        byte[] again = Assert.Single(stream.Transmit(later));
        Assert.Equal(first.Header() with { Acknowledged = 1 }, again.Header());
        Assert.Equal(first[20..], again[20..]);
    }

    [Fact]
    public void Selective_acknowledgements_of_nonsense_are_ignored()
    {
        UdxStream stream = Connected();
        stream.Write(new byte[5 * FullPayload]);
        stream.Transmit();
        stream.Receive(Sack(0, (3, 3), (4, 3), (4, 9), (0xffff_ffff, 2), (0, 0xffff_ffff)), Start + TimeSpan.FromMilliseconds(10));
        Assert.Equal(5, stream.Statistics.InFlight);
        Assert.Equal(5, stream.Statistics.Rejected);
        stream.Receive(Sack(0, (3, 5)), Start + TimeSpan.FromMilliseconds(20));
        Assert.Equal(3, stream.Statistics.InFlight);
    }

    [Fact]
    public void Writes_beyond_the_bound_are_cut_and_room_is_announced()
    {
        UdxStream stream = Connected(new UdxOptions { SendBacklog = 100_000 });
        byte[] bytes = new byte[1_000_000];
        int taken = stream.Write(bytes);
        Assert.Equal(100_000 + (10 * FullPayload), taken);
        Assert.Equal(0, stream.Write(bytes));
        Assert.Empty(stream.Events());
        stream.Transmit();
        uint acknowledged = 0;
        var events = new List<string>();
        TimeSpan now = Start;
        while (events.Count == 0 && acknowledged < 200)
        {
            now += TimeSpan.FromMilliseconds(10);
            acknowledged += (uint)stream.Statistics.InFlight;
            events.AddRange(stream.Receive(Packet(PacketFlags.None, 0, acknowledged), now));
            stream.Transmit(now);
        }

        Assert.Equal(["Writable"], events);
        Assert.InRange(stream.SendCapacity, 50_000, 200_000);
    }

    [Fact]
    public void Bytes_may_be_written_in_place()
    {
        UdxStream stream = Connected();
        for (int i = 0; i < 5000; i++)
        {
            stream.GetSpan(7)[..7].Fill((byte)i);
            stream.Advance(7);
        }

        byte[] sent = [.. stream.Transmit().SelectMany(p => p[20..])];
        Assert.Equal(10 * FullPayload, sent.Length);
        Assert.Equal(Enumerable.Range(0, sent.Length).Select(i => (byte)(i / 7)), sent);
    }

    [Fact]
    public void A_packet_on_another_socket_is_for_the_firewall_to_judge()
    {
        var judged = new List<(int Socket, UdxAddress From)>();
        bool admits = false;
        var stream = new UdxStream(LocalId, new UdxOptions(), Start, (_, socket, from, _) =>
        {
            judged.Add((socket, from));
            return admits;
        });
        stream.Connect(0, RemoteId, Remote, Start);
        Assert.Equal(["data 00"], stream.Receive(Data(0, 0), socket: 0));
        Assert.Empty(judged);
        Assert.Empty(stream.Receive(Data(1, 1), socket: 1));
        admits = true;
        Assert.Equal(["data 01"], stream.Receive(Data(1, 1), socket: 1));
        Assert.Equal([(1, Remote), (1, Remote)], judged);
        stream.HandleDatagram(Data(2, 2), 1, UdxAddress.FromIPv4(1, 0), Start);
        Assert.Empty(stream.Events());
        Assert.Equal(2, judged.Count);
    }

    [Fact]
    public void On_its_own_socket_a_packet_counts_whoever_sent_it()
    {
        UdxStream stream = Connected();
        stream.HandleDatagram(Data(0, 5), 0, UdxAddress.FromIPv4(0x01020304, 5), Start);
        Assert.Equal(["data 05"], stream.Events());
        byte[] buffer = new byte[2000];
        Assert.True(stream.TryPollTransmit(buffer, Start, out UdxTransmit transmit));
        Assert.Equal(Remote, transmit.Remote);
    }

    [Fact]
    public void Packets_of_one_size_leave_as_one_batch_that_the_kernel_cuts()
    {
        UdxStream stream = Connected();
        stream.Write(new byte[(9 * FullPayload) + 100]);
        byte[] buffer = new byte[UdxTransmit.MaxLength];
        Assert.True(stream.TryPollTransmit(buffer, Start, out UdxTransmit transmit));
        Assert.Equal((FullPayload + 20, (9 * (FullPayload + 20)) + 120), (transmit.SegmentSize, transmit.Length));
        Assert.False(stream.TryPollTransmit(buffer, Start, out _));
    }

    [Fact]
    public void No_batch_is_longer_than_what_the_kernel_takes_at_once()
    {
        UdxStream stream = Connected(new UdxOptions { InitialWindow = 1000, PacingBurst = TimeSpan.FromSeconds(1) });
        stream.Write(new byte[400 * FullPayload]);
        byte[] buffer = new byte[1 << 20];
        TimeSpan later = Start + TimeSpan.FromSeconds(1);
        int sent = 0;
        while (stream.TryPollTransmit(buffer, later, out UdxTransmit transmit))
        {
            Assert.InRange(transmit.Length, 1, UdxTransmit.MaxLength);
            Assert.InRange((transmit.Length + transmit.SegmentSize - 1) / transmit.SegmentSize, 1, UdxTransmit.MaxSegments);
            sent += transmit.Length;
        }

        Assert.InRange(sent, 100 * FullPayload, int.MaxValue);
    }

    [Fact]
    public void Too_early_a_wake_does_nothing_and_a_due_one_moves_the_deadline()
    {
        UdxStream stream = Connected();
        stream.Write("x"u8);
        stream.Transmit();
        TimeSpan deadline = Assert.NotNull(stream.Deadline);
        stream.HandleTimeout(deadline - TimeSpan.FromTicks(1));
        Assert.Equal(deadline, stream.Deadline);
        Assert.Empty(stream.Transmit(deadline - TimeSpan.FromTicks(1)));
        stream.HandleTimeout(deadline);
        Assert.Single(stream.Transmit(deadline));
        Assert.True(stream.Deadline > deadline);
    }
}
