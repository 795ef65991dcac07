using System.Text;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

public class DhtNodeTests
{
    private const uint Echo = 40;
    private const uint Store = 41;

    [Fact]
    public void A_node_that_others_reach_becomes_persistent_and_goes_by_its_address()
    {
        var cluster = new DhtCluster(5);
        Assert.All(cluster.Nodes, n => Assert.False(n.IsEphemeral));
        Assert.All(cluster.Nodes, n => Assert.Equal(n.PublicAddress!.Value.ToNodeId(), n.TableId));
        Assert.All(cluster.Nodes, n => Assert.True(n.IsBootstrapped));
    }

    [Fact]
    public void A_request_is_answered_by_the_application()
    {
        var cluster = new DhtCluster(2);
        cluster.Nodes[0].OnRequest = request =>
        {
            request.Reply(request.Value);
            return request.Command == Echo;
        };
        DhtReply reply = Ask(cluster, cluster.Nodes[1], cluster.First, Echo, "hello")!;
        Assert.Equal("hello", Encoding.UTF8.GetString(reply.Value!.Value.Span));
        Assert.Equal(cluster.First, reply.From);
        Assert.Equal(cluster.Nodes[0].TableId, reply.Id);
        Assert.NotNull(reply.Token);
    }

    [Fact]
    public void A_command_that_nobody_knows_is_an_error_with_closer_nodes()
    {
        var cluster = new DhtCluster(4);
        DhtReply reply = Ask(cluster, cluster.Nodes[1], cluster.First, 99, "")!;
        Assert.Equal(DhtErrors.UnknownCommand, reply.Error);
        Assert.NotEmpty(reply.CloserNodes);
        Assert.Null(reply.Token);
    }

    [Fact]
    public void Who_does_not_answer_is_asked_four_times_and_given_up_after_four_seconds()
    {
        var cluster = new DhtCluster(1);
        int sends = 0;
        DhtAddress nobody = MemoryNet.Address("10.9.9.9", 1);
        cluster.Net.Tap = (_, _, to) => sends += to == nobody ? 1 : 0;
        TimeSpan start = cluster.Net.Now;
        cluster.Nodes[0].HandleTimeout(start);
        Assert.Null(cluster.Net.Run(cluster.Nodes[0].PingAsync(nobody, cluster.Nodes[0].Scope)));
        Assert.Equal(4, sends);
        Assert.Equal(TimeSpan.FromSeconds(4), cluster.Net.Now - start);
        Assert.Equal(0, cluster.Nodes[0].InflightCount);
    }

    [Theory]
    [InlineData(10, 0.0)]
    [InlineData(60, 0.0)]
    [InlineData(60, 0.1)]
    public void A_lookup_ends_with_the_nodes_that_are_nearest_in_truth(int size, double loss)
    {
        var cluster = new DhtCluster(size, seed: (ulong)size);
        cluster.Net.Loss = loss;
        for (int i = 0; i < 20; i++)
        {
            DhtNode asker = cluster.Nodes[cluster.Net.Random.NextInt32(size)];
            Hash target = DhtCluster.Target(i);
            QueryResult result = cluster.Net.Run(asker.FindNode(target, asker.Scope).Completion);
            DhtAddress[] truth = [.. cluster.Nearest(target, 21).Where(a => a != asker.PublicAddress).Take(20)];
            IEnumerable<DhtAddress> found = result.ClosestReplies.Select(r => r.From);
            Assert.NotEmpty(found.Take(3).Intersect(truth.Take(loss > 0 ? 3 : 1)));
            Assert.True(found.Intersect(truth).Count() >= truth.Length * (loss > 0 ? 7 : 9) / 10);
        }
    }

    [Fact]
    public void A_query_commits_with_the_token_of_each_of_the_nearest()
    {
        var cluster = new DhtCluster(30);
        var stored = new List<DhtAddress>();
        foreach (DhtNode node in cluster.Nodes)
        {
            node.OnRequest = request =>
            {
                if (request.HasToken)
                {
                    stored.Add(request.To);
                }

                request.Reply();
                return request.Command == Store;
            };
        }

        Hash target = DhtCluster.Target(7);
        QueryResult result = cluster.Net.Run(
            cluster.Nodes[5].Query(Store, target, "x"u8.ToArray(), new QueryOptions { CommitsSame = true }, cluster.Nodes[5].Scope).Completion);
        Assert.Equal(20, result.Committed);
        Assert.Equal(result.ClosestReplies.Select(r => r.From).ToHashSet(), stored.ToHashSet());
    }

    internal static DhtReply? Ask(DhtCluster cluster, DhtNode asker, DhtAddress to, uint command, string value) =>
        cluster.Net.Run(asker.RequestAsync(
            new DhtRequest { To = to, Command = command, Target = DhtCluster.Target(1), Value = Encoding.UTF8.GetBytes(value) },
            asker.Scope));
}
