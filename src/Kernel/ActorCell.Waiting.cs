namespace HyperActors.Kernel;

/// <content>Whatever comes later: timers, receive timeouts, unstashed messages, the rest of asynchronous handlers.</content>
internal sealed partial class ActorCell
{
    private ActorTimers? _timers;
    private IdleTimer? _idleTimer;
    private LinkedList<Envelope>? _front;
    private ActorTurnContext? _asyncTurn;

    public TimeSpan? ReceiveTimeout => _idleTimer?.Timeout;

    internal ActorTimers Timers => _timers ??= new ActorTimers(this);

    private int FrontCount => _front?.Count ?? 0;

    public void SetReceiveTimeout(TimeSpan? timeout)
    {
        _idleTimer?.Cancel();
        _idleTimer = null;
        _attention &= ~Attention.ReceiveTimeout;
        if (timeout is { } delay && delay > TimeSpan.Zero)
        {
            _idleTimer = new IdleTimer(this, delay);
            _idleTimer.Arm();
            _attention |= Attention.ReceiveTimeout;
        }
    }

    private void TouchReceiveTimeout() => _idleTimer?.Touch();

    /// <summary>Puts a message ahead of the mailbox.</summary>
    internal void PutInFront(Envelope envelope)
    {
        (_front ??= new LinkedList<Envelope>()).AddFirst(envelope);
        _attention |= Attention.Front;
    }

    private bool TryTakeFromFront(out Envelope envelope)
    {
        if (_front?.First is not { } first)
        {
            _attention &= ~Attention.Front;
            envelope = default;
            return false;
        }

        _front.RemoveFirst();
        envelope = first.Value;
        return true;
    }

    /// <summary>Runs an asynchronous handler. Until its task ends, user messages wait; system messages do not.</summary>
    internal void RunAsync<T>(Func<T, Task> handler, T argument)
    {
        var turn = new ActorTurnContext(this);
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(turn);
        Task task;
        try
        {
            task = handler(argument);
            if (!task.IsCompleted)
            {
                SuspendUserMessages();
                KeepCurrentEnvelope();
                _asyncTurn = turn;
                turn.Await(task);
                return;
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }

#pragma warning disable VSTHRD002 // The task has ended: this only rethrows what it failed with.
        task.GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
    }

    /// <summary>Called in a turn of this actor, when the handler's task ended.</summary>
    internal void FinishAsync(ActorTurnContext turn, Exception? failure)
    {
        if (!ReferenceEquals(_asyncTurn, turn))
        {
            return;
        }

        _asyncTurn = null;
        ResumeUserMessages();
        if (failure is not null)
        {
            HandleInvokeFailure(failure, null);
        }
        else
        {
            _actor?.ForgetEnvelope();
        }
    }

    private void RunContinuation(Continuation continuation)
    {
        if (!ReferenceEquals(_asyncTurn, continuation.Context))
        {
            return;
        }

        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(continuation.Context);
        try
        {
            continuation.Run();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Forgets a handler that still awaits: it belongs to an incarnation that ends here.</summary>
    private void DropAsyncTurn()
    {
        if (_asyncTurn is not null)
        {
            _asyncTurn = null;
            ResumeUserMessages();
        }
    }

    /// <summary>Fires when nothing was received for a while; a message only moves the deadline, the timer finds out.</summary>
    private sealed class IdleTimer(ActorCell cell, TimeSpan timeout) : ScheduledItem
    {
        private TimeSpan _deadline;

        public TimeSpan Timeout => timeout;

        public void Arm()
        {
            _deadline = cell.System.Clock.Elapsed + timeout;
            cell.System.Clock.Arm(this, _deadline);
        }

        public void Touch() => Volatile.Write(ref _deadlineTicks, (cell.System.Clock.Elapsed + timeout).Ticks);

        private long _deadlineTicks;

        public override void Fire()
        {
            TimeSpan moved = TimeSpan.FromTicks(Volatile.Read(ref _deadlineTicks));
            if (moved > _deadline)
            {
                _deadline = moved;
                cell.System.Clock.Arm(this, moved);
                return;
            }

            cell.Tell(Kernel.ReceiveTimeout.Instance, cell);
            _deadline += timeout;
            cell.System.Clock.Arm(this, _deadline);
        }

        public void Cancel() => cell.System.Clock.Disarm(this);
    }
}
