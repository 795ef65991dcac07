using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Simulation;
using HyperActors.Storage;
using HyperActors.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>One feed between a simulated disk and a parent that is a probe.</summary>
public sealed class FeedActorTests : ActorTest
{
    private readonly TestProbe _parent;
    private readonly TestProbe _stranger;
    private readonly IActorRef _feed;

    public FeedActorTests()
    {
        RandomSource random = RandomSource.Seeded(1);
        KeyPair keys = KeyPair.Generate(random);
        FeedKey key = Manifest.ForSigner(keys.PublicKey).ToKey();
        _parent = CreateProbe("parent");
        _stranger = CreateProbe("stranger");
        _feed = ParentActor.Make(
            System,
            FeedActor.PropsFor(
                new FeedSource(new FeedView(key.ToDiscoveryKey(), "notes"), key, keys),
                new SimulatedStoreDisk(Run, random, "host", new DiskOptions()),
                new FeedOptions(),
                new ReplicationOptions(),
                random,
                NullLogger.Instance),
            "feed",
            _parent);
    }

    [Fact]
    public void What_is_asked_while_the_files_are_opened_is_answered_afterwards_in_order()
    {
        _stranger.Send(_feed, new FeedActor.Append([new byte[] { 1 }]));
        _stranger.Send(_feed, new FeedActor.Append([new byte[] { 2 }, new byte[] { 3 }]));
        _stranger.Send(_feed, FeedActor.GetInfo.Instance);

        Assert.Equal("notes", _stranger.FishForMessage<FeedInfo>().Name);
        Assert.Equal(3ul, _stranger.FishForMessage<FeedActor.Appended>(a => a.Length == 3).Length);
        _parent.FishForMessage<CorestoreActor.FeedReady>();
    }

    [Fact]
    public void Proofs_of_a_replication_of_a_former_life_are_refused_and_their_memory_is_let_go()
    {
        _parent.FishForMessage<CorestoreActor.FeedReady>();
        var lease = new Lease();

        _stranger.Send(_feed, new FeedActor.ApplyProofs(7, [], [lease]));

        Assert.Equal(7ul, _stranger.ExpectMsg<ReplicationActor.Applied>().Id);
        Assert.True(lease.IsDisposed);
    }

    [Fact]
    public void What_else_a_replication_of_a_former_life_says_or_asks_is_ignored()
    {
        _parent.FishForMessage<CorestoreActor.FeedReady>();
        _stranger.Send(_feed, new ReplicationActor.PeersChanged(5));
        _stranger.Send(_feed, new FeedActor.Prove(new PeerId(1), []));
        _stranger.Send(_feed, new FeedActor.ReadNodes(1, [0]));
        _stranger.Send(_feed, new FeedActor.Freeze(new Proof()));

        _stranger.Send(_feed, FeedActor.GetInfo.Instance);

        Assert.Equal(0, _stranger.ExpectMsg<FeedInfo>().PeerCount);
        _stranger.ExpectNoMsg();
    }

    [Fact]
    public void A_feed_that_is_stopped_answers_those_who_wait()
    {
        _parent.FishForMessage<CorestoreActor.FeedReady>();
        _stranger.Send(_feed, new FeedActor.Read(1, 0, 1, 1, ShouldWait: true));
        _stranger.Send(_feed, new FeedActor.Append([new byte[] { 1 }]));
        _feed.Tell(PoisonPill.Instance, ActorRefs.NoSender);

        Assert.IsType<FeedFailedException>(_stranger.ExpectMsg<Status.Failure>().Cause);
        Assert.IsType<FeedFailedException>(_stranger.ExpectMsg<Status.Failure>().Cause);
    }

    private sealed class Lease : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
