using HyperActors.Crypto;
using static HyperActors.Udx.Tests.Packets;

namespace HyperActors.Udx.Tests;

public sealed class UdxEndpointTests
{
    private readonly byte[] _buffer = new byte[UdxTransmit.MaxLength];

    [Theory]
    [InlineData("", DatagramKind.Unknown)]
    [InlineData("00", DatagramKind.Holepunch)]
    [InlineData("0300", DatagramKind.Dht)]
    [InlineData("1301020304", DatagramKind.Dht)]
    [InlineData("0400", DatagramKind.Unknown)]
    [InlineData("FF01", DatagramKind.Unknown)]
    [InlineData("FF01000009000000000000000000000000000000", DatagramKind.Stray)]
    [InlineData("FF01000007000000000000000000000000000000", DatagramKind.Stream)]
    [InlineData("FF02000007000000000000000000000000000000", DatagramKind.Unknown)]
    public void A_datagram_is_told_by_its_first_bytes(string hex, DatagramKind expected)
    {
        var endpoint = new UdxEndpoint<string>(new UdxOptions());
        Assert.True(endpoint.TryOpen("owner", 7));
        Assert.Equal(expected, endpoint.Route(Convert.FromHexString(hex), out string? owner));
        Assert.Equal(expected == DatagramKind.Stream ? "owner" : null, owner);
        Assert.False(endpoint.TryPollTransmit(_buffer, out _));
    }

    [Fact]
    public void Ids_are_drawn_until_one_is_free()
    {
        var endpoint = new UdxEndpoint<string>(new UdxOptions { MaxStreams = 100 });
        RandomSource chance = RandomSource.Seeded(1);
        HashSet<uint> ids = [];
        for (int i = 0; i < 100; i++)
        {
            Assert.True(endpoint.TryOpen("a", chance, out uint id));
            Assert.True(ids.Add(id));
            Assert.False(endpoint.TryOpen("b", id));
        }

        Assert.False(endpoint.TryOpen("one too many", chance, out _));
    }

    [Fact]
    public void A_late_packet_meets_the_memory_of_its_stream_and_not_a_fresh_one()
    {
        var options = new UdxOptions();
        var endpoint = new UdxEndpoint<UdxStream>(options);
        UdxStream stream = Ended();
        Assert.True(endpoint.TryOpen(stream, LocalId));
        endpoint.Close(LocalId, stream.ToLinger(), Start);

        // However many arrive before we answer, one answer is due.
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.End, 0, 1), out _));
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.End, 0, 1), out _));
        Assert.True(endpoint.TryPollTransmit(_buffer, out UdxTransmit transmit));
        Assert.Equal((0, Remote, 20), (transmit.Socket, transmit.Remote, transmit.Length));
        PacketHeader answer = _buffer[..20].Header();
        Assert.Equal((PacketFlags.None, 1u, 1u), (answer.Flags, answer.Sequence, answer.Acknowledged));
        Assert.False(endpoint.TryPollTransmit(_buffer, out _));

        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.None, 1, 1), out _));
        Assert.False(endpoint.TryPollTransmit(_buffer, out _));
        TimeSpan deadline = Assert.NotNull(endpoint.Deadline);
        endpoint.HandleTimeout(deadline - TimeSpan.FromTicks(1));
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.None, 1, 1), out _));
        endpoint.HandleTimeout(deadline);
        Assert.Equal(DatagramKind.Stray, endpoint.Route(Packet(PacketFlags.End, 0, 1), out _));
        Assert.True(endpoint.TryOpen(stream, LocalId));
        Assert.Null(endpoint.Deadline);
    }

    [Fact]
    public void Who_takes_an_id_again_hears_nothing_of_its_former_peer_and_everything_of_the_next()
    {
        var options = new UdxOptions();
        var endpoint = new UdxEndpoint<UdxStream>(options);
        (UdxStream former, UdxStream next) = (Ended(), Connected());
        Assert.True(endpoint.TryOpen(former, LocalId));
        endpoint.Close(LocalId, former.ToLinger(), Start);
        Assert.True(endpoint.TryOpen(next, LocalId));
        Assert.False(endpoint.TryOpen(former, LocalId));

        // The former peer missed the last packet, and hears it again.
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.End, 0, 1), out UdxStream? owner));
        Assert.Null(owner);
        Assert.True(endpoint.TryPollTransmit(_buffer, out _));
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Data(1, 1), out _));

        // From the next one's first packet on the id is its alone.
        Assert.Equal(DatagramKind.Stream, endpoint.Route(Data(0, 0), out owner));
        Assert.Same(next, owner);
        Assert.Equal(DatagramKind.Stream, endpoint.Route(Data(1, 1), out owner));
        Assert.Same(next, owner);

        // The end of the first memory is neither that of the stream nor that of the second memory.
        TimeSpan second = Start + (options.Linger / 2);
        endpoint.Close(LocalId, Ended().ToLinger(), second);
        endpoint.HandleTimeout(Start + options.Linger);
        Assert.Equal(DatagramKind.Lingering, endpoint.Route(Packet(PacketFlags.None, 1, 1), out _));
        Assert.True(endpoint.TryOpen(next, LocalId));
        endpoint.HandleTimeout(second + options.Linger);
        Assert.Equal(DatagramKind.Stream, endpoint.Route(Data(1, 1), out owner));
        Assert.Same(next, owner);
        Assert.Null(endpoint.Deadline);
    }

    [Fact]
    public void Two_aborted_streams_do_not_talk_forever()
    {
        var endpoint = new UdxEndpoint<UdxStream>(new UdxOptions());
        UdxStream stream = Connected();
        endpoint.TryOpen(stream, LocalId);
        stream.Destroy();
        endpoint.Close(LocalId, stream.ToLinger(), Start);
        endpoint.Route(Data(0, 1), out _);
        Assert.True(endpoint.TryPollTransmit(_buffer, out _));
        Assert.Equal(PacketFlags.Destroy, _buffer[..20].Header().Flags);
        endpoint.Route(Packet(PacketFlags.Destroy), out _);
        Assert.False(endpoint.TryPollTransmit(_buffer, out _));
    }

    [Fact]
    public void The_memory_of_closed_streams_is_bounded()
    {
        var endpoint = new UdxEndpoint<UdxStream>(new UdxOptions { MaxLingering = 10 });
        UdxStream stream = Ended();
        for (uint id = 0; id < 100; id++)
        {
            Assert.True(endpoint.TryOpen(stream, id));
            endpoint.Close(id, stream.ToLinger(), Start);
        }

        Assert.Equal(0, endpoint.Count);
        Assert.Equal(10, Enumerable.Range(0, 100).Count(id =>
            endpoint.Route(Packet(PacketFlags.None, id: (uint)id), out _) == DatagramKind.Lingering));
    }

    [Fact]
    public void A_flood_of_first_packets_for_unknown_streams_leaves_nothing_behind()
    {
        var endpoint = new UdxEndpoint<UdxStream>(new UdxOptions());
        for (uint id = 0; id < 100_000; id++)
        {
            Assert.Equal(DatagramKind.Stray, endpoint.Route(Packet(PacketFlags.Data, id: id), out _));
        }

        Assert.Equal(0, endpoint.Count);
        Assert.False(endpoint.TryPollTransmit(_buffer, out _));
    }

    private static UdxStream Ended()
    {
        UdxStream stream = Connected();
        stream.End();
        stream.Transmit();
        stream.Receive(Packet(PacketFlags.End, 0, 1));
        stream.Transmit();
        Assert.Equal(UdxCloseReason.Ended, stream.CloseReason);
        return stream;
    }
}
