using Microsoft.Extensions.Logging;

namespace HyperActors.Kernel;

/// <summary>A tree of actors, its dispatchers, its clock and its event stream.</summary>
public sealed class ActorSystem : IActorRefFactory, IDisposable
{
    private readonly KernelSetup _setup;
    private readonly ILogger? _logger;
    private readonly MessageDispatcher _defaultDispatcher;
    private readonly bool _isDeterministic;
    private readonly Lock _dispatchersLock = new();
    private readonly Dictionary<string, MessageDispatcher> _dispatchers = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _terminated;
    private readonly List<Action> _onTermination = [];
    private readonly DeadLettersRef _deadLetters;
    private CoordinatedShutdown? _coordinatedShutdown;
    private long _uid;
    private int _terminating;

    internal ActorSystem(string name, KernelSetup setup, Clock clock, MessageDispatcher? dispatcher, Chance chance)
    {
        if (!ActorPath.IsValidPathElement(name))
        {
            throw new ArgumentException($"Invalid ActorSystem name [{name}]", nameof(name));
        }

        Name = name;
        Address = new Address("akka", name);
        Clock = clock;
        Chance = chance;
        _setup = setup;
        _logger = setup.LoggerFactory?.CreateLogger("HyperActors.Kernel");
        _isDeterministic = dispatcher is not null;
        _defaultDispatcher = dispatcher ?? new ThreadPoolDispatcher(MessageDispatcher.DefaultId, setup.Throughput);

        // In a deterministic run whoever awaits is brought back by the run itself, so nothing may go to the pool.
        _terminated = new TaskCompletionSource(
            _isDeterministic ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        EventStream = new EventStream();
        _deadLetters = new DeadLettersRef(this);
        Scheduler = new KernelScheduler(this, clock);
        Counters = new KernelCounters(this);

        RootGuardian = new ActorCell(this, Guardian(SupervisorStrategy.StoppingStrategy), new BubbleWalker(this), "/", 0);
        UserGuardian = RootGuardian.MakeChild(Guardian(setup.GuardianStrategy), "user");
        SystemGuardian = RootGuardian.MakeChild(Guardian(SupervisorStrategy.DefaultStrategy), "system");
        RootGuardian.Start();
        TurnMeter.Register(this);
    }

    public string Name { get; }

    public EventStream EventStream { get; }

    public IActorRef DeadLetters => _deadLetters;

    public IScheduler Scheduler { get; }

    /// <summary>Completes when the last actor has stopped.</summary>
    public Task WhenTerminated => _terminated.Task;

    /// <summary>The tree and its counters as data.</summary>
    public KernelCounters Counters { get; }

    internal Address Address { get; }

    internal Clock Clock { get; }

    internal Chance Chance { get; }

    internal KernelSetup Setup => _setup;

    internal bool IsDeterministic => _isDeterministic;

    internal ActorCell RootGuardian { get; }

    internal ActorCell UserGuardian { get; }

    internal ActorCell SystemGuardian { get; }

    internal ActorPath RootPath => RootGuardian.Path;

    internal DeadLettersRef DeadLetterOffice => _deadLetters;

    public static ActorSystem Create(string name) => Create(name, new KernelSetup());

    public static ActorSystem Create(string name, KernelSetup setup)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(setup);
        return new ActorSystem(name, setup, new RealClock(), null, new Chance(RealClock.Salt));
    }

    public IActorRef ActorOf(Props props, string? name = null) => UserGuardian.MakeChild(props, name);

    public ActorSelection ActorSelection(ActorPath actorPath)
    {
        ArgumentNullException.ThrowIfNull(actorPath);
        return new ActorSelection(RootGuardian, actorPath.Elements);
    }

    public ActorSelection ActorSelection(string actorPath) => Kernel.ActorSelection.From(UserGuardian, actorPath);

    /// <summary>Stops an actor after the message that it handles now.</summary>
    public void Stop(IActorRef actor)
    {
        if (actor is InternalRef target)
        {
            target.SendSystem(new Terminate());
        }
    }

    /// <summary>Stops all actors, top-level ones with their children first; before that runs the phases of a <see cref="CoordinatedShutdown"/>.</summary>
    public Task Terminate()
    {
        CoordinatedShutdown? shutdown;
        lock (_dispatchersLock)
        {
            shutdown = _coordinatedShutdown;
        }

        if (shutdown is null)
        {
            return TerminateActors();
        }

        _ = shutdown.Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        return WhenTerminated;
    }

    internal Task TerminateActors()
    {
        if (Interlocked.Exchange(ref _terminating, 1) == 0)
        {
            UserGuardian.SendSystem(new Terminate());
        }

        return WhenTerminated;
    }

    /// <summary>Called once the last actor has stopped; the latest registered first.</summary>
    public void RegisterOnTermination(Action code)
    {
        lock (_onTermination)
        {
            if (!_terminated.Task.IsCompleted)
            {
                _onTermination.Add(code);
                return;
            }
        }

        code();
    }

    /// <summary>Starts to terminate and returns at once.</summary>
    public void Dispose() => _ = Terminate();

    public override string ToString() => Address.ToString();

    internal long NextUid() => Interlocked.Increment(ref _uid);

    internal CoordinatedShutdown Shutdown()
    {
        lock (_dispatchersLock)
        {
            return _coordinatedShutdown ??= new CoordinatedShutdown(this);
        }
    }

    internal MessageDispatcher DispatcherFor(Props props)
    {
        if (_isDeterministic || props.DispatcherId is not { } id || id == MessageDispatcher.DefaultId)
        {
            if (props.DispatcherId is { } named && named != MessageDispatcher.DefaultId)
            {
                FindDispatcher(named);
            }

            return _defaultDispatcher;
        }

        DispatcherSetup found = FindDispatcher(id);
        lock (_dispatchersLock)
        {
            // A pinned dispatcher has one actor, any other one as many as come.
            if (found.Kind == DispatcherKind.Pinned)
            {
                return new PinnedDispatcher(id, found.Throughput);
            }

            if (!_dispatchers.TryGetValue(id, out MessageDispatcher? dispatcher))
            {
                dispatcher = found.Kind == DispatcherKind.CallingThread
                    ? new CallingThreadDispatcher(id, found.Throughput)
                    : new ThreadPoolDispatcher(id, found.Throughput);
                _dispatchers.Add(id, dispatcher);
            }

            return dispatcher;
        }
    }

    internal MailboxBound? BoundFor(Props props)
    {
        if (props.Mailbox is not { } id)
        {
            return null;
        }

        MailboxSetup mailbox = _setup.Mailboxes.TryGetValue(id, out MailboxSetup? found)
            ? found
            : throw new ConfigurationException($"Mailbox [{id}] not configured");
        return mailbox.Capacity > 0 ? new MailboxBound(mailbox.Capacity) : null;
    }

    internal void Unhandled(object message, IActorRef sender, IActorRef recipient) =>
        EventStream.Publish(new UnhandledMessage(message, sender, recipient));

    /// <summary>Makes a failure known. Never throws, whatever the logger does.</summary>
    internal void Report(LogEvent logEvent)
    {
        try
        {
            EventStream.Publish(logEvent);
            if (_logger is null)
            {
                return;
            }

            if (logEvent is Error)
            {
                Log.ActorFailed(_logger, logEvent.Cause, logEvent.LogSource, logEvent.Message);
            }
            else
            {
                Log.ActorWarned(_logger, logEvent.Cause, logEvent.LogSource, logEvent.Message);
            }
        }
        catch (Exception)
        {
            // A logger that fails must not fail the actor that reports.
        }
    }

    /// <summary>The root guardian is gone: nobody is left.</summary>
    internal void AllActorsStopped()
    {
        Action[] actions;
        lock (_onTermination)
        {
            actions = [.. _onTermination];
        }

        Clock.Stop();
        TurnMeter.Unregister(this);
        for (int i = actions.Length - 1; i >= 0; i--)
        {
            try
            {
                actions[i]();
            }
            catch (Exception e)
            {
                Report(new Error(e, ToString(), typeof(ActorSystem), e.Message));
            }
        }

        lock (_dispatchersLock)
        {
            foreach (MessageDispatcher dispatcher in _dispatchers.Values)
            {
                dispatcher.Stop();
            }
        }

        _terminated.TrySetResult();
    }

    private static Props Guardian(SupervisorStrategy strategy) =>
        Props.From(static () => new GuardianActor()).WithSupervisorStrategy(strategy);

    private DispatcherSetup FindDispatcher(string id) =>
        _setup.Dispatchers.TryGetValue(id, out DispatcherSetup? found)
            ? found
            : throw new ConfigurationException($"Dispatcher [{id}] not configured");
}
