using System.Globalization;

namespace HyperActors.Actors;

/// <summary>Nodes of the DHT without anything else: no storage, no connections.</summary>
/// <remarks>Parent: the user guardian. Children: a <see cref="DhtActor"/> per node. Never restarted: it keeps nothing but its children.</remarks>
public sealed class DhtHostActor : ReceiveActor
{
    /// <summary>Starts a node. Answered with <see cref="Added"/>, or refused when it can't be had.</summary>
    public sealed record Add(DhtSetup Setup);

    /// <summary>It is there; it meets its network by itself.</summary>
    public sealed record Added(IActorRef Node);

    private readonly StopSignal _end;
    private readonly Dictionary<IActorRef, IActorRef> _starting = [];
    private int _count;

    public DhtHostActor(StopSignal end)
    {
        _end = end;
        Receive<Add>(m =>
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"node-{++_count}");
            IActorRef node = Context.ActorOf(DhtActor.PropsFor(m.Setup), name);
            _starting.Add(node, Sender);
            Context.Watch(node);
            node.Tell(DhtActor.GetInfo.Instance, Self);
        });
        Receive<Abstractions.DhtInfo>(_ =>
        {
            if (_starting.Remove(Sender, out IActorRef? asker))
            {
                asker.Tell(new Added(Sender), Self);
            }
        });
        Receive<DhtActor.Restarted>(_ => { });
        Receive<Terminated>(m =>
        {
            if (_starting.Remove(m.ActorRef, out IActorRef? asker))
            {
                asker.Tell(new Status.Failure(_end.ToFailure()), Self);
            }
        });
    }

    public static Props PropsFor(StopSignal end) => Props.Create(() => new DhtHostActor(end));

    /// <summary>What becomes of a node that fails. Nodes share nothing, so the others never notice.</summary>
    public static Directive Decide(Exception failure) => failure switch
    {
        ActorInitializationException => Directive.Stop, // its port can't be had: the cause is inside
        _ => Directive.Restart,                         // three times a minute, then Stop
    };

    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(3, TimeSpan.FromMinutes(1), failure =>
        {
            _end.Failure = failure is ActorInitializationException { InnerException: { } cause } ? cause : failure;
            return Decide(failure);
        });

    protected override void PostStop() => _end.Stop();
}
