using System.Text;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Replication.Tests;

/// <summary>Replicators over links with delay, with real proofs.</summary>
public sealed class ReplicatorPairTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    [InlineData(5000)]
    public void A_reader_gets_every_block_of_a_writer(int count)
    {
        var network = new Network(7);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(count));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, (ulong)count, now));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
        Assert.Equal(0, reader.Feed.Unverifiable);
        Assert.Empty(reader.Errors);
        Assert.Empty(writer.Errors);
        network.Run(network.Now + TimeSpan.FromSeconds(5));
        Assert.Equal(0, network.OpenLeases);
    }

    [Fact]
    public void A_run_of_blocks_costs_about_a_node_each_and_never_the_same_block_twice()
    {
        var network = new Network(3);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(4096));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 4096, now));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.IsDone(1));

        Assert.InRange(writer.Feed.ServedNodes, 4000, 4200);
        Assert.InRange(writer.Feed.Served, 4096, 4100);
    }

    [Fact]
    public void What_is_appended_while_connected_arrives_by_itself_from_both_sides()
    {
        var network = new Network(5);
        Network.Node writer = network.Add(MemoryFeed.Writer());
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        Network.Node further = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, null, now));
        further.Do((r, now) => r.Download(1, 0, null, now));
        network.Connect(writer, reader);
        network.Connect(further, reader);
        for (int i = 0; i < 20; i++)
        {
            writer.Append($"one {i}", $"two {i}");
            ulong length = writer.Feed.Head.Length;
            network.RunUntil(() => (ulong)further.Feed.Blocks.Count == length);
        }

        AssertSame(writer, reader);
        AssertSame(writer, further);
    }

    [Fact]
    public void A_sparse_range_is_fetched_and_nothing_else()
    {
        var network = new Network(11);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(1000));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.Feed.Head.Length == 1000);
        reader.Do((r, now) => r.Download(1, 100, 200, now));
        reader.Do((r, now) => r.Get(2, 777, now));
        network.RunUntil(() => reader.IsDone(1) && reader.IsDone(2));
        network.Run(network.Now + TimeSpan.FromSeconds(3));

        ulong[] expected = [.. Enumerable.Range(100, 100).Select(i => (ulong)i), 777];
        Assert.Equal(expected, reader.Feed.Blocks.Keys.ToArray());
    }

    [Fact]
    public void A_broken_connection_is_resumed_without_asking_again_for_what_is_there()
    {
        var network = new Network(13);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(3000));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 3000, now));
        Network.Connection first = network.Connect(writer, reader);
        network.RunUntil(() => reader.Feed.Blocks.Count > 1000);
        first.Cut();
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        int served = writer.Feed.Served;
        int missing = 3000 - reader.Feed.Blocks.Count;
        Assert.True(missing > 0);
        network.Connect(writer, reader);
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
        Assert.InRange(writer.Feed.Served - served, missing, missing + 2);
        network.Run(network.Now + TimeSpan.FromSeconds(3));
        Assert.Equal(0, network.OpenLeases);
    }

    [Fact]
    public void A_reader_that_starts_again_with_gaps_asks_only_for_them()
    {
        var network = new Network(17);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(600));
        Network.Node first = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        Network.Connection link = network.Connect(writer, first);
        first.Do((r, now) => r.Download(1, 50, 300, now));
        network.RunUntil(() => first.IsDone(1));
        link.Cut();
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        int served = writer.Feed.Served;
        Network.Node again = network.Add(first.Feed);
        again.Do((r, now) => r.Download(1, 0, 600, now));
        network.Connect(writer, again);
        network.RunUntil(() => again.IsDone(1));

        AssertSame(writer, again);
        Assert.Equal(350, writer.Feed.Served - served);
        Assert.Equal(0, again.Feed.Unverifiable);
    }

    [Fact]
    public void Two_peers_share_the_work()
    {
        var network = new Network(19);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(4000));
        Network.Node mirror = network.Add(writer.Feed.Copy());
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 4000, now));
        network.Connect(writer, reader);
        network.Connect(mirror, reader);
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
        Assert.InRange(writer.Feed.Served, 500, 3500);
        Assert.InRange(mirror.Feed.Served, 500, 3500);
        Assert.InRange(writer.Feed.Served + mirror.Feed.Served, 4000, 4100);
    }

    [Fact]
    public void What_a_lost_peer_owes_is_asked_of_another()
    {
        var network = new Network(23);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(2000));
        Network.Node mirror = network.Add(writer.Feed.Copy());
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 2000, now));
        Network.Connection link = network.Connect(writer, reader);
        network.Connect(mirror, reader);
        network.RunUntil(() => reader.Feed.Blocks.Count > 300);
        link.Cut();
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
    }

    [Fact]
    public void A_reader_serves_what_it_has_got_to_others()
    {
        var network = new Network(31);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(500));
        Network.Node middle = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        middle.Do((r, now) => r.Download(1, 0, 500, now));
        reader.Do((r, now) => r.Download(1, 0, 500, now));
        network.Connect(writer, middle);
        network.Connect(middle, reader);
        network.RunUntil(() => middle.IsDone(1) && reader.IsDone(1));

        AssertSame(writer, reader);
    }

    [Fact]
    public void A_reader_with_gaps_is_asked_for_what_it_has()
    {
        var network = new Network(37);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(2000));
        Network.Node middle = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        Network.Connection link = network.Connect(writer, middle);
        middle.Do((r, now) => r.Download(1, 500, 700, now));
        network.RunUntil(() => middle.IsDone(1));
        link.Cut();
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        network.Connect(middle, reader);
        reader.Do((r, now) => r.Download(1, 600, 650, now));
        reader.Do((r, now) => r.Get(2, 510, now));
        network.RunUntil(() => reader.IsDone(1) && reader.IsDone(2));

        Assert.Equal(51, reader.Feed.Blocks.Count);
        Assert.Empty(reader.Errors);
    }

    [Fact]
    public void A_shorter_peer_is_brought_up_to_date_by_a_longer_reader_and_both_fill_each_others_gaps()
    {
        var network = new Network(41);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(300));
        Network.Node early = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        Network.Connection link = network.Connect(writer, early);
        early.Do((r, now) => r.Download(1, 0, 200, now));
        network.RunUntil(() => early.IsDone(1));
        link.Cut();
        writer.Append("later");
        Network.Node late = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        link = network.Connect(writer, late);
        late.Do((r, now) => r.Download(1, 200, 301, now));
        network.RunUntil(() => late.IsDone(1));
        link.Cut();
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        network.Connect(early, late);
        early.Do((r, now) => r.Download(2, 0, 301, now));
        late.Do((r, now) => r.Download(2, 0, 301, now));
        network.RunUntil(() => early.IsDone(2) && late.IsDone(2));

        AssertSame(writer, early);
        AssertSame(writer, late);
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(64, 63)]
    [InlineData(100, 37)]
    [InlineData(100, 0)]
    public void A_truncation_while_connected_is_followed(int length, int cut)
    {
        var network = new Network(43);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(length));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, null, now));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.Feed.Blocks.Count == length);
        writer.Truncate((ulong)cut);
        writer.Append("new", "history");
        network.RunUntil(() => reader.Feed.Blocks.Count == cut + 2 && reader.Feed.Head.Fork == 1);

        AssertSame(writer, reader);
        Assert.Equal(1u, reader.Feed.Head.Fork);
        Assert.Empty(reader.Errors);
        Assert.Empty(writer.Errors);
    }

    [Fact]
    public void Any_number_of_cuts_and_appends_ends_with_the_same_feed_everywhere() => Check.That<ulong>(
        seed =>
        {
            RandomSource random = RandomSource.Seeded(seed);
            var network = new Network(seed);
            Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(1 + random.NextInt32(60)));
            Network.Node one = network.Add(MemoryFeed.Reader(writer.Feed.Key));
            Network.Node two = network.Add(MemoryFeed.Reader(writer.Feed.Key));
            one.Do((r, now) => r.Download(1, 0, null, now));
            two.Do((r, now) => r.Download(1, 0, null, now));
            network.Connect(writer, one);
            network.Connect(one, two);
            Network.Connection? third = null;
            for (int i = 0; i < 12; i++)
            {
                switch (random.NextInt32(4))
                {
                    case 0:
                        writer.Truncate(random.NextUInt64(writer.Feed.Head.Length + 1));
                        break;
                    case 1:
                        third?.Cut();
                        third = network.Connect(writer, two);
                        break;
                    default:
                        writer.Append([.. Enumerable.Range(0, 1 + random.NextInt32(30)).Select(n => $"{i} {n}")]);
                        break;
                }

                network.Run(network.Now + TimeSpan.FromMilliseconds(random.NextInt32(60)));
            }

            writer.Append("last");
            network.RunUntil(() => IsSame(writer, one) && IsSame(writer, two));
            network.Run(network.Now + TimeSpan.FromSeconds(2));
            Assert.Empty(network.Nodes.SelectMany(node => node.Errors));
            Assert.Equal(0, network.OpenLeases);
            return true;
        },
        60);

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_the_wire()
    {
        string first = Run(71);

        Assert.Equal(first, Run(71));
        Assert.NotEqual(first, Run(72), StringComparer.Ordinal);

        static string Run(ulong seed)
        {
            var network = new Network(seed);
            Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(400));
            Network.Node mirror = network.Add(writer.Feed.Copy());
            Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
            reader.Do((r, now) => r.Download(1, 0, null, now));
            network.Connect(writer, reader);
            network.Connect(mirror, reader);
            network.RunUntil(() => reader.Feed.Blocks.Count > 200);
            writer.Truncate(100);
            writer.Append("x", "y");
            network.RunUntil(() => IsSame(writer, reader));
            return network.Digest;
        }
    }

    [Fact]
    public void An_update_says_whether_there_is_something_new()
    {
        var network = new Network(47);
        var lazy = new ReplicationOptions { EagerUpgrade = false };
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(3));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key), lazy);
        reader.Do((r, now) => r.Update(1, now));
        Assert.False(reader.Finished.Single().Succeeded);
        network.Connect(writer, reader);
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        Assert.Equal(0u, reader.Feed.Head.Length);
        reader.Do((r, now) => r.Update(2, now));
        network.RunUntil(() => reader.IsDone(2));
        Assert.True(reader.Finished[^1].Succeeded);
        Assert.Equal(3u, reader.Feed.Head.Length);
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        reader.Do((r, now) => r.Update(3, now));
        network.RunUntil(() => reader.IsDone(3));

        Assert.False(reader.Finished[^1].Succeeded);
    }

    [Fact]
    public void A_feed_of_the_old_kind_is_read_without_a_manifest()
    {
        var network = new Network(53);
        Network.Node writer = network.Add(MemoryFeed.Writer(isCompat: true).AppendMany(50));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 50, now));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
    }

    [Fact]
    public void Peers_that_want_nothing_close_their_channel_and_open_it_again_when_one_does()
    {
        var network = new Network(59);
        Network.Node writer = network.Add(MemoryFeed.Writer().AppendMany(10), isDownloading: false);
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key), isDownloading: false);
        network.Connect(writer, reader);
        network.Run(network.Now + TimeSpan.FromSeconds(5));
        Assert.False(reader.Replicator.GetPeers()[0].IsOpen);
        reader.Do((r, now) => r.SetDownloading(true, now));
        reader.Do((r, now) => r.Download(1, 0, 10, now));
        writer.Do((r, now) => r.SetDownloading(true, now));
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
    }

    [Fact]
    public void Blocks_of_all_sizes_arrive()
    {
        var network = new Network(61);
        byte[][] blocks = [[], new byte[1], new byte[100_000], Encoding.UTF8.GetBytes("x"), [], new byte[3_000_000]];
        Network.Node writer = network.Add(MemoryFeed.Writer().Append(blocks));
        Network.Node reader = network.Add(MemoryFeed.Reader(writer.Feed.Key));
        reader.Do((r, now) => r.Download(1, 0, 6, now));
        network.Connect(writer, reader);
        network.RunUntil(() => reader.IsDone(1));

        AssertSame(writer, reader);
    }

    [Fact]
    public void Extension_messages_reach_the_other_side_with_their_names()
    {
        var network = new Network(67);
        Network.Node a = network.Add(MemoryFeed.Writer().AppendMany(1));
        Network.Node b = network.Add(MemoryFeed.Reader(a.Feed.Key));
        network.Connect(a, b);
        network.Run(network.Now + TimeSpan.FromSeconds(1));
        foreach (string name in (string[])["foo", "foo", "bar"])
        {
            a.Do((r, _) => Assert.True(r.SendExtension(a.Connections.Keys.Single(), name, Encoding.UTF8.GetBytes(name + "!"))));
        }

        network.Run(network.Now + TimeSpan.FromSeconds(1));

        Assert.Equal("foo foo bar", string.Join(' ', b.Extensions.Select(e => e.Name)));
        Assert.Equal("bar!", Encoding.UTF8.GetString(b.Extensions[2].Payload.Span));
    }

    private static bool IsSame(Network.Node writer, Network.Node reader) =>
        writer.Feed.Head.Hash == reader.Feed.Head.Hash && writer.Feed.Head.Fork == reader.Feed.Head.Fork
        && writer.Feed.Blocks.Count == reader.Feed.Blocks.Count;

    private static void AssertSame(Network.Node writer, Network.Node reader)
    {
        Assert.Equal(writer.Feed.Head.Hash, reader.Feed.Head.Hash);
        Assert.Equal(writer.Feed.Head.Fork, reader.Feed.Head.Fork);
        Assert.Equal(writer.Feed.Blocks.Keys, reader.Feed.Blocks.Keys);
        foreach ((ulong index, byte[] block) in writer.Feed.Blocks)
        {
            Assert.Equal(block, reader.Feed.Blocks[index]);
        }

        Assert.Equal(reader.Feed.Have().Count, (ulong)reader.Feed.Blocks.Count);
        Assert.Equal(reader.Feed.Head.Length, reader.Replicator.State.Length);
    }
}
