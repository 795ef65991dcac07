using HyperActors.Crypto;
using HyperActors.TestKit;
using static HyperActors.Swarm.Tests.SwarmHarness;

namespace HyperActors.Swarm.Tests;

/// <summary>Many swarms at once: who joins a topic ends up with one connection to everybody there.</summary>
public sealed class SwarmWorldTests
{
    private static readonly DiscoveryKey _topic = Topic(1);

    [Fact]
    public void Who_joins_one_after_the_other_is_connected_once_with_everybody() => Check.That<ulong>(
        seed =>
        {
            SwarmWorld world = Joined(seed, count: 8);
            return IsWhole(world);
        },
        cases: 20);

    [Fact]
    public void Who_dials_each_other_in_the_same_instant_ends_with_one_stream_opened_by_the_larger_key() => Check.That<ulong>(
        seed =>
        {
            var world = new SwarmWorld(seed);
            SwarmWorld.Node small = world.Add();
            SwarmWorld.Node large = world.Add();
            world.Do(small, (m, now) => m.JoinPeer(Key(large.Number), now));
            world.Do(large, (m, now) => m.JoinPeer(Key(small.Number), now));
            world.Run(TimeSpan.FromMinutes(5));
            SwarmWorld.Stream stream = Assert.Single(large.Streams.Values);
            return stream.IsOpen && small.Streams.ContainsValue(stream) && world.Pairs().Count == 1;
        },
        cases: 50);

    [Fact]
    public void Churn_leaves_nobody_alone_and_nobody_connected_twice() => Check.That<ulong>(
        seed =>
        {
            SwarmWorld world = Joined(seed, count: 6);
            RandomSource random = RandomSource.Seeded(~seed);
            for (int i = 0; i < 12; i++)
            {
                SwarmWorld.Node[] alive = [.. world.Nodes.Where(n => !n.IsGone)];
                SwarmWorld.Node chosen = alive[random.NextInt32(alive.Length)];
                switch (random.NextInt32(4))
                {
                    case 0 when alive.Length > 3:
                        world.Kill(chosen);
                        break;
                    case 1:
                        world.Do(chosen, (m, now) => m.Suspend(1, now));
                        world.Run(TimeSpan.FromSeconds(random.NextInt32(5)));
                        world.Do(chosen, (m, now) => m.Resume(2, now));
                        break;
                    case 2:
                        world.Do(chosen, (m, now) => m.Leave(_topic, 3, now));
                        Join(world, chosen);
                        break;
                    default:
                        Join(world, world.Add());
                        break;
                }

                world.Run(TimeSpan.FromSeconds(random.NextInt32(40)));
            }

            // The refresh after ten to twelve minutes finds whoever was missed.
            world.Run(TimeSpan.FromMinutes(30));
            return IsWhole(world);
        },
        cases: 15);

    [Fact]
    public void A_swarm_with_little_room_never_holds_more_than_it_may_and_uses_what_it_has() => Check.That<ulong>(
        seed =>
        {
            SwarmWorld world = Joined(seed, count: 10, new SwarmOptions { MaxPeers = 4, MaxServerConnections = 3 });
            return world.Nodes.All(n => n.Machine.OpenConnections is > 0 and <= 4 + 3);
        },
        cases: 20);

    [Fact]
    public void Whoever_has_left_is_not_found_any_more()
    {
        SwarmWorld world = Joined(7, count: 4);
        world.Do(world.Nodes[0], (m, now) => m.Leave(_topic, 1, now));
        world.Run(TimeSpan.FromSeconds(5));
        SwarmWorld.Node newcomer = world.Add();
        Join(world, newcomer);
        world.Run(TimeSpan.FromSeconds(30));
        Assert.Equal([1, 2, 3], world.Pairs().Where(p => p.Item2 == newcomer.Number).Select(p => p.Item1).Order());
        Assert.Contains(world.Nodes[0].Events, e => e is SwarmMachineEvent.Done { RequestId: 1, Succeeded: true });
    }

    [Fact]
    public void The_same_seed_gives_the_same_events()
    {
        static string Told(ulong seed) => string.Join('\n', Joined(seed, 6).Nodes.SelectMany(n => n.Events));
        Assert.Equal(Told(3), Told(3));
        Assert.NotEqual(Told(3), Told(4));
    }

    private static SwarmWorld Joined(ulong seed, int count, SwarmOptions? options = null)
    {
        var world = new SwarmWorld(seed, options);
        for (int i = 0; i < count; i++)
        {
            Join(world, world.Add());
            world.Run(TimeSpan.FromSeconds(3));
        }

        world.Run(TimeSpan.FromMinutes(1));
        return world;
    }

    private static void Join(SwarmWorld world, SwarmWorld.Node node) =>
        world.Do(node, (m, now) => m.TryJoin(_topic, true, true, null, now, out _));

    private static bool IsWhole(SwarmWorld world)
    {
        int[] alive = [.. world.Nodes.Where(n => !n.IsGone).Select(n => n.Number)];
        HashSet<(int, int)> wanted = [.. alive.SelectMany(a => alive.Where(b => a < b).Select(b => (a, b)))];
        List<(int, int)> pairs = world.Pairs();
        return pairs.Count == wanted.Count && wanted.SetEquals(pairs);
    }
}
