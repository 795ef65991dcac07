using HyperActors.Crypto;
using HyperActors.TestKit;
using Xunit.Abstractions;

namespace HyperActors.Dht.Tests;

/// <summary>Nodes that lie, and what each lie comes to.</summary>
public class DhtHostileTests(ITestOutputHelper output)
{
    private const uint Store = 41;

    [Fact]
    public void A_reply_from_elsewhere_is_passed_over_and_the_right_one_still_counts()
    {
        var cluster = new DhtCluster(2);
        DhtNode node = cluster.Nodes[1];
        DhtAddress liar = MemoryNet.Address("10.6.6.6", 7);
        cluster.Net.AddHost(liar.Host);
        cluster.Net.Tap = (bytes, from, to) =>
        {
            if (from.Host == node.ServerLocal.Host && to == cluster.First)
            {
                // Has seen the request, and is faster than who was asked.
                Span<byte> lie = new byte[RpcCodec.MaxOverhead];
                RpcCodec.TryDecode(bytes, out RpcMessage request);
                int length = RpcCodec.EncodeResponse(lie, request.Tid, from, null, null, [], 0, true, "lie"u8);
                node.HandleDatagram(lie[..length], node.Socket, liar, cluster.Net.Now);
            }
        };
        DhtReply reply = cluster.Net.Run(node.PingAsync(cluster.First, node.Scope))!;
        Assert.Equal(cluster.First, reply.From);
        Assert.Null(reply.Value);
        Assert.True(node.Counters.RepliesFromElsewhere > 0);
    }

    [Fact]
    public void A_false_id_is_no_id()
    {
        var cluster = new DhtCluster(2);
        DhtNode node = cluster.Nodes[0];
        Span<byte> lie = new byte[RpcCodec.MaxOverhead];
        int length = RpcCodec.EncodeRequest(
            lie, 1, cluster.First, DhtCluster.Target(1), null, true, DhtCommand.Ping, null, false, default);
        node.HandleDatagram(lie[..length], node.ServerSocket, MemoryNet.Address("10.6.6.6", 7), cluster.Net.Now);
        cluster.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(1, node.Counters.FalseIds);
        Assert.Equal(1, node.Routing.Count);
    }

    [Fact]
    public void Requests_in_the_name_of_others_do_not_fill_the_table()
    {
        var cluster = new DhtCluster(2);
        DhtNode node = cluster.Nodes[0];
        byte[] lie = new byte[RpcCodec.MaxOverhead];
        long asked = 0;
        cluster.Net.Tap = (_, from, to) => asked += from == cluster.First && to.Host >> 16 == 0x5001 ? 1 : 0;
        for (int i = 0; i < 1000; i++)
        {
            DhtAddress forged = MemoryNet.Address($"80.1.{i / 4}.{(i % 4) + 1}", 4000);
            int length = RpcCodec.EncodeRequest(
                lie, (ushort)i, cluster.First, forged.ToNodeId(), null, true, DhtCommand.FindNode, DhtCluster.Target(i), false, default);
            node.HandleDatagram(lie.AsSpan(0, length), node.ServerSocket, forged, cluster.Net.Now);
        }

        // One answer each, and some few questions back.
        Assert.InRange(asked, 1000, 1000 + node.Options.MaxChecks);
        cluster.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(1, node.Routing.Count);
        Assert.True(node.Counters.OverChecks > 0);
    }

    [Fact]
    public void A_token_is_good_for_its_host_and_for_a_while()
    {
        var cluster = new DhtCluster(3);
        cluster.Nodes[0].OnRequest = request =>
        {
            request.Reply(request.HasToken ? "stored"u8.ToArray() : null);
            return true;
        };
        DhtNode one = cluster.Nodes[1];
        DhtNode two = cluster.Nodes[2];
        Hash token = Ask(one, null)!.Token!.Value;
        Assert.NotNull(Ask(one, token)!.Value);
        Assert.Equal(DhtErrors.InvalidToken, Ask(two, token)!.Error);
        Assert.NotNull(Ask(two, Ask(two, token)!.Token)!.Value);
        cluster.Net.Run(TimeSpan.FromSeconds(7));
        Assert.NotNull(Ask(one, token)!.Value);
        cluster.Net.Run(TimeSpan.FromSeconds(16));
        DhtReply late = Ask(one, token)!;
        Assert.Equal(DhtErrors.InvalidToken, late.Error);
        Assert.NotEqual(token, late.Token);

        DhtReply? Ask(DhtNode asker, Hash? shown) => cluster.Net.Run(asker.RequestAsync(
            new DhtRequest { To = cluster.First, Command = Store, Target = DhtCluster.Target(1), Token = shown }, asker.Scope));
    }

    [Fact]
    public void Invented_nodes_that_are_ever_nearer_end_a_query_and_not_the_node()
    {
        var cluster = new DhtCluster(20);
        DhtAddress liar = MemoryNet.Address("10.6.6.6", 7);
        int invented = 0;
        Lie(cluster, liar, (_, _) => [.. Enumerable.Range(0, 20).Select(_ => new DhtAddress(0x0a50_0000u + (uint)invented++, 5))]);
        DhtNode node = cluster.Nodes[3];
        node.HandleTimeout(cluster.Net.Now);
        QueryResult result = cluster.Net.Run(
            node.FindNode(DhtCluster.Target(1), node.Scope, new QueryOptions { Nodes = [liar, .. cluster.Nearest(DhtCluster.Target(1), 5)] }).Completion,
            seconds: 600);
        Assert.InRange(result.Requests, 20, 60);
        Assert.Equal(cluster.Nearest(DhtCluster.Target(1), 1).Single(), result.ClosestReplies[0].From);
    }

    [Fact]
    public void A_liar_that_invents_answering_nodes_without_end_is_stopped_at_the_bound()
    {
        var cluster = new DhtCluster(3, tune: o => o.MaxVisits = 60);
        DhtNode node = cluster.Nodes[1];
        Hash target = DhtCluster.Target(1);

        // Every address of 10.64 answers, and names others there that are nearer to the target, as far as such can be found.
        uint next = 0x0a40_0001;
        MemoryHost everywhere = cluster.Net.AddHost("10.64.0.1");
        cluster.Net.Tap = (bytes, from, to) =>
        {
            if (to.Host >> 16 == 0x0a40)
            {
                Span<byte> lie = new byte[RpcCodec.MaxOverhead];
                RpcCodec.TryDecode(bytes, out RpcMessage request);
                Hash own = to.ToNodeId();
                Contact[] nearer =
                [
                    .. Enumerable.Range(0, 4000)
                        .Select(_ => new Contact(new DhtAddress(next++, 5)))
                        .Where(c => Distance.Compare(target, c.Id, own) < 0)
                        .Take(20),
                ];
                int length = RpcCodec.EncodeResponse(lie, request.Tid, from, null, null, nearer, 0, false, default);
                cluster.Net.Inject(lie[..length], to, from);
            }
        };
        QueryResult result = cluster.Net.Run(
            node.FindNode(target, node.Scope, new QueryOptions { Nodes = [new DhtAddress(everywhere.Address, 5)] }).Completion, seconds: 600);
        Assert.Equal(60, result.Requests);
        Assert.True(node.Counters.EndlessQueries > 0);
    }

    [Fact]
    public void Local_addresses_named_from_outside_are_not_asked()
    {
        var cluster = new DhtCluster(5, prefix: "80.7");
        DhtAddress liar = MemoryNet.Address("90.6.6.6", 7);
        Lie(cluster, liar, (_, _) =>
            [MemoryNet.Address("192.168.1.1", 80), MemoryNet.Address("127.0.0.1", 22), MemoryNet.Address("224.0.0.1", 5), MemoryNet.Address("80.1.1.1", 0)]);
        var asked = new HashSet<DhtAddress>();
        DhtNode node = cluster.Nodes[1];
        cluster.Net.Tap += (_, from, to) => asked.Add(to);
        cluster.Net.Run(node.FindNode(DhtCluster.Target(1), node.Scope, new QueryOptions { Nodes = [liar] }).Completion);
        Assert.DoesNotContain(asked, a => AddressRanges.IsLocal(a.Host) || AddressRanges.IsUnreachable(a));
        Assert.Equal(4, node.Counters.FalseAddresses);
    }

    [Fact]
    public void A_flood_in_a_victims_name_brings_it_its_budget_and_no_more()
    {
        var cluster = new DhtCluster(40, prefix: "80.7");
        DhtNode node = cluster.Nodes[0];
        node.OnRequest = request =>
        {
            request.Reply(new byte[900]);
            return true;
        };
        long reflected = 0;
        cluster.Net.Tap = (bytes, _, to) => reflected += to.Host >> 8 == 0x5a_0000 ? bytes.Length : 0;
        byte[] lie = new byte[RpcCodec.MaxOverhead];
        for (int second = 0; second < 10; second++)
        {
            for (int i = 0; i < 5000; i++)
            {
                // A whole /24 of victims: bounds per host alone would let each have its share.
                var victim = new DhtAddress(0x5a00_0000u + (uint)(i % 250), 9);
                int length = RpcCodec.EncodeRequest(
                    lie, (ushort)i, cluster.First, null, null, false, 3, DhtCluster.Target(i), false, default);
                node.HandleDatagram(lie.AsSpan(0, length), node.ServerSocket, victim, cluster.Net.Now);
            }

            cluster.Net.Run(TimeSpan.FromSeconds(1));
        }

        output.WriteLine($"{reflected} bytes in 10 s");
        Assert.InRange(reflected, 64_000, 64_000 + (20_000 * 10) + 2000);
        Assert.True(node.Counters.OverByteBudget > 0);
    }

    [Fact]
    public void Who_shows_a_token_is_not_held_to_the_budget_of_strangers()
    {
        var cluster = new DhtCluster(3, prefix: "80.7", tune: o => (o.StrangerBurstBytes, o.StrangerBytesPerSecond) = (20_000, 1000));
        cluster.Nodes[0].OnRequest = request =>
        {
            request.Reply(new byte[900]);
            return true;
        };
        DhtNode asker = cluster.Nodes[1];
        Hash token = Ask(null)!.Token!.Value;
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(900, Ask(token)!.Value!.Value.Length);
        }

        DhtReply? Ask(Hash? shown) => cluster.Net.Run(asker.RequestAsync(
            new DhtRequest { To = cluster.First, Command = Store, Token = shown, Retries = 0 }, asker.Scope));
    }

    [Fact]
    public void A_host_that_asks_too_often_is_passed_over_until_it_rests()
    {
        var cluster = new DhtCluster(1, prefix: "80.7");
        DhtNode node = cluster.Nodes[0];
        byte[] request = new byte[RpcCodec.MaxOverhead];
        int length = RpcCodec.EncodeRequest(request, 1, cluster.First, null, null, true, DhtCommand.Ping, null, false, default);
        DhtAddress from = MemoryNet.Address("90.1.1.1", 9);
        for (int i = 0; i < 500; i++)
        {
            node.HandleDatagram(request.AsSpan(0, length), node.ServerSocket, from, cluster.Net.Now);
        }

        Assert.Equal(400, node.Counters.RequestsHandled);
        Assert.Equal(100, node.Counters.OverRequestRate);
        cluster.Net.Run(TimeSpan.FromSeconds(1));
        node.HandleDatagram(request.AsSpan(0, length), node.ServerSocket, from, cluster.Net.Now);
        Assert.Equal(401, node.Counters.RequestsHandled);
    }

    [Fact]
    public void Limits_on_what_is_asked_and_answered_change_while_the_node_lives()
    {
        var cluster = new DhtCluster(1, prefix: "80.7");
        DhtNode node = cluster.Nodes[0];
        byte[] request = new byte[RpcCodec.MaxOverhead];
        int length = RpcCodec.EncodeRequest(request, 1, cluster.First, null, null, true, DhtCommand.Ping, null, false, default);
        void Ask(int times)
        {
            for (int i = 0; i < times; i++)
            {
                node.HandleDatagram(request.AsSpan(0, length), node.ServerSocket, MemoryNet.Address("90.1.1.1", 9), cluster.Net.Now);
            }
        }

        Ask(50);
        DhtOptions before = node.Options;
        node.Limit(before with { RequestBurst = 5, RequestsPerSecond = 1, BucketSize = 3, TickInterval = TimeSpan.FromHours(1) });
        Ask(50);

        Assert.Equal((55, 45), (node.Counters.RequestsHandled, node.Counters.OverRequestRate));
        Assert.Equal(before with { RequestBurst = 5, RequestsPerSecond = 1 }, node.Options);
    }

    [Fact]
    public void One_network_has_ten_places_in_the_table_and_neighbours_have_all()
    {
        var cluster = new DhtCluster(1, prefix: "80.7");
        DhtNode node = cluster.Nodes[0];
        for (int i = 1; i < 200; i++)
        {
            node.AddNode(MemoryNet.Address($"80.9.9.{i}", 9));
        }

        Assert.Equal(10, node.Routing.Count);
        for (int i = 1; i < 30; i++)
        {
            node.AddNode(MemoryNet.Address($"192.168.0.{i}", 9));
        }

        Assert.InRange(node.Routing.Count, 30, 39);
    }

    [Fact]
    public void A_query_ends_with_few_of_one_network()
    {
        // Sixty nodes of one /24 among forty others: nobody's table is theirs, nor is anybody's result.
        var cluster = new DhtCluster(1, prefix: "80.7");
        for (int i = 1; i <= 100; i++)
        {
            cluster.Join(i <= 60 ? $"80.9.9.{i}" : $"{i}.5.9.1");
        }

        DhtNode asker = cluster.Nodes[^1];
        for (int i = 0; i < 10; i++)
        {
            QueryResult result = cluster.Net.Run(asker.FindNode(DhtCluster.Target(i), asker.Scope).Completion);
            Assert.InRange(result.ClosestReplies.Count(r => r.From.Host >> 8 == 0x50_0909), 0, 3);
        }

        Assert.All(cluster.Nodes, n => Assert.InRange(n.Routing.Contacts().Count(c => c.Address.Host >> 8 == 0x50_0909), 0, 10));
    }

    [Fact]
    public void Disjoint_paths_find_what_one_path_finds()
    {
        var cluster = new DhtCluster(60);
        for (int i = 0; i < 10; i++)
        {
            DhtNode asker = cluster.Nodes[i];
            Hash target = DhtCluster.Target(i);
            QueryResult result = cluster.Net.Run(asker.FindNode(target, asker.Scope, new QueryOptions { DisjointPaths = 3 }).Completion);
            Assert.Equal(cluster.Nearest(target, 2).First(a => a != asker.PublicAddress), result.ClosestReplies[0].From);
            Assert.Equal(20, result.ClosestReplies.Count);
            Assert.Equal(result.ClosestReplies.Count, result.ClosestReplies.Select(r => r.From).Distinct().Count());
        }
    }

    [Fact]
    public void What_an_answer_weighs_against_its_question_is_known()
    {
        var cluster = new DhtCluster(60, prefix: "80.7", tune: o => o.MaxContactsPerNetwork = o.MaxContactsPerNetworkInBucket = 1000);
        DhtNode node = cluster.Nodes[0];
        byte[] value = new byte[1000];
        node.OnRequest = request =>
        {
            if (request.Command == Store)
            {
                request.Reply(value);
            }

            return request.Command == Store;
        };
        Hash target = DhtCluster.Target(1);
        DhtAddress asker = MemoryNet.Address("90.1.1.1", 9);
        var answers = new List<(string Name, int Asked, long Answered)>
        {
            Weigh("ping", true, DhtCommand.Ping, null, null),
            Weigh("ping NAT", true, DhtCommand.PingNat, null, new byte[] { 1, 1 }),
            Weigh("find node", true, DhtCommand.FindNode, target, null),
            Weigh("down hint", true, DhtCommand.DownHint, null, new byte[6]),
            Weigh("delayed ping", true, DhtCommand.DelayedPing, null, new byte[4]),
            Weigh("unknown command", false, 99, target, null),
            Weigh("bad token", false, Store, target, null, DhtCluster.Target(2)),
            Weigh("application, 1000 bytes", false, Store, target, null),
        };
        foreach ((string name, int asked, long answered) in answers)
        {
            output.WriteLine($"| {name} | {asked} | {answered} | {(double)answered / asked:0.0} |");
        }

        Assert.Equal(
            [(11, 42L), (14, 42), (43, 163), (18, 42), (16, 42), (43, 164), (75, 196), (43, 1198)],
            answers.Select(a => (a.Asked, a.Answered)));

        (string Name, int Asked, long Answered) Weigh(string name, bool isInternal, uint command, Hash? about, byte[]? carried, Hash? token = null)
        {
            byte[] request = new byte[RpcCodec.MaxOverhead];
            int length = RpcCodec.EncodeRequest(request, 1, cluster.First, null, token, isInternal, command, about, carried is not null, carried);
            long answered = 0;
            cluster.Net.Tap = (bytes, _, to) => answered += to.Host == asker.Host ? bytes.Length : 0;
            node.HandleDatagram(request.AsSpan(0, length), node.ServerSocket, asker, cluster.Net.Now);
            cluster.Net.Run(TimeSpan.FromMilliseconds(10));
            return (name, length, answered);
        }
    }

    // A host that answers whatever it is asked with nodes of its choice.
    private static void Lie(DhtCluster cluster, DhtAddress liar, Func<DhtAddress, Hash, DhtAddress[]> nodes)
    {
        MemoryHost host = cluster.Net.AddHost(liar.Host);
        int socket = host.Bind(liar.Port);
        host.Machine = new Liar(host, socket, liar, nodes);
    }

    private sealed class Liar(MemoryHost host, int socket, DhtAddress self, Func<DhtAddress, Hash, DhtAddress[]> nodes) : IDatagramMachine
    {
        public TimeSpan? Deadline => null;

        public void HandleDatagram(ReadOnlySpan<byte> datagram, int onSocket, DhtAddress from, TimeSpan now)
        {
            if (RpcCodec.TryDecode(datagram, out RpcMessage request) && !request.IsResponse && !request.Target.IsEmpty)
            {
                Span<byte> answer = new byte[RpcCodec.MaxOverhead];
                Contact[] named = [.. nodes(from, request.TargetHash).Select(a => new Contact(a))];
                int length = RpcCodec.EncodeResponse(answer, request.Tid, from, self.ToNodeId(), null, named, 0, false, default);
                host.Send(socket, from, answer[..length]);
            }
        }

        public void HandleTimeout(TimeSpan now)
        {
        }
    }
}
