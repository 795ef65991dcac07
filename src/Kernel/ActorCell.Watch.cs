namespace HyperActors.Kernel;

/// <content>Death watch: whom this actor watches, and who watches it.</content>
internal sealed partial class ActorCell
{
    private WatchTable? _watch;

    public IActorRef Watch(IActorRef subject) => WatchFor(subject, null);

    public IActorRef WatchWith(IActorRef subject, object message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return WatchFor(subject, message);
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (_watch is { } watch)
        {
            if (watch.Watched.Remove(subject))
            {
                ((InternalRef)subject).SendSystem(new Unwatch(this));
            }

            // A Terminated that is in the mailbox already must not surprise anyone either.
            watch.Announced?.Remove(subject);
        }

        return subject;
    }

    private IActorRef WatchFor(IActorRef subject, object? message)
    {
        ArgumentNullException.ThrowIfNull(subject);
        var target = (InternalRef)subject;
        if (!ReferenceEquals(target, this) && (_watch ??= new WatchTable()).Watched.TryAdd(target, message))
        {
            target.SendSystem(new Watch(target, this));
        }

        return subject;
    }

    private void AddWatcher(InternalRef watcher)
    {
        if (!ReferenceEquals(watcher, this))
        {
            ((_watch ??= new WatchTable()).Watchers ??= []).Add(watcher);
        }
    }

    private void WatchedActorTerminated(DeathWatchNotification notification)
    {
        InternalRef subject = notification.Actor;
        if (_watch is { } watch && watch.Watched.Remove(subject, out object? message)
            && _phase is not (Phase.AwaitingChildrenToTerminate or Phase.Terminated))
        {
            (watch.Announced ??= [])[subject] = message;
            Tell(new Terminated(subject, notification.ExistenceConfirmed, addressTerminated: false), subject);
        }

        if (subject is ActorCell child && ReferenceEquals(child._parent, this))
        {
            ChildTerminated(child);
        }
    }

    private void ReceiveTerminated(Terminated terminated)
    {
        if (_watch?.Announced is { } announced && announced.Remove(terminated.ActorRef, out object? message))
        {
            ReceiveMessage(message ?? terminated);
        }
    }

    /// <summary>A stashed Terminated that goes back to the mailbox counts as announced again.</summary>
    internal void AnnounceAgain(Terminated terminated) =>
        ((_watch ??= new WatchTable()).Announced ??= [])[terminated.ActorRef] = null;

    private void TellWatchers()
    {
        if (_watch?.Watchers is not { } watchers)
        {
            return;
        }

        foreach (InternalRef watcher in watchers)
        {
            // The parent hears of every child anyway.
            if (!ReferenceEquals(watcher, _parent))
            {
                watcher.SendSystem(new DeathWatchNotification(this, existenceConfirmed: true));
            }
        }

        watchers.Clear();
    }

    private void UnwatchAll()
    {
        if (_watch is not { } watch)
        {
            return;
        }

        foreach (IActorRef watched in watch.Watched.Keys)
        {
            ((InternalRef)watched).SendSystem(new Unwatch(this));
        }

        watch.Watched.Clear();
        watch.Announced = null;
    }

    private sealed class WatchTable
    {
        /// <summary>Whom we watch, and what to be told instead of Terminated.</summary>
        public readonly Dictionary<IActorRef, object?> Watched = [];

        /// <summary>Whose Terminated is in the mailbox.</summary>
        public Dictionary<IActorRef, object?>? Announced;

        /// <summary>Who watches us.</summary>
        public HashSet<InternalRef>? Watchers;
    }
}
