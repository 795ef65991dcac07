using System.Collections.Immutable;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Wire;

namespace HyperActors.Dht;

/// <summary>A client's way to a peer, from its key to a connected stream.</summary>
/// <remarks>
/// <para>States: <b>searching</b> (nodes that know the peer carry our handshake to it), <b>answered</b> (the peer's answer says how it
/// can be reached), <b>relayed</b> (connected through a blind relay, still punching), <b>claimed</b> (a direct way is found), <b>over</b>.</para>
/// <para>The same bytes of the handshake go through all nodes, and the first valid answer ends the search: a second handshake would
/// be a second session for the peer. Whatever finds a way first claims the stream; all others come too late.</para>
/// </remarks>
internal sealed partial class OutgoingConnection : IStreamOwner
{
    private readonly Connector _connector;
    private readonly PublicKey _peer;
    private readonly Hash _target;
    private readonly ConnectOptions _options;
    private readonly IRawStream _stream;
    private readonly FlowSource<DhtConnection> _result;
    private readonly FlowScope _scope;
    private readonly FlowScope _search;
    private readonly byte[] _ephemeralSeed = new byte[KeyPair.SeedSize];
    private readonly List<DhtAddress> _askedNodes = [];
    private readonly RelayThroughInfo? _ownRelay;
    private NoisePayload? _firstPayload;
    private byte[]? _firstMessage;
    private PeerHandshake? _handshake;
    private (int Socket, DhtAddress From)? _early;
    private Answer? _answer;
    private SessionKeys? _keys;
    private HolepunchCipher? _cipher;
    private Holepuncher? _puncher;
    private RelayLeg? _relay;
    private Connector.Route? _route;
    private DhtConnection? _connection;
    private ConnectError? _punchError;
    private ulong _round;
    private bool _isClaimed;
    private bool _isOver;

    public OutgoingConnection(
        Connector connector, in PublicKey peer, ConnectOptions options, IRawStream stream, FlowSource<DhtConnection> result)
    {
        _connector = connector;
        _peer = peer;
        _target = Blake2b.Hash256(peer.AsSpan());
        _options = options;
        _stream = stream;
        _result = result;
        _scope = new FlowScope(connector.Scope);
        _search = new FlowScope(_scope);
        if (options.RelayThrough.Count > 0)
        {
            PublicKey relay = options.RelayThrough[connector.Random.NextInt32(options.RelayThrough.Count)];
            _ownRelay = new RelayThroughInfo(relay, connector.NewToken());
        }
    }

    private KeyPair Keys => _options.Keys ?? _connector.Keys;

    private bool HasRelay => _relay is not null;

    private bool IsPuncherAlive => _puncher is { IsDestroyed: false };

    private bool IsDone =>
        _isOver || _puncher is { IsConnected: true } ||
        (_connection is not null && !(HasRelay && _puncher is { IsConnected: false, IsDestroyed: false }));

    public void Start()
    {
        _result.Flow.OnCompleted(() =>
        {
            // Given up by the caller.
            if (!_result.Flow.IsSuccess && !_isOver)
            {
                End();
            }
        });
        RunAsync().Forget(Connector.Rethrow);
        TimeOutAsync().Forget(Connector.Rethrow);
    }

    public void HandlePacket(int socket, DhtAddress from)
    {
        if (_relay?.IsFrom(socket, from) == true)
        {
            return;
        }

        if (_answer is null)
        {
            _early = (socket, from);
        }
        else
        {
            Claim(_puncher is null ? ConnectionWay.Direct : ConnectionWay.Punched, socket, from);
        }
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

        if (_connection is null)
        {
            Fail(ConnectError.PeerConnectionFailed);
        }
        else
        {
            End();
        }
    }

    public void Suspend()
    {
        if (_connection is null)
        {
            Fail(ConnectError.Suspended);
        }
        else
        {
            _stream.Destroy();
        }
    }

    private async Flow TimeOutAsync()
    {
        await _connector.Runner.Sleep(_connector.Options.ConnectTimeout, _scope);
        if (_connection is null)
        {
            Fail(ConnectError.TimedOut);
            return;
        }

        await _connector.Runner.Sleep(_connector.Options.UpgradeTimeout, _scope);
        _puncher?.Destroy();
        _scope.Cancel();
    }

    private async Flow RunAsync()
    {
        if (_options.ReusableSocket && _connector.FindRoute(_peer) is { } route)
        {
            await TryRouteAsync(route);
            if (IsDone)
            {
                return;
            }
        }

        try
        {
            await SearchAsync();
        }
        catch (FlowCancelledException) when (_answer is not null || _isOver)
        {
            // The answer has ended the search.
        }

        if (IsDone)
        {
            return;
        }

        if (_answer is null)
        {
            FailUnlessUnderWay(ConnectError.HandshakeInvalid);
            return;
        }

        await ReachAsync(_answer);
    }

    private async Flow TryRouteAsync(Connector.Route route)
    {
        bool isHeld = !route.IsOwnSocket && _connector.Sockets.Hold(route.Socket);
        try
        {
            await TryNodeAsync(route.Address, route.Socket, retries: 1);
        }
        catch (FlowCancelledException) when (_answer is not null)
        {
            // It was the way.
        }
        finally
        {
            if (isHeld)
            {
                _connector.Sockets.LetGo(route.Socket, lingers: true, static () => { });
            }
        }
    }

    // Known relays are asked one after the other, while others are looked for.
    private async Flow SearchAsync()
    {
        IReadOnlyList<DhtAddress> relays = _options.RelayAddresses.Count > 0 ? _options.RelayAddresses : _connector.CachedRelays(_peer);
        if (_connector.FindForward?.Invoke(_target) is { } forward)
        {
            relays = [forward];
        }

        bool hasRelays = relays.Count > 0;
        int parallel = _connector.Options.ParallelHandshakes + (hasRelays ? 1 : 0);
        var semaphore = new FlowSemaphore(_connector.Runner, parallel);
        var attempts = new List<Flow>();
        if (hasRelays)
        {
            await semaphore.Enter(_search);
            attempts.Add(StartTrying([.. relays.Take(_connector.Options.MaxHandshakeNodes)], semaphore));
        }

        int found = 0;
        for (int pass = hasRelays ? 0 : 1; pass < 2 && !IsDone && _answer is null; pass++)
        {
            IReadOnlyList<DhtAddress>? start = pass == 0 ? relays : null;
            DhtQuery query = _connector.FindPeer(_target, start, _search);
            found += await AskWhomItFindsAsync(query, start, semaphore, attempts);
            if (found > 0)
            {
                await Flow.WhenAll(attempts);
            }
        }

        await Flow.WhenAll(attempts);
        if (!IsDone && _answer is null)
        {
            FailUnlessUnderWay(found > 0 ? ConnectError.PeerConnectionFailed : ConnectError.PeerNotFound);
        }
    }

    private async Flow<int> AskWhomItFindsAsync(
        DhtQuery query, IReadOnlyList<DhtAddress>? asked, FlowSemaphore semaphore, List<Flow> attempts)
    {
        var replies = new Queue<DhtAddress>();
        FlowSource? arrived = null;
        query.OnReply = reply =>
        {
            if (reply.Value is { } value && IsRecordOfPeer(value.Span))
            {
                replies.Enqueue(reply.From);
                arrived?.TryComplete();
            }
        };
        int count = 0;
        while (!IsDone && _answer is null)
        {
            if (!replies.TryDequeue(out DhtAddress node))
            {
                if (query.IsEnded)
                {
                    break;
                }

                arrived = new FlowSource(_connector.Runner, _search);
                await Flow.WhenAny(arrived.Flow, query.Completion);

                // WhenAny never fails itself: whoever waits in a cancelled scope would go round for ever.
                if (_search.IsCancelled)
                {
                    throw new FlowCancelledException();
                }

                continue;
            }

            if (asked?.Contains(node) != true && _askedNodes.Count < _connector.Options.MaxHandshakeNodes)
            {
                await semaphore.Enter(_search);
                count++;
                _askedNodes.Add(node);
                attempts.Add(StartTrying([node], semaphore));
            }
        }

        return count;
    }

    private bool IsRecordOfPeer(ReadOnlySpan<byte> value)
    {
        var reader = new CompactReader(value);
        return Peer.TryDecode(ref reader, out Peer record) && record.PublicKey == _peer;
    }

    private Flow StartTrying(ImmutableArray<DhtAddress> nodes, FlowSemaphore semaphore)
    {
        Flow trying = TryNodesAsync(nodes, semaphore);
        trying.Forget(Connector.Rethrow);
        return trying;
    }

    private async Flow TryNodesAsync(ImmutableArray<DhtAddress> nodes, FlowSemaphore semaphore)
    {
        try
        {
            foreach (DhtAddress node in nodes)
            {
                if (IsDone || _answer is not null)
                {
                    return;
                }

                await TryNodeAsync(node, null);
            }
        }
        finally
        {
            semaphore.Release();
        }
    }

    private async Flow TryNodeAsync(DhtAddress node, int? socket, int? retries = null)
    {
        if (FirstMessage() is not { } message)
        {
            return;
        }

        var request = new DhtRequest
        {
            To = node,
            Command = (uint)HyperCommand.PeerHandshake,
            Target = _target,
            Value = new HandshakeEnvelope(RelayMode.FromClient, message).ToBytes(),
            Socket = socket,
            Retries = retries,
        };
        DhtReply? reply = await _connector.Node.RequestAsync(request, _search);
        if (reply?.Value is not { } value || IsDone || _answer is not null ||
            !TryDecode(value.Span, out HandshakeEnvelope envelope) || envelope.Mode != RelayMode.Reply || envelope.Noise.IsEmpty)
        {
            return;
        }

        if (!_handshake!.TryRead(envelope.Noise.Span, out NoisePayload payload))
        {
            // Anybody on the way can answer nonsense; the peer's own answer may still come by another way.
            _connector.Counters.ForgedReplies++;
            StartHandshake();
            return;
        }

        Accept(payload, new Answer(
            envelope.PeerAddress is not null, node, reply.To, envelope.PeerAddress ?? node, socket ?? reply.Socket, payload));
    }

    private static bool TryDecode(ReadOnlySpan<byte> value, out HandshakeEnvelope envelope)
    {
        var reader = new CompactReader(value);
        return HandshakeEnvelope.TryDecode(ref reader, out envelope);
    }

    private byte[]? FirstMessage()
    {
        if (_firstMessage is null)
        {
            DhtAddress? open = _connector.OpenAddress;
            _firstPayload = new NoisePayload
            {
                Firewall = open is null ? Firewall.Unknown : Firewall.Open,
                Addresses = [.. open is { } own ? [own] : Array.Empty<DhtAddress>(), .. _options.LocalConnection ? _connector.LocalAddresses() : []],
                Udx = new UdxInfo(_stream.Id, IsReusableSocket: _options.ReusableSocket),
                SecretStreamVersion = 1,
                RelayThrough = _ownRelay,
            };
            _connector.Random.Fill(_ephemeralSeed);
            if (!StartHandshake())
            {
                Fail(ConnectError.HandshakeInvalid);
            }
        }

        return _firstMessage;
    }

    // Always the same bytes: the ephemeral keys grow from the same seed.
    private bool StartHandshake()
    {
        _handshake?.Dispose();
        _handshake = PeerHandshake.WithEphemeral(Keys, KeyPair.FromSeed(_ephemeralSeed), _peer);
        if (!_handshake.TryWrite(_firstPayload!, out byte[] message))
        {
            return false;
        }

        _firstMessage = message;
        return true;
    }

    private void Accept(NoisePayload payload, Answer answer)
    {
        if (payload.Version != NoisePayload.CurrentVersion)
        {
            Fail(ConnectError.ServerIncompatible);
            return;
        }

        if (payload.Error != HyperError.None || payload.Udx is null)
        {
            Fail(ConnectError.ServerError);
            return;
        }

        _answer = answer;
        _keys = _handshake!.Split();
        _cipher = _handshake.CreateHolepunchCipher(_connector.Random);
        _handshake.Dispose();
        if ((_options.FollowsRelays ? payload.RelayThrough : null) is { } theirs)
        {
            OpenRelay(theirs, isInitiator: false);
        }
        else if (_ownRelay is { } ours)
        {
            OpenRelay(ours, isInitiator: true);
        }

        if (_early is { } early && _relay?.IsFrom(early.Socket, early.From) != true)
        {
            Claim(ConnectionWay.Direct, early.Socket, early.From);
        }
        else if (!answer.IsRelayed)
        {
            Claim(ConnectionWay.Direct, answer.Socket, answer.RelayAddress);
        }

        _search.Cancel();
    }

    private void OpenRelay(RelayThroughInfo relay, bool isInitiator) =>
        _relay = _connector.OpenRelay(
            relay.PublicKey,
            relay.Token,
            isInitiator,
            _stream.Id,
            (through, streamId) =>
            {
                if (_isClaimed || _isOver)
                {
                    EndRelay();
                    return;
                }

                _stream.Connect(through.Socket, streamId, through.RemoteAddress);
                Succeed(ConnectionWay.Relayed, through.Socket, through.RemoteAddress);
            },
            () =>
            {
                _relay = null;
                FailUnlessUnderWay(ConnectError.RelayAborted);
            });

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
        UdxInfo udx = _answer!.Payload.Udx!;
        if (_options.ReusableSocket && udx.IsReusableSocket)
        {
            _route = _connector.AddRoute(_peer, socket, address);
        }

        if (_connection is { } relayed)
        {
            _stream.ChangeRemote(socket, udx.Id, address);
            relayed.Move(way, socket, address);
        }
        else
        {
            _stream.Connect(socket, udx.Id, address);
            Succeed(way, socket, address);
            EndRelay();
        }

        _puncher?.Destroy();
        _scope.Cancel();
    }

    private void Succeed(ConnectionWay way, int socket, DhtAddress address)
    {
        _connector.CacheRelays(_peer, _answer!.Payload.RelayAddresses is { IsEmpty: false } theirs ? theirs : _askedNodes);
        _connection = new DhtConnection(_stream, _keys!, way, socket, address);
        _connector.Count(way);
        _connector.EndAttempt();
        if (!_result.TryComplete(_connection))
        {
            _stream.Destroy();
        }
    }

    private void FailUnlessUnderWay(ConnectError error)
    {
        if (!IsDone && _connection is null && !HasRelay && !IsPuncherAlive)
        {
            Fail(error);
        }
    }

    private void Fail(ConnectError error)
    {
        if (!_isOver && _connection is null)
        {
            bool hasPunched = _puncher is not null;
            End();
            _result.TryFail(new DhtConnectException(error, hasPunched));
        }
    }

    private void End()
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _scope.Cancel();
        _puncher?.Destroy();
        EndRelay();
        _handshake?.Dispose();
        _cipher?.Dispose();
        if (_connection is null)
        {
            _keys?.Dispose();
            _connector.EndAttempt();
            _stream.Destroy();
        }
    }

    /// <summary>The peer's answer, and the way that it came.</summary>
    /// <param name="IsRelayed">False when the node that was asked is the peer itself.</param>
    /// <param name="RelayAddress">The node that was asked.</param>
    /// <param name="ClientAddress">How that node sees us.</param>
    /// <param name="ServerAddress">How that node sees the peer.</param>
    /// <param name="Socket">The socket that the answer came to.</param>
    /// <param name="Payload">What the peer says.</param>
    private sealed record Answer(
        bool IsRelayed, DhtAddress RelayAddress, DhtAddress ClientAddress, DhtAddress ServerAddress, int Socket, NoisePayload Payload);
}
