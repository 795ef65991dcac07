namespace HyperActors.Kernel;

/// <summary>Supervision that waits before it starts a child again, longer each time.</summary>
public static class Backoff
{
    /// <summary>For a child that fails: what would be a restart is a new start after a pause. A child that stops is left alone.</summary>
    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        OnFailure(childProps, childName, minBackoff, maxBackoff, randomFactor, -1);

    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) =>
        new(isOnStop: false, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);

    /// <summary>For a child that stops when it has lost its way: it is started again after a pause.</summary>
    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, -1);

    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) =>
        new(isOnStop: true, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);
}

/// <summary>How a <see cref="BackoffSupervisor"/> behaves. Immutable.</summary>
public sealed class BackoffOptions
{
    internal BackoffOptions(
        bool isOnStop, Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff,
        double randomFactor, int maxNrOfRetries)
    {
        ArgumentNullException.ThrowIfNull(childProps);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(minBackoff, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBackoff, minBackoff);
        ArgumentOutOfRangeException.ThrowIfNegative(randomFactor);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(randomFactor, 1.0);
        IsOnStop = isOnStop;
        ChildProps = childProps;
        ChildName = childName;
        MinBackoff = minBackoff;
        MaxBackoff = maxBackoff;
        RandomFactor = randomFactor;
        AutoReset = minBackoff;
        Strategy = new OneForOneStrategy(maxNrOfRetries, -1, SupervisorStrategy.DefaultDecider);
    }

    private BackoffOptions(BackoffOptions other)
    {
        IsOnStop = other.IsOnStop;
        ChildProps = other.ChildProps;
        ChildName = other.ChildName;
        MinBackoff = other.MinBackoff;
        MaxBackoff = other.MaxBackoff;
        RandomFactor = other.RandomFactor;
        AutoReset = other.AutoReset;
        Strategy = other.Strategy;
        ReplyWhileStopped = other.ReplyWhileStopped;
        IsFinalStopMessage = other.IsFinalStopMessage;
    }

    internal bool IsOnStop { get; }

    internal Props ChildProps { get; }

    internal string ChildName { get; }

    internal TimeSpan MinBackoff { get; }

    internal TimeSpan MaxBackoff { get; }

    internal double RandomFactor { get; }

    internal TimeSpan? AutoReset { get; private init; }

    internal OneForOneStrategy Strategy { get; private init; }

    internal object? ReplyWhileStopped { get; private init; }

    internal Func<object, bool>? IsFinalStopMessage { get; private init; }

    /// <summary>Forgets earlier starts once a child has lived this long.</summary>
    public BackoffOptions WithAutoReset(TimeSpan resetBackoff) => new(this) { AutoReset = resetBackoff };

    /// <summary>Forgets earlier starts when told <see cref="BackoffSupervisor.Reset"/>, and not before.</summary>
    public BackoffOptions WithManualReset() => new(this) { AutoReset = null };

    public BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        new(this) { Strategy = supervisorStrategy };

    public BackoffOptions WithDefaultStoppingStrategy() => new(this)
    {
        Strategy = new OneForOneStrategy(
            Strategy.MaxNumberOfRetries, Strategy.WithinTimeRangeMilliseconds, SupervisorStrategy.StoppingStrategy.Decider),
    };

    /// <summary>What whoever writes to a child that pauses is told; else the message is a dead letter.</summary>
    public BackoffOptions WithReplyWhileStopped(object replyWhileStopped) =>
        new(this) { ReplyWhileStopped = replyWhileStopped };

    public BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) =>
        new(this) { Strategy = Strategy.WithMaxNrOfRetries(maxNrOfRetries) };

    /// <summary>Tells the message after which a stopped child stays stopped, and the supervisor with it.</summary>
    public BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage) =>
        new(this) { IsFinalStopMessage = isFinalStopMessage };
}

/// <summary>Keeps one child, forwards to it, and starts it again after ever longer pauses.</summary>
/// <remarks>Parent: anyone. Children: the one it keeps. A restart starts the child anew and forgets how often that was.</remarks>
public sealed class BackoffSupervisor : UntypedActor
{
    private readonly BackoffOptions _options;
    private IActorRef? _child;
    private int _starts;
    private bool _isEnding;
    private bool _gotFinalStop;
    private bool _failed;

    internal BackoffSupervisor(BackoffOptions options) => _options = options;

    public static Props Props(BackoffOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Kernel.Props.From(() => new BackoffSupervisor(options));
    }

    public static Props Props(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        Props(Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor));

    public static Props Props(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) =>
        Props(Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries));

    public static Props PropsWithSupervisorStrategy(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        SupervisorStrategy strategy)
    {
        BackoffOptions options = Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor);
        return Props(strategy is OneForOneStrategy one ? options.WithSupervisorStrategy(one) : options);
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(
        -1, -1,
        cause =>
        {
            Directive directive = _options.Strategy.Decider.Decide(cause);
            if (directive != Directive.Restart || _options.IsOnStop)
            {
                return directive == Directive.Restart ? Directive.Stop : directive;
            }

            _failed = true;
            return Directive.Stop;
        });

    protected override void PreStart() => StartTheChild();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Terminated terminated when terminated.ActorRef.Equals(_child):
                ChildEnded();
                break;
            case StartChild:
                StartTheChild();
                break;
            case ResetRestartCount reset:
                _starts = reset.Current == _starts ? 0 : _starts;
                break;
            case Reset when _options.AutoReset is null:
                _starts = 0;
                break;
            case GetRestartCount:
                Sender.Tell(new RestartCount(_starts), Self);
                break;
            case GetCurrentChild:
                Sender.Tell(new CurrentChild(_child), Self);
                break;
            case not null when _child is { } child && child.Equals(Sender):
                Context.Parent.Tell(message, Self);
                break;
            default:
                Pass(message!);
                break;
        }
    }

    private void StartTheChild()
    {
        if (_child is not null)
        {
            return;
        }

        _failed = false;
        _child = Context.Watch(Context.ActorOf(_options.ChildProps, _options.ChildName));
        if (_options.AutoReset is { } calm)
        {
            Context.System.Scheduler.ScheduleTellOnce(calm, Self, new ResetRestartCount(_starts), Self);
        }
    }

    private void ChildEnded()
    {
        _child = null;
        int allowed = _options.Strategy.MaxNumberOfRetries;
        bool startAgain = (_options.IsOnStop || _failed) && !_gotFinalStop && (allowed < 0 || _starts < allowed);
        if (!startAgain)
        {
            _isEnding = true;
            Context.Stop(Self);
            return;
        }

        Context.System.Scheduler.ScheduleTellOnce(NextPause(), Self, StartChild.Instance, Self);
        _starts++;
    }

    private TimeSpan NextPause()
    {
        double chance = 1 + (Cell.System.Chance.NextDouble() * _options.RandomFactor);
        double pause = Math.Min(
            _options.MaxBackoff.TotalMilliseconds,
            _options.MinBackoff.TotalMilliseconds * Math.Pow(2, Math.Min(_starts, 30)));
        return TimeSpan.FromMilliseconds(pause * chance);
    }

    private void Pass(object message)
    {
        bool isFinal = _options.IsFinalStopMessage?.Invoke(message) ?? false;
        if (_child is { } child)
        {
            child.Tell(message, Sender);
            _gotFinalStop |= isFinal;
            return;
        }

        if (_options.ReplyWhileStopped is { } reply)
        {
            Sender.Tell(reply, Self);
        }
        else
        {
            Context.System.DeadLetters.Tell(message, Sender);
        }

        if (isFinal && !_isEnding)
        {
            Context.Stop(Self);
        }
    }

    /// <summary>Asks for the child of this moment: <see cref="CurrentChild"/>.</summary>
    public sealed class GetCurrentChild
    {
        public static readonly GetCurrentChild Instance = new();

        private GetCurrentChild()
        {
        }
    }

    public sealed class CurrentChild
    {
        public CurrentChild(IActorRef? @ref) => Ref = @ref;

        /// <summary>Null while the child pauses.</summary>
        public IActorRef? Ref { get; }
    }

    /// <summary>Forgets earlier starts, where that is done by hand.</summary>
    public sealed class Reset
    {
        public static readonly Reset Instance = new();

        private Reset()
        {
        }
    }

    public sealed class GetRestartCount
    {
        public static readonly GetRestartCount Instance = new();

        private GetRestartCount()
        {
        }
    }

    public sealed class RestartCount
    {
        public RestartCount(int count) => Count = count;

        public int Count { get; }
    }

    private sealed class StartChild : IDeadLetterSuppression
    {
        public static readonly StartChild Instance = new();
    }

    private sealed class ResetRestartCount(int current) : IDeadLetterSuppression
    {
        public int Current => current;
    }
}
