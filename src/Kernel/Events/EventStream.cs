namespace HyperActors.Kernel;

/// <summary>Messages by type, for whoever subscribed to the type or one above it.</summary>
public sealed class EventStream
{
    private readonly Lock _lock = new();
    private readonly List<(IActorRef Subscriber, Type Channel)> _subscriptions = [];
    private Dictionary<Type, IActorRef[]> _cache = [];

    internal EventStream()
    {
    }

    /// <returns>False when it was subscribed to this already.</returns>
    public bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        ArgumentNullException.ThrowIfNull(channel);
        lock (_lock)
        {
            if (_subscriptions.Contains((subscriber, channel)))
            {
                return false;
            }

            _subscriptions.Add((subscriber, channel));
            _cache = [];
            return true;
        }
    }

    public bool Unsubscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        ArgumentNullException.ThrowIfNull(channel);
        return Remove(s => s.Subscriber.Equals(subscriber) && s.Channel == channel);
    }

    public bool Unsubscribe(IActorRef subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        return Remove(s => s.Subscriber.Equals(subscriber));
    }

    public void Publish(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        foreach (IActorRef subscriber in SubscribersOf(@event.GetType()))
        {
            if (subscriber is InternalRef { IsTerminated: true })
            {
                Unsubscribe(subscriber);
            }
            else
            {
                subscriber.Tell(@event, ActorRefs.NoSender);
            }
        }
    }

    private IActorRef[] SubscribersOf(Type type)
    {
        lock (_lock)
        {
            if (_subscriptions.Count == 0)
            {
                return [];
            }

            if (!_cache.TryGetValue(type, out IActorRef[]? subscribers))
            {
                subscribers =
                    [.. _subscriptions.Where(s => s.Channel.IsAssignableFrom(type)).Select(s => s.Subscriber).Distinct()];
                _cache[type] = subscribers;
            }

            return subscribers;
        }
    }

    private bool Remove(Predicate<(IActorRef Subscriber, Type Channel)> match)
    {
        lock (_lock)
        {
            _cache = [];
            return _subscriptions.RemoveAll(match) > 0;
        }
    }
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Subscribe(subscriber, typeof(TChannel));

    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Unsubscribe(subscriber, typeof(TChannel));
}
