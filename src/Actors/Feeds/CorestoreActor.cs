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
    public sealed record OpenKey(FeedKey Key, bool ShouldCreate = true);

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

    /// <summary>Told to the parent, after each start and restart: no connection is known here yet.</summary>
    public sealed record Started
    {
        public static Started Instance { get; } = new();
    }

    /// <summary>Told by a feed, after each start and restart, when its files are open.</summary>
    public sealed record FeedReady
    {
        public static FeedReady Instance { get; } = new();
    }

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
    private IReadOnlyList<(string? Name, FeedKey? Key, DiscoveryKey DiscoveryKey)>? _known;
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

        OnAsked<OpenName>(Handle);
        OnAsked<OpenKey>(Handle);
        OnAsked<List>(_ => Handle());
        Receive<ConnectionOpened>(Handle);
        Receive<ConnectionClosed>(Handle);
        Receive<FeedRequested>(Handle);
        Receive<FeedReady>(_ => HandleReady());
        Receive<Terminated>(Handle);
    }

    public static Props PropsFor(
        IStoreDisk disk, FeedCatalog catalog, byte[] primaryKey, FeedOptions feeds, ReplicationOptions replication, RandomSource random, ILogger log) =>
        Props.Create(() => new CorestoreActor(disk, catalog, primaryKey, feeds, replication, random, log));

    /// <summary>What becomes of a feed that fails. Feeds share nothing, so the others never notice.</summary>
    public static Directive Decide(Exception failure) => failure switch
    {
        FeedCorruptException => Directive.Stop,         // the bytes will not improve; someone has to look
        FeedConflictException => Directive.Stop,        // another feed's files, or none
        ActorInitializationException => Directive.Stop, // could not start: the cause is inside
        IOException => Directive.Restart,               // reopen: the oplog replays; three times a minute, then Stop
        UnauthorizedAccessException => Directive.Stop,  // nobody gives the file back by our asking
        _ => Directive.Stop,                            // a fault of ours: one feed lost, counted, reported; the node lives
    };

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(3, TimeSpan.FromMinutes(1), Judge);

    protected override void PreStart()
    {
        Context.Parent.Tell(Started.Instance, Self);
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
            End(feed);
        }
    }

    // A store that cannot be read right now refuses the one who asked; the feeds that are open need none of it.
    private void OnAsked<T>(Action<T> handle) => Receive<T>(message =>
    {
        try
        {
            handle(message);
        }
        catch (Exception e)
        {
            Sender.Tell(new Status.Failure(new HyperActorsException($"the storage cannot be used: {e.Message}", e)), Self);
            if (!IsOfTheDisk(e))
            {
                throw;
            }
        }
    });

    private static bool IsOfTheDisk(Exception e) => e is IOException or UnauthorizedAccessException or InvalidDataException;

    // The failure is noted before the feed hears what becomes of it: it is the reason that all who wait are given.
    private Directive Judge(Exception failure)
    {
        if (_byActor.TryGetValue(Sender, out OpenFeed? feed))
        {
            feed.View.Failure = failure is ActorInitializationException { InnerException: { } cause } ? cause : failure;
            feed.IsReady = false;
            Log.FeedFailed(_log, feed.View.DiscoveryKey, failure);
        }

        return Decide(failure);
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
            Open(row.DiscoveryKey, row.Key, null, open.Name).Ask(Sender, open);
        }
        else if (open.ShouldCreate || _disk.HasFeed(discoveryKey))
        {
            Open(discoveryKey, key, keys, open.Name).Ask(Sender, open);
        }
        else
        {
            keys.Dispose();
            Sender.Tell(new Status.Failure(new FeedNotFoundException($"there is no feed called '{open.Name}' in this storage")), Self);
        }
    }

    private void Handle(OpenKey open)
    {
        DiscoveryKey discoveryKey = open.Key.ToDiscoveryKey();
        if (open.ShouldCreate || _open.ContainsKey(discoveryKey) || _disk.HasFeed(discoveryKey))
        {
            Open(discoveryKey, open.Key, null, null).Ask(Sender, open);
        }
        else
        {
            Sender.Tell(new Status.Failure(new FeedNotFoundException($"there is no feed with the key {open.Key} in this storage")), Self);
        }
    }

    private void Handle()
    {
        // Who watches asks several times a second: folders and catalog are read again only when a feed has come.
        IReadOnlyList<(string? Name, FeedKey? Key, DiscoveryKey DiscoveryKey)> known = _known ?? ReadKnown();
        var feeds = new List<ListingActor.Item>(known.Count);
        foreach ((string? name, FeedKey? key, DiscoveryKey discoveryKey) in known)
        {
            OpenFeed feed = Open(discoveryKey, key, null, name);
            feeds.Add(new ListingActor.Item(feed.Actor, feed.View, key, feed.IsReady));
        }

        _known = known;
        Context.ActorOf(ListingActor.PropsFor(feeds, Sender));
    }

    private List<(string? Name, FeedKey? Key, DiscoveryKey DiscoveryKey)> ReadKnown()
    {
        var rows = _catalog.List().ToDictionary(row => row.DiscoveryKey);
        var known = new List<(string? Name, FeedKey? Key, DiscoveryKey DiscoveryKey)>();
        foreach (DiscoveryKey discoveryKey in _disk.ListFeeds())
        {
            CatalogFeed? row = rows.GetValueOrDefault(discoveryKey);
            known.Add((row?.Name, row?.Key, discoveryKey));
        }

        known.Sort((a, b) => (a.Name is null, a.Name ?? "").CompareTo((b.Name is null, b.Name ?? "")));
        return known;
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
            feed = TryOpenHeld(requested.DiscoveryKey);
            if (feed is null)
            {
                requested.Connection.Tell(new ConnectionActor.RefuseFeed(requested.RequestId), Self);
                return;
            }
        }

        if (!feed.IsReady)
        {
            feed.Requested.Add(requested);
            return;
        }

        feed.Actor.Tell(new FeedActor.Attach(requested.Connection, IsAsked: true), Self);
    }

    private OpenFeed? TryOpenHeld(DiscoveryKey discoveryKey)
    {
        try
        {
            return _disk.HasFeed(discoveryKey) ? Open(discoveryKey, null, null, null) : null;
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            Log.CatalogFailed(_log, discoveryKey, e);
            return null;
        }
    }

    private OpenFeed Open(DiscoveryKey discoveryKey, FeedKey? key, KeyPair? keys, string? name)
    {
        if (_open.TryGetValue(discoveryKey, out OpenFeed? feed))
        {
            keys?.Dispose();
            return feed;
        }

        var view = new FeedView(discoveryKey, name ?? _catalog.Find(discoveryKey)?.Name);
        IActorRef actor = Context.ActorOf(
            FeedActor.PropsFor(new FeedSource(view, key, keys), _disk, _feeds, _replication, _random, _log),
            $"feed-{++_generation}-{discoveryKey.ToHex()[..8]}");
        Context.Watch(actor);
        feed = new OpenFeed(view, actor, key is not null, keys);
        _open.Add(discoveryKey, feed);
        _byActor.Add(actor, feed);
        _known = null;
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
        try
        {
            if (_catalog.Find(view.DiscoveryKey) is null)
            {
                _known = null;
                _catalog.TryAdd(new CatalogFeed(
                    view.Key, view.DiscoveryKey, CorestoreKeys.RootNamespace, view.Name, view.IsWritable, Context.System.Scheduler.Now));
            }
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            Log.CatalogFailed(_log, view.DiscoveryKey, e);
        }
    }

    private void Handle(Terminated terminated)
    {
        if (_byActor.Remove(terminated.ActorRef, out OpenFeed? feed))
        {
            _open.Remove(feed.View.DiscoveryKey);
            if (!feed.IsKeyKnown && feed.View.Failure is FeedConflictException)
            {
                // A directory without a feed in it, as a crash while one was made leaves it: who came with a key makes it anew.
                feed.AskAgain(Self);
            }

            End(feed);
        }
    }

    // Its actor has ended: nobody signs with its keys any more.
    private void End(OpenFeed feed)
    {
        feed.Keys?.Dispose();
        feed.View.Stop();
        feed.AnswerWaiting(new Status.Failure(feed.View.ToFailure()), Self);
        foreach (FeedRequested requested in feed.Requested)
        {
            requested.Connection.Tell(new ConnectionActor.RefuseFeed(requested.RequestId), Self);
        }
    }

    private sealed class OpenFeed(FeedView view, IActorRef actor, bool isKeyKnown, KeyPair? keys)
    {
        private readonly List<(IActorRef Asker, object Request)> _waiting = [];

        public FeedView View => view;

        public IActorRef Actor => actor;

        /// <summary>Whether it was opened by its key; else its files must know it.</summary>
        public bool IsKeyKnown => isKeyKnown;

        public KeyPair? Keys => keys;

        public List<FeedRequested> Requested { get; } = [];

        public bool IsReady { get; set; }

        public void Ask(IActorRef asker, object request)
        {
            if (IsReady)
            {
                asker.Tell(new FeedOpened(view, actor), ActorRefs.NoSender);
                return;
            }

            _waiting.Add((asker, request));
        }

        public void AskAgain(IActorRef self)
        {
            foreach ((IActorRef asker, object request) in _waiting)
            {
                self.Tell(request, asker);
            }

            _waiting.Clear();
        }

        public void AnswerWaiting(object answer, IActorRef self)
        {
            foreach ((IActorRef asker, _) in _waiting)
            {
                asker.Tell(answer, self);
            }

            _waiting.Clear();
        }
    }
}
