namespace HyperActors.Kernel;

/// <summary>
/// One actor as the engine sees it: its reference, its context, its mailbox and its piece of work for a dispatcher,
/// in one object. The actor instance inside may be replaced by a restart; the cell stays.
/// </summary>
internal sealed partial class ActorCell : InternalRef, IUntypedActorContext, IThreadPoolWorkItem
{
    private readonly InternalRef _parent;
    private readonly string _name;
    private readonly MessageDispatcher _dispatcher;
    private readonly MailboxBound? _bound;
    private ActorPath? _path;
    private ActorBase? _actor;
    private long _ticksInHandlers;

    public ActorCell(ActorSystem system, Props props, InternalRef parent, string name, long uid)
    {
        System = system;
        Props = props;
        Uid = uid;
        _parent = parent;
        _name = name;
        _dispatcher = system.DispatcherFor(props);
        _bound = system.BoundFor(props);
        _attention = _dispatcher.Journals ? Attention.Journal : Attention.None;
    }

    /// <summary>The cell whose turn runs on this thread.</summary>
    public static ActorCell? Running => Worker.RunningHere;

    public ActorSystem System { get; }

    public Props Props { get; }

    public long Uid { get; }

    public override ActorSystem Home => System;

    public override ActorPath Path => _path ??= MakePath();

    public override bool IsTerminated => (Volatile.Read(ref _writers.State) & Closed) != 0;

    public IActorRef Self => this;

    public IActorRef Parent => _parent;

    public MessageDispatcher Dispatcher => _dispatcher;

    public IActorRef Sender => CurrentSender ?? System.DeadLetters;

    internal ActorBase? Actor => _actor;

    internal bool IsConstructing { get; private set; }

    internal string Name => _name;

    internal InternalRef ParentRef => _parent;

    /// <summary>How often this cell was handed to its dispatcher, counted by the dispatcher.</summary>
    internal uint Wakes;

    /// <summary>Messages taken from the mailbox, the one at hand included. Anyone may look.</summary>
    internal long Processed => Volatile.Read(ref _takenBefore)
        + (_atHand switch
        {
            AtHand.Single => 1,
            AtHand.Slot when _actor is { } actor => actor.Slot + 1,
            _ => Volatile.Read(ref _headIndex),
        });

    internal long Dropped => _bound?.Dropped ?? 0;

    internal TimeSpan TimeInHandlers => TimeSpan.FromTicks(Volatile.Read(ref _ticksInHandlers));

    internal Type ActorType => _actor?.GetType() ?? Props.Type;

    private ActorPath MakePath()
    {
        ActorPath? above = _parent is BubbleWalker ? null : _parent.Path;
        return new ActorPath(System.Address, above, _name, Uid);
    }

    /// <summary>Makes the cell run: its first turn constructs the actor.</summary>
    internal void Start()
    {
        if (TrySchedule())
        {
            _dispatcher.Schedule(this);
        }
    }

    /// <summary>Called by the constructor of the actor, so that its own constructor may use the context.</summary>
    internal void Adopt(ActorBase actor)
    {
        _actor = actor;
        if (actor is IWithTimers withTimers)
        {
            withTimers.Timers = Timers;
        }

        if (actor is IActorStash withStash)
        {
            withStash.Stash = new ActorStash(this);
        }
    }

    private ActorBase NewActor()
    {
        IsConstructing = true;
        try
        {
            ActorBase actor = Props.NewActor();
            if (!ReferenceEquals(actor, _actor))
            {
                throw new ActorInitializationException(this, "Props must construct a new actor each time");
            }

            actor.Seal();
            return actor;
        }
        finally
        {
            IsConstructing = false;
        }
    }

    private void Create()
    {
        try
        {
            NewActor().InvokePreStart();
            _phase = Phase.Running;
        }
        catch (Exception cause)
        {
            DropActor();
            throw cause as ActorInitializationException
                ?? new ActorInitializationException(this, $"Exception during creation: {cause.Message}", cause);
        }
    }

    private void DropActor() => _actor = null;

    public void Become(Receive receive) => Instance.ReplaceBehavior(receive);

    public void BecomeStacked(Receive receive) => Instance.PushBehavior(receive);

    public void UnbecomeStacked() => Instance.PopBehavior();

    public void Become(UntypedReceive receive) => Become(Handled(receive));

    public void BecomeStacked(UntypedReceive receive) => BecomeStacked(Handled(receive));

    private ActorBase Instance =>
        _actor ?? throw new NotSupportedException("The context is only valid inside a turn of its actor.");

    private static Receive Handled(UntypedReceive receive) => message =>
    {
        receive(message);
        return true;
    };

    public ActorSelection ActorSelection(string actorPath) => Kernel.ActorSelection.From(this, actorPath);

    public ActorSelection ActorSelection(ActorPath actorPath) => System.ActorSelection(actorPath);
}
