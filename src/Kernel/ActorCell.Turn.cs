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

    /// <summary>Where the message lies that is handled now.</summary>
    private enum AtHand : byte
    {
        Nothing,
        Single,
        Slot,
    }

    /// <summary>50 µs: some times what it takes to wake a thread that sleeps.</summary>
    private const long LongestWait = 50 * TimeSpan.TicksPerMicrosecond;

    // A mailbox that is emptied while messages come one after the other will hold more in a moment. To wait for several
    // is better than to fetch each from under its writer's hands, which costs both a cache line. About 100 ns for each
    // message that came, 6 µs at the most, and never while another cell waits behind this turn.
    private const int MessagesBeforePause = 8;
    private const int PausePerMessage = 2;
    private const int LongestPause = 128;

    private Phase _phase;
    private Attention _attention;
    private int _suspended;

    void IThreadPoolWorkItem.Execute() => Worker.Current.Run(this);

    /// <summary>Runs the cell for one message on the thread that asked; what else there is goes to the dispatcher.</summary>
    internal void RunAsked()
    {
        if (RunTurn(1))
        {
            _dispatcher.ScheduleAgain(this);
        }
    }

    /// <summary>Runs the cell on this thread.</summary>
    /// <returns>True when it has more to do and must be scheduled again.</returns>
    internal bool RunTurn(int budget)
    {
        Worker worker = Worker.Current;
        ActorCell? outer = worker.Running;
        worker.Running = this;
        worker.Turns++;
        long stamp = TurnMeter.Begin();
        try
        {
            return Turn(budget, worker);
        }
        finally
        {
            if (stamp != 0)
            {
                _ticksInHandlers += TurnMeter.End(stamp);
            }

            worker.Running = outer;
        }
    }

    private bool Turn(int budget, Worker worker)
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
                budget = RunUserMessages(budget, worker);
            }

            if (Volatile.Read(ref _systemQueue) is not null)
            {
                continue;
            }

            if (budget <= 0 && HasUserMessages)
            {
                return true;
            }

            if (TryRest(worker) && (Volatile.Read(ref _systemQueue) is null || !TrySchedule()))
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

            long state = Volatile.Read(ref _writers.State);
            return FrontCount > 0 || _single.MessageField is not null || ((state & Attached) != 0
                && (!ReferenceEquals(_writers.Tail, _head) || (state & IndexMask) != _headIndex));
        }
    }

    /// <returns>What is left of the budget.</returns>
    private int RunUserMessages(int budget, Worker worker)
    {
        long state = Volatile.Read(ref _writers.State);
        if ((state & Busy) != 0)
        {
            WaitWhileBusy();
            state = Volatile.Read(ref _writers.State);
        }

        if ((state & Single) != 0 && _single.MessageField is not null)
        {
            budget = RunSingle(budget);
            if (_single.MessageField is not null)
            {
                return budget;
            }

            state = Volatile.Read(ref _writers.State);
        }

        if ((state & (Attached | Busy)) != Attached)
        {
            return FrontCount > 0 ? RunFrontMessages(budget) : budget;
        }

        Segment head = _head!;
        int index = _headIndex;
        int budgetAtPause = budget;
        var patience = new Patience(budget);
        ActorBase actor = _actor!;
        _atHand = AtHand.Slot;
        while (budget > 0 && Volatile.Read(ref _systemQueue) is null)
        {
            if (_attention != Attention.None)
            {
                if (_suspended > 0)
                {
                    break;
                }

                if (FrontCount > 0)
                {
                    budget = RunFrontMessages(budget);
                    continue;
                }
            }

            if (Peek(head, index) is not { } message)
            {
                int sincePause = budgetAtPause - budget;
                if (sincePause >= MessagesBeforePause && index < head.Slots.Length && worker.Next is null)
                {
                    Thread.SpinWait(Math.Min(LongestPause, sincePause * PausePerMessage));
                    budgetAtPause = budget;
                    continue;
                }

                if (PeekSlowly(ref head, ref index) is not { } late)
                {
                    break;
                }

                message = late;
            }

            budget--;
            _bound?.Leave();

            // Kept where no writer looks: this cell's lines belong to them while they write.
            actor.Slot = index;
            Invoke(actor, message);
            index++;
            if (budget <= patience.LookAt && worker.Next is not null)
            {
                patience.Look(budget, worker);
            }
        }

        // All at once: a writer that fills the slots beside them would wait for the line each time.
        Array.Clear(head.Slots, _headIndex, index - _headIndex);
        _headIndex = index;
        _atHand = AtHand.Nothing;
        return budget;
    }

    /// <summary>How long a turn makes the cell wait that is to follow it on its thread.</summary>
    /// <remarks>The clock is dear beside a message, so it is read after one message, two, four, eight.</remarks>
    private struct Patience(int budget)
    {
        private long _since;
        private int _step;

        /// <summary>What is left of the turn's budget when it is time to look again.</summary>
        public int LookAt = budget;

        public void Look(int budget, Worker worker)
        {
            if (_since == 0)
            {
                _since = RealClock.Stamp();
                _step = 1;
            }
            else if (RealClock.TicksSince(_since) > LongestWait)
            {
                worker.LetGoOfNext();
                _since = 0;
                _step = 1;
            }
            else
            {
                _step *= 2;
            }

            LookAt = budget - _step;
        }
    }

    /// <summary>The message that woke the cell.</summary>
    private int RunSingle(int budget)
    {
        if (FrontCount > 0)
        {
            budget = RunFrontMessages(budget);
        }

        if (budget > 0 && _suspended == 0 && Volatile.Read(ref _systemQueue) is null)
        {
            budget--;
            _bound?.Leave();
            ActorBase actor = _actor!;
            actor.Slot = 0;
            _atHand = AtHand.Single;
            Invoke(actor, _single.MessageField);
            _atHand = AtHand.Nothing;
            _single.MessageField = null!;
            _single.SenderField = null;
            _takenBefore++;
        }

        return budget;
    }

    /// <summary>Messages that a stash gave back: they are handled from a copy, as they left their slots long ago.</summary>
    private int RunFrontMessages(int budget)
    {
        while (budget > 0 && _suspended == 0 && Volatile.Read(ref _systemQueue) is null
            && TryTakeFromFront(out Envelope envelope))
        {
            budget--;
            _frontTaken++;
            _actor!.KeepEnvelope(envelope.Message, envelope.Sender);
            Invoke(_actor, envelope.Message);
            if (_suspended == 0)
            {
                _actor.ForgetEnvelope();
            }
        }

        return budget;
    }

    private long _frontTaken;

    /// <summary>The message that a turn handles now.</summary>
    internal object? CurrentMessage =>
        _actor is not { } actor ? null
        : actor.KeptMessage ?? _atHand switch
        {
            AtHand.Single => _single.MessageField,
            AtHand.Slot => _head!.Slots[actor.Slot].MessageField,
            _ => null,
        };

    /// <summary>Who sent it; null when nobody wants an answer.</summary>
    internal IActorRef? CurrentSender =>
        _actor is not { } actor ? null
        : actor.KeptMessage is not null ? actor.KeptSender
        : _atHand switch
        {
            AtHand.Single => _single.SenderField,
            AtHand.Slot => _head!.Slots[actor.Slot].SenderField,
            _ => null,
        };

    /// <summary>Tells one message from the next, for whoever must not take one twice.</summary>
    internal (long Taken, long FrontTaken) EnvelopeNumber => (_takenBefore + (_actor?.Slot ?? 0), _frontTaken);

    private void Invoke(ActorBase actor, object message)
    {
        try
        {
            if ((_attention & ~Attention.Suspended) == 0 && actor.TryHandleKnown(message))
            {
                return;
            }

            if ((_attention & ~Attention.Suspended) != 0 || message is AutoReceivedMessage)
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
            actor.KeepEnvelope(message, CurrentSender);
        }

        if ((_attention & Attention.Journal) != 0)
        {
            _dispatcher.Deliver(this, message);
        }

        bool timed = (_attention & Attention.ReceiveTimeout) != 0 && message is not INotInfluenceReceiveTimeout;
        using Activity? activity = (_attention & Attention.Trace) != 0 ? TurnMeter.StartActivity(this, message) : null;
        try
        {
            if (message is AutoReceivedMessage automatic)
            {
                AutoReceive(automatic);
            }
            else if (!actor.Handle(message))
            {
                actor.InvokeUnhandled(message);
            }

            if (_asyncTurn is null)
            {
                actor.ForgetEnvelope();
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
        actor.KeepEnvelope(message, CurrentSender);
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
