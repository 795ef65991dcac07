namespace HyperActors.Kernel;

/// <summary>Akka's scheduler over a clock of ours.</summary>
internal sealed class KernelScheduler(ActorSystem system, Clock clock) : IScheduler, IAdvancedScheduler
{
    public DateTimeOffset Now => clock.Now;

    public TimeSpan MonotonicClock => clock.Elapsed;

    public TimeSpan HighResMonotonicClock => clock.Elapsed;

    public IAdvancedScheduler Advanced => this;

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef? sender) =>
        ScheduleTellOnce(delay, receiver, message, sender, null);

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef? sender, ICancelable? cancelable)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        Arm(new TellLater(clock, null, cancelable, receiver, message, sender), delay, cancelable);
    }

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef? sender) =>
        ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, null);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef? sender,
        ICancelable? cancelable)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        Arm(new TellLater(clock, interval, cancelable, receiver, message, sender), initialDelay, cancelable);
    }

    public void ScheduleOnce(TimeSpan delay, Action action) => ScheduleOnce(delay, action, null);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable? cancelable) =>
        Arm(new CallLater(clock, null, cancelable, system, action), delay, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        ScheduleRepeatedly(initialDelay, interval, action, null);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable? cancelable)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        Arm(new CallLater(clock, interval, cancelable, system, action), initialDelay, cancelable);
    }

    private void Arm(ScheduledItem item, TimeSpan delay, ICancelable? cancelable)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        if (cancelable is { IsCancellationRequested: true })
        {
            return;
        }

        clock.Arm(item, clock.Elapsed + delay);
        (cancelable as Cancelable)?.Attach(clock, item);
    }

    private abstract class Later(Clock clock, TimeSpan? interval, ICancelable? cancelable) : ScheduledItem
    {
        public sealed override void Fire()
        {
            if (cancelable is { IsCancellationRequested: true })
            {
                return;
            }

            if (interval is { } step)
            {
                // In step with the first one, but never a burst to catch up.
                TimeSpan next = Due + step;
                TimeSpan now = clock.Elapsed;
                clock.Arm(this, next > now ? next : now + step);
            }

            Act();
        }

        protected abstract void Act();
    }

    private sealed class TellLater(
        Clock clock, TimeSpan? interval, ICancelable? cancelable, ICanTell receiver, object message, IActorRef? sender)
        : Later(clock, interval, cancelable)
    {
        protected override void Act() => receiver.Tell(message, sender);
    }

    private sealed class CallLater(
        Clock clock, TimeSpan? interval, ICancelable? cancelable, ActorSystem system, Action action)
        : Later(clock, interval, cancelable)
    {
        protected override void Act()
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                system.Report(new Error(e, "scheduler", typeof(KernelScheduler), e.Message));
            }
        }
    }
}
