using System.Diagnostics;

namespace HyperActors.Kernel;

/// <content>The mailbox: many writers, one reader, no lock.</content>
/// <remarks>
/// <para>One word says all: how many slots of the last segment are claimed, and whether the cell is scheduled.
/// A writer claims a slot by one compare-and-swap on it, then fills the slot, message last. A cell at rest holds
/// no segment; the writer that finds it so attaches one and schedules the cell by the same swap, and the reader
/// detaches it and goes to rest by the same swap.</para>
/// <code>
/// | epoch: 44 | closed: 1 | attached: 1 | busy: 1 | scheduled: 1 | claimed slots: 16 |
/// </code>
/// <para>Busy marks the few instructions in which a segment is attached or linked. Every such change moves the
/// epoch, so a swap that succeeds proves that the segment read before it is still the last one.</para>
/// </remarks>
internal sealed partial class ActorCell
{
    private const long IndexMask = 0xFFFF;
    private const long Scheduled = 1L << 16;
    private const long Busy = 1L << 17;
    private const long Attached = 1L << 18;
    private const long Closed = 1L << 19;
    private const long EpochStep = 1L << 20;

    private long _state;
    private Segment? _tail;
    private long _claimedBefore;

    // The reader's own.
    private Segment? _head;
    private int _headIndex;
    private long _taken;

    private SystemMessage? _systemQueue;

    /// <summary>Messages that wait, as far as can be told while others write.</summary>
    internal long MailboxLength
    {
        get
        {
            long claimed = Volatile.Read(ref _claimedBefore) + (Volatile.Read(ref _state) & IndexMask);
            return Math.Max(0, claimed - Volatile.Read(ref _taken)) + FrontCount;
        }
    }

    public override void Tell(object message, IActorRef? sender)
    {
        if (message is null)
        {
            throw new InvalidMessageException();
        }

        if (_bound is not null && !_bound.TryEnter())
        {
            return;
        }

        while (true)
        {
            long state = Volatile.Read(ref _state);
            if ((state & (Attached | Busy | Closed)) == Attached)
            {
                Segment segment = _tail!;
                int index = (int)(state & IndexMask);
                Envelope[] slots = segment.Slots;
                if ((uint)index < (uint)slots.Length)
                {
                    if (Interlocked.CompareExchange(ref _state, state + 1, state) == state)
                    {
                        Publish(ref slots[index], message, sender);
                        return;
                    }

                    continue;
                }
            }

            if (TryTellSlowly(state, message, sender))
            {
                return;
            }
        }
    }

    public override void SendSystem(SystemMessage message)
    {
        while (true)
        {
            SystemMessage? first = Volatile.Read(ref _systemQueue);
            if (ReferenceEquals(first, SystemMessage.Closed))
            {
                AnswerForTheDead(message);
                return;
            }

            message.Next = first;
            if (Interlocked.CompareExchange(ref _systemQueue, message, first) == first)
            {
                break;
            }
        }

        if (TrySchedule())
        {
            _dispatcher.Schedule(this);
        }
    }

    private static void Publish(ref Envelope slot, object message, IActorRef? sender)
    {
        slot.SenderField = sender;
        Volatile.Write(ref slot.MessageField!, message);
    }

    private bool TryTellSlowly(long state, object message, IActorRef? sender)
    {
        if ((state & Closed) != 0)
        {
            _bound?.Leave();
            System.DeadLetters.Tell(new DeadLetter(message, sender ?? System.DeadLetters, this), sender);
            return true;
        }

        if ((state & Busy) != 0)
        {
            WaitWhileBusy();
            return false;
        }

        return (state & Attached) == 0 ? TryAttach(state, message, sender) : TryLink(state, message, sender);
    }

    private bool TryAttach(long state, object message, IActorRef? sender)
    {
        Segment segment = Segment.RentFirst();
        if (Interlocked.CompareExchange(ref _state, state | Busy, state) != state)
        {
            Segment.Return(segment);
            return false;
        }

        _claimedBefore += state & IndexMask;
        _tail = segment;
        _head = segment;
        _headIndex = 0;
        Publish(ref segment.Slots[0], message, sender);
        Volatile.Write(ref _state, (state & ~IndexMask) + EpochStep + 1 | Attached | Scheduled);
        if ((state & Scheduled) == 0)
        {
            _dispatcher.Schedule(this);
        }

        return true;
    }

    private bool TryLink(long state, object message, IActorRef? sender)
    {
        Segment segment = Segment.RentFurther();
        if (Interlocked.CompareExchange(ref _state, state | Busy, state) != state)
        {
            Segment.Return(segment);
            return false;
        }

        _claimedBefore += state & IndexMask;
        Publish(ref segment.Slots[0], message, sender);
        Volatile.Write(ref _tail!.Next, segment);
        _tail = segment;
        Volatile.Write(ref _state, (state & ~IndexMask) + EpochStep + 1);
        return true;
    }

    /// <summary>True when the caller has to hand the cell to its dispatcher.</summary>
    private bool TrySchedule()
    {
        while (true)
        {
            long state = Volatile.Read(ref _state);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
                continue;
            }

            if ((state & (Scheduled | Closed)) != 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _state, state | Scheduled, state) == state)
            {
                return true;
            }
        }
    }

    private void WaitWhileBusy()
    {
        var spin = default(SpinWait);
        while ((Volatile.Read(ref _state) & Busy) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Takes the next message. The reader keeps its place in its own variables while a turn lasts.</summary>
    private bool TryTake(ref Segment head, ref int index, out object message, out IActorRef? sender)
    {
        var spin = default(SpinWait);
        while (true)
        {
            Envelope[] slots = head.Slots;
            if ((uint)index < (uint)slots.Length)
            {
                ref Envelope slot = ref slots[index];
                object? found = Volatile.Read(ref slot.MessageField);
                if (found is not null)
                {
                    message = found;
                    sender = slot.SenderField;
                    slot.MessageField = null!;
                    slot.SenderField = null;
                    index++;
                    return true;
                }
            }
            else if (Volatile.Read(ref head.Next) is { } next)
            {
                Segment spent = head;
                spent.Next = null;
                head = next;
                index = 0;
                _head = next;
                Segment.Return(spent);
                continue;
            }

            long state = Volatile.Read(ref _state);
            if ((state & Busy) == 0 && ReferenceEquals(_tail, head) && (state & IndexMask) == index)
            {
                message = null!;
                sender = null;
                return false;
            }

            // Claimed and not yet filled: the writer is between two instructions.
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Goes to rest, unless a message came meanwhile.</summary>
    private bool TryRest()
    {
        while (true)
        {
            long state = Volatile.Read(ref _state);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
                continue;
            }

            Segment? drained = null;
            long next = state & ~Scheduled;
            if ((state & Attached) != 0 && _suspended == 0)
            {
                if (FrontCount > 0 || !ReferenceEquals(_tail, _head) || (state & IndexMask) != _headIndex)
                {
                    return false;
                }

                drained = _head;
                next = (next & ~Attached) + EpochStep;
            }
            else if (FrontCount > 0 && _suspended == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _state, next, state) == state)
            {
                if (drained is not null)
                {
                    Segment.Return(drained);
                }

                return true;
            }
        }
    }

    /// <summary>Takes no more messages: what waits, and what will come, are dead letters.</summary>
    private void CloseMailbox()
    {
        long state;
        while (true)
        {
            state = Volatile.Read(ref _state);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
            }
            else if (Interlocked.CompareExchange(ref _state, state | Closed, state) == state)
            {
                break;
            }
        }

        while (TryTakeFromFront(out Envelope envelope))
        {
            Bury(envelope.Message, envelope.Sender);
        }

        if ((state & Attached) != 0)
        {
            Segment head = _head!;
            int index = _headIndex;
            while (TryTake(ref head, ref index, out object message, out IActorRef? sender))
            {
                _taken++;
                _bound?.Leave();
                Bury(message, sender);
            }

            Segment.Return(head);
        }

        _head = null;
        _tail = null;
        SystemMessage? rest = Interlocked.Exchange(ref _systemQueue, SystemMessage.Closed);
        for (SystemMessage? m = InOrderOfArrival(rest); m is not null;)
        {
            SystemMessage? next = m.Next;
            m.Next = null;
            AnswerForTheDead(m);
            m = next;
        }
    }

    private void Bury(object message, IActorRef? sender)
    {
        if (message is TimerMessage)
        {
            return;
        }

        Debug.Assert(message is not null, "an empty slot was taken");
        System.DeadLetters.Tell(new DeadLetter(message, sender ?? System.DeadLetters, this), sender);
    }

    /// <summary>Whoever starts to watch a dead actor learns at once that it is dead.</summary>
    private void AnswerForTheDead(SystemMessage message)
    {
        if (message is Watch watch)
        {
            watch.Watcher.SendSystem(new DeathWatchNotification(this, existenceConfirmed: true));
        }
    }

    private static SystemMessage? InOrderOfArrival(SystemMessage? latest)
    {
        SystemMessage? first = null;
        while (latest is not null)
        {
            SystemMessage? next = latest.Next;
            latest.Next = first;
            first = latest;
            latest = next;
        }

        return first;
    }
}
