using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.TestKit;

namespace HyperActors.Actors.Tests;

public sealed class ListingActorTests : ActorTest
{
    [Fact]
    public void All_feeds_are_listed_in_the_order_in_which_they_were_asked()
    {
        TestProbe[] feeds = [CreateProbe(), CreateProbe(), CreateProbe()];
        TestProbe asker = CreateProbe("asker");
        Start(ListingActor.PropsFor([.. feeds.Select(f => Item(f))], asker.Ref));
        foreach (int i in (int[])[2, 0, 1])
        {
            feeds[i].ExpectMsg<FeedActor.GetInfo>();
            feeds[i].Reply(Info((ulong)i));
        }

        Assert.Equal([0, 1, 2], asker.ExpectMsg<CorestoreActor.Listed>().Feeds.Select(f => f.Length));
    }

    [Fact]
    public void Feeds_that_fail_or_stop_meanwhile_are_listed_with_the_reason()
    {
        TestProbe[] feeds = [CreateProbe(), CreateProbe(), CreateProbe()];
        TestProbe asker = CreateProbe("asker");
        ListingActor.Item[] items = [.. feeds.Select(f => Item(f))];
        IActorRef listing = Start(ListingActor.PropsFor(items, asker.Ref));
        asker.Watch(listing);
        feeds[0].ExpectMsg<FeedActor.GetInfo>();
        feeds[0].Reply(new Status.Failure(new FeedFailedException("no")));
        items[1].View.Failure = new IOException("the disk is gone");
        System.Stop(feeds[1].Ref);
        asker.ExpectNoMsg();
        feeds[2].ExpectMsg<FeedActor.GetInfo>();
        feeds[2].Reply(Info(5));

        IReadOnlyList<FeedInfo> listed = asker.ExpectMsg<CorestoreActor.Listed>().Feeds;
        Assert.Equal(["no", "the feed failed: the disk is gone", null], listed.Select(f => f.Damage));
        Assert.Equal(5ul, listed[2].Length);
        Assert.Equal(items[1].View.DiscoveryKey, listed[1].DiscoveryKey);
        asker.ExpectTerminated(listing);
    }

    [Fact]
    public void A_store_without_feeds_is_listed_at_once()
    {
        TestProbe asker = CreateProbe("asker");
        Start(ListingActor.PropsFor([], asker.Ref));

        Assert.Empty(asker.ExpectMsg<CorestoreActor.Listed>(TimeSpan.Zero).Feeds);
    }

    [Fact]
    public void An_open_feed_is_not_asked_and_listed_as_it_is()
    {
        TestProbe open = CreateProbe();
        TestProbe other = CreateProbe();
        TestProbe asker = CreateProbe("asker");
        ListingActor.Item item = Item(open, isOpen: true);
        item.View.Current = new FeedView.Head(1, 7, 70, 5);
        item.View.PeerCount = 3;
        Start(ListingActor.PropsFor([item, Item(other)], asker.Ref));
        other.ExpectMsg<FeedActor.GetInfo>();
        other.Reply(Info(2));

        IReadOnlyList<FeedInfo> listed = asker.ExpectMsg<CorestoreActor.Listed>().Feeds;
        Assert.Equal((7ul, 70ul, 1ul, 5ul, 3), (listed[0].Length, listed[0].ByteLength, listed[0].Fork, listed[0].ContiguousLength, listed[0].PeerCount));
        Assert.Equal(2ul, listed[1].Length);
        open.ExpectNoMsg();
    }

    private static ListingActor.Item Item(TestProbe feed, bool isOpen = false) =>
        new(feed.Ref, new FeedView(new DiscoveryKey(new byte[DiscoveryKey.Size]), null), null, isOpen);

    private static FeedInfo Info(ulong length) => new()
    {
        Key = default,
        DiscoveryKey = default,
        Length = length,
        ByteLength = 0,
        Fork = 0,
        ContiguousLength = length,
        IsWritable = false,
    };
}
