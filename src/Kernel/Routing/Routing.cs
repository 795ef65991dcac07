namespace HyperActors.Kernel;

/// <summary>Goes to every routee, not to one.</summary>
public sealed class Broadcast : RouterEnvelope
{
    public Broadcast(object message)
        : base(message)
    {
    }
}

/// <summary>A message with a word to the router; the routee gets the message alone.</summary>
public class RouterEnvelope
{
    public RouterEnvelope(object message) => Message = message;

    public object Message { get; }
}

/// <summary>Asks a router for its <see cref="Routees"/>.</summary>
public sealed class GetRoutees
{
    public static GetRoutees Instance { get; } = new();

    private GetRoutees()
    {
    }
}

/// <summary>Those to whom a router passes messages on.</summary>
public sealed class Routees
{
    public Routees(IEnumerable<Routee> routees) => Members = routees;

    public IEnumerable<Routee> Members { get; }
}

/// <summary>One to whom a router passes messages on.</summary>
public class Routee
{
    public virtual void Send(object message, IActorRef sender)
    {
    }
}

public class ActorRefRoutee : Routee
{
    public ActorRefRoutee(IActorRef actor) => Actor = actor;

    public IActorRef Actor { get; }

    public override void Send(object message, IActorRef sender) => Actor.Tell(message, sender);
}

public class ActorSelectionRoutee : Routee
{
    public ActorSelectionRoutee(ActorSelection actor) => Selection = actor;

    public ActorSelection Selection { get; }

    public override void Send(object message, IActorRef sender) => Selection.Tell(message, sender);
}

/// <summary>Says by itself which routee it belongs to: equal keys go to the same one.</summary>
public interface IConsistentHashable
{
    object ConsistentHashKey { get; }
}

/// <summary>A message with the key that chooses its routee.</summary>
public sealed class ConsistentHashableEnvelope : RouterEnvelope, IConsistentHashable
{
    public ConsistentHashableEnvelope(object message, object hashKey)
        : base(message) => HashKey = hashKey;

    public object HashKey { get; }

    public object ConsistentHashKey => HashKey;
}

/// <summary>The key of a message, or null when it has none.</summary>
public delegate object? ConsistentHashMapping(object msg);

/// <summary>What kind of router a <see cref="Props"/> asks for.</summary>
public abstract class RouterConfig
{
    private protected RouterConfig()
    {
    }

    internal abstract IRoutingLogic CreateLogic();
}

/// <summary>A router that makes its routees itself, as its children.</summary>
public abstract class Pool : RouterConfig
{
    private protected Pool(int nrOfInstances, SupervisorStrategy? strategy)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nrOfInstances, 1);
        NrOfInstances = nrOfInstances;
        SupervisorStrategy = strategy ?? Kernel.SupervisorStrategy.DefaultStrategy;
    }

    public int NrOfInstances { get; }

    public SupervisorStrategy SupervisorStrategy { get; }

    public Props Props(Props routeeProps) => routeeProps.WithRouter(this);
}

/// <summary>A router whose routees live elsewhere, at paths.</summary>
public abstract class Group : RouterConfig
{
    private protected Group(IEnumerable<string> paths) => Paths = [.. paths];

    internal string[] Paths { get; }

    public Props Props() => Kernel.Props.From(static () => new NoActor()).WithRouter(this);

    private sealed class NoActor : UntypedActor
    {
        protected override void OnReceive(object message)
        {
        }
    }
}

/// <summary>Each routee in turn.</summary>
public sealed class RoundRobinPool : Pool
{
    public RoundRobinPool(int nrOfInstances)
        : this(nrOfInstances, null)
    {
    }

    private RoundRobinPool(int nrOfInstances, SupervisorStrategy? strategy)
        : base(nrOfInstances, strategy)
    {
    }

    public RoundRobinPool WithSupervisorStrategy(SupervisorStrategy strategy) => new(NrOfInstances, strategy);

    internal override IRoutingLogic CreateLogic() => new RoundRobin();
}

public sealed class RoundRobinGroup : Group
{
    public RoundRobinGroup(params string[] paths)
        : base(paths)
    {
    }

    public RoundRobinGroup(IEnumerable<string> paths)
        : base(paths)
    {
    }

    internal override IRoutingLogic CreateLogic() => new RoundRobin();
}

/// <summary>Equal keys to the same routee; when one goes, only its keys move.</summary>
public sealed class ConsistentHashingPool : Pool
{
    private readonly ConsistentHashMapping? _mapping;

    public ConsistentHashingPool(int nrOfInstances)
        : this(nrOfInstances, null, null)
    {
    }

    private ConsistentHashingPool(int nrOfInstances, SupervisorStrategy? strategy, ConsistentHashMapping? mapping)
        : base(nrOfInstances, strategy) => _mapping = mapping;

    public ConsistentHashingPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        new(NrOfInstances, strategy, _mapping);

    public ConsistentHashingPool WithHashMapping(ConsistentHashMapping mapping) =>
        new(NrOfInstances, SupervisorStrategy, mapping);

    internal override IRoutingLogic CreateLogic() => new ConsistentHashing(_mapping);
}

public sealed class ConsistentHashingGroup : Group
{
    private readonly ConsistentHashMapping? _mapping;

    public ConsistentHashingGroup(params string[] paths)
        : this(paths, null)
    {
    }

    public ConsistentHashingGroup(IEnumerable<string> paths)
        : this(paths, null)
    {
    }

    private ConsistentHashingGroup(IEnumerable<string> paths, ConsistentHashMapping? mapping)
        : base(paths) => _mapping = mapping;

    public ConsistentHashingGroup WithHashMapping(ConsistentHashMapping mapping) => new(Paths, mapping);

    internal override IRoutingLogic CreateLogic() => new ConsistentHashing(_mapping);
}
