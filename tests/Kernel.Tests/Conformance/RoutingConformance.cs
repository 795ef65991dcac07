namespace HyperActors.Kernel.Tests.Conformance;

public sealed class RoutingConformance : ConformanceTest
{
    public sealed record Keyed(string Key) : IConsistentHashable
    {
        public object ConsistentHashKey => Key;
    }

    public sealed class Worker : ReceiveActor
    {
        public Worker() => ReceiveAny(_ => Sender.Tell(Self.Path.Name, Self));
    }

    private List<string> Answers(Probe probe, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => probe.Expect<string>())];

    [Fact]
    public void A_round_robin_pool_serves_each_in_turn()
    {
        Probe probe = CreateProbe();
        IActorRef router = System.ActorOf(
            new RoundRobinPool(3).Props(Props.Create(() => new Worker())), "round");
        for (int i = 0; i < 9; i++)
        {
            router.Tell(i, probe.Ref);
        }

        Assert.All(Answers(probe, 9).GroupBy(n => n, StringComparer.Ordinal), g => Assert.Equal(3, g.Count()));
        router.Tell(new Broadcast("all"), probe.Ref);
        Assert.Equal(3, Answers(probe, 3).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_consistent_hash_pool_sends_a_key_to_the_same_one()
    {
        Probe probe = CreateProbe();
        IActorRef router = System.ActorOf(
            Props.Create(() => new Worker()).WithRouter(new ConsistentHashingPool(5)), "hashed");
        var homes = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < 200; i++)
        {
            string key = "key-" + (i % 50);
            router.Tell(new Keyed(key), probe.Ref);
            string home = probe.Expect<string>();
            Assert.Equal(home, homes.TryGetValue(key, out string? known) ? known : homes[key] = home);
        }

        Assert.Equal(5, homes.Values.Distinct(StringComparer.Ordinal).Count());
        router.Tell(new ConsistentHashableEnvelope("x", "key-1"), probe.Ref);
        probe.Expect(homes["key-1"]);
    }

    [Fact]
    public void A_group_passes_on_to_those_who_live_at_its_paths()
    {
        Probe probe = CreateProbe();
        System.ActorOf(Props.Create(() => new Worker()), "member-1");
        System.ActorOf(Props.Create(() => new Worker()), "member-2");
        IActorRef router = System.ActorOf(new RoundRobinGroup("/user/member-1", "/user/member-2").Props());
        router.Tell(1, probe.Ref);
        router.Tell(2, probe.Ref);
        Assert.Equal("member-1 member-2", string.Join(' ', Answers(probe, 2).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void A_pool_whose_members_have_all_stopped_stops()
    {
        Probe probe = CreateProbe();
        IActorRef router = probe.Watch(System.ActorOf(new RoundRobinPool(2).Props(Props.Create(() => new Worker()))));
        router.Tell(new Broadcast(PoisonPill.Instance), ActorRefs.NoSender);
        probe.ExpectTerminated(router);
    }
}
