using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace HyperActors.Kernel;

/// <content>A turn: system messages, then a bounded number of user messages.</content>
internal sealed partial class ActorCell
{
    private enum Phase : byte
    {
        New,
        Running,
        AwaitingChildrenToCreate,
        AwaitingChildrenToRecreate,
        AwaitingChildrenToTerminate,
        Terminated,
    }

    /// <summary>Why a turn has to look up from the plain way of a message.</summary>
    [Flags]
    private enum Attention : byte
    {
        None = 0,
        Suspended = 1,
        Front = 2,
        ReceiveTimeout = 4,
        Journal = 8,
        Trace = 16,
    }

    private Phase _phase;
    private Attention _attention;
    private int _suspended;

    void IThreadPoolWorkItem.Execute()
    {
        if (RunTurn(_dispatcher.Throughput))
        {
            _dispatcher.ScheduleAgain(this);
        }
    }

    /// <summary>Runs the cell on this thread.</summary>
    /// <returns>True when it has more to do and must be scheduled again.</returns>
    internal bool RunTurn(int budget)
    {
        ActorCell? outer = t_running;
        t_running = this;
        long stamp = TurnMeter.Begin();
        try
        {
            return Turn(budget);
        }
        finally
        {
            if (stamp != 0)
            {
                _ticksInHandlers += TurnMeter.End(stamp);
            }

            t_running = outer;
        }
    }

    private bool Turn(int budget)
    {
        while (true)
        {
            if (_phase == Phase.New && _failedBy is null)
            {
                RunSystem(null);
            }

            if (Volatile.Read(ref _systemQueue) is not null)
            {
                RunSystemMessages();
            }

            if (_phase == Phase.Terminated)
            {
                return false;
            }

            if (_suspended == 0)
            {
                _attention = TurnMeter.WantsActivities ? _attention | Attention.Trace : _attention & ~Attention.Trace;
                budget = RunUserMessages(budget);
                if (_asyncTurn is null)
                {
                    _actor?.ForgetEnvelope();
                }
            }

            if (Volatile.Read(ref _systemQueue) is not null)
            {
                continue;
            }

            if (budget <= 0 && HasUserMessages)
            {
                return true;
            }

            if (TryRest() && (Volatile.Read(ref _systemQueue) is null || !TrySchedule()))
            {
                return false;
            }

            if (budget <= 0 && Volatile.Read(ref _systemQueue) is null)
            {
                return true;
            }
        }
    }

    private bool HasUserMessages
    {
        get
        {
            if (_suspended > 0)
            {
                return false;
            }

            long state = Volatile.Read(ref _state);
            return FrontCount > 0 || ((state & Attached) != 0
                && (!ReferenceEquals(_tail, _head) || (state & IndexMask) != _headIndex));
        }
    }

    /// <returns>What is left of the budget.</returns>
    private int RunUserMessages(int budget)
    {
        if ((Volatile.Read(ref _state) & (Attached | Busy)) == 0)
        {
            return FrontCount > 0 ? RunFrontMessages(budget) : budget;
        }

        if ((Volatile.Read(ref _state) & Attached) == 0)
        {
            WaitWhileBusy();
        }

        Segment head = _head!;
        int index = _headIndex;
        int taken = 0;
        try
        {
            while (budget > 0 && Volatile.Read(ref _systemQueue) is null)
            {
                if ((_attention & (Attention.Suspended | Attention.Front)) != 0)
                {
                    if (_suspended > 0)
                    {
                        break;
                    }

                    if (TryTakeFromFront(out Envelope envelope))
                    {
                        budget--;
                        Invoke(envelope.Message, envelope.Sender);
                        continue;
                    }
                }

                if (!TryTake(ref head, ref index, out object message, out IActorRef? sender))
                {
                    break;
                }

                budget--;
                taken++;
                _bound?.Leave();
                Invoke(message, sender);
            }
        }
        finally
        {
            _head = head;
            _headIndex = index;
            Volatile.Write(ref _taken, _taken + taken);
        }

        return budget;
    }

    private int RunFrontMessages(int budget)
    {
        while (budget > 0 && _suspended == 0 && Volatile.Read(ref _systemQueue) is null
            && TryTakeFromFront(out Envelope envelope))
        {
            budget--;
            Invoke(envelope.Message, envelope.Sender);
        }

        return budget;
    }

    private void Invoke(object message, IActorRef? sender)
    {
        ActorBase actor = _actor!;
        actor.SetEnvelope(message, sender);
        try
        {
            if (message is AutoReceivedMessage || (_attention & ~Attention.Suspended) != 0)
            {
                InvokeAttentively(actor, message);
            }
            else if (!actor.Handle(message))
            {
                actor.InvokeUnhandled(message);
            }
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, null);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void InvokeAttentively(ActorBase actor, object message)
    {
        if (message is TimerMessage timer)
        {
            if (!timer.IsCurrent(this))
            {
                return;
            }

            message = timer.Unwrap();
            actor.SetEnvelope(message, actor.CurrentSender);
        }

        if ((_attention & Attention.Journal) != 0)
        {
            _dispatcher.Deliver(this, message);
        }

        bool timed = (_attention & Attention.ReceiveTimeout) != 0 && message is not INotInfluenceReceiveTimeout;
        try
        {
            using Activity? activity = (_attention & Attention.Trace) != 0 ? TurnMeter.StartActivity(this, message) : null;
            if (message is AutoReceivedMessage automatic)
            {
                AutoReceive(automatic);
            }
            else if (!actor.Handle(message))
            {
                actor.InvokeUnhandled(message);
            }
        }
        finally
        {
            if (timed)
            {
                TouchReceiveTimeout();
            }
        }
    }

    private void AutoReceive(AutoReceivedMessage message)
    {
        switch (message)
        {
            case Terminated terminated:
                ReceiveTerminated(terminated);
                break;
            case PoisonPill:
                SendSystem(new Terminate());
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, this), this);
                break;
        }
    }

    /// <summary>Hands a message to the current behaviour, as if it had just arrived.</summary>
    private void ReceiveMessage(object message)
    {
        ActorBase actor = _actor!;
        actor.SetEnvelope(message, actor.CurrentSender);
        if (!actor.Handle(message))
        {
            actor.InvokeUnhandled(message);
        }
    }

    private void RunSystemMessages()
    {
        SystemMessage? message = InOrderOfArrival(Interlocked.Exchange(ref _systemQueue, null));
        while (message is not null)
        {
            SystemMessage? next = message.Next;
            message.Next = null;
            RunSystem(message);
            if (_phase == Phase.Terminated)
            {
                for (; next is not null; next = message)
                {
                    message = next.Next;
                    AnswerForTheDead(next);
                }

                return;
            }

            message = next;
            if (message is null && _deferred is not null && !MustDefer(_deferred.Peek()))
            {
                message = _deferred.Dequeue();
                if (_deferred.Count == 0)
                {
                    _deferred = null;
                }
            }
        }
    }

    private Queue<SystemMessage>? _deferred;

    /// <summary>While children are awaited, what concerns failures waits; while this actor failed, what its children report.</summary>
    private bool MustDefer(SystemMessage message) =>
        message is DeferrableSystemMessage && (IsAwaitingChildren || (message is Failed && _suspended > 0));

    private bool IsAwaitingChildren => _phase is Phase.AwaitingChildrenToCreate
        or Phase.AwaitingChildrenToRecreate or Phase.AwaitingChildrenToTerminate;

    private void RunSystem(SystemMessage? message)
    {
        try
        {
            if (message is not null && MustDefer(message))
            {
                (_deferred ??= new Queue<SystemMessage>()).Enqueue(message);
                return;
            }

            switch (message)
            {
                case null:
                    Create();
                    break;
                case Continuation continuation:
                    RunContinuation(continuation);
                    break;
                case DeathWatchNotification notification:
                    WatchedActorTerminated(notification);
                    break;
                case Watch watch:
                    AddWatcher(watch.Watcher);
                    break;
                case Unwatch unwatch:
                    _watch?.Watchers?.Remove(unwatch.Watcher);
                    break;
                case Failed failed:
                    HandleFailed(failed);
                    break;
                case Suspend:
                    SuspendUserMessages();
                    SuspendChildren(null);
                    break;
                case Resume resume:
                    FaultResume(resume.CausedByFailure);
                    break;
                case Recreate recreate:
                    FaultRecreate(recreate.Cause);
                    break;
                case Terminate:
                    BeginTerminate();
                    break;
            }
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, (message as Failed)?.Child);
        }
    }

    private void SuspendUserMessages()
    {
        _suspended++;
        _attention |= Attention.Suspended;
    }

    private void ResumeUserMessages()
    {
        if (_suspended > 0 && --_suspended == 0)
        {
            _attention &= ~Attention.Suspended;
        }
    }
}
