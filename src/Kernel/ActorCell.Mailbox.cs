using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HyperActors.Kernel;

/// <content>The mailbox: many writers, one reader, no lock.</content>
/// <remarks>
/// <para>One word says all: how many slots of the last segment are claimed, and whether the cell is scheduled.
/// A writer claims a slot by one compare-and-swap on it, then fills the slot, message last. A cell at rest holds
/// no segment: the writer that finds it so lays its message into the cell itself and schedules it by the same swap.
/// Only a message that finds another one waiting attaches a segment, and the reader detaches it by the swap by
/// which it goes to rest.</para>
/// <code>
/// | epoch: 43 | single: 1 | closed: 1 | attached: 1 | busy: 1 | scheduled: 1 | claimed slots: 16 |
/// </code>
/// <para>Busy marks the few instructions in which a message is laid into the cell or a segment attached or linked. Every such change moves the
/// epoch, so a swap that succeeds proves that the segment read before it is still the last one.</para>
/// </remarks>
internal sealed partial class ActorCell
{
    private const long IndexMask = 0xFFFF;
    private const long Scheduled = 1L << 16;
    private const long Busy = 1L << 17;
    private const long Attached = 1L << 18;
    private const long Closed = 1L << 19;
    private const long Single = 1L << 20;
    private const long EpochStep = 1L << 21;

    private WritersSide _writers;

    // The reader's own. While a turn handles a message, it stays in its slot: that is the current envelope.
    private Segment? _head;
    private int _headIndex;
    private long _takenBefore;
    private AtHand _atHand;

    // The message that woke the cell, until it is handled; its place is free again when the cell goes to rest.
    private Envelope _single;

    private SystemMessage? _systemQueue;

    /// <summary>Messages that wait, as far as can be told while others write.</summary>
    internal long MailboxLength
    {
        get
        {
            long claimed = Volatile.Read(ref _writers.ClaimedBefore) + (Volatile.Read(ref _writers.State) & IndexMask);
            return Math.Max(0, claimed - Processed) + FrontCount;
        }
    }

    internal bool HoldsSegment => Volatile.Read(ref _head) is not null;

    public override void Tell(object message, IActorRef? sender)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_bound is not null && !_bound.TryEnter())
        {
            return;
        }

        while (true)
        {
            long state = Volatile.Read(ref _writers.State);
            if ((state & (Attached | Busy | Closed)) == Attached)
            {
                // Null when the cell went to rest since: then the swap below could not succeed either.
                Envelope[] slots = _writers.Tail?.Slots ?? [];
                int index = (int)(state & IndexMask);
                if ((uint)index < (uint)slots.Length)
                {
                    if (Interlocked.CompareExchange(ref _writers.State, state + 1, state) == state)
                    {
                        if (sender is not null)
                        {
                            slots[index].SenderField = sender;
                        }

                        Volatile.Write(ref slots[index].MessageField!, message);
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
        if (sender is not null)
        {
            slot.SenderField = sender;
        }

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

        if ((state & (Attached | Scheduled | Single)) == 0)
        {
            return TryWake(state, message, sender);
        }

        return (state & Attached) == 0 ? TryAttach(state, message, sender) : TryLink(state, message, sender);
    }

    private bool TryWake(long state, object message, IActorRef? sender)
    {
        if (Interlocked.CompareExchange(ref _writers.State, state | Busy, state) != state)
        {
            return false;
        }

        Publish(ref _single, message, sender);
        _writers.ClaimedBefore += (state & IndexMask) + 1;
        Volatile.Write(ref _writers.State, (state & ~IndexMask) + EpochStep | Single | Scheduled);
        _dispatcher.Schedule(this);
        return true;
    }

    private bool TryAttach(long state, object message, IActorRef? sender)
    {
        Worker worker = Worker.Current;
        Segment segment = Segment.RentFirst(worker);
        if (Interlocked.CompareExchange(ref _writers.State, state | Busy, state) != state)
        {
            Segment.Return(segment, worker);
            return false;
        }

        _writers.ClaimedBefore += state & IndexMask;
        _writers.Tail = segment;
        _head = segment;
        Publish(ref segment.Slots[0], message, sender);
        Volatile.Write(ref _writers.State, (state & ~IndexMask) + EpochStep + 1 | Attached | Scheduled);
        if ((state & Scheduled) == 0)
        {
            _dispatcher.Schedule(this);
        }

        return true;
    }

    private bool TryLink(long state, object message, IActorRef? sender)
    {
        Worker worker = Worker.Current;
        Segment segment = Segment.RentFurther(worker);
        if (Interlocked.CompareExchange(ref _writers.State, state | Busy, state) != state)
        {
            Segment.Return(segment, worker);
            return false;
        }

        _writers.ClaimedBefore += state & IndexMask;
        Publish(ref segment.Slots[0], message, sender);
        Volatile.Write(ref _writers.Tail!.Next, segment);
        _writers.Tail = segment;
        Volatile.Write(ref _writers.State, (state & ~IndexMask) + EpochStep + 1);
        return true;
    }

    /// <summary>True when the caller has to hand the cell to its dispatcher.</summary>
    private bool TrySchedule()
    {
        while (true)
        {
            long state = Volatile.Read(ref _writers.State);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
                continue;
            }

            if ((state & (Scheduled | Closed)) != 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _writers.State, state | Scheduled, state) == state)
            {
                return true;
            }
        }
    }

    private void WaitWhileBusy()
    {
        var spin = default(SpinWait);
        while ((Volatile.Read(ref _writers.State) & Busy) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Looks at the next message, and leaves it in its slot.</summary>
    /// <returns>The message; null when the slot is empty as yet, or the segment at its end.</returns>
    private static object? Peek(Segment head, int index)
    {
        Envelope[] slots = head.Slots;
        return (uint)index < (uint)slots.Length ? Volatile.Read(ref slots[index].MessageField) : null;
    }

    /// <summary>Looks again, where need be in the segment behind, and tells an empty mailbox from a slot that is being filled.</summary>
    /// <returns>The message, or null when none waits.</returns>
    private object? PeekSlowly(ref Segment head, ref int index)
    {
        var spin = default(SpinWait);
        while (true)
        {
            Envelope[] slots = head.Slots;
            if ((uint)index < (uint)slots.Length)
            {
                if (Volatile.Read(ref slots[index].MessageField) is { } found)
                {
                    return found;
                }
            }
            else if (Volatile.Read(ref head.Next) is { } next)
            {
                Segment spent = head;
                Array.Clear(spent.Slots, _headIndex, index - _headIndex);
                spent.Next = null;
                head = next;
                _head = next;
                _takenBefore += index;
                index = 0;
                _headIndex = 0;
                Segment.Return(spent, Worker.Current);
                continue;
            }

            long state = Volatile.Read(ref _writers.State);
            if ((state & Busy) == 0 && ReferenceEquals(_writers.Tail, head) && (state & IndexMask) == index)
            {
                return null;
            }

            // Claimed and not yet filled: the writer is between two instructions.
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Goes to rest, unless a message came meanwhile.</summary>
    private bool TryRest(Worker worker)
    {
        while (true)
        {
            long state = Volatile.Read(ref _writers.State);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
                continue;
            }

            Segment? drained = null;
            long next = state & ~Scheduled;
            long step = next;
            if ((state & Attached) != 0 && _suspended == 0)
            {
                if (FrontCount > 0 || _single.MessageField is not null || !ReferenceEquals(_writers.Tail, _head) || (state & IndexMask) != _headIndex)
                {
                    return false;
                }

                drained = _head;
                next = (next & ~Attached) + EpochStep;
                step = state | Busy;
            }
            else if (_suspended == 0 && (FrontCount > 0 || _single.MessageField is not null))
            {
                return false;
            }

            if (_single.MessageField is null)
            {
                next &= ~Single;
                step &= ~Single;
            }

            if (Interlocked.CompareExchange(ref _writers.State, step, state) == state)
            {
                if (drained is not null)
                {
                    _takenBefore += _headIndex;
                    _headIndex = 0;
                    _head = null;
                    _writers.Tail = null;
                    Volatile.Write(ref _writers.State, next);
                    Segment.Return(drained, worker);
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
            state = Volatile.Read(ref _writers.State);
            if ((state & Busy) != 0)
            {
                WaitWhileBusy();
            }
            else if (Interlocked.CompareExchange(ref _writers.State, state | Closed, state) == state)
            {
                break;
            }
        }

        while (TryTakeFromFront(out Envelope envelope))
        {
            Bury(envelope.Message, envelope.Sender);
        }

        if (_single.MessageField is { } single)
        {
            IActorRef? sender = _single.SenderField;
            _single = default;
            _takenBefore++;
            _bound?.Leave();
            Bury(single, sender);
        }

        if ((state & Attached) != 0)
        {
            Segment head = _head!;
            int index = _headIndex;
            while (PeekSlowly(ref head, ref index) is { } message)
            {
                IActorRef? sender = head.Slots[index].SenderField;
                index++;
                _bound?.Leave();
                Bury(message, sender);
            }

            _takenBefore += index;
            Array.Clear(head.Slots, _headIndex, index - _headIndex);
            Segment.Return(head, Worker.Current);
        }

        _headIndex = 0;
        _head = null;
        _writers.Tail = null;
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

    /// <summary>What writers change with every message, on cache lines of its own: the reader would else wait for each.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct WritersSide
    {
#pragma warning disable CS0169, IDE0051 // Room, and nothing but room.
        private readonly Room _before;
#pragma warning restore CS0169, IDE0051
        public Segment? Tail;
        public long State;
        public long ClaimedBefore;
#pragma warning disable CS0169, IDE0051 // The same on the other side.
        private readonly Room _after;
#pragma warning restore CS0169, IDE0051
    }

    [InlineArray(6)]
    private struct Room
    {
        private long _first;
    }
}
