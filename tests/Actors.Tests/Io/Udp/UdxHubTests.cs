using HyperActors.TestKit;
using HyperActors.Udx;

namespace HyperActors.Actors.Tests;

/// <summary>Many sockets and streams of one node, and those who share them.</summary>
public sealed class UdxHubTests : UdxWorld
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    [Fact]
    public void What_is_no_packet_of_a_stream_goes_to_whoever_bound_the_socket()
    {
        UdxHub hub = StartHub(1);
        UdxHub other = StartHub(2);
        var heard = new List<(string Who, DatagramKind Kind, string Bytes, UdxAddress From)>();
        UdpSocket server = Bind(hub, 1, (_, kind, bytes, from) => heard.Add(("server", kind, Convert.ToHexStringLower(bytes.Span), from)));
        UdpSocket client = Bind(hub, 1, (_, kind, bytes, from) => heard.Add(("client", kind, Convert.ToHexStringLower(bytes.Span), from)));
        UdpSocket deaf = Bind(hub, 1);
        UdpSocket there = Bind(other, 2);

        other.SendDatagram(there, server.LocalAddress, [0x03, 1]);
        Run.Advance(Moment);
        other.SendDatagram(there, client.LocalAddress, [0], timeToLive: 5);
        other.SendDatagram(there, deaf.LocalAddress, [0x13, 1]);
        other.SendDatagram(there, client.LocalAddress, []);
        Run.Advance(Moment);

        Assert.Equal(
            [("server", DatagramKind.Dht, "0301", there.LocalAddress), ("client", DatagramKind.Holepunch, "00", there.LocalAddress)],
            heard);
    }

    [Fact]
    public void Two_hundred_and_fifty_six_sockets_come_and_go()
    {
        UdxHub hub = StartHub(1);
        UdxHub other = StartHub(2);
        int heard = 0;
        UdpSocket there = Bind(other, 2);
        for (int round = 0; round < 3; round++)
        {
            UdpSocket[] sockets = [.. Enumerable.Range(0, 256).Select(_ => Bind(hub, 1, (_, _, _, _) => heard++))];
            foreach (UdpSocket socket in sockets)
            {
                other.SendDatagram(there, socket.LocalAddress, [0]);
            }

            Run.Advance(Moment);
            Assert.Equal(256 * (round + 1), heard);
            foreach (UdpSocket socket in sockets)
            {
                other.SendDatagram(there, socket.LocalAddress, [0]);
                socket.Dispose();
                hub.SendDatagram(socket, there.LocalAddress, [0]);
            }

            Run.Advance(Moment);
            Assert.Equal(256 * (round + 1), heard);
        }
    }

    [Fact]
    public void A_stream_learns_its_peer_from_the_first_packet_on_whatever_socket_and_may_move_to_another()
    {
        UdxHub here = StartHub(1);
        UdxHub there = StartHub(2);
        TestProbe one = CreateProbe("one");
        TestProbe two = CreateProbe("two");
        UdpSocket ours = Bind(here, 1);
        UdpSocket[] theirs = [Bind(there, 2), Bind(there, 2)];
        var seen = new List<(UdpSocket Socket, UdxAddress From)>();
        UdxTransport server = UdxTransport.Open(there, 2, (connection, socket, from) =>
        {
            seen.Add((socket, from));
            connection.ChangeRemote(socket, 1, from);
            return true;
        })!;
        server.Start(two.Ref);
        UdxTransport client = Open(here, ours, 1, 2, theirs[0], one);
        client.Write(Owned([1]));
        Assert.Equal([1], BytesOf(Read(two, server, Moment)));
        Assert.Equal([(theirs[0], ours.LocalAddress)], seen);

        client.Connection.ChangeRemote(ours, 2, theirs[1].LocalAddress);
        theirs[0].Dispose();
        client.Write(Owned([2]));
        Assert.Equal([2], BytesOf(Read(two, server, Moment)));
        Assert.Equal((theirs[1], ours.LocalAddress), seen[^1]);

        server.Write(Owned([3]));
        Assert.Equal([3], BytesOf(Read(one, client, Moment)));
    }

    [Fact]
    public void Who_is_not_admitted_connects_nothing()
    {
        UdxHub here = StartHub(1);
        UdxHub there = StartHub(2);
        TestProbe one = CreateProbe("one");
        TestProbe two = CreateProbe("two");
        UdpSocket ours = Bind(here, 1);
        UdpSocket theirs = Bind(there, 2);
        UdxTransport server = UdxTransport.Open(there, 2, (_, _, _) => false)!;
        server.Start(two.Ref);
        UdxTransport client = Open(here, ours, 1, 2, theirs, one);
        client.Write(Owned([1]));
        List<object> told = Read(one, client, TimeSpan.FromSeconds(20));

        Assert.Single(told.OfType<ITransport.Broken>());
        Assert.Equal(0, two.Waiting);
        Assert.False(server.Connection.IsConnected);
    }

    [Fact]
    public void A_relay_carries_two_streams_to_each_other_and_ends_with_them()
    {
        Datagrams.Options = new Simulation.DatagramOptions { Loss = 0.05 };
        UdxHub left = StartHub(1);
        UdxHub middle = StartHub(2);
        UdxHub right = StartHub(3);
        TestProbe one = CreateProbe("one");
        TestProbe two = CreateProbe("two");
        UdpSocket leftSocket = Bind(left, 1);
        UdpSocket[] middleSockets = [Bind(middle, 2), Bind(middle, 2)];
        UdpSocket rightSocket = Bind(right, 3);

        // Each side of the relay learns where its peer is from the first packet.
        UdxConnection facingLeft = OpenRelayed(middle, 10, remoteId: 1);
        UdxConnection facingRight = OpenRelayed(middle, 20, remoteId: 2);
        facingRight.RelayTo(facingLeft);
        facingLeft.RelayTo(facingRight);
        UdxTransport first = Open(left, leftSocket, 1, 10, middleSockets[0], one);
        UdxTransport second = Open(right, rightSocket, 2, 20, middleSockets[1], two);
        byte[] bytes = Pattern(200_000);
        second.Write(Owned([7]));
        first.Write(Owned(bytes));

        Assert.Equal(bytes, BytesOf(Read(two, second, TimeSpan.FromSeconds(30))));
        Assert.Equal([7], BytesOf(Read(one, first, Moment)));
        Assert.Equal(2, middle.Count);
        Assert.Equal(0, facingLeft.Statistics.BytesHeld);

        Datagrams.Options = new Simulation.DatagramOptions();
        first.Connection.Destroy();
        List<object> told = Read(two, second, Moment);
        Assert.Single(told.OfType<ITransport.Broken>());
        Assert.Equal(0, middle.Count);
        Assert.Equal(0, right.Count);
    }

    [Fact]
    public void A_side_of_a_relay_that_is_let_go_takes_the_other_with_it_and_says_nothing()
    {
        UdxHub left = StartHub(1);
        UdxHub middle = StartHub(2);
        UdpSocket leftSocket = Bind(left, 1);
        UdpSocket middleSocket = Bind(middle, 2);
        TestProbe one = CreateProbe("one");
        UdxConnection facingLeft = OpenRelayed(middle, 10, remoteId: 1);
        UdxConnection facingRight = OpenRelayed(middle, 20, remoteId: 2);
        facingLeft.RelayTo(facingRight);
        facingRight.RelayTo(facingLeft);
        UdxTransport first = Open(left, leftSocket, 1, 10, middleSocket, one);
        first.Write(Owned([1]));
        Run.Advance(Moment);
        long sent = Datagrams.Sent;

        facingLeft.Close();
        Assert.Equal(0, middle.Count);
        Assert.Equal(sent, Datagrams.Sent);
    }

    private static UdxConnection OpenRelayed(UdxHub hub, uint id, uint remoteId) =>
        UdxTransport.Open(hub, id, (connection, socket, from) =>
        {
            connection.Connect(socket, remoteId, from);
            return true;
        })!.Connection;
}
