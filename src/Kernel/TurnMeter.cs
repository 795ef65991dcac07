using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace HyperActors.Kernel;

/// <summary>What the engine tells listeners of <c>HyperActors.Kernel</c>. Without a listener a turn reads two fields.</summary>
internal static class TurnMeter
{
    private const string Name = "HyperActors.Kernel";

    // Read once: the compiler leaves out what the switch forbids.
    private static readonly bool IsOn = !AppContext.TryGetSwitch("HyperActors.Kernel.Meters", out bool isOn) || isOn;

    private static readonly Meter Meter = new(Name);
    private static readonly ActivitySource Activities = new(Name);
    private static readonly Histogram<double> TurnDuration =
        Meter.CreateHistogram<double>("kernel.turn.duration", "s", "Time in one turn of an actor");

    private static readonly Lock Gate = new();
    private static readonly List<ActorSystem> Systems = [];

    static TurnMeter()
    {
        Meter.CreateObservableUpDownCounter("kernel.actors", () => Sum(c => c.Actors), "{actor}", "Living actors");
        Meter.CreateObservableUpDownCounter("kernel.mailbox.length", () => Sum(c => c.Waiting), "{message}", "Messages that wait");
        Meter.CreateObservableCounter("kernel.processed", () => Sum(c => c.Processed), "{message}", "Messages handled");
        Meter.CreateObservableCounter("kernel.restarts", () => Sum(c => c.Restarts), "{restart}", "Restarts");
        Meter.CreateObservableCounter("kernel.dropped", () => Sum(c => c.Dropped), "{message}", "Messages that full mailboxes dropped");
        Meter.CreateObservableCounter("kernel.dead_letters", () => Sum(c => c.DeadLetters), "{message}", "Dead letters");
    }

    public static bool WantsActivities => IsOn && Activities.HasListeners();

    public static void Register(ActorSystem system)
    {
        lock (Gate)
        {
            Systems.Add(system);
        }
    }

    public static void Unregister(ActorSystem system)
    {
        lock (Gate)
        {
            Systems.Remove(system);
        }
    }

    /// <returns>A stamp, or zero when nobody listens.</returns>
    public static long Begin() => IsOn && TurnDuration.Enabled ? RealClock.Stamp() : 0;

    /// <returns>The ticks that the turn took.</returns>
    public static long End(long stamp)
    {
        long ticks = RealClock.TicksSince(stamp);
        TurnDuration.Record(TimeSpan.FromTicks(ticks).TotalSeconds);
        return ticks;
    }

    public static Activity? StartActivity(ActorCell cell, object message)
    {
        Activity? activity = Activities.StartActivity("receive", ActivityKind.Consumer);
        activity?.SetTag("actor.path", cell.Path.ToStringWithoutAddress());
        activity?.SetTag("message.type", message.GetType().Name);
        return activity;
    }

    private static long Sum(Func<KernelTotals, long> figure)
    {
        ActorSystem[] systems;
        lock (Gate)
        {
            systems = [.. Systems];
        }

        return systems.Sum(s => figure(s.Counters.Totals()));
    }
}
