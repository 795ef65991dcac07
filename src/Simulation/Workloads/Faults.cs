using HyperActors.Crypto;

namespace HyperActors.Simulation;

/// <summary>Lets things go wrong, each for a while, and all be well again.</summary>
internal sealed class Faults(World world, IReadOnlyList<Participant> nodes, FeedScenarioOptions options, RandomSource random)
{
    private readonly HashSet<Participant> _down = [];

    /// <summary>Ends when the last fault has ended.</summary>
    public async Task RunAsync()
    {
        var faults = new List<Task>();
        for (int i = 0; i < options.Faults; i++)
        {
            FaultKind kind = options.Kinds[random.NextInt32(options.Kinds.Count)];
            TimeSpan start = options.FaultsWithin * random.NextDouble();
            TimeSpan time = options.MaxFaultTime * random.NextDouble();
            faults.Add(LiveThroughAsync(kind, start, time));
        }

        foreach (Task fault in faults)
        {
            await fault;
        }
    }

    private async Task LiveThroughAsync(FaultKind kind, TimeSpan start, TimeSpan time)
    {
        await world.Delay(start);
        Participant node = nodes[random.NextInt32(nodes.Count)];
        world.Engine.Note($"fault {kind} {node.Host.Address} for {time}", default);
        switch (kind)
        {
            case FaultKind.Cut:
                Cut(node);
                break;
            case FaultKind.Partition:
                await PartAsync(time, breaksStreams: true);
                break;
            case FaultKind.Silence:
                await PartAsync(time, breaksStreams: false);
                break;
            case FaultKind.Crash:
                await RestartAsync(node, time, n => Kill(n, losesPower: false));
                break;
            case FaultKind.PowerLoss:
                await RestartAsync(node, time, n => Kill(n, losesPower: true));
                break;
            case FaultKind.Stop:
                await RestartAsync(node, time, n => n.StopAsync());
                break;
            case FaultKind.DiskFailure:
                node.Host.Disk.FailingRequests += 1 + random.NextInt32(3);
                await world.Delay(time);
                node.Host.Disk.FailingRequests = 0;
                break;
            case FaultKind.DiskFull:
                node.Host.Disk.IsFull = true;
                await world.Delay(time);
                node.Host.Disk.IsFull = false;
                break;
            case FaultKind.SlowDisk:
                node.Host.Disk.Slowness = 100;
                await world.Delay(time);
                node.Host.Disk.Slowness = 1;
                break;
        }
    }

    private static Task Kill(Participant node, bool losesPower)
    {
        node.Kill(losesPower);
        return Task.CompletedTask;
    }

    private void Cut(Participant node)
    {
        foreach (Participant other in nodes)
        {
            if (other != node && random.NextInt32(2) == 0)
            {
                world.Network.Cut(node.Host.Address, other.Host.Address);
            }
        }
    }

    private async Task PartAsync(TimeSpan time, bool breaksStreams)
    {
        var sides = nodes.ToLookup(_ => random.NextInt32(2));
        foreach (Participant one in sides[0])
        {
            foreach (Participant other in sides[1])
            {
                world.Network.Part(one.Host.Address, other.Host.Address, breaksStreams);
            }
        }

        await world.Delay(time);
        foreach (Participant one in sides[0])
        {
            foreach (Participant other in sides[1])
            {
                world.Network.Join(one.Host.Address, other.Host.Address);
            }
        }
    }

    private async Task RestartAsync(Participant node, TimeSpan time, Func<Participant, Task> end)
    {
        if (!_down.Add(node))
        {
            return;
        }

        await end(node);
        await world.Delay(time);
        await node.StartAsync();
        _down.Remove(node);
    }
}
