namespace HyperActors.Actors.Tests;

/// <summary>Makes one child, and passes on to a probe what the child tells its parent.</summary>
internal sealed class ParentActor : UntypedActor
{
    private readonly IActorRef _probe;

    public ParentActor(Props child, string name, IActorRef probe)
    {
        _probe = probe;
        Child = Context.ActorOf(child, name);
        probe.Tell(new Made(Child), Self);
    }

    private IActorRef Child { get; }

    /// <summary>Makes it as the child of an actor that passes everything on to <paramref name="probe"/>.</summary>
    public static IActorRef Make(ActorSystem system, Props child, string name, TestKit.TestProbe probe)
    {
        system.ActorOf(Props.Create(() => new ParentActor(child, name, probe.Ref)));
        return probe.FishForMessage<Made>().Child;
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void OnReceive(object message) => _probe.Tell(message, Sender);

    public sealed record Made(IActorRef Child);
}
