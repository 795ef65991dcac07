using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace HyperActors.Kernel.Tests;

public sealed class TurnMeterTests : ActorTest
{
    public sealed class Quiet : ReceiveActor
    {
        public Quiet() => Receive<string>(_ => { });
    }

    [Fact]
    public void Listeners_hear_of_turns_and_of_the_tree()
    {
        var heard = new Dictionary<string, double>(StringComparer.Ordinal);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "HyperActors.Kernel")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        void Add(string name, double value)
        {
            lock (heard)
            {
                heard[name] = heard.GetValueOrDefault(name) + value;
            }
        }

        listener.SetMeasurementEventCallback<long>((i, value, _, _) => Add(i.Name, value));
        listener.SetMeasurementEventCallback<double>((i, _, _, _) => Add(i.Name, 1));
        listener.Start();
        IActorRef quiet = Start(Props.Create(() => new Quiet()), "quiet");
        Tell(quiet, "x");
        listener.RecordObservableInstruments();
        Assert.True(heard["kernel.turn.duration"] >= 1);
        Assert.True(heard["kernel.actors"] >= 4);
        Assert.True(heard["kernel.processed"] >= 1);
        Assert.True(((ActorCell)quiet).TimeInHandlers > TimeSpan.Zero);
    }

    [Fact]
    public void A_message_is_an_activity_when_somebody_traces()
    {
        var seen = new List<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "HyperActors.Kernel",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a =>
            {
                lock (seen)
                {
                    seen.Add($"{a.GetTagItem("actor.path")} {a.GetTagItem("message.type")}");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        IActorRef quiet = Start(Props.Create(() => new Quiet()), "traced");
        Tell(quiet, "x");
        Assert.Contains("/user/traced String", string.Join('\n', seen), StringComparison.Ordinal);
    }
}
