using Akka.Actor;

namespace Akka.Routing;

public abstract class RouterConfig
{
    private protected RouterConfig()
    {
    }
}

public abstract class Pool : RouterConfig
{
    private protected Pool()
    {
    }

    public int NrOfInstances => Shape.Of<int>();

    public virtual SupervisorStrategy SupervisorStrategy => Shape.Of<SupervisorStrategy>();

    public Props Props(Props routeeProps) => Shape.Of<Props>();
}

public abstract class Group : RouterConfig
{
    private protected Group()
    {
    }

    public Props Props() => Shape.Of<Props>();
}

public sealed class RoundRobinPool : Pool
{
    public RoundRobinPool(int nrOfInstances) => Shape.Nothing();

    public RoundRobinPool WithSupervisorStrategy(SupervisorStrategy strategy) => Shape.Of<RoundRobinPool>();
}

public sealed class RoundRobinGroup : Group
{
    public RoundRobinGroup(params string[] paths) => Shape.Nothing();

    public RoundRobinGroup(IEnumerable<string> paths) => Shape.Nothing();
}

public delegate object ConsistentHashMapping(object msg);

public interface IConsistentHashable
{
    object ConsistentHashKey { get; }
}

public sealed class ConsistentHashableEnvelope : RouterEnvelope, IConsistentHashable
{
    public ConsistentHashableEnvelope(object message, object hashKey)
        : base(message)
    {
    }

    public object HashKey => Shape.Of<object>();

    public object ConsistentHashKey => Shape.Of<object>();
}

public sealed class ConsistentHashingPool : Pool
{
    public ConsistentHashingPool(int nrOfInstances) => Shape.Nothing();

    public ConsistentHashingPool WithSupervisorStrategy(SupervisorStrategy strategy) =>
        Shape.Of<ConsistentHashingPool>();

    public ConsistentHashingPool WithHashMapping(ConsistentHashMapping mapping) =>
        Shape.Of<ConsistentHashingPool>();
}

public sealed class ConsistentHashingGroup : Group
{
    public ConsistentHashingGroup(params string[] paths) => Shape.Nothing();

    public ConsistentHashingGroup(IEnumerable<string> paths) => Shape.Nothing();

    public ConsistentHashingGroup WithHashMapping(ConsistentHashMapping mapping) =>
        Shape.Of<ConsistentHashingGroup>();
}

public class RouterEnvelope
{
    public RouterEnvelope(object message) => Shape.Nothing();

    public object Message => Shape.Of<object>();
}

public class Broadcast : RouterEnvelope
{
    public Broadcast(object message)
        : base(message)
    {
    }
}

public sealed class GetRoutees
{
    public static GetRoutees Instance => Shape.Of<GetRoutees>();
}

public sealed class Routees
{
    public Routees(IEnumerable<Routee> routees) => Shape.Nothing();

    public IEnumerable<Routee> Members => Shape.Of<IEnumerable<Routee>>();
}

public class Routee
{
    public virtual void Send(object message, IActorRef sender) => Shape.Nothing();
}

public class ActorRefRoutee : Routee
{
    public ActorRefRoutee(IActorRef actor) => Shape.Nothing();

    public IActorRef Actor => Shape.Of<IActorRef>();
}
