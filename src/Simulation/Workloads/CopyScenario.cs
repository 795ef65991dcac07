using System.Net;
using HyperActors.Abstractions;
using HyperActors.Actors;
using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>Three nodes in a row: the first writes a feed, the second copies it, the third copies it from the second.</summary>
internal sealed class CopyScenario(World world, bool isOverUdx = false)
{
    private const int Blocks = 300;

    public async Task RunAsync()
    {
        RandomSource random = world.Fork();
        HyperNode writer = await world.AddHost().StartAsync();
        Feed feed = await writer.OpenFeedAsync("feed");
        for (int i = 0; i < Blocks; i += 100)
        {
            await feed.AppendAsync(Enumerable.Range(0, 100).Select(_ => Block(random)).ToArray());
        }

        HyperNode? before = null;
        var copies = new List<Feed>();
        foreach (HyperNode node in new[] { writer, await world.AddHost().StartAsync(), await world.AddHost().StartAsync() })
        {
            SimulatedHost host = world.Hosts.Single(h => h.Node == node);
            await node.ListenTcpAsync(new IPEndPoint(host.Address, Participant.Port));
            if (before is not null)
            {
                await ConnectAsync(host, world.Hosts.Single(h => h.Node == before));
                Feed copy = await node.OpenFeedAsync(feed.Key);
                copies.Add(copy);
                await copy.DownloadAsync(0, Blocks);
            }

            before = node;
        }

        await feed.AppendAsync(Block(random));
        foreach (Feed copy in copies)
        {
            Block block = await copy.GetAsync(Blocks);
            Block original = await feed.GetAsync(Blocks);
            if (!block.Bytes.Span.SequenceEqual(original.Bytes.Span))
            {
                throw new SimulationFailedException("the copy of the last block differs");
            }
        }

        foreach (SimulatedHost host in world.Hosts.Reverse())
        {
            await host.StopAsync();
        }
    }

    private async Task ConnectAsync(SimulatedHost host, SimulatedHost other)
    {
        if (!isOverUdx)
        {
            await host.Node!.ConnectTcpAsync(other.Address.ToString(), Participant.Port);
            return;
        }

        var ours = new IPEndPoint(host.Address, Participant.Port);
        var theirs = new IPEndPoint(other.Address, Participant.Port);
        world.Go(async () => await other.Node!.AcceptUdxAsync(new UdxRoute(theirs, 1, ours, 2)));
        await host.Node!.ConnectUdxAsync(new UdxRoute(ours, 2, theirs, 1));
    }

    private static ReadOnlyMemory<byte> Block(RandomSource random)
    {
        byte[] block = new byte[random.NextInt32(2000)];
        random.Fill(block);
        return block;
    }
}
