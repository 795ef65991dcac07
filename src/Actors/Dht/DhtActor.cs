using System.Net;
using System.Net.Sockets;
using HyperActors.Abstractions;
using HyperActors.Dht;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>The DHT of one node: drives its machines over the node's UDP sockets.</summary>
/// <remarks>
/// Parent: <see cref="NodeActor"/>, or <see cref="DhtHostActor"/>. Children: a <see cref="BucketActor"/> per bucket of the
/// routing table, and a <see cref="RelaysActor"/> once there is something to relay. A restart begins with other sockets and an empty table, which fills by itself; connections that ran on the
/// sockets end.
/// </remarks>
public sealed partial class DhtActor : ReceiveActor, IWithTimers
{
    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private sealed record LookAtNetwork
    {
        public static LookAtNetwork Instance { get; } = new();
    }

    private sealed record Remember
    {
        public static Remember Instance { get; } = new();
    }

    /// <summary>The names of the nodes to start from were looked up, or it took too long.</summary>
    private sealed record NamesKnown(IReadOnlyList<DhtBootstrap>? Nodes);

    private const int PortTries = 5;

    /// <summary>Longer than a good name server takes; nodes that have an address are asked then in any case.</summary>
    private static readonly TimeSpan MaxNameTime = TimeSpan.FromSeconds(3);

    private readonly DhtSetup _setup;
    private readonly NetworkOptions _network;
    private readonly DatagramInbox _inbox;
    private IReadOnlyList<uint> _localHosts = [];
    private DhtSockets _sockets = null!;
    private HyperDht _dht = null!;
    private Connector _connector = null!;
    private Exception? _fault;
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private bool _isNamed;

    public DhtActor(DhtSetup setup)
    {
        _setup = setup;
        _network = setup.Network;
        _ourRelays = _network.UsesRelays ? [.. Keys(_network.RelayThrough ?? [])] : [];
        _inbox = new DatagramInbox(_network.MaxWaitingDatagrams);

        Receive<DatagramInbox.Arrived>(_ => TakeDatagrams());
        Receive<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _dht.HandleTimeout(Now);
            _connector.HandleTimeout(Now);
            Drain();
        });
        Receive<BucketActor.Changed>(m => Node.InstallBucket(m.Generation, m.Bucket, m.Contacts));
        Receive<BucketActor.PingWanted>(m =>
        {
            if (m.Generation == Node.Generation)
            {
                Node.PingContact(m.Contact);
                Drain();
            }
        });
        Receive<Limit>(m =>
        {
            _setup.Memory.Limits = m.Limits;
            Node.Limit(m.Limits);
        });
        Receive<NamesKnown>(m => Begin(m.Nodes));
        Receive<LookAtNetwork>(_ => LookAround());
        Receive<Remember>(_ => WriteContacts());
        ReceiveRequests();
        ReceiveOperations();
        ReceiveConnections();
        ReceiveRelaying();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private DhtNode Node => _dht.Node;

    public static Props PropsFor(DhtSetup setup) => Props.Create(() => new DhtActor(setup));

    /// <summary>What becomes of a part that fails: contacts are heard of again, relays are asked again.</summary>
    public static Directive Decide(Exception failure) => Directive.Restart;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(3, TimeSpan.FromMinutes(1), Decide);

    protected override void PostRestart(Exception reason)
    {
        Context.Parent.Tell(Restarted.Instance, Self);
        base.PostRestart(reason);
    }

    protected override void PreStart()
    {
        _inbox.Open(Self);
        _sockets = new DhtSockets(_setup.Hub, IPAddress.Parse(_network.Host), _setup.Addresses, _inbox, Self);
        (int Socket, DhtAddress Address) server = BindServer();
        (int Socket, DhtAddress Address) client = _sockets.Bind(0);
        IReadOnlyList<string> texts = Texts();
        IReadOnlyList<DhtBootstrap>? nodes = BootstrapNames.TryRead(texts);
        _dht = new HyperDht(
            OptionsFor(server.Address),
            _network.Records,
            _sockets,
            _setup.Random,
            server.Socket,
            server.Address,
            client.Socket,
            client.Address,
            Context.System.Scheduler.Now,
            Now);
        if (_setup.Memory.Limits is { } limits)
        {
            Node.Limit(limits);
        }

        Node.Buckets = new BucketActors(Context, Node.Options);
        _connector = new Connector(Node, _network.Connecting, _setup.Keys, this, _network.RelaysForOthers ? _network.Relay : null);
        _dht.Commands.Server = _connector.TryHandle;
        _connector.FindForward = _dht.Commands.FindForward;
        _localHosts = _sockets.LocalHosts;
        if (nodes is not null)
        {
            Begin(nodes);
            return;
        }

        // An address that was suggested does for the start.
        Timers.StartSingleTimer(nameof(NamesKnown), new NamesKnown(null), MaxNameTime);
        _ = BootstrapNames.ResolveAsync(texts).PipeTo(Self, Self, found => new NamesKnown(found), _ => new NamesKnown(null));
    }

    protected override void PostStop()
    {
        _dht?.Node.Destroy();
        _sockets?.Flush();
        _sockets?.Dispose();
        RefuseAll();
        _relayKeys?.Dispose();
    }

    private IReadOnlyList<string> Texts() => !_network.UsesDht ? [] : [.. _network.Bootstrap ?? [.. NetworkOptions.PublicBootstrap]];

    private (int Socket, DhtAddress Address) BindServer()
    {
        for (int i = 0; i < PortTries && _network.Port + i <= IPEndPoint.MaxPort; i++)
        {
            try
            {
                return _sockets.Bind(_network.Port == 0 ? 0 : _network.Port + i);
            }
            catch (SocketException e) when (_network.IsPortFixed || _network.Port == 0 || e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                throw new HyperActorsException($"cannot use {_network.Host}:{_network.Port}: {TcpNetwork.Explain(e)}", e);
            }
            catch (SocketException)
            {
                // Somebody else has it: the next one.
            }
        }

        return _sockets.Bind(0);
    }

    private DhtOptions OptionsFor(DhtAddress server)
    {
        DhtOptions options = _network.Limits with
        {
            IsFirewalled = _network.IsFirewalled ?? true,
            IsEphemeral = _network.IsEphemeral,
        };
        return !_network.IsBootstrapper ? options
            : server.Host == 0 ? throw new HyperActorsException("a node that begins a network needs the address that others reach it at as its host")
            : options with { IsFirewalled = false, IsEphemeral = false, OwnAddress = server };
    }

    private void Begin(IReadOnlyList<DhtBootstrap>? nodes)
    {
        if (nodes is not null)
        {
            Node.Bootstrap = nodes;
        }

        if (_isNamed)
        {
            return;
        }

        _isNamed = true;
        if (nodes is null)
        {
            Node.Bootstrap = BootstrapNames.Suggested(Texts());
        }

        ReadContacts();
        Run(Node.BootstrapAsync());
        StartRelaying();
        if (_network.Host is "0.0.0.0")
        {
            Timers.StartPeriodicTimer(nameof(LookAtNetwork), LookAtNetwork.Instance, _network.NetworkPollInterval);
        }

        if (_setup.Notes is not null)
        {
            Timers.StartPeriodicTimer(nameof(Remember), Remember.Instance, RememberInterval);
        }

        while (_early.TryDequeue(out (object Message, IActorRef Sender) early))
        {
            Self.Tell(early.Message, early.Sender);
        }

        Drain();
    }

    private void TakeDatagrams()
    {
        using DatagramBatch? batch = _inbox.Take();
        TimeSpan now = Now;
        for (int i = 0; i < batch?.Count; i++)
        {
            ReadOnlySpan<byte> datagram = batch.Get(i, out int socket, out DhtAddress from);
            if (datagram.Length == 1)
            {
                _connector.HandleProbe(socket, from, now);
            }
            else
            {
                _dht.HandleDatagram(datagram, socket, from, now);
            }
        }

        Drain();
    }

    private void LookAround()
    {
        IReadOnlyList<uint> hosts = _sockets.LocalHosts;
        if (hosts.SequenceEqual(_localHosts))
        {
            return;
        }

        _localHosts = hosts;
        Node.HandleNetworkChange(Now);
        _connector.HandleNetworkChange(Now);
        _incomingTo?.Tell(NetworkChanged.Instance, Self);
        Drain();
    }

    /// <summary>Lets a flow of the machine run by itself. One that fails is a fault of ours, and ends this life.</summary>
    private void Run(Flow flow) => flow.Forget(failure => _fault ??= failure);

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void Drain()
    {
        // Flows that the turn has started or cancelled take their next steps.
        Node.Runner.Run();
        while (_dht.TryPollEvent(out DhtEvent? happened))
        {
            Handle(happened!);
        }

        while (_connector.TryPollEvent(out ConnectorEvent? happened))
        {
            Handle(happened);
        }

        SendRelayMessages();
        _sockets.Flush();
        if (_fault is { } fault)
        {
            _fault = null;
            throw new InvalidOperationException($"the DHT has failed: {fault.Message}", fault);
        }

        // Only ever earlier: an early wake costs one turn, a timer per datagram costs allocations.
        if (Earlier(_dht.Deadline, _connector.Deadline) is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    private static TimeSpan? Earlier(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other : one;
}
