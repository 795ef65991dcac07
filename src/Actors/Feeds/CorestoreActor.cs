using HyperActors.Abstractions;
using HyperActors.Catalog;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Storage;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>The feeds of a store: names to keys, keys to actors, and which connections they are copied over.</summary>
/// <remarks>
/// Parent: <see cref="NodeActor"/>. Children: a <see cref="FeedActor"/> per feed that is open. A restart stops the feeds
/// and opens them again on demand; what they have acknowledged is on disk.
/// </remarks>
public sealed class CorestoreActor : ReceiveActor
{
    /// <summary>Opens a feed by name. Answered with <see cref="FeedOpened"/>, or refused.</summary>
    public sealed record OpenName(string Name, bool ShouldCreate);

    /// <summary>Opens a feed by key. Answered with <see cref="FeedOpened"/>, or refused.</summary>
    public sealed record OpenKey(FeedKey Key);

    /// <summary>Where the feed lives.</summary>
    public sealed record FeedOpened(FeedView View, IActorRef Actor);

    /// <summary>Answered with <see cref="Listed"/>.</summary>
    public sealed record List
    {
        public static List Instance { get; } = new();
    }

    public sealed record Listed(IReadOnlyList<FeedInfo> Feeds);

    /// <summary>A peer is there: every open feed is offered to it.</summary>
    public sealed record ConnectionOpened(IActorRef Connection);

    public sealed record ConnectionClosed(IActorRef Connection);

    /// <summary>A peer asks for a feed.</summary>
    public sealed record FeedRequested(ulong RequestId, DiscoveryKey DiscoveryKey, IActorRef Connection);

    /// <summary>Told by a feed, after each start and restart, when its files are open.</summary>
    public sealed record FeedReady
    {
        public static FeedReady Instance { get; } = new();
    }

    /// <summary>Told by a feed before it stops because of a failure.</summary>
    public sealed record FeedFailed(Exception Failure);

    private readonly IStoreDisk _disk;
    private readonly FeedCatalog _catalog;
    private readonly byte[] _primaryKey;
    private readonly FeedOptions _feeds;
    private readonly ReplicationOptions _replication;
    private readonly RandomSource _random;
    private readonly ILogger _log;
    private readonly Dictionary<DiscoveryKey, OpenFeed> _open = [];
    private readonly Dictionary<IActorRef, OpenFeed> _byActor = [];
    private readonly HashSet<IActorRef> _connections = [];
    private long _generation;

    public CorestoreActor(
        IStoreDisk disk, FeedCatalog catalog, byte[] primaryKey, FeedOptions feeds, ReplicationOptions replication, RandomSource random, ILogger log)
    {
        _disk = disk;
        _catalog = catalog;
        _primaryKey = primaryKey;
        _feeds = feeds;
        _replication = replication;
        _random = random;
        _log = log;

        Receive<OpenName>(Handle);
        Receive<OpenKey>(m => Open(m.Key.ToDiscoveryKey(), m.Key, null, null).Ask(Sender));
        Receive<List>(_ => Handle());
        Receive<ConnectionOpened>(Handle);
        Receive<ConnectionClosed>(Handle);
        Receive<FeedRequested>(Handle);
        Receive<FeedReady>(_ => HandleReady());
        Receive<FeedFailed>(Handle);
        Receive<Terminated>(Handle);
    }

    public static Props PropsFor(
        IStoreDisk disk, FeedCatalog catalog, byte[] primaryKey, FeedOptions feeds, ReplicationOptions replication, RandomSource random, ILogger log) =>
        Props.Create(() => new CorestoreActor(disk, catalog, primaryKey, feeds, replication, random, log));

    /// <summary>What becomes of a feed that fails. Feeds share nothing, so the others never notice.</summary>
    public static Directive Decide(Exception failure) => failure switch
    {
        FeedCorruptException => Directive.Stop,         // the bytes will not improve; someone has to look
        ActorInitializationException => Directive.Stop, // could not start: the cause is inside
        IOException => Directive.Restart,               // reopen: the oplog replays; three times a minute, then Stop
        UnauthorizedAccessException => Directive.Stop,  // nobody gives the file back by our asking
        _ => Directive.Stop,                            // a fault of ours: one feed lost, counted, reported; the node lives
    };

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(3, TimeSpan.FromMinutes(1), Decide);

    protected override void PreStart()
    {
        if (_catalog.List().Count > 0)
        {
            return;
        }

        // A catalog that is new or was lost: each feed is opened once, and what its files say of it is written down.
        foreach (DiscoveryKey discoveryKey in _disk.ListFeeds())
        {
            Open(discoveryKey, null, null, null);
        }
    }

    protected override void PostStop()
    {
        foreach (OpenFeed feed in _open.Values)
        {
            End(feed, new FeedFailedException("the node is stopping"));
        }
    }

    private void Handle(OpenName open)
    {
        CatalogFeed? row = _catalog.Find(CorestoreKeys.RootNamespace, open.Name);
        KeyPair keys = CorestoreKeys.Derive(_primaryKey, CorestoreKeys.RootNamespace, open.Name);
        FeedKey key = Manifest.ForSigner(keys.PublicKey).ToKey();
        DiscoveryKey discoveryKey = key.ToDiscoveryKey();
        if (row is not null && row.Key != key)
        {
            // The row is of a feed that came with its name from elsewhere: its files know what signs it.
            keys.Dispose();
            Open(row.DiscoveryKey, row.Key, null, open.Name).Ask(Sender);
        }
        else if (open.ShouldCreate || _disk.HasFeed(discoveryKey))
        {
            Open(discoveryKey, key, keys, open.Name).Ask(Sender);
        }
        else
        {
            keys.Dispose();
            Sender.Tell(new Status.Failure(new FeedNotFoundException($"there is no feed called '{open.Name}' in this storage")), Self);
        }
    }

    private void Handle()
    {
        var names = _catalog.List().ToDictionary(row => row.DiscoveryKey);
        var pending = new List<(string? Name, DiscoveryKey Key)>();
        foreach (DiscoveryKey discoveryKey in _disk.ListFeeds())
        {
            pending.Add((names.GetValueOrDefault(discoveryKey)?.Name, discoveryKey));
        }

        pending.Sort((a, b) => (a.Name is null, a.Name ?? "").CompareTo((b.Name is null, b.Name ?? "")));
        Context.ActorOf(ListingActor.PropsFor(
            pending.ConvertAll(p => Open(p.Key, names.GetValueOrDefault(p.Key)?.Key, null, p.Name).Actor), Sender));
    }

    private void Handle(ConnectionOpened opened)
    {
        if (!_connections.Add(opened.Connection))
        {
            return;
        }

        foreach (OpenFeed feed in _open.Values)
        {
            if (feed.IsReady)
            {
                feed.Actor.Tell(new FeedActor.Attach(opened.Connection, IsAsked: false), Self);
            }
        }
    }

    private void Handle(ConnectionClosed closed)
    {
        _connections.Remove(closed.Connection);
        foreach (OpenFeed feed in _open.Values)
        {
            feed.Requested.RemoveAll(r => r.Connection.Equals(closed.Connection));
            feed.Actor.Tell(new FeedActor.Detach(closed.Connection), Self);
        }
    }

    private void Handle(FeedRequested requested)
    {
        if (!_connections.Contains(requested.Connection))
        {
            return;
        }

        if (!_open.TryGetValue(requested.DiscoveryKey, out OpenFeed? feed))
        {
            if (!_disk.HasFeed(requested.DiscoveryKey))
            {
                requested.Connection.Tell(new ConnectionActor.RefuseFeed(requested.RequestId), Self);
                return;
            }

            feed = Open(requested.DiscoveryKey, null, null, null);
        }

        if (!feed.IsReady)
        {
            feed.Requested.Add(requested);
            return;
        }

        feed.Actor.Tell(new FeedActor.Attach(requested.Connection, IsAsked: true), Self);
    }

    private OpenFeed Open(DiscoveryKey discoveryKey, FeedKey? key, KeyPair? keys, string? name)
    {
        if (_open.TryGetValue(discoveryKey, out OpenFeed? feed))
        {
            return feed;
        }

        var view = new FeedView(discoveryKey, name ?? _catalog.Find(discoveryKey)?.Name);
        IActorRef actor = Context.ActorOf(
            FeedActor.PropsFor(new FeedSource(view, key, keys), _disk, _feeds, _replication, _random, _log),
            $"feed-{++_generation}-{discoveryKey.ToHex()[..8]}");
        Context.Watch(actor);
        feed = new OpenFeed(view, actor);
        _open.Add(discoveryKey, feed);
        _byActor.Add(actor, feed);
        return feed;
    }

    private void HandleReady()
    {
        if (!_byActor.TryGetValue(Sender, out OpenFeed? feed))
        {
            return;
        }

        feed.IsReady = true;
        Remember(feed.View);
        foreach (IActorRef connection in _connections)
        {
            bool isAsked = feed.Requested.Exists(r => r.Connection.Equals(connection));
            feed.Actor.Tell(new FeedActor.Attach(connection, isAsked), Self);
        }

        feed.Requested.Clear();
        feed.AnswerWaiting(new FeedOpened(feed.View, feed.Actor), Self);
    }

    // The directory comes first, the row second: a catalog that was lost is written again as feeds are opened.
    private void Remember(FeedView view)
    {
        if (_catalog.Find(view.DiscoveryKey) is null)
        {
            _catalog.TryAdd(new CatalogFeed(
                view.Key, view.DiscoveryKey, CorestoreKeys.RootNamespace, view.Name, view.IsWritable, Context.System.Scheduler.Now));
        }
    }

    private void Handle(FeedFailed failed)
    {
        if (_byActor.TryGetValue(Sender, out OpenFeed? feed))
        {
            feed.Failure = failed.Failure;
            feed.IsReady = false;
            Log.FeedFailed(_log, feed.View.DiscoveryKey, failed.Failure);
        }
    }

    private void Handle(Terminated terminated)
    {
        if (_byActor.Remove(terminated.ActorRef, out OpenFeed? feed))
        {
            _open.Remove(feed.View.DiscoveryKey);
            End(feed, feed.Failure ?? new FeedFailedException("the feed was stopped"));
        }
    }

    private void End(OpenFeed feed, Exception reason)
    {
        feed.View.Stop(reason);
        feed.AnswerWaiting(new Status.Failure(reason), Self);
        foreach (FeedRequested requested in feed.Requested)
        {
            requested.Connection.Tell(new ConnectionActor.RefuseFeed(requested.RequestId), Self);
        }
    }

    private sealed class OpenFeed(FeedView view, IActorRef actor)
    {
        private readonly List<IActorRef> _waiting = [];

        public FeedView View => view;

        public IActorRef Actor => actor;

        public List<FeedRequested> Requested { get; } = [];

        public bool IsReady { get; set; }

        public Exception? Failure { get; set; }

        public void Ask(IActorRef asker)
        {
            if (IsReady)
            {
                asker.Tell(new FeedOpened(view, actor), ActorRefs.NoSender);
                return;
            }

            _waiting.Add(asker);
        }

        public void AnswerWaiting(object answer, IActorRef self)
        {
            foreach (IActorRef asker in _waiting)
            {
                asker.Tell(answer, self);
            }

            _waiting.Clear();
        }
    }
}
