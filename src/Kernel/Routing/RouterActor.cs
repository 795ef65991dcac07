using System.Globalization;
using System.Text;

namespace HyperActors.Kernel;

/// <summary>Chooses one of several.</summary>
internal interface IRoutingLogic
{
    /// <returns>The place of the chosen one, or -1 for nobody.</returns>
    int Select(object message, IReadOnlyList<string> routees);
}

internal sealed class RoundRobin : IRoutingLogic
{
    private uint _next;

    public int Select(object message, IReadOnlyList<string> routees) =>
        routees.Count == 0 ? -1 : (int)(_next++ % (uint)routees.Count);
}

/// <summary>Rendezvous hashing: of all routees the one whose name, hashed with the key, comes out highest.</summary>
internal sealed class ConsistentHashing(ConsistentHashMapping? mapping) : IRoutingLogic
{
    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    public int Select(object message, IReadOnlyList<string> routees)
    {
        object? key = (message as IConsistentHashable)?.ConsistentHashKey ?? mapping?.Invoke(message);
        if (key is null)
        {
            return -1;
        }

        ulong keyHash = Hash(FnvOffset, Text(key));
        int best = -1;
        ulong highest = 0;
        for (int i = 0; i < routees.Count; i++)
        {
            ulong score = Mix(Hash(keyHash, routees[i]));
            if (best < 0 || score > highest)
            {
                (best, highest) = (i, score);
            }
        }

        return best;
    }

    private static string Text(object key) => key switch
    {
        string text => text,
        byte[] bytes => Convert.ToHexString(bytes),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => key.ToString() ?? "",
    };

    private static ulong Hash(ulong hash, string text)
    {
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ b) * FnvPrime;
        }

        return hash;
    }

    private static ulong Mix(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        return hash ^ (hash >> 33);
    }
}

/// <summary>A router: passes each message on to one of its routees, under the name of whoever sent it.</summary>
/// <remarks>Children: the routees of a pool. A pool whose last routee has stopped stops too.</remarks>
internal sealed class RouterActor : UntypedActor
{
    private readonly RouterConfig _config;
    private readonly Props _routeeProps;
    private readonly IRoutingLogic _logic;
    private readonly List<Routee> _routees = [];
    private readonly List<string> _names = [];

    private RouterActor(RouterConfig config, Props routeeProps)
    {
        _config = config;
        _routeeProps = routeeProps;
        _logic = config.CreateLogic();
    }

    public static Props PropsFor(Props props)
    {
        RouterConfig config = props.RouterConfig!;
        Props routees = props.WithRouter(null);
        return Props.From(() => new RouterActor(config, routees));
    }

    protected override void PreStart()
    {
        switch (_config)
        {
            case Pool pool:
                for (int i = 0; i < pool.NrOfInstances; i++)
                {
                    IActorRef routee = Context.Watch(Context.ActorOf(_routeeProps));
                    Add(new ActorRefRoutee(routee), routee.Path.Name);
                }

                break;
            case Group group:
                foreach (string path in group.Paths)
                {
                    Add(new ActorSelectionRoutee(Context.ActorSelection(path)), path);
                }

                break;
        }
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        (_config as Pool)?.SupervisorStrategy ?? Kernel.SupervisorStrategy.DefaultStrategy;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Terminated terminated:
                Remove(terminated.ActorRef);
                break;
            case GetRoutees:
                Sender.Tell(new Routees([.. _routees]), Self);
                break;
            case Broadcast broadcast:
                foreach (Routee routee in _routees)
                {
                    routee.Send(broadcast.Message, Sender);
                }

                break;
            default:
                Route(message);
                break;
        }
    }

    private void Route(object message)
    {
        int place = _logic.Select(message, _names);
        object content = message is RouterEnvelope envelope ? envelope.Message : message;
        if (place < 0)
        {
            Context.System.DeadLetters.Tell(content, Sender);
        }
        else
        {
            _routees[place].Send(content, Sender);
        }
    }

    private void Add(Routee routee, string name)
    {
        _routees.Add(routee);
        _names.Add(name);
    }

    private void Remove(IActorRef actor)
    {
        int place = _routees.FindIndex(r => r is ActorRefRoutee member && member.Actor.Equals(actor));
        if (place >= 0)
        {
            _routees.RemoveAt(place);
            _names.RemoveAt(place);
        }

        if (_config is Pool && _routees.Count == 0)
        {
            Context.Stop(Self);
        }
    }
}
