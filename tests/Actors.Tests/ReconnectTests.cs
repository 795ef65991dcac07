using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Storage;
using HyperActors.TestKit;

namespace HyperActors.Actors.Tests;

/// <summary>Connections that come and go while feeds fail and restart: in the end the copy is whole.</summary>
public sealed class ReconnectTests : TestWorld
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Whatever_fails_meanwhile_a_copy_ends_whole_on_the_connection_that_is_left(ulong scenario)
    {
        RandomSource random = RandomSource.Seeded(scenario);
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Feed copy = reader.Open(feed.Key);
        int failing = 0;
        foreach (TestNode node in (TestNode[])[writer, reader])
        {
            node.Disk.Fault = (_, request) =>
                failing > 0 && request.Kind == IoKind.Write && failing-- == 1 ? new IOException("the cable is loose") : null;
        }

        for (int round = 0; round < 40; round++)
        {
            switch (random.NextInt32(6))
            {
                case 0:
                    World.Network.Cut(writer.Address, reader.Address);
                    break;
                case 1:
                    // No more than three in a minute: beyond that it is not the feed that fails.
                    Engine.Advance(TimeSpan.FromSeconds(25));
                    failing = 1 + random.NextInt32(5);
                    break;
                case 2:
                    _ = Connect(reader, writer);
                    break;
                case 3:
                    _ = Connect(writer, reader);
                    break;
                default:
                    Task append = Begin(() => feed.AppendAsync(Blocks(1 + random.NextInt32(50), 1 + random.NextInt32(2000))));
                    Task download = Begin(() => copy.DownloadAsync(0, 1 + feed.Length));
                    Engine.Advance(TimeSpan.FromMilliseconds(random.NextInt32(200)));
                    _ = append.Exception;
                    _ = download.Exception;
                    break;
            }
        }

        failing = 0;
        World.Network.Cut(writer.Address, reader.Address);
        Engine.Advance(TimeSpan.FromSeconds(2));
        Connect(reader, writer);
        ulong length = Await(() => feed.AppendAsync(Bytes("the end")));

        Await(() => copy.DownloadAsync(0, length), TimeSpan.FromMinutes(2));

        Assert.Equal(length, copy.ContiguousLength);
        for (ulong i = 0; i < length; i++)
        {
            Assert.Equal(Await(() => feed.GetAsync(i)).Bytes.ToArray(), Await(() => copy.GetAsync(i)).Bytes.ToArray());
        }

        Assert.Equal(1, Await(() => feed.GetInfoAsync()).PeerCount);
        Assert.Equal(1, Await(() => copy.GetInfoAsync()).PeerCount);
    }

    [Fact]
    public void Two_connections_to_the_same_peer_serve_as_one_and_either_may_go()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(300, 1000)));
        Feed copy = reader.Open(feed.Key);
        long first = Connect(reader, writer).ConnectionId;
        Connect(writer, reader);
        Task download = Begin(() => copy.DownloadAsync(0, 300));

        reader.Find($"connections/conn-{first}").Tell(ConnectionActor.End.Instance, ActorRefs.NoSender);
        Engine.Run(download);

        Assert.Equal(300ul, copy.ContiguousLength);
        Eventually(() => reader.Closed.Any());
        Assert.Null(Assert.Single(reader.Closed).Reason);
        Await(() => feed.AppendAsync(Bytes("later")));
        Assert.Equal(Bytes("later"), Await(() => copy.GetAsync(300)).Bytes.ToArray());
        Assert.Equal(1, Await(() => copy.GetInfoAsync()).PeerCount);
    }

    [Fact]
    public void A_feed_that_is_opened_when_the_connection_is_there_already_is_copied_too()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Connect(reader, writer);
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        Engine.Advance(TimeSpan.FromSeconds(1));

        Feed copy = reader.Open(feed.Key);

        Await(() => copy.DownloadAsync(0, 3));
        Assert.Equal(3ul, copy.ContiguousLength);
    }

    [Fact]
    public void A_feed_that_nobody_uses_is_left_alone_after_a_while_and_comes_back_with_its_user()
    {
        TestNode writer = StartNode();
        TestNode reader = StartNode();
        Feed feed = writer.Open("notes");
        Await(() => feed.AppendAsync(Blocks(3)));
        FeedKey key = feed.Key;
        Feed copy = reader.Open(key);
        Connect(reader, writer);
        Await(() => copy.DownloadAsync(0, 3));
        Await(() => feed.DisposeAsync());
        Await(() => copy.DisposeAsync());

        Engine.Advance(TimeSpan.FromMinutes(2));
        Feed again = writer.Open("notes");
        Assert.Equal(0, Await(() => again.GetInfoAsync()).PeerCount);
        Await(() => again.AppendAsync(Bytes("later")));
        Feed back = reader.Open(key);

        Assert.Equal(Bytes("later"), Await(() => back.GetAsync(3)).Bytes.ToArray());
    }
}
