namespace HyperActors.Kernel;

/// <summary>An actor that keeps timers of its own: set before its constructor runs, called off when it restarts or stops.</summary>
public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}

/// <summary>The timers of one actor, by key. Starting a key again calls the earlier one off, even if it already fired.</summary>
public interface ITimerScheduler
{
    IReadOnlyCollection<object> ActiveTimers { get; }

    void StartPeriodicTimer(object key, object msg, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);

    void StartSingleTimer(object key, object msg, TimeSpan timeout);

    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);

    bool IsTimerActive(object key);

    void Cancel(object key);

    void CancelAll();
}

internal sealed class ActorTimers(ActorCell cell) : ITimerScheduler
{
    private readonly Dictionary<object, ActorTimer> _timers = [];

    public IReadOnlyCollection<object> ActiveTimers => _timers.Keys;

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) =>
        Start(key, msg, interval, interval, null);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, interval, interval, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval) =>
        Start(key, msg, initialDelay, interval, null);

    public void StartPeriodicTimer(
        object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender) =>
        Start(key, msg, initialDelay, interval, sender);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) => Start(key, msg, timeout, null, null);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) =>
        Start(key, msg, timeout, null, sender);

    public bool IsTimerActive(object key) => _timers.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_timers.Remove(key, out ActorTimer? timer))
        {
            cell.System.Clock.Disarm(timer);
        }
    }

    public void CancelAll()
    {
        foreach (ActorTimer timer in _timers.Values)
        {
            cell.System.Clock.Disarm(timer);
        }

        _timers.Clear();
    }

    /// <summary>Judges a fired timer in its actor's turn: one that was called off since then is nothing.</summary>
    internal bool Accept(ActorTimer timer)
    {
        if (!_timers.TryGetValue(timer.Key, out ActorTimer? current) || !ReferenceEquals(current, timer))
        {
            return false;
        }

        if (!timer.IsPeriodic)
        {
            _timers.Remove(timer.Key);
        }

        return true;
    }

    private void Start(object key, object msg, TimeSpan delay, TimeSpan? interval, IActorRef? sender)
    {
        ArgumentNullException.ThrowIfNull(msg);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Cancel(key);
        var timer = new ActorTimer(cell, key, msg, interval, sender);
        _timers.Add(key, timer);
        cell.System.Clock.Arm(timer, cell.System.Clock.Elapsed + delay);
    }
}

/// <summary>One timer of one actor.</summary>
internal sealed class ActorTimer : ScheduledItem
{
    private readonly ActorCell _cell;
    private readonly TimeSpan? _interval;
    private readonly IActorRef? _sender;
    private readonly TimerMessage _message;

    public ActorTimer(ActorCell cell, object key, object message, TimeSpan? interval, IActorRef? sender)
    {
        _cell = cell;
        _interval = interval;
        _sender = sender;
        Key = key;
        _message = new TimerMessage(this, message);
    }

    public object Key { get; }

    public bool IsPeriodic => _interval is not null;

    public override void Fire()
    {
        if (_interval is { } step)
        {
            TimeSpan next = Due + step;
            TimeSpan now = _cell.System.Clock.Elapsed;
            _cell.System.Clock.Arm(this, next > now ? next : now + step);
        }

        _cell.Tell(_message, _sender);
    }
}

/// <summary>A timer's message on its way through the mailbox, where it can still be called off.</summary>
internal sealed class TimerMessage(ActorTimer timer, object message) : AutoReceivedMessage
{
    public bool IsCurrent(ActorCell cell) => cell.Timers.Accept(timer);

    public object Unwrap() => message;
}
