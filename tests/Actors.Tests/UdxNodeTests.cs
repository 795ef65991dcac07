using System.Net;
using HyperActors.Abstractions;
using HyperActors.Simulation;

namespace HyperActors.Actors.Tests;

/// <summary>Nodes whose connections are UDX streams.</summary>
public sealed class UdxNodeTests : TestWorld
{
    [Fact]
    public void A_feed_is_copied_over_a_bad_line_and_both_sides_end_in_order()
    {
        World.Datagrams.Options = new DatagramOptions { Loss = 0.05, Reordering = 0.05, Duplication = 0.02 };
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("feed");
        Await(() => feed.AppendAsync(Blocks(500, 1000)));
        (PeerInfo theirs, PeerInfo ours) = Join(writer, reader);
        Assert.Equal((writer.Node.PublicKey, true), (ours.PublicKey, ours.IsInitiator));
        Assert.Equal((reader.Node.PublicKey, false), (theirs.PublicKey, theirs.IsInitiator));
        Assert.Equal(new IPEndPoint(writer.Address, 4000), ours.Address);

        Feed copy = reader.Open(feed.Key);
        Await(() => copy.DownloadAsync(0, 500));
        Assert.Equal(500UL, copy.ContiguousLength);

        Await(() => reader.Node.DisposeAsync());
        Eventually(() => writer.Closed.Any());
        Assert.Null(writer.Closed.Single().Reason);
        Await(() => writer.Node.DisposeAsync());
    }

    [Fact]
    public void An_id_that_is_taken_and_an_address_that_is_not_ours_are_refused_in_plain_words()
    {
        TestNode node = StartNode();
        TestNode other = StartNode();
        var route = new UdxRoute(new IPEndPoint(node.Address, 4000), 1, new IPEndPoint(other.Address, 4000), 2);
        using var stop = new CancellationTokenSource();
        Task<PeerInfo> waiting = Begin(() => node.Node.AcceptUdxAsync(route, stop.Token));

        ConnectionFailedException taken = Refused<ConnectionFailedException>(Begin(() => node.Node.ConnectUdxAsync(route)));
        Assert.Contains("id 1 is in use", taken.Message, StringComparison.Ordinal);
        ConnectionFailedException strange = Refused<ConnectionFailedException>(
            Begin(() => node.Node.ConnectUdxAsync(route with { Local = new IPEndPoint(other.Address, 4000), LocalId = 3 })));
        Assert.Contains("does not have that address", strange.Message, StringComparison.Ordinal);

        Engine.Advance(TimeSpan.FromHours(1));
        Assert.False(waiting.IsCompleted);
        stop.Cancel();
        Refused<OperationCanceledException>(waiting);
    }

    [Fact]
    public void Nobody_there_is_a_failed_connection()
    {
        TestNode node = StartNode();
        var route = new UdxRoute(new IPEndPoint(node.Address, 4000), 1, new IPEndPoint(Address(99), 4000), 2);

        Refused<ConnectionFailedException>(Begin(() => node.Node.ConnectUdxAsync(route)));
    }

    [Fact]
    public void A_node_that_dies_is_noticed_by_silence()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Join(writer, reader);

        writer.Kill();

        Eventually(() => reader.Closed.Any(), TimeSpan.FromSeconds(30));
        Assert.Contains("does not answer", reader.Closed.Single().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Unordered_messages_pass_encrypted_beside_the_stream()
    {
        TestNode server = StartNode();
        TestNode client = StartNode();
        (PeerInfo theirs, PeerInfo ours) = Join(server, client);

        client.Node.SendMessage(ours.ConnectionId, new byte[] { 1, 2, 3 });
        Eventually(() => server.Events.OfType<ConnectionEvent.MessageArrived>().Any());
        ConnectionEvent.MessageArrived arrived = server.Events.OfType<ConnectionEvent.MessageArrived>().Single();
        Assert.Equal(theirs.ConnectionId, arrived.ConnectionId);
        Assert.Equal([1, 2, 3], arrived.Message.ToArray());

        server.Node.SendMessage(theirs.ConnectionId, ReadOnlyMemory<byte>.Empty);
        server.Node.SendMessage(4711, new byte[] { 1 });
        Eventually(() => client.Events.OfType<ConnectionEvent.MessageArrived>().Any());
        Assert.Empty(client.Events.OfType<ConnectionEvent.MessageArrived>().Single().Message.ToArray());
    }

    [Fact]
    public void A_connection_on_which_nothing_happens_is_kept_alive_and_its_death_is_noticed()
    {
        TestNode server = StartNode();
        TestNode client = StartNode();
        Join(server, client);
        long before = World.Datagrams.Sent;
        Engine.Advance(TimeSpan.FromMinutes(1));

        // Every five seconds both sides say nothing, and acknowledge it.
        Assert.InRange(World.Datagrams.Sent - before, 2 * 2 * 11, 2 * 2 * 13);
        Assert.Empty(client.Closed);

        World.Network.Part(server.Address, client.Address, breaksStreams: false);
        Engine.Advance(TimeSpan.FromSeconds(20));
        Assert.Contains("does not answer", client.Closed.Single().Reason, StringComparison.Ordinal);
        Assert.Contains("does not answer", server.Closed.Single().Reason, StringComparison.Ordinal);
    }

    private (PeerInfo Theirs, PeerInfo Ours) Join(TestNode server, TestNode client)
    {
        var there = new IPEndPoint(server.Address, 4000);
        var here = new IPEndPoint(client.Address, 4000);
        Task<PeerInfo> accepting = Begin(() => server.Node.AcceptUdxAsync(new UdxRoute(there, 1, here, 2)));
        PeerInfo ours = Await(() => client.Node.ConnectUdxAsync(new UdxRoute(here, 2, there, 1)));
        return (Engine.Run(accepting), ours);
    }
}
