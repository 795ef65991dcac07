using System.Globalization;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>The connections that blind relaying takes: to our relays, and of those who relay through us.</summary>
/// <remarks>
/// Parent: <see cref="DhtActor"/>, which drives the machines. Children: a <see cref="ConnectionActor"/> per connection, apart from
/// those that feeds go over: no swarm counts them. A restart loses all of them; what runs through them ends or is asked for anew.
/// </remarks>
public sealed class RelaysActor : ReceiveActor
{
    /// <summary>Puts a link on a stream.</summary>
    /// <param name="Link">Its number.</param>
    /// <param name="Connection">Stream and keys, which are the link's from now on.</param>
    /// <param name="Transport">The stream.</param>
    /// <param name="Pair">What is asked of the relay at the other end; null when we are the relay.</param>
    public sealed record Open(long Link, DhtConnection Connection, ITransport Transport, ReadOnlyMemory<byte>? Pair);

    /// <summary>Ends a connection in order; one that is gone already is ignored.</summary>
    public sealed record Close(long Link);

    /// <summary>Told to the parent, once: the connection is over.</summary>
    public sealed record Closed(long Link);

    private readonly DhtSetup _setup;
    private readonly Dictionary<long, IActorRef> _links = [];

    public RelaysActor(DhtSetup setup)
    {
        _setup = setup;
        Receive<Open>(Handle);
        Receive<Close>(m =>
        {
            if (_links.TryGetValue(m.Link, out IActorRef? link))
            {
                link.Tell(ConnectionActor.End.Instance, Self);
            }
        });
        Receive<ConnectionActor.Opened>(_ => { });
        Receive<ConnectionActor.UnorderedArrived>(_ => { });
        Receive<ConnectionActor.Ended>(m =>
        {
            if (_links.Remove(m.ConnectionId))
            {
                Context.Parent.Tell(new Closed(m.ConnectionId), Self);
            }
        });
    }

    public static Props PropsFor(DhtSetup setup) => Props.Create(() => new RelaysActor(setup));

    /// <summary>What becomes of a connection that fails. None is restarted: its stream and its keys are gone.</summary>
    public static Directive Decide(Exception failure) => Directive.Stop;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(Decide);

    // Nobody waits on the dead.
    protected override void PostStop()
    {
        foreach (long link in _links.Keys)
        {
            Context.Parent.Tell(new Closed(link), Self);
        }
    }

    private void Handle(Open open)
    {
        DhtConnection connection = open.Connection;
        IActorRef link = Context.ActorOf(
            ConnectionActor.PropsFor(
                open.Link,
                open.Transport,
                connection.IsInitiator,
                _setup.Keys,
                connection.Keys,
                connection.RemotePublicKey,
                _setup.Random,
                _setup.Links,
                _setup.RelayConnections,
                _setup.Log,
                new RelayRole(Context.Parent, open.Pair)),
            string.Create(CultureInfo.InvariantCulture, $"conn-{open.Link}"));
        _links.Add(open.Link, link);
    }
}
