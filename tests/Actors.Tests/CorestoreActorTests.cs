using HyperActors.Abstractions;
using HyperActors.Catalog;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Simulation;
using HyperActors.Storage;
using HyperActors.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors.Tests;

/// <summary>Names, keys and discovery keys to feeds, with connections that are probes.</summary>
public sealed class CorestoreActorTests : ActorTest
{
    private readonly FaultyStoreDisk _disk;
    private readonly FeedCatalog _catalog = FeedCatalog.Open(":memory:");
    private readonly byte[] _primaryKey;
    private readonly TestProbe _user;
    private readonly TestProbe _connection;
    private readonly TestProbe _node;
    private readonly IActorRef _store;

    public CorestoreActorTests()
    {
        RandomSource random = RandomSource.Seeded(1);
        _disk = new FaultyStoreDisk(new SimulatedStoreDisk(Run, random, "host", new DiskOptions()));
        _primaryKey = _disk.ReadPrimaryKey(random);
        _user = CreateProbe("user");
        _connection = CreateProbe("connection");
        _node = CreateProbe("node");
        _store = Make();
    }

    public override void Dispose()
    {
        _catalog.Dispose();
        base.Dispose();
    }

    [Fact]
    public void The_same_feed_is_found_by_name_and_by_key_and_opened_once()
    {
        CorestoreActor.FeedOpened byName = Open(new CorestoreActor.OpenName("notes", ShouldCreate: true));
        CorestoreActor.FeedOpened byKey = Open(new CorestoreActor.OpenKey(KeyOf("notes")));

        Assert.Equal(byName.Actor, byKey.Actor);
        Assert.Same(byName.View, byKey.View);
        Assert.Equal(KeyOf("notes"), byName.View.Key);
        Assert.True(byName.View.IsWritable);
        Assert.Equal(1, _disk.Opened[byName.View.DiscoveryKey]);
        Assert.Equal("notes", _catalog.Find(byName.View.DiscoveryKey)!.Name);
    }

    [Fact]
    public void A_name_without_a_feed_is_refused_and_nothing_is_made()
    {
        _user.Send(_store, new CorestoreActor.OpenName("notes", ShouldCreate: false));

        Assert.IsType<FeedNotFoundException>(_user.ExpectMsg<Status.Failure>().Cause);
        Assert.Empty(_disk.Opened);
    }

    [Fact]
    public void A_name_that_the_catalog_gives_to_another_key_opens_that_feed()
    {
        FeedKey other = KeyOf("other");
        Open(new CorestoreActor.OpenKey(other));
        _catalog.Remove(other.ToDiscoveryKey());
        _catalog.TryAdd(new CatalogFeed(
            other, other.ToDiscoveryKey(), CorestoreKeys.RootNamespace, "notes", false, DateTimeOffset.UnixEpoch));

        Assert.Equal(other, Open(new CorestoreActor.OpenName("notes", ShouldCreate: true)).View.Key);
    }

    [Fact]
    public void A_peer_that_asks_for_a_feed_that_is_not_here_is_refused()
    {
        Announce();

        Ask(7, KeyOf("nothing"));

        Assert.Equal(7ul, _connection.ExpectMsg<ConnectionActor.RefuseFeed>().RequestId);
        Assert.Empty(_disk.Opened);
    }

    [Fact]
    public void A_peer_that_asks_for_a_feed_of_the_store_gets_its_channel()
    {
        Announce();
        Open(new CorestoreActor.OpenName("notes", ShouldCreate: true));
        Assert.Equal(KeyOf("notes"), _connection.ExpectMsg<ConnectionActor.OpenFeed>().Key);

        Ask(7, KeyOf("notes"));

        _connection.ExpectMsg<ConnectionActor.OpenFeed>();
    }

    [Fact]
    public void A_feed_that_nobody_has_open_is_opened_for_the_peer_that_asks()
    {
        Open(new CorestoreActor.OpenName("notes", ShouldCreate: true));
        Run.RunUntilIdle();
        _node.TakeAll();
        IActorRef again = Make();
        _connection.Send(again, new CorestoreActor.ConnectionOpened(_connection.Ref));

        _connection.Send(again, new CorestoreActor.FeedRequested(7, KeyOf("notes").ToDiscoveryKey(), _connection.Ref));

        ConnectionActor.OpenFeed open = _connection.ExpectMsg<ConnectionActor.OpenFeed>();
        Assert.Equal(KeyOf("notes"), open.Key);
        Assert.Equal(2, _disk.Opened[KeyOf("notes").ToDiscoveryKey()]);
    }

    [Fact]
    public void A_peer_is_refused_when_the_feed_that_it_asks_for_turns_out_damaged()
    {
        Open(new CorestoreActor.OpenName("notes", ShouldCreate: true));
        IActorRef again = Make();
        _connection.Send(again, new CorestoreActor.ConnectionOpened(_connection.Ref));
        _disk.Fault = (_, _) => new FeedCorruptException("no valid header");

        _connection.Send(again, new CorestoreActor.FeedRequested(7, KeyOf("notes").ToDiscoveryKey(), _connection.Ref));

        Assert.Equal(7ul, _connection.ExpectMsg<ConnectionActor.RefuseFeed>().RequestId);
    }

    [Fact]
    public void A_connection_that_has_closed_gets_nothing_any_more()
    {
        Announce();
        Open(new CorestoreActor.OpenName("notes", ShouldCreate: true));
        _connection.ExpectMsg<ConnectionActor.OpenFeed>();
        Tell(_store, new CorestoreActor.ConnectionClosed(_connection.Ref));

        Ask(7, KeyOf("notes"));
        Open(new CorestoreActor.OpenName("other", ShouldCreate: true));

        _connection.ExpectNoMsg();
    }

    [Fact]
    public void A_catalog_that_cannot_be_written_to_costs_no_feed()
    {
        _catalog.Dispose();
        using FeedCatalog readOnly = FeedCatalog.Open(":memory:");
        FeedKey taken = KeyOf("taken");
        readOnly.TryAdd(new CatalogFeed(
            taken, taken.ToDiscoveryKey(), CorestoreKeys.RootNamespace, "notes-2", false, DateTimeOffset.UnixEpoch));
        IActorRef store = Make(readOnly);

        _user.Send(store, new CorestoreActor.OpenKey(KeyOf("notes")));

        Assert.Equal(KeyOf("notes"), _user.ExpectMsg<CorestoreActor.FeedOpened>().View.Key);
    }

    [Fact]
    public void Feeds_are_listed_by_name_and_then_those_without()
    {
        foreach (string name in (string[])["b", "a"])
        {
            Open(new CorestoreActor.OpenName(name, ShouldCreate: true));
        }

        Open(new CorestoreActor.OpenKey(KeyOf("stranger")));
        _user.Send(_store, CorestoreActor.List.Instance);

        Assert.Equal(["a", "b", null], _user.ExpectMsg<CorestoreActor.Listed>().Feeds.Select(f => f.Name));
    }

    private IActorRef Make(FeedCatalog? catalog = null) => ParentActor.Make(
        System,
        CorestoreActor.PropsFor(
            _disk,
            catalog ?? _catalog,
            _primaryKey,
            new FeedOptions(),
            new ReplicationOptions(),
            RandomSource.Seeded(2),
            NullLogger.Instance),
        "feeds",
        _node);

    private FeedKey KeyOf(string name)
    {
        using KeyPair keys = CorestoreKeys.Derive(_primaryKey, CorestoreKeys.RootNamespace, name);
        return Manifest.ForSigner(keys.PublicKey).ToKey();
    }

    private CorestoreActor.FeedOpened Open(object request)
    {
        _user.Send(_store, request);
        return _user.ExpectMsg<CorestoreActor.FeedOpened>();
    }

    private void Announce() => Tell(_store, new CorestoreActor.ConnectionOpened(_connection.Ref));

    private void Ask(ulong requestId, FeedKey key) =>
        Tell(_store, new CorestoreActor.FeedRequested(requestId, key.ToDiscoveryKey(), _connection.Ref));
}
