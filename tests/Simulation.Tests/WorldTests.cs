using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;

namespace HyperActors.Simulation.Tests;

/// <summary>Nodes in a world, and what a crash or a partition does to them.</summary>
public sealed class WorldTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_feed_that_a_crash_left_half_made_is_made_anew(int seed)
    {
        for (int step = 0; step < 30; step++)
        {
            using var world = new World((ulong)seed, new WorldOptions());
            SimulatedHost host = world.AddHost();
            world.Run(async () =>
            {
                HyperNode node = await host.StartAsync();
                ValueTask<Feed> making = node.OpenFeedAsync("notes");
                await world.Delay(TimeSpan.FromMicroseconds(300 * step));
                host.Kill();
                _ = making;
                node = await host.StartAsync();
                await using Feed feed = await node.OpenFeedAsync("notes");
                Assert.Equal(1ul, await feed.AppendAsync(new byte[] { 1 }));
            });
        }
    }

    [Fact]
    public void A_partition_lets_streams_stand_still_and_go_on_when_it_ends()
    {
        using var world = new World(1, new WorldOptions());
        (SimulatedHost one, SimulatedHost two) = (world.AddHost(), world.AddHost());
        world.Run(async () =>
        {
            HyperNode writer = await one.StartAsync();
            HyperNode reader = await two.StartAsync();
            Feed feed = await writer.OpenFeedAsync("notes");
            IPEndPoint address = await writer.ListenTcpAsync(new IPEndPoint(one.Address, 0));
            await reader.ConnectTcpAsync(one.Address.ToString(), address.Port);
            Feed copy = await reader.OpenFeedAsync(feed.Key);
            world.Network.Part(one.Address, two.Address, breaksStreams: false);
            await feed.AppendAsync(new byte[] { 1 });
            await world.Delay(TimeSpan.FromSeconds(20));
            Assert.Equal(0ul, copy.Length);
            await Assert.ThrowsAsync<ConnectionFailedException>(
                async () => await reader.ConnectTcpAsync(one.Address.ToString(), address.Port));
            world.Network.Join(one.Address, two.Address);
            Assert.Equal(new byte[] { 1 }, (await copy.GetAsync(0)).Bytes.ToArray());
        });
    }

    [Fact]
    public void A_cut_ends_the_connections_of_two_hosts_on_both_sides()
    {
        using var world = new World(1, new WorldOptions());
        (SimulatedHost one, SimulatedHost two) = (world.AddHost(), world.AddHost());
        world.Run(async () =>
        {
            HyperNode writer = await one.StartAsync();
            HyperNode reader = await two.StartAsync();
            IPEndPoint address = await writer.ListenTcpAsync(new IPEndPoint(one.Address, 0));
            Task<ConnectionEvent.Closed> closedHere = FirstClosedAsync(reader);
            Task<ConnectionEvent.Closed> closedThere = FirstClosedAsync(writer);
            await reader.ConnectTcpAsync(one.Address.ToString(), address.Port);
            await world.Delay(TimeSpan.FromSeconds(1));
            world.Network.Cut(one.Address, two.Address);
            Assert.NotNull((await closedHere).Reason);
            Assert.NotNull((await closedThere).Reason);
        });
    }

    private static async Task<ConnectionEvent.Closed> FirstClosedAsync(HyperNode node)
    {
        await foreach (ConnectionEvent e in node.WatchConnectionsAsync())
        {
            if (e is ConnectionEvent.Closed closed)
            {
                return closed;
            }
        }

        throw new InvalidOperationException("the node has stopped");
    }
}
