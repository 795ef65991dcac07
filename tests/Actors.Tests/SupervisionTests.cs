using System.Text.RegularExpressions;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Replication;
using HyperActors.Storage;
using HyperActors.TestKit;
using PeerInfo = HyperActors.Abstractions.PeerInfo;

namespace HyperActors.Actors.Tests;

/// <summary>docs/supervision.md, row by row, and what the rows mean for those who use a node.</summary>
public sealed partial class SupervisionTests : TestWorld
{
    /// <summary>Every row of the page: the supervisor, the failure and the first word of what happens.</summary>
    public static TheoryData<string, string, string> Rows
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            string supervisor = "";
            foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "docs", "supervision.md")))
            {
                if (line.StartsWith("## ", StringComparison.Ordinal))
                {
                    supervisor = "";
                }
                else if (Heading().Match(line) is { Success: true } heading)
                {
                    supervisor = heading.Groups[1].Value;
                }
                else if (supervisor.Length > 0 && Row().Match(line) is { Success: true } row && row.Groups[1].Value is not ("failure" or "---"))
                {
                    rows.Add(supervisor, row.Groups[1].Value, row.Groups[2].Value.Split(':', ' ')[0]);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Each_row_of_the_page_is_what_the_table_decides(string supervisor, string failure, string what)
    {
        Func<Exception, Directive> decide = supervisor switch
        {
            nameof(NodeActor) => NodeActor.Decide,
            nameof(CorestoreActor) => CorestoreActor.Decide,
            nameof(FeedActor) => FeedActor.Decide,
            nameof(ConnectionsActor) => ConnectionsActor.Decide,
            nameof(ConnectionActor) => ConnectionActor.Decide,
            nameof(DhtActor) => DhtActor.Decide,
            nameof(DhtHostActor) => DhtHostActor.Decide,
            nameof(RelaysActor) => RelaysActor.Decide,
            _ => throw new InvalidOperationException($"no such supervisor: {supervisor}"),
        };
        foreach (Exception sample in SamplesOf(failure))
        {
            Assert.Equal(Enum.Parse<Directive>(what, ignoreCase: true), decide(sample));
        }
    }

    [Fact]
    public void The_page_has_a_table_for_every_supervisor() =>
        Assert.Equal(
            [
                nameof(ConnectionActor), nameof(ConnectionsActor), nameof(CorestoreActor), nameof(DhtActor), nameof(DhtHostActor),
                nameof(FeedActor), nameof(NodeActor), nameof(RelaysActor),
            ],
            Rows.Select(row => (string)row[0]).Distinct().Order());

    [Fact]
    public void A_feed_whose_disk_fails_is_opened_again_and_keeps_its_handle_and_its_peers()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Connect(reader, writer);
        Feed copy = reader.Open(feed.Key);
        Await(() => copy.DownloadAsync(0, 3));
        bool hasFailed = false;
        writer.Disk.Fault = (_, request) =>
        {
            bool fails = !hasFailed && request is { Kind: IoKind.Write, File: FeedFile.Oplog };
            hasFailed |= fails;
            return fails ? new IOException("the cable is loose") : null;
        };

        FeedFailedException refused = Refused<FeedFailedException>(Begin(() => feed.AppendAsync(Bytes("lost"))));

        Assert.Contains("the cable is loose", refused.Message, StringComparison.Ordinal);
        Assert.Equal(4ul, Await(() => feed.AppendAsync(Bytes("kept"))));
        Assert.Equal(Bytes("kept"), Await(() => copy.GetAsync(3)).Bytes.ToArray());
        Assert.Equal(2, writer.Disk.Opened[feed.DiscoveryKey]);
        Assert.Empty(writer.Closed);
    }

    [Fact]
    public void A_reader_whose_disk_fails_goes_on_downloading_under_the_same_handle()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(2000, 1000)));
        Feed copy = reader.Open(feed.Key);
        int writes = 0;
        reader.Disk.Fault = (_, request) =>
            request is { Kind: IoKind.Write, File: FeedFile.Oplog } && ++writes == 5 ? new IOException("the cable is loose") : null;
        Connect(reader, writer);
        Refused<FeedFailedException>(Begin(() => copy.DownloadAsync(0, 2000)));

        Await(() => copy.DownloadAsync(0, 2000));

        Assert.Equal(2000ul, copy.ContiguousLength);
        Await(() => feed.AppendAsync(Bytes("live")));
        Eventually(() => copy.Length == 2001);
        Assert.Empty(reader.Closed);
    }

    [Fact]
    public void A_feed_that_fails_again_and_again_under_load_does_not_wear_out_its_connection()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode(o => o.Connections.MaxUnconsumedBytes = 64 << 10);
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3000, 1000)));
        Feed copy = reader.Open(feed.Key);
        Connect(reader, writer);
        int writes = 0;
        reader.Disk.Fault = (_, request) =>
            request is { Kind: IoKind.Write, File: FeedFile.Oplog } && ++writes % 4 == 3 ? new IOException("the cable is loose") : null;
        for (int i = 0; i < 6; i++)
        {
            Task download = Begin(() => copy.DownloadAsync(0, 3000));
            Eventually(() => download.IsCompleted);
            Engine.Advance(TimeSpan.FromSeconds(61));
        }

        reader.Disk.Fault = null;
        Await(() => copy.DownloadAsync(0, 3000));

        Assert.Equal(3000ul, copy.ContiguousLength);
        Assert.Empty(reader.Closed);
    }

    [Fact]
    public void Whoever_watches_a_feed_hears_of_it_after_a_restart_too()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        var seen = new List<FeedEvent>();
        Task watching = Begin(async () =>
        {
            await foreach (FeedEvent feedEvent in feed.WatchAsync())
            {
                seen.Add(feedEvent);
            }
        });
        FailOnce(node, new IOException("the cable is loose"));
        Refused<FeedFailedException>(Begin(() => feed.AppendAsync(Bytes("lost"))));

        Await(() => feed.AppendAsync(Bytes("kept")));

        Eventually(() => seen.OfType<FeedEvent.Extended>().Any(e => e.Length == 1));
        Assert.False(watching.IsCompleted);
    }

    [Fact]
    public void A_corrupt_feed_stops_alone_and_its_handle_says_why_at_once()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        Feed other = node.Open("other");
        Await(() => feed.AppendAsync(Blocks(2)));
        Task<Block> waiting = Begin(() => feed.GetAsync(7));
        Task watching = Begin(async () =>
        {
            await foreach (FeedEvent _ in feed.WatchAsync())
            {
            }
        });
        FailOnce(node, new FeedCorruptException("file tree lacks nodes"));

        Exception refused = Refused<FeedFailedException>(Begin(() => feed.AppendAsync(Bytes("lost"))));

        Assert.IsType<FeedCorruptException>(refused.InnerException);
        Assert.IsType<FeedCorruptException>(Refused<FeedFailedException>(waiting).InnerException);
        Engine.RunUntilIdle();
        Assert.True(watching.IsCompletedSuccessfully);
        TimeSpan before = Engine.Now;
        Assert.IsType<FeedCorruptException>(Refused<FeedFailedException>(Begin(() => feed.GetAsync(0))).InnerException);
        Refused<FeedFailedException>(Begin(() => feed.AppendAsync(Bytes("x"))));
        Refused<FeedFailedException>(Begin(() => feed.GetInfoAsync()));
        Assert.Equal(before, Engine.Now);
        Assert.Equal(1ul, Await(() => other.AppendAsync(Bytes("well"))));

        // Someone has looked: the feed can be opened again, and all that was acknowledged is there.
        Feed again = node.Open("notes");
        Assert.Equal(2ul, again.Length);
    }

    [Fact]
    public void A_feed_that_cannot_be_opened_refuses_everyone_who_waits_for_it()
    {
        TestNode node = StartNode();
        node.Disk.Fault = (_, request) => request.Kind == IoKind.Length ? new FeedCorruptException("no valid header") : null;
        Task<Feed> one = Begin(() => node.Node.OpenFeedAsync("notes"));
        Task<Feed> two = Begin(() => node.Node.OpenFeedAsync("notes"));

        Assert.Contains("no valid header", Refused<FeedFailedException>(one).Message, StringComparison.Ordinal);
        Refused<FeedFailedException>(two);
    }

    [Fact]
    public void A_feed_whose_files_cannot_be_taken_is_refused_with_the_cause()
    {
        TestNode node = StartNode();
        node.Disk.OpenFault = _ => new UnauthorizedAccessException("not yours");

        Exception refused = Refused<FeedFailedException>(Begin(() => node.Node.OpenFeedAsync("notes")));

        Assert.IsType<UnauthorizedAccessException>(refused.InnerException);
        node.Disk.OpenFault = null;
        Assert.Equal(0ul, node.Open("notes").Length);
    }

    [Fact]
    public void A_full_disk_refuses_the_append_and_nothing_else()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        Await(() => feed.AppendAsync(Blocks(2)));
        Engine.Advance(TimeSpan.FromSeconds(30));
        node.Files.IsFull = true;

        Refused<DiskFullException>(Begin(() => feed.AppendAsync(Bytes("lost"))));

        Assert.Equal(2ul, feed.Length);
        Assert.Equal(Blocks(2)[1].ToArray(), Await(() => feed.GetAsync(1)).Bytes.ToArray());
        Assert.Null(Await(() => feed.TryGetAsync(2)));
        Assert.Equal(1, node.Disk.Opened[feed.DiscoveryKey]);
        node.Files.IsFull = false;
        Assert.Equal(3ul, Await(() => feed.AppendAsync(Bytes("kept"))));

        node.Kill();
        node.Start();
        Feed again = node.Open("notes");
        Assert.Equal(3ul, again.Length);
        Assert.Equal(Bytes("kept"), Await(() => again.GetAsync(2)).Bytes.ToArray());
    }

    [Fact]
    public void A_feed_whose_disk_stays_broken_is_restarted_three_times_and_then_stopped()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        Feed other = node.Open("other");
        Await(() => feed.AppendAsync(Blocks(2)));
        node.Disk.Fault = (key, _) => key == feed.DiscoveryKey ? new IOException("the disk is gone") : null;
        Task<Block> waiting = Begin(() => feed.GetAsync(5));

        Exception refused = Refused<FeedFailedException>(Begin(() => feed.AppendAsync(Bytes("lost"))));

        Assert.IsType<IOException>(refused.InnerException);
        Refused<FeedFailedException>(waiting);
        Assert.Contains(
            "the disk is gone", Refused<FeedFailedException>(Begin(() => feed.GetAsync(0))).Message, StringComparison.Ordinal);
        Assert.Equal(4, node.Disk.Opened[feed.DiscoveryKey]);
        Assert.Equal(1ul, Await(() => other.AppendAsync(Bytes("well"))));
    }

    [Fact]
    public void A_replication_that_fails_takes_its_feed_along_and_no_other()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        Feed other = node.Open("other");
        string name = $"feed-1-{feed.DiscoveryKey.ToHex()[..8]}";

        node.Find($"feeds/{name}/replication").Tell(new ReplicationActor.Attach(null!, false), ActorRefs.NoSender);

        Assert.IsType<ArgumentNullException>(
            Refused<FeedFailedException>(Begin(() => feed.GetAsync(0))).InnerException);
        Assert.Equal(1ul, Await(() => other.AppendAsync(Bytes("well"))));
    }

    [Fact]
    public void A_connection_that_fails_is_closed_alone()
    {
        TestNode writer = StartNode();
        TestNode one = StartNode();
        TestNode two = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Feed first = one.Open(feed.Key);
        Feed second = two.Open(feed.Key);
        Connect(one, writer);
        long id = Connect(two, writer).ConnectionId;
        Await(() => first.DownloadAsync(0, 3));
        Await(() => second.DownloadAsync(0, 3));

        two.Find($"connections/conn-{id}").Tell(new ConnectionActor.SendMessages(99, null!, default, 0), ActorRefs.NoSender);

        Eventually(() => two.Closed.Any() && writer.Closed.Any());
        Assert.NotNull(Assert.Single(two.Closed).Reason);
        Assert.Empty(one.Closed);
        Await(() => feed.AppendAsync(Bytes("later")));
        Assert.Equal(Bytes("later"), Await(() => first.GetAsync(3)).Bytes.ToArray());
        Connect(two, writer);
        Assert.Equal(Bytes("later"), Await(() => second.GetAsync(3)).Bytes.ToArray());
    }

    [Fact]
    public void A_channel_that_fails_takes_its_connection_along()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Feed copy = reader.Open(feed.Key);
        long id = Connect(reader, writer).ConnectionId;
        Await(() => copy.DownloadAsync(0, 3));

        reader.Find($"connections/conn-{id}/*").Tell(new ChannelActor.Arrived(null!), ActorRefs.NoSender);

        Eventually(() => reader.Closed.Any() && writer.Closed.Any());
        Connect(reader, writer);
        Await(() => feed.AppendAsync(Bytes("later")));
        Assert.Equal(Bytes("later"), Await(() => copy.GetAsync(3)).Bytes.ToArray());
    }

    [Fact]
    public void Connections_that_fail_all_at_once_are_dialled_anew_and_feeds_lose_nothing()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Feed copy = reader.Open(feed.Key);
        Connect(reader, writer);
        Await(() => copy.DownloadAsync(0, 3));
        Task<PeerInfo> dial = Begin(() => reader.Node.ConnectTcpAsync("203.0.113.1", 1));

        reader.Find("connections").Tell(new ConnectionActor.Opened(null!), ActorRefs.NoSender);

        Refused<ConnectionFailedException>(dial);
        Eventually(() => writer.Closed.Any());
        Assert.Equal(0, Await(() => copy.GetInfoAsync()).PeerCount);
        Connect(reader, writer);
        Await(() => feed.AppendAsync(Bytes("later")));
        Assert.Equal(Bytes("later"), Await(() => copy.GetAsync(3)).Bytes.ToArray());
        Assert.Equal(1, Await(() => copy.GetInfoAsync()).PeerCount);
    }

    [Fact]
    public void A_corestore_that_fails_answers_opens_its_feeds_again_and_knows_the_connections()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Feed copy = reader.Open(feed.Key);
        Connect(reader, writer);
        Await(() => copy.DownloadAsync(0, 3));

        Assert.Throws<HyperActorsException>(() => Fail(reader));

        Refused<FeedFailedException>(Begin(() => copy.GetAsync(0)));
        copy = reader.Open(feed.Key);
        Assert.Equal(3ul, copy.ContiguousLength);
        Await(() => feed.AppendAsync(Bytes("later")));
        Assert.Equal(Bytes("later"), Await(() => copy.GetAsync(3)).Bytes.ToArray());
        Assert.Empty(reader.Closed);
    }

    [Fact]
    public void A_node_whose_part_fails_for_good_ends_and_tells_everyone()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        for (int i = 0; i < 4; i++)
        {
            Assert.Throws<HyperActorsException>(() => Fail(node));
        }

        Assert.Throws<HyperActorsException>(() => node.Open("notes"));
        Refused<HyperActorsException>(Begin(() => node.Node.ConnectTcpAsync("203.0.113.9", 1)));
        Refused<FeedFailedException>(Begin(() => feed.GetInfoAsync()));
        Await(() => node.Node.DisposeAsync());
    }

    [Fact]
    public void A_store_that_cannot_be_listed_right_now_refuses_the_list_and_no_feed_notices()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        node.Disk.ListFault = new IOException("the folder cannot be read");

        Refused<HyperActorsException>(Begin(() => node.Node.ListFeedsAsync()));

        Assert.Equal(1ul, Await(() => feed.AppendAsync(Bytes("well"))));
        node.Disk.ListFault = null;
        Assert.Single(Await(() => node.Node.ListFeedsAsync()));
    }

    [Fact]
    public void A_node_that_cannot_start_says_so()
    {
        TestNode node = StartNode();
        node.Open("notes");
        node.Kill();
        node.Disk.ListFault = new IOException("the folder cannot be read");

        Exception refused = Assert.ThrowsAny<HyperActorsException>(() =>
        {
            node.StartAsync(null);
            node.Open("notes");
        });

        Assert.DoesNotContain("Timeout", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_stops_in_time_whatever_its_peers_do()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        WirePeer.Connect(World, Address(77), node.EndPoint);
        WirePeer.Dial(World, Address(78), node.EndPoint);
        Engine.Advance(TimeSpan.FromSeconds(1));
        TimeSpan before = Engine.Now;

        Await(() => node.Node.DisposeAsync());

        Assert.InRange(Engine.Now - before, TimeSpan.Zero, new NodeOptions().StopTimeout);
        Refused<FeedFailedException>(Begin(() => feed.GetInfoAsync()));
        Refused<ObjectDisposedException>(Begin(() => node.Node.ListFeedsAsync()));
    }

    [Fact]
    public void A_node_stops_in_time_though_its_disk_hangs()
    {
        TestNode node = StartNode();
        Feed feed = node.Open("notes");
        node.Disk.Hang = (_, _) => true;
        Task<ulong> append = Begin(() => feed.AppendAsync(Bytes("never")));
        Task<Feed> open = Begin(() => node.Node.OpenFeedAsync("other"));
        TimeSpan before = Engine.Now;

        Await(() => node.Node.DisposeAsync());

        Assert.InRange(Engine.Now - before, TimeSpan.Zero, new NodeOptions().StopTimeout);
        Refused<FeedFailedException>(append);
        Refused<FeedFailedException>(open);
    }

    private static IEnumerable<Exception> SamplesOf(string failure)
    {
        if (failure is "anything" or "anything else")
        {
            return [new InvalidOperationException(), new FormatException(), new NotSupportedException()];
        }

        return Name().Matches(failure).Select(match => match.Groups[1].Value switch
        {
            nameof(ActorInitializationException) => new ActorInitializationException("it could not start"),
            nameof(FeedCorruptException) => new FeedCorruptException("damaged"),
            nameof(FeedConflictException) => new FeedConflictException("another feed"),
            nameof(UnauthorizedAccessException) => new UnauthorizedAccessException(),
            nameof(IOException) => (Exception)new IOException("the cable is loose"),
            var name => throw new InvalidOperationException($"no sample of {name}"),
        });
    }

    private static void FailOnce(TestNode node, Exception failure)
    {
        bool hasFailed = false;
        node.Disk.Fault = (_, request) =>
        {
            bool fails = !hasFailed && request.Kind == IoKind.Write;
            hasFailed |= fails;
            return fails ? failure : null;
        };
    }

    // A fault of ours in the corestore: it is asked for what nobody can ask it for.
    private void Fail(TestNode node) => Engine.Run(
        node.Find("feeds").Ask<CorestoreActor.FeedOpened>(new CorestoreActor.OpenName(null!, true), TimeSpan.FromSeconds(5)));

    [GeneratedRegex(@"^\*\*(\w+)\*\*, over ")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$")]
    private static partial Regex Row();

    [GeneratedRegex("`(\\w+)`")]
    private static partial Regex Name();
}
