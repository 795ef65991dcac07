using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Dht;

/// <summary>A server's side of one handshake: what it answered, the stream that waits for the client, and the hole that is punched for it.</summary>
/// <remarks>
/// States: <b>waiting</b> (for the client's first packet, or for its first message about hole punching), <b>punching</b>, <b>relayed</b>
/// (connected through a blind relay, a direct way may still come), <b>claimed</b> (the client has come), <b>over</b>. Claimed and over, it
/// is remembered a while longer, so that copies of the handshake get the same answer.
/// </remarks>
internal sealed class IncomingSession : IStreamOwner, IDisposable
{
    private readonly Connector _connector;
    private readonly Listener _listener;
    private readonly FlowScope _scope;
    private FlowScope? _waiting;
    private NoisePayload _remote = new();
    private SessionKeys? _keys;
    private HolepunchCipher? _cipher;
    private IRawStream? _stream;
    private Holepuncher? _puncher;
    private RelayLeg? _relay;
    private Connector.Route? _route;
    private DhtConnection? _connection;
    private PublicKey _peer;
    private bool _isDirect;
    private bool _isClaimed;
    private bool _isOver;
    private ulong _round;
    private int _messages;

    public IncomingSession(Connector connector, Listener listener, ulong id, in Hash message, DhtAddress clientAddress)
    {
        (_connector, _listener, Id, MessageHash, ClientAddress) = (connector, listener, id, message, clientAddress);
        _scope = new FlowScope(connector.Scope);
    }

    /// <summary>What the client calls the session.</summary>
    public ulong Id { get; }

    /// <summary>The hash of the client's handshake.</summary>
    public Hash MessageHash { get; }

    /// <summary>Where the client is, as the relay saw it.</summary>
    public DhtAddress ClientAddress { get; }

    /// <summary>Our handshake.</summary>
    public ReadOnlyMemory<byte>? Reply { get; private set; }

    /// <summary>The socket that the answer leaves by, so that the client punches to its address; null for the one that was asked.</summary>
    public int? ReplySocket { get; private set; }

    private ListenOptions Options => _listener.Options;

    private bool HasRelay => _relay is not null;

    /// <summary>Reads the handshake and writes the answer; false when there is none to be given.</summary>
    public bool TryOpen(HandshakeEnvelope envelope, IncomingRequest request, KeyPair keys)
    {
        using var handshake = PeerHandshake.Respond(keys, _connector.Random);
        if (!handshake.TryRead(envelope.Noise.Span, out _remote))
        {
            _connector.Counters.InvalidHandshakes++;
            return false;
        }

        _peer = handshake.RemotePublicKey;
        if (Options.Firewall?.Invoke(new IncomingHandshake(_peer, _remote, ClientAddress)) == true)
        {
            _connector.Counters.RejectedHandshakes++;
            return false;
        }

        _isDirect = envelope.PeerAddress is null;
        HyperError error =
            _remote.Version != NoisePayload.CurrentVersion ? HyperError.VersionMismatch :
            _remote.Udx is null ? HyperError.Aborted : HyperError.None;
        if (error == HyperError.None)
        {
            _stream = _connector.OpenStream(this);
            error = _stream is null ? HyperError.Aborted : HyperError.None;
        }

        DhtAddress? open = _connector.OpenAddress;
        RelayThroughInfo? relay = Options.RelayThrough.Count == 0 || Options.NeedsRelay?.Invoke() == false
            ? null
            : new RelayThroughInfo(
                Options.RelayThrough[_connector.Random.NextInt32(Options.RelayThrough.Count)], _connector.NewToken());
        var payload = new NoisePayload
        {
            Error = error,
            Firewall = open is null ? Firewall.Unknown : Firewall.Open,
            Holepunch = open is null ? new HolepunchInfo(Id, _listener.Announcer.Relays) : null,
            Addresses =
            [
                .. open is { } own ? [own] : Array.Empty<DhtAddress>(),
                .. Options.ShareLocalAddresses ? _connector.LocalAddresses() : [],
            ],
            Udx = new UdxInfo(_stream?.Id ?? 0, IsReusableSocket: Options.ReusableSocket),
            SecretStreamVersion = 1,
            RelayThrough = relay,
            RelayAddresses = _listener.Announcer.RelayAddresses is { IsEmpty: false } addresses ? addresses : null,
        };
        if (!handshake.TryWrite(payload, out byte[] reply))
        {
            _connector.Counters.InvalidHandshakes++;
            _stream?.Destroy();
            return false;
        }

        Reply = reply;
        if (error == HyperError.None)
        {
            _keys = handshake.Split();
            _cipher = handshake.CreateHolepunchCipher(_connector.Random);
            Prepare(request, open, relay);
        }

        return true;
    }

    /// <summary>Begins to wait; the session has its place now.</summary>
    public void Start()
    {
        if (_keys is null)
        {
            _isOver = true;
            _listener.ForgetLater(this);
            return;
        }

        _waiting = new FlowScope(_scope);
        WaitAsync(_waiting).Forget(Connector.Rethrow);

        // A client that everybody reaches waits to be called.
        if (_remote.Firewall == Firewall.Open && !_isDirect)
        {
            Claim(ConnectionWay.Direct, _connector.Node.Socket, ClientAddress);
        }
    }

    /// <summary>A message of the client's about hole punching, sealed.</summary>
    public async Flow HandleHolepunchAsync(HolepunchEnvelope envelope, DhtAddress peerAddress, IncomingRequest request)
    {
        if (_cipher is not { } cipher || _isOver || !cipher.TryOpen(envelope.Payload.Span, out HolepunchPayload payload))
        {
            return;
        }

        if (_messages++ >= _connector.Options.MaxHolepunchMessages)
        {
            _connector.Counters.Dropped++;
            return;
        }

        if (await AnswerAsync(payload, peerAddress, request) is { } answer && !_isOver)
        {
            int socket = answer.Error is HyperError.None or HyperError.TryLater && _puncher is { IsDestroyed: false } puncher
                ? puncher.Socket
                : _connector.Node.Socket;
            byte[] value = new HolepunchEnvelope(RelayMode.FromServer, 0, cipher.Seal(answer), peerAddress).ToBytes();
            request.Relay(value, request.From, socket);
            if (answer.Error is not (HyperError.None or HyperError.TryLater) || (answer.Error == HyperError.TryLater && !HasRelay))
            {
                Abort();
            }
        }
    }

    public void HandlePacket(int socket, DhtAddress from)
    {
        if (_relay?.IsFrom(socket, from) == true)
        {
            return;
        }

        ConnectionWay way =
            _puncher is not null && _connector.Sockets.OwnerOf(socket) == _puncher ? ConnectionWay.Punched :
            !_isDirect && SpecialAddresses.IsPrivate(from.Host) && _remote.Addresses.Contains(from) ? ConnectionWay.Local :
            ConnectionWay.Direct;
        Claim(way, socket, from);
    }

    public void HandleMoved()
    {
        if (_connection is { } connection && _isClaimed && HasRelay)
        {
            EndRelay();
            _connector.Counters.Moved++;
            _connector.Report(new ConnectorEvent.Moved(connection));
        }
    }

    public void HandleClosed(bool inOrder)
    {
        if (_route is { } route)
        {
            _route = null;
            _connector.EndRoute(_peer, route, inOrder);
        }

        End();
    }

    public void Suspend()
    {
        _stream?.Destroy();
        End();
    }

    /// <summary>Ends what has not become a connection; the answer stays.</summary>
    public void End()
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _scope.Cancel();
        _puncher?.Destroy();
        EndRelay();
        if (_connection is null)
        {
            _keys?.Dispose();
            _stream?.Destroy();
        }

        if (!_isClaimed)
        {
            _listener.ForgetLater(this);
        }
    }

    public void Dispose() => _cipher?.Dispose();

    private void Prepare(IncomingRequest request, DhtAddress? open, RelayThroughInfo? relay)
    {
        if (_isDirect || _remote.Firewall == Firewall.Open)
        {
            return;
        }

        if (relay is not null)
        {
            OpenRelay(relay, isInitiator: true);
        }
        else if (Options.FollowsRelays && _remote.RelayThrough is { } theirs)
        {
            OpenRelay(theirs, isInitiator: false);
        }

        // Behind the same NAT: the client comes to the server socket by itself, and punches from elsewhere if it can't.
        if (ClientAddress.Host == request.To.Host && Options.ShareLocalAddresses)
        {
            DhtAddress[] theirs = [.. _remote.Addresses.Where(a => SpecialAddresses.IsPrivate(a.Host))];
            if (SpecialAddresses.MatchLocal(_connector.Node.Doors.LocalHosts, theirs) is not null)
            {
                OpenPuncher();
                return;
            }
        }

        if (open is null && Options.CanPunch)
        {
            OpenPuncher();
            ReplySocket = _puncher?.Socket;
        }
    }

    private void OpenPuncher() => _puncher = Holepuncher.TryOpen(
        _connector, isInitiator: false, _remote.Firewall, static (_, _) => { }, Abort);

    // Nobody waits for ever: not for the client, and not for the punch, which has its own end.
    private async Flow WaitAsync(FlowScope scope)
    {
        await _connector.Runner.Sleep(_connector.Options.HandshakeTimeout, scope);
        Abort();
    }

    private void Abort()
    {
        if (_isClaimed || _isOver)
        {
            return;
        }

        _puncher?.Destroy();
        if (_connection is null && !HasRelay)
        {
            End();
        }
    }

    private async Flow<HolepunchPayload?> AnswerAsync(HolepunchPayload payload, DhtAddress peerAddress, IncomingRequest request)
    {
        var abort = new HolepunchPayload { Error = HyperError.Aborted, Round = _round };
        if (_puncher is not { IsDestroyed: false } puncher || payload.Error != HyperError.None)
        {
            return abort;
        }

        // What came by a node that we announced ourselves at was sent there by somebody who receives at the address that node saw.
        bool isOwnRelay = _listener.Announcer.IsRelay(request.From);
        Hash token = _cipher!.TokenFor(peerAddress.Host);
        bool isEchoed = isOwnRelay && payload.RemoteToken == token;
        if (request.Socket == puncher.Socket)
        {
            puncher.Nat.Add(request.To, request.From);
        }

        if (payload.Round >= _round)
        {
            _round = payload.Round;
            puncher.UpdateRemote(payload, isEchoed ? peerAddress.Host : null);
        }

        bool isStable = await puncher.AnalyzeAsync(mayReopen: false);
        if (!isStable && !puncher.IsRemotePunching && !puncher.IsDestroyed)
        {
            isStable = await puncher.AnalyzeAsync(mayReopen: true);
            if (!isStable)
            {
                return puncher.IsDestroyed ? null : abort;
            }
        }

        if (puncher.IsDestroyed || _isOver)
        {
            return null;
        }

        // The client has opened its NAT towards one of our addresses: one probe may be all it takes.
        if (puncher.Nat.Firewall is Firewall.Open or Firewall.Consistent &&
            payload.RemoteAddress is { } ours && puncher.Nat.Addresses?.Contains(ours) == true)
        {
            puncher.Ping(peerAddress);
        }

        if (puncher.IsRemotePunching)
        {
            HyperError refusal = await PunchAsync(puncher);
            if (puncher.IsDestroyed)
            {
                return null;
            }

            if (refusal == HyperError.Aborted || (refusal == HyperError.TryLater && !HasRelay))
            {
                return abort with { Error = refusal };
            }

            return ToPayload(refusal);
        }

        return ToPayload(HyperError.None);

        HolepunchPayload ToPayload(HyperError error)
        {
            if (puncher.Nat.Firewall != Firewall.Unknown && error == HyperError.None)
            {
                puncher.Nat.Freeze();
            }

            return new HolepunchPayload
            {
                Error = error,
                Firewall = puncher.Nat.Firewall,
                Round = _round,
                IsConnected = puncher.IsConnected,
                IsPunching = puncher.IsPunching,
                Addresses = puncher.Nat.Addresses,
                Token = isOwnRelay ? token : null,
                RemoteToken = payload.Token,
            };
        }
    }

    private async Flow<HyperError> PunchAsync(Holepuncher puncher)
    {
        if (Options.Holepunch?.Invoke(puncher.RemoteFirewall, puncher.Nat.Firewall) == false)
        {
            return HyperError.Aborted;
        }

        _waiting?.Cancel();
        bool isRandom = puncher.RemoteFirewall >= Firewall.Random || puncher.Nat.Firewall >= Firewall.Random;
        if (isRandom && !puncher.IsPunching && _connector.IsRandomPunchTooEarly)
        {
            _connector.Counters.TryLater++;
            return HyperError.TryLater;
        }

        return await puncher.PunchAsync() ? HyperError.None : HyperError.Aborted;
    }

    private void OpenRelay(RelayThroughInfo relay, bool isInitiator) =>
        _relay = _connector.OpenRelay(
            relay.PublicKey,
            relay.Token,
            isInitiator,
            _stream!.Id,
            (through, streamId) =>
            {
                if (_isClaimed || _isOver)
                {
                    EndRelay();
                    return;
                }

                _waiting?.Cancel();
                _stream.Connect(through.Socket, streamId, through.RemoteAddress);
                Connect(ConnectionWay.Relayed, through.Socket, through.RemoteAddress);
                UpgradeAsync().Forget(Connector.Rethrow);
            },
            () =>
            {
                _relay = null;
                if (_connection is null && _puncher is { IsDestroyed: true })
                {
                    End();
                }
            });

    // A relayed connection looks for a direct way, but not for ever: its place among the sessions is needed.
    private async Flow UpgradeAsync()
    {
        await _connector.Runner.Sleep(_connector.Options.UpgradeTimeout, _scope);
        _puncher?.Destroy();
        _listener.ForgetLater(this);
    }

    private void EndRelay()
    {
        RelayLeg? relay = _relay;
        _relay = null;
        relay?.End();
    }

    private void Claim(ConnectionWay way, int socket, DhtAddress address)
    {
        if (_isClaimed || _isOver)
        {
            return;
        }

        _isClaimed = true;
        _waiting?.Cancel();
        UdxInfo udx = _remote.Udx!;
        if (Options.ReusableSocket && udx.IsReusableSocket)
        {
            _route = _connector.AddRoute(_peer, socket, address);
        }

        if (_connection is { } relayed)
        {
            _stream!.ChangeRemote(socket, udx.Id, address);
            relayed.Move(way, socket, address);
        }
        else
        {
            _stream!.Connect(socket, udx.Id, address);
            Connect(way, socket, address);
            EndRelay();
        }

        _listener.ForgetLater(this);
        _puncher?.Destroy();
    }

    private void Connect(ConnectionWay way, int socket, DhtAddress address)
    {
        _connection = new DhtConnection(_stream!, _keys!, way, socket, address);
        _listener.Report(_connection);
    }
}
