namespace HyperActors.Kernel;

/// <summary>Asking from outside: a task for the first answer.</summary>
public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<object>(message, timeout, CancellationToken.None);

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<object>(message, null, cancellationToken);

    public static Task<object> Ask(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<object>(message, timeout, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<T>(message, timeout, CancellationToken.None);

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<T>(message, null, cancellationToken);

    public static Task<T> Ask<T>(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<T>(_ => message, timeout, cancellationToken);

    /// <summary>Asks with a message that carries the answer's address.</summary>
    /// <remarks>
    /// A <see cref="Status.Failure"/> faults the task with its cause (unless T is a <see cref="Status"/>); an answer of another
    /// type faults it with an <see cref="ArgumentException"/>, and is a dead letter; no answer in time with an <see cref="AskTimeoutException"/>.
    /// Null is an answer: the default of T. Answers after the first are dead letters.
    /// </remarks>
    public static Task<T> Ask<T>(
        this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(self);
        ActorSystem system = SystemOf(self);
        var answer = new AnswerRef<T>(system);
        answer.Limit(timeout ?? system.Setup.AskTimeout, cancellationToken);
        object message = messageFactory(answer);
        if (Worker.Current is { Running: null, IsAsking: false } worker && self is ActorCell)
        {
            AskHere(self, message, answer, worker);
        }
        else
        {
            self.Tell(message, answer);
        }

        return answer.Task;
    }

    /// <summary>
    /// Asks from outside of all actors. One that is at rest takes its turn for this message here and now: the thread that
    /// would only wait does the work, and nobody has to be woken twice.
    /// </summary>
    private static void AskHere(ICanTell actor, object message, IActorRef answer, Worker worker)
    {
        worker.IsAsking = true;
        try
        {
            actor.Tell(message, answer);
        }
        finally
        {
            worker.IsAsking = false;
        }

        if (worker.Asked is { } cell)
        {
            worker.Asked = null;
            cell.RunAsked();
        }
    }

    internal static ActorSystem SystemOf(ICanTell target) => target switch
    {
        ActorSelection { Anchor: InternalRef { Home: { } home } } => home,
        InternalRef { Home: { } home } => home,
        _ => ActorCell.Running?.System
            ?? throw new ArgumentException("Unable to resolve the target Provider", nameof(target)),
    };
}

/// <summary>An address for one answer.</summary>
internal abstract class PromiseRef<T> : InternalRef
{
    private readonly ActorSystem _system;
    private readonly TaskCompletionSource<T> _promise;
    private CancellationTokenRegistration _cancellation;
    private Deadline? _deadline;

    protected PromiseRef(ActorSystem system)
    {
        _system = system;

        // In a deterministic run whoever awaits is brought back by the run itself, so nothing may go to the pool.
        _promise = new TaskCompletionSource<T>(
            system.IsDeterministic ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public override ActorPath Path => field ??= _system.RootPath / "temp" / $"${_system.NextUid()}";

    public override ActorSystem Home => _system;

    public override bool IsTerminated => _promise.Task.IsCompleted;

    public Task<T> Task => _promise.Task;

    public void Limit(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout > TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
        {
            _deadline = new Deadline(this, timeout);
            _system.Clock.Arm(_deadline, _system.Clock.Elapsed + timeout);
        }

        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (state, token) => ((PromiseRef<T>)state!).Cancel(token), this);
            if (_promise.Task.IsCompleted)
            {
                _cancellation.Dispose();
            }
        }
    }

    protected abstract void TimedOut(TimeSpan timeout);

    protected bool Resolve(T result) => Settled(_promise.TrySetResult(result));

    protected bool Fail(Exception cause) => Settled(_promise.TrySetException(cause));

    private void Cancel(CancellationToken token) => Settled(_promise.TrySetCanceled(token));

    private bool Settled(bool first)
    {
        if (first)
        {
            if (_deadline is not null)
            {
                _system.Clock.Disarm(_deadline);
            }

            _cancellation.Unregister();
        }

        return first;
    }

    private sealed class Deadline(PromiseRef<T> promise, TimeSpan timeout) : ScheduledItem
    {
        public override void Fire() => promise.TimedOut(timeout);
    }
}

internal sealed class AnswerRef<T>(ActorSystem system) : PromiseRef<T>(system)
{
    public override void Tell(object message, IActorRef? sender)
    {
        bool taken = message switch
        {
            Status.Failure failure when !typeof(Status).IsAssignableFrom(typeof(T)) => Fail(
                failure.Cause ?? new TaskCanceledException("Task cancelled by actor via Failure message.")),
            T answer => Resolve(answer),
            null => Resolve(default!),
            _ => Refuse(message),
        };
        if (!taken && message is not null && !Task.IsCanceled)
        {
            Home.DeadLetters.Tell(new DeadLetter(message, sender ?? Home.DeadLetters, this), sender);
        }
    }

    private bool Refuse(object message)
    {
        Fail(new ArgumentException(
            $"Received message of type [{message.GetType()}] - Ask expected message of type [{typeof(T)}]", nameof(message)));
        return false;
    }

    protected override void TimedOut(TimeSpan timeout) =>
        Fail(new AskTimeoutException(
            FormattableString.Invariant($"Timeout after {timeout.TotalSeconds:F2} seconds")));
}

public static class GracefulStopSupport
{
    /// <summary>Stops an actor when it has handled what waits, and tells whether it ended in time.</summary>
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) =>
        target.GracefulStop(timeout, PoisonPill.Instance);

    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        var end = new EndRef(Futures.SystemOf(target));
        end.Limit(timeout, CancellationToken.None);
        ((InternalRef)target).SendSystem(new Watch((InternalRef)target, end));
        target.Tell(stopMessage, ActorRefs.NoSender);
        return end.Task;
    }

    private sealed class EndRef(ActorSystem system) : PromiseRef<bool>(system)
    {
        public override void Tell(object message, IActorRef? sender)
        {
        }

        public override void SendSystem(SystemMessage message)
        {
            if (message is DeathWatchNotification)
            {
                Resolve(true);
            }
        }

        protected override void TimedOut(TimeSpan timeout) => Resolve(false);
    }
}
