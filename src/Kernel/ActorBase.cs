namespace HyperActors.Kernel;

/// <summary>An actor: state that only its own turns touch, one message at a time.</summary>
public abstract class ActorBase
{
    private readonly ActorCell _cell;
    private Receive? _behavior;
    private Stack<Receive>? _behaviors;
    private SupervisorStrategy? _strategy;

    protected ActorBase()
    {
        if (ActorCell.Running is not { IsConstructing: true } cell)
        {
            throw new ActorInitializationException(
                "Do not create actors using 'new', always create them using an ActorContext/System");
        }

        _cell = cell;
        cell.Adopt(this);
    }

    /// <summary>The running actor's context. Only valid inside a turn, on its thread.</summary>
    protected static IActorContext Context => ActorCell.Running ?? throw new NotSupportedException(
        "There is no active ActorContext, this is most likely due to use of async operations from within this actor.");

    protected IActorRef Self => _cell;

    /// <summary>Who sent the current message, or the dead letters when nobody wants an answer.</summary>
    protected IActorRef Sender => _cell.Sender;

    protected static Receive EmptyReceive => static _ => false;

    internal ActorCell Cell => _cell;

    /// <summary>Where in the mailbox the message lies that is handled now.</summary>
    internal int Slot { get; set; }

    /// <summary>The current message, where it is not the one in the mailbox's slot or outlasts its turn.</summary>
    internal object? KeptMessage { get; private set; }

    internal IActorRef? KeptSender { get; private set; }

    internal SupervisorStrategy Strategy => _strategy ??= _cell.Props.SupervisorStrategy ?? SupervisorStrategy();

    /// <summary>Handles a message.</summary>
    /// <returns>False when it is none of this actor's business: it is then <see cref="Unhandled"/>.</returns>
    protected abstract bool Receive(object message);

    /// <summary>Publishes an <see cref="UnhandledMessage"/>; an unhandled <see cref="Terminated"/> fails the actor.</summary>
    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated)
        {
            throw new DeathPactException(terminated.ActorRef);
        }

        _cell.System.Unhandled(message, Sender, Self);
    }

    /// <summary>Called before the first message, in the first turn.</summary>
    protected virtual void PreStart()
    {
    }

    /// <summary>Called after the last message. Watchers hear of the end only afterwards.</summary>
    protected virtual void PostStop()
    {
    }

    /// <summary>Called on the failed instance before it is replaced: stops all children, then calls <see cref="PostStop"/>.</summary>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (ActorCell child in _cell.SnapshotOfChildren())
        {
            _cell.Unwatch(child);
            _cell.StopChild(child);
        }

        PostStop();
    }

    /// <summary>Called on the new instance: calls <see cref="PreStart"/>.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    /// <summary>What becomes of children that fail. Asked for once per instance.</summary>
    protected virtual SupervisorStrategy SupervisorStrategy() => Kernel.SupervisorStrategy.DefaultStrategy;

    protected void Become(Receive receive) => ReplaceBehavior(receive);

    protected void BecomeStacked(Receive receive) => PushBehavior(receive);

    protected void UnbecomeStacked() => PopBehavior();

    protected void SetReceiveTimeout(TimeSpan? timeout) => _cell.SetReceiveTimeout(timeout);

    internal void InvokePreStart() => PreStart();

    internal void InvokePostStop() => PostStop();

    internal void InvokePreRestart(Exception reason, object? message) => PreRestart(reason, message!);

    internal void InvokePostRestart(Exception reason) => PostRestart(reason);

    internal void InvokeUnhandled(object message) => Unhandled(message);

    /// <summary>Handles a message of the kind that came last, where that needs no choosing.</summary>
    internal virtual bool TryHandleKnown(object message) => false;

    /// <summary>Hands a message to the current behaviour.</summary>
    internal virtual bool Handle(object message) => _behavior is null ? Receive(message) : _behavior(message);

    /// <summary>Called once the constructor is through.</summary>
    internal virtual void Seal()
    {
    }

    /// <summary>Called on the supervisor when a child is gone.</summary>
    internal virtual void ChildTerminated(ActorCell child)
    {
    }

    internal void KeepEnvelope(object message, IActorRef? sender)
    {
        KeptMessage = message;
        KeptSender = sender;
    }

    internal void ForgetEnvelope()
    {
        KeptMessage = null;
        KeptSender = null;
    }

    internal virtual void ReplaceBehavior(Receive receive)
    {
        ArgumentNullException.ThrowIfNull(receive);
        if (_behaviors is null or { Count: 0 })
        {
            // Receive stays at the bottom, as in Akka.NET.
            (_behaviors ??= new Stack<Receive>()).Push(Receive);
        }

        _behavior = receive;
    }

    internal virtual void PushBehavior(Receive receive)
    {
        ArgumentNullException.ThrowIfNull(receive);
        (_behaviors ??= new Stack<Receive>()).Push(_behavior ?? Receive);
        _behavior = receive;
    }

    internal virtual void PopBehavior()
    {
        if (_behaviors is { Count: > 0 })
        {
            _behavior = _behaviors.Pop();
        }
    }
}

/// <summary>An actor that takes every message in one method.</summary>
public abstract class UntypedActor : ActorBase
{
    protected new static IUntypedActorContext Context => (IUntypedActorContext)ActorBase.Context;

    protected abstract void OnReceive(object message);

    protected sealed override bool Receive(object message)
    {
        OnReceive(message);
        return true;
    }

    protected void Become(UntypedReceive receive) => Cell.Become(receive);

    protected void BecomeStacked(UntypedReceive receive) => Cell.BecomeStacked(receive);

    /// <summary>Runs a task within the current message: user messages wait until it ends.</summary>
    protected void RunTask(Func<Task> action) => Cell.RunAsync(static a => a(), action);

    protected void RunTask(Action action) => RunTask(() =>
    {
        action();
        return Task.CompletedTask;
    });
}
