namespace HyperActors.Kernel;

/// <summary>Handles a message, or says that it is not for this behaviour.</summary>
public delegate bool Receive(object message);

/// <summary>Handles every message.</summary>
public delegate void UntypedReceive(object message);

/// <summary>Whoever can have children.</summary>
public interface IActorRefFactory
{
    /// <summary>Makes an actor; its constructor runs in a turn of its own, later.</summary>
    IActorRef ActorOf(Props props, string? name = null);

    ActorSelection ActorSelection(ActorPath actorPath);

    ActorSelection ActorSelection(string actorPath);
}

/// <summary>Whoever can watch others stop.</summary>
public interface ICanWatch
{
    /// <summary>Asks for a <see cref="Terminated"/> when the subject stops, or at once when it has.</summary>
    IActorRef Watch(IActorRef subject);

    /// <summary>Asks for a message of one's own instead.</summary>
    IActorRef WatchWith(IActorRef subject, object message);

    /// <summary>Takes it back: no Terminated of this subject arrives after this call.</summary>
    IActorRef Unwatch(IActorRef subject);
}

/// <summary>What an actor knows and can do, inside its own turn.</summary>
public interface IActorContext : IActorRefFactory, ICanWatch
{
    IActorRef Self { get; }

    Props Props { get; }

    MessageDispatcher Dispatcher { get; }

    IActorRef Sender { get; }

    ActorSystem System { get; }

    IActorRef Parent { get; }

    TimeSpan? ReceiveTimeout { get; }

    void Become(Receive receive);

    void BecomeStacked(Receive receive);

    void UnbecomeStacked();

    /// <summary>The child of this name, or <see cref="ActorRefs.Nobody"/>.</summary>
    IActorRef Child(string name);

    IEnumerable<IActorRef> GetChildren();

    void SetReceiveTimeout(TimeSpan? timeout);

    /// <summary>Stops an actor after the message that it handles now.</summary>
    void Stop(IActorRef child);
}

public interface IUntypedActorContext : IActorContext
{
    void Become(UntypedReceive receive);

    void BecomeStacked(UntypedReceive receive);
}

public static class ActorRefFactoryExtensions
{
    public static IActorRef ActorOf<TActor>(this IActorRefFactory factory, string? name = null)
        where TActor : ActorBase, new() => factory.ActorOf(Props.From(static () => new TActor()), name);

    /// <summary>Whoever is found from <paramref name="anchorRef"/> on.</summary>
    public static ActorSelection ActorSelection(
        this IActorRefFactory factory, IActorRef anchorRef, string actorPath) => new(anchorRef, actorPath);
}
