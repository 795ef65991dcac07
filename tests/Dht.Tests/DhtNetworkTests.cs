using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Dht.Tests;

/// <summary>How a node finds out what its network is like, and what it does when that changes.</summary>
public class DhtNetworkTests
{
    [Fact]
    public void A_node_that_nobody_reaches_stays_behind_its_firewall()
    {
        var cluster = new DhtCluster(8);
        cluster.Net.Blocks = (from, to) => to == MemoryNet.Address("10.0.1.1", 49_737);
        DhtNode node = cluster.Join("10.0.1.1");
        cluster.Net.Run(TimeSpan.FromMinutes(1));
        Assert.True(node.IsFirewalled);
        Assert.True(node.IsEphemeral);
        Assert.Null(node.PublicAddress);
        Assert.Equal(MemoryNet.Address("10.0.1.1", 0).Host, node.Nat.Host);
        Assert.DoesNotContain(cluster.Nodes.SelectMany(n => n.Routing.Contacts()), c => c.Address.Host == node.Nat.Host);
    }

    [Fact]
    public void A_reachable_node_opens_at_once_and_is_persistent_after_twenty_minutes()
    {
        var cluster = new DhtCluster(8);
        DhtNode node = cluster.Join("10.0.1.1", o => o.IsEphemeral = null);
        cluster.Net.Run(TimeSpan.FromSeconds(5));
        Assert.False(node.IsFirewalled);
        Assert.True(node.IsEphemeral);
        cluster.Net.Run(TimeSpan.FromMinutes(19));
        Assert.True(node.IsEphemeral);
        cluster.Net.Run(TimeSpan.FromMinutes(2));
        Assert.False(node.IsEphemeral);
        Assert.Contains(Events(node), e => e is DhtEvent.Persistent);
        cluster.Net.Run(TimeSpan.FromMinutes(10));
        Assert.Contains(cluster.Nodes[3].Routing.Contacts(), c => c.Id == node.TableId);
    }

    [Fact]
    public void A_node_that_shall_stay_ephemeral_stays_so()
    {
        var cluster = new DhtCluster(8);
        DhtNode node = cluster.Join("10.0.1.1", o => o.IsEphemeral = true);
        cluster.Net.Run(TimeSpan.FromHours(2));
        Assert.True(node.IsEphemeral);
        Assert.False(node.IsFirewalled);
    }

    [Fact]
    public void The_first_node_without_a_known_address_stays_ephemeral()
    {
        var net = new MemoryNet(1);
        DhtNode node = net.AddNode("10.0.0.1", 49_737, new DhtOptions { IsEphemeral = false });
        net.Run(node.BootstrapAsync());
        net.Run(TimeSpan.FromMinutes(5));
        Assert.True(node.IsEphemeral);
        Assert.True(node.IsBootstrapped);
    }

    [Fact]
    public void A_suggested_address_that_is_silent_gives_way_to_what_its_name_stands_for()
    {
        var cluster = new DhtCluster(4);
        DhtNode node = cluster.Join(
            "10.0.1.1",
            o => o.Bootstrap = [new DhtBootstrap(MemoryNet.Address("10.7.7.7", 1), cluster.First), new DhtBootstrap(null, null)]);
        Assert.Equal(4, node.Routing.Count);
    }

    [Fact]
    public void Contacts_that_are_gone_leave_every_table()
    {
        var cluster = new DhtCluster(25);
        DhtAddress gone = cluster.Nodes[^1].PublicAddress!.Value;
        Assert.Contains(cluster.Nodes[..^1], n => n.Routing.Find(gone.ToNodeId()) is not null);
        cluster.Net.Blocks = (from, to) => from == gone || to == gone;
        cluster.Net.Run(TimeSpan.FromMinutes(20));
        Assert.DoesNotContain(cluster.Nodes[..^1], n => n.Routing.Find(gone.ToNodeId()) is not null);
    }

    [Fact]
    public void A_hint_about_a_node_that_is_there_changes_nothing_and_one_that_is_gone_is_dropped_at_once()
    {
        var cluster = new DhtCluster(6);
        DhtNode hinter = cluster.Nodes[1];
        DhtNode hinted = cluster.Nodes[2];
        DhtAddress subject = cluster.Nodes[3].PublicAddress!.Value;
        hinter.SendDownHint(hinted.PublicAddress!.Value, subject);
        cluster.Net.Run(TimeSpan.FromSeconds(10));
        Assert.NotNull(hinted.Routing.Find(subject.ToNodeId()));
        cluster.Net.Blocks = (from, to) => from == subject || to == subject;
        hinter.SendDownHint(hinted.PublicAddress!.Value, subject);
        cluster.Net.Run(TimeSpan.FromSeconds(10));
        Assert.Null(hinted.Routing.Find(subject.ToNodeId()));
    }

    [Fact]
    public void Silence_is_noticed_and_so_is_its_end()
    {
        var cluster = new DhtCluster(12);
        DhtNode node = cluster.Nodes[5];
        Events(node);
        Load();
        Assert.True(node.IsOnline);
        cluster.Net.Blocks = (from, to) => from.Host == node.ServerLocal.Host || to.Host == node.ServerLocal.Host;
        Load();
        Assert.False(node.IsOnline);
        Assert.Contains(new DhtEvent.NetworkUpdate(false, false), Events(node));
        cluster.Net.Blocks = null;
        Load();
        Assert.True(node.IsOnline);
        Assert.Contains(new DhtEvent.NetworkUpdate(true, false), Events(node));

        void Load()
        {
            for (int i = 0; i < 60; i++)
            {
                node.HandleTimeout(cluster.Net.Now);
                foreach (DhtNode other in cluster.Nodes.Where(n => n != node).Take(4))
                {
                    _ = node.PingAsync(other.PublicAddress!.Value, node.Scope, retries: 0);
                }

                cluster.Net.Run(TimeSpan.FromSeconds(1));
            }
        }
    }

    [Fact]
    public void After_a_sleep_an_adaptive_node_is_ephemeral_and_asks_around()
    {
        var cluster = new DhtCluster(8);
        DhtNode node = cluster.Join("10.0.1.1", o => o.IsEphemeral = null);
        cluster.Net.Run(TimeSpan.FromMinutes(25));
        Assert.False(node.IsEphemeral);
        Events(node);

        // The node is told the time only when an hour has passed.
        long queries = node.Counters.Queries;
        node.HandleTimeout(cluster.Net.Now + TimeSpan.FromHours(1));
        Assert.True(node.IsEphemeral);
        Assert.Equal([typeof(DhtEvent.Ephemeral), typeof(DhtEvent.WokeUp)], Events(node).Select(e => e.GetType()));
        Assert.True(node.Counters.Queries > queries);
    }

    [Fact]
    public void A_suspended_node_is_deaf_and_silent_and_finds_back()
    {
        var cluster = new DhtCluster(8);
        DhtNode node = cluster.Nodes[4];
        node.HandleTimeout(cluster.Net.Now);
        Flow<DhtReply?> pending = node.PingAsync(cluster.First, node.Scope);
        node.Suspend();
        Assert.True(pending.IsCompleted);
        Assert.Null(pending.Result);
        long sent = node.Counters.DatagramsSent;
        Flow<DhtReply?> waiting = node.PingAsync(cluster.First, node.Scope);
        cluster.Net.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(sent, node.Counters.DatagramsSent);
        node.Resume(node.ServerSocket, node.ServerLocal, node.ClientSocket, node.ClientLocal, cluster.Net.Now);
        Assert.NotNull(cluster.Net.Run(waiting));
        QueryResult result = cluster.Net.Run(node.FindNode(DhtCluster.Target(3), node.Scope).Completion);
        Assert.Equal(7, result.ClosestReplies.Count);
    }

    [Fact]
    public void A_request_made_while_suspended_is_given_up_in_time()
    {
        var cluster = new DhtCluster(2);
        DhtNode node = cluster.Nodes[1];
        node.Suspend();
        node.HandleTimeout(cluster.Net.Now);
        Assert.Null(cluster.Net.Run(node.PingAsync(cluster.First, node.Scope), seconds: 6));
    }

    [Fact]
    public void A_delayed_ping_is_answered_after_its_delay_and_never_after_a_longer_one_than_allowed()
    {
        var cluster = new DhtCluster(2);
        DhtNode node = cluster.Nodes[1];
        node.HandleTimeout(cluster.Net.Now);
        TimeSpan start = cluster.Net.Now;
        Assert.NotNull(cluster.Net.Run(node.DelayedPingAsync(cluster.First, TimeSpan.FromSeconds(3), node.Scope)));
        Assert.InRange((cluster.Net.Now - start).TotalSeconds, 3, 3.2);
        cluster.Nodes[0].Options.MaxPingDelay = TimeSpan.FromSeconds(1);
        node.HandleTimeout(cluster.Net.Now);
        Assert.Null(cluster.Net.Run(node.DelayedPingAsync(cluster.First, TimeSpan.FromSeconds(2), node.Scope, retries: 0)));
    }

    [Fact]
    public void More_requests_than_the_window_holds_wait_for_the_next_slot()
    {
        var cluster = new DhtCluster(1);
        DhtNode node = cluster.Nodes[0];
        node.HandleTimeout(cluster.Net.Now);
        long sent = node.Counters.DatagramsSent;
        for (int i = 0; i < 300; i++)
        {
            _ = node.PingAsync(MemoryNet.Address("10.5.0.1", (ushort)(i + 1)), node.Scope, retries: 0);
        }

        Assert.Equal(sent + 80, node.Counters.DatagramsSent);
        cluster.Net.Run(TimeSpan.FromMilliseconds(800));
        Assert.Equal(sent + 160, node.Counters.DatagramsSent);
        cluster.Net.Run(TimeSpan.FromSeconds(12));
        Assert.Equal(sent + 300, node.Counters.DatagramsSent);
        Assert.Equal(0, node.InflightCount);
    }

    [Fact]
    public void A_cancelled_scope_takes_its_requests_and_queries_with_it()
    {
        var cluster = new DhtCluster(10);
        DhtNode node = cluster.Nodes[4];
        var scope = new FlowScope(node.Scope);
        Flow<QueryResult> query = node.FindNode(DhtCluster.Target(1), scope).Completion;
        Flow<DhtReply?> ping = node.PingAsync(cluster.First, scope);
        scope.Cancel();
        node.Runner.Run();
        Assert.IsType<FlowCancelledException>(query.Failure);
        Assert.IsType<FlowCancelledException>(ping.Failure);
        Assert.Equal(0, node.InflightCount);
        cluster.Net.Run(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Two_networks_that_share_a_node_become_one()
    {
        var left = new DhtCluster(15, seed: 3);
        DhtAddress other = MemoryNet.Address("10.8.0.1", 49_737);
        DhtNode second = left.Net.AddNode("10.8.0.1", other.Port, DhtOptions.Bootstrapper(other));
        _ = second.BootstrapAsync();
        left.Nodes.Add(second);
        var right = new List<DhtNode> { second };
        for (int i = 2; i < 16; i++)
        {
            right.Add(left.Join($"10.8.0.{i}", o => o.Bootstrap = [new DhtBootstrap(other, null)]));
        }

        Assert.DoesNotContain(left.Nodes[3].Routing.Contacts(), c => right.Exists(n => n.TableId == c.Id));
        left.Join("10.9.0.1", o => o.Bootstrap = [new DhtBootstrap(left.First, null), new DhtBootstrap(other, null)]);
        left.Net.Run(TimeSpan.FromMinutes(20));
        for (int i = 0; i < 10; i++)
        {
            Hash target = DhtCluster.Target(i);
            foreach (DhtNode asker in new[] { left.Nodes[3], right[3] })
            {
                QueryResult result = left.Net.Run(asker.FindNode(target, asker.Scope).Completion);
                Assert.Equal(left.Nearest(target, 2).First(a => a != asker.PublicAddress), result.ClosestReplies[0].From);
            }
        }
    }

    private static List<DhtEvent> Events(DhtNode node)
    {
        var events = new List<DhtEvent>();
        while (node.TryPollEvent(out DhtEvent? dhtEvent))
        {
            events.Add(dhtEvent!);
        }

        return events;
    }
}
