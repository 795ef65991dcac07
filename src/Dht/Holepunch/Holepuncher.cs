using System.Collections.Immutable;

namespace HyperActors.Dht;

/// <summary>One side of a hole punch: a socket whose NAT is judged, what is known of the peer's, and the probes between them.</summary>
/// <remarks>
/// <para>States: <b>judging</b> (our NAT is sampled), <b>punching</b> (probes go out, see <see cref="PunchAsync"/>), <b>connected</b> (the
/// initiator has heard a probe), <b>destroyed</b>. A probe is one byte; the responder answers each with the same byte, and the first
/// that the initiator hears is the way.</para>
/// <para>What a peer can make us send is bounded: so many addresses of its, so many answers, and hosts that it has not proved to
/// receive at get every fourth round only (docs/holepunching.md#hostile-peers).</para>
/// </remarks>
internal sealed partial class Holepuncher
{
    private static readonly byte[] _probe = [0];

    private readonly Connector _connector;
    private readonly ConnectorOptions _options;
    private readonly FlowScope _scope;
    private readonly bool _isInitiator;
    private readonly Action<int, DhtAddress> _connect;
    private readonly Action _abort;
    private readonly List<int> _sockets = [];
    private FlowScope _sampling;
    private FlowSource _judged;
    private Flow<bool>? _reopening;
    private Flow<bool>? _punching;
    private bool _isRandomPunch;
    private int _answers;

    private Holepuncher(
        Connector connector, bool isInitiator, Firewall remoteFirewall, Action<int, DhtAddress> connect, Action abort)
    {
        _connector = connector;
        _options = connector.Options;
        _scope = new FlowScope(connector.Scope);
        _isInitiator = isInitiator;
        _connect = connect;
        _abort = abort;
        RemoteFirewall = remoteFirewall;
        Nat = new NatAnalyzer(connector.Node.IsFirewalled);
        _sampling = new FlowScope(_scope);
        _judged = new FlowSource(Runner, _sampling);
    }

    /// <summary>The judgement of our NAT.</summary>
    public NatAnalyzer Nat { get; private set; }

    /// <summary>The socket that the peer is told about, and the one that has won in the end.</summary>
    public int Socket => _sockets[0];

    public bool IsPunching { get; private set; }

    public bool IsConnected { get; private set; }

    public bool IsDestroyed { get; private set; }

    /// <summary>What the peer says of its NAT.</summary>
    public Firewall RemoteFirewall { get; private set; }

    /// <summary>Whether the peer says that it punches.</summary>
    public bool IsRemotePunching { get; private set; }

    /// <summary>Where the peer says that it is, as much of it as is believed.</summary>
    public ImmutableArray<RemoteAddress> RemoteAddresses { get; private set; } = [];

    private FlowRunner Runner => _connector.Runner;

    private bool IsDone => IsDestroyed || IsConnected;

    // A NAT that gives each destination another port can't be opened from behind another such one; a fresh socket may fare better.
    private bool IsUnstable =>
        (RemoteFirewall >= Firewall.Random && Nat.Firewall >= Firewall.Random) || Nat.Firewall == Firewall.Unknown;

    /// <summary>Opens a socket and begins to judge its NAT; null when there is no socket to be had.</summary>
    /// <param name="connector">Whose sockets and limits these are.</param>
    /// <param name="isInitiator">True for the client.</param>
    /// <param name="remoteFirewall">What the peer's handshake says of its NAT.</param>
    /// <param name="connect">Called once, for the initiator alone: the way that was found.</param>
    /// <param name="abort">Called once when it ends without one.</param>
    public static Holepuncher? TryOpen(
        Connector connector, bool isInitiator, Firewall remoteFirewall, Action<int, DhtAddress> connect, Action abort)
    {
        var puncher = new Holepuncher(connector, isInitiator, remoteFirewall, connect, abort);
        if (connector.Sockets.Acquire(puncher) is not { } socket)
        {
            puncher._scope.Cancel();
            return null;
        }

        puncher.Use(socket);
        return puncher;
    }

    /// <summary>What the peer has told of itself.</summary>
    /// <param name="payload">The peer's message.</param>
    /// <param name="verifiedHost">A host at which it has just proved to receive.</param>
    public void UpdateRemote(HolepunchPayload payload, uint? verifiedHost)
    {
        ImmutableArray<RemoteAddress> known = RemoteAddresses;
        RemoteAddresses =
        [
            .. (payload.Addresses ?? []).Distinct().Where(a => a.Host != 0).Take(_options.MaxRemoteAddresses)
                .Select(a => new RemoteAddress(
                    a, a.Host == verifiedHost || known.Any(k => k.IsVerified && k.Address.Host == a.Host))),
        ];
        RemoteFirewall = payload.Firewall;
        IsRemotePunching = payload.IsPunching;
    }

    /// <summary>Sends a probe that arrives.</summary>
    public void Ping(DhtAddress to) => Send(Socket, to, isShort: false);

    /// <summary>Sends a probe that opens our NAT and gets lost behind it.</summary>
    public void OpenSession(DhtAddress to) => Send(Socket, to, isShort: true);

    /// <summary>Waits for a judgement of our NAT.</summary>
    /// <param name="mayReopen">Whether to try other sockets when this one will not do.</param>
    /// <returns>False when it will not do.</returns>
    public async Flow<bool> AnalyzeAsync(bool mayReopen)
    {
        await _judged.Flow.Ended();
        return IsUnstable ? mayReopen && await (_reopening ??= ReopenAsync()) : !IsDestroyed;
    }

    /// <summary>A byte came in on one of our sockets.</summary>
    public void HandleProbe(int socket, DhtAddress from)
    {
        if (!_isInitiator)
        {
            if (_answers++ < _options.MaxProbeAnswers)
            {
                Send(socket, from, isShort: false);
            }

            return;
        }

        if (IsDone)
        {
            return;
        }

        IsConnected = true;
        IsPunching = false;
        foreach (int other in _sockets.Where(s => s != socket))
        {
            _connector.Sockets.Release(other);
        }

        _sockets.Clear();
        _sockets.Add(socket);
        EndRandomPunch();
        _connect(socket, from);
    }

    /// <summary>Ends it; a connection that was found stays.</summary>
    public void Destroy()
    {
        if (IsDestroyed)
        {
            return;
        }

        IsDestroyed = true;
        IsPunching = false;
        foreach (int socket in _sockets)
        {
            _connector.Sockets.Release(socket);
        }

        EndRandomPunch();
        _scope.Cancel();
        if (!IsConnected)
        {
            _abort();
        }
    }

    private void Use(int socket)
    {
        _sockets.Clear();
        _sockets.Add(socket);
        SampleAsync(Nat, socket, _judged, _sampling).Forget(Connector.Rethrow);
    }

    private async Flow<bool> ReopenAsync()
    {
        for (int i = 0; i < _options.MaxReopens && IsUnstable && !IsDone && !IsPunching; i++)
        {
            if (_connector.Sockets.Acquire(this) is not { } socket)
            {
                break;
            }

            _connector.Sockets.Release(Socket);
            _sampling.Cancel();
            _sampling = new FlowScope(_scope);
            _judged = new FlowSource(Runner, _sampling);
            Nat = new NatAnalyzer(_connector.Node.IsFirewalled);
            Use(socket);
            await _judged.Flow.Ended();
        }

        return Nat.Firewall is Firewall.Consistent or Firewall.Open;
    }

    // Those who did not answer get a second chance, beside others.
    private async Flow SampleAsync(NatAnalyzer nat, int socket, FlowSource judged, FlowScope scope)
    {
        var answered = new HashSet<DhtAddress>();
        for (int pass = 0; pass < 2 && nat.Samples < NatAnalyzer.EnoughSamples; pass++)
        {
            await Flow.WhenAll(
                _connector.NodesToAsk(isChoosy: pass == 0).Where(n => !answered.Contains(n))
                    .Take(NatAnalyzer.EnoughSamples - nat.Samples + pass).Select(n => (Flow)PingAsync(n)).ToArray());
        }

        judged.TryComplete();

        async Flow PingAsync(DhtAddress node)
        {
            var ping = new DhtRequest { To = node, IsInternal = true, Command = DhtCommand.Ping, Socket = socket, Retries = 0 };
            if (await _connector.Node.RequestAsync(ping, scope) is { } reply)
            {
                answered.Add(node);
                nat.Add(reply.To, reply.From);
                if (nat.IsDecided)
                {
                    judged.TryComplete();
                }
            }
        }
    }

    private void Send(int socket, DhtAddress to, bool isShort)
    {
        if (to.Port != 0)
        {
            _connector.Counters.ProbesSent++;
            _connector.Node.Doors.Send(socket, to, _probe, isShort ? _options.ShortTimeToLive : (byte)0);
        }
    }

    /// <summary>An address that the peer says is its own.</summary>
    /// <param name="Address">The address; port 0 when it has another one for everybody.</param>
    /// <param name="IsVerified">Whether it has proved to receive at that host.</param>
    public readonly record struct RemoteAddress(DhtAddress Address, bool IsVerified);
}
