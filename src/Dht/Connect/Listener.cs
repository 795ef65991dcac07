using HyperActors.Compact;
using HyperActors.Crypto;

namespace HyperActors.Dht;

/// <summary>Takes connections under a key.</summary>
/// <remarks>
/// A handshake that comes by several relays is one: copies get the same answer, as do replays while it is remembered. Who is turned
/// away, by the firewall hook or by a bound, hears nothing.
/// </remarks>
public sealed class Listener
{
    private readonly Connector _connector;
    private readonly KeyPair _keys;
    private readonly FlowScope _scope;
    private readonly Dictionary<Hash, IncomingSession?> _byMessage = [];
    private readonly Dictionary<ulong, IncomingSession> _byId = [];
    private readonly Dictionary<uint, int> _sessionsByHost = [];
    private readonly FlowSource _listening;
    private double _handshakeCredit;
    private TimeSpan _creditAt;

    internal Listener(Connector connector, KeyPair keys, ListenOptions options)
    {
        _connector = connector;
        _keys = keys;
        Options = options;
        PublicKey = keys.PublicKey;
        PublicKey key = keys.PublicKey;
        Target = Blake2b.Hash256(key.AsSpan());
        _scope = new FlowScope(connector.Scope);
        _listening = new FlowSource(connector.Runner, _scope);
        _handshakeCredit = connector.Options.HandshakesPerSecond;
        _creditAt = connector.Runner.Now;
        Announcer = new Announcer(connector, keys, Target, _scope);
    }

    /// <summary>The key that peers connect to.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>What it is looked for by.</summary>
    public Hash Target { get; }

    /// <summary>How it is known to others.</summary>
    public Announcer Announcer { get; }

    /// <summary>Completes when it has been announced for the first time.</summary>
    public Flow Listening => _listening.Flow;

    /// <summary>Handshakes under way, and those that are remembered.</summary>
    public int Sessions => _byMessage.Count;

    internal ListenOptions Options { get; }

    internal FlowScope Scope => _scope;

    /// <summary>Takes no connections any more, and takes the announcement back. Those that stand stay.</summary>
    public async Flow CloseAsync()
    {
        _connector.Forget(this);
        EndSessions();
        await Announcer.StopAsync();
        _scope.Cancel();
    }

    internal void Start() => StartAsync().Forget(Connector.Rethrow);

    internal Flow SuspendAsync()
    {
        EndSessions();
        return Announcer.SuspendAsync();
    }

    internal void Resume() => Announcer.Resume();

    /// <summary>A handshake for us; always ours, answered or not.</summary>
    internal bool HandleHandshake(IncomingRequest request)
    {
        if (_connector.IsSuspended || request.Value is not { } value || !TryDecode(value.Span, out HandshakeEnvelope envelope) ||
            envelope.Noise.IsEmpty || envelope.Mode is RelayMode.FromServer or RelayMode.Reply or RelayMode.Unknown ||
            (envelope.Mode == RelayMode.FromSecondRelay && envelope.RelayAddress is null))
        {
            return true;
        }

        _connector.Counters.Handshakes++;
        if (FindOrAdd(envelope, request) is not { Reply: { } reply } session)
        {
            return true;
        }

        if (envelope.Mode == RelayMode.FromClient)
        {
            byte[] answer = new HandshakeEnvelope(RelayMode.Reply, reply).ToBytes();
            request.Reply(answer, token: false, closerNodes: false, socket: session.ReplySocket);
        }
        else
        {
            byte[] answer = new HandshakeEnvelope(RelayMode.FromServer, reply, envelope.PeerAddress).ToBytes();
            request.Relay(answer, envelope.Mode == RelayMode.FromRelay ? request.From : envelope.RelayAddress!.Value, session.ReplySocket);
        }

        return true;
    }

    /// <summary>A message about hole punching; false when it is for somebody else, and only has to be passed on.</summary>
    internal bool TryHandleHolepunch(IncomingRequest request)
    {
        var reader = new CompactReader(request.Value is { } value ? value.Span : default);
        if (!HolepunchEnvelope.TryDecode(ref reader, out HolepunchEnvelope envelope) || envelope.Mode != RelayMode.FromRelay)
        {
            return false;
        }

        if (!_connector.IsSuspended && envelope.PeerAddress is { } peerAddress && _byId.TryGetValue(envelope.Id, out IncomingSession? session))
        {
            session.HandleHolepunchAsync(envelope, peerAddress, request).Forget(Connector.Rethrow);
        }

        return true;
    }

    internal void Report(DhtConnection connection)
    {
        _connector.Count(connection.Way);
        _connector.Report(new ConnectorEvent.Incoming(this, connection));
    }

    /// <summary>The session is over: its answer is remembered for a while, for copies that are still under way.</summary>
    internal void ForgetLater(IncomingSession session) => ForgetLaterAsync(session.MessageHash, session).Forget(Connector.Rethrow);

    private async Flow StartAsync()
    {
        await Announcer.StartAsync();
        _listening.TryComplete();
    }

    private IncomingSession? FindOrAdd(HandshakeEnvelope envelope, IncomingRequest request)
    {
        Hash message = Blake2b.Hash256(envelope.Noise.Span);
        if (_byMessage.TryGetValue(message, out IncomingSession? known))
        {
            _connector.Counters.RepeatedHandshakes++;
            return known;
        }

        DhtAddress client = envelope.PeerAddress ?? request.From;
        if (!MayRead(client.Host))
        {
            _connector.Counters.Dropped++;
            return null;
        }

        ulong id = 0;
        while (_byId.ContainsKey(id))
        {
            id++;
        }

        var session = new IncomingSession(_connector, this, id, message, client);
        if (!session.TryOpen(envelope, request, _keys))
        {
            _byMessage.Add(message, null);
            ForgetLaterAsync(message, null).Forget(Connector.Rethrow);
            return null;
        }

        _byMessage.Add(message, session);
        _byId.Add(id, session);
        Count(client.Host, 1);
        session.Start();
        return session;
    }

    // A handshake costs us more than it costs whoever sends it: how many are read is bounded, for all and for each host.
    private bool MayRead(uint host)
    {
        ConnectorOptions options = _connector.Options;
        TimeSpan now = _connector.Runner.Now;
        _handshakeCredit = Math.Min(
            options.HandshakesPerSecond, _handshakeCredit + ((now - _creditAt).TotalSeconds * options.HandshakesPerSecond));
        _creditAt = now;
        if (_handshakeCredit < 1 || _byMessage.Count >= options.MaxSessions ||
            (!AddressRanges.IsLocal(host) && _sessionsByHost.GetValueOrDefault(host) >= options.MaxSessionsPerHost))
        {
            return false;
        }

        _handshakeCredit--;
        return true;
    }

    private async Flow ForgetLaterAsync(Hash message, IncomingSession? session)
    {
        await _connector.Runner.Sleep(_connector.Options.HandshakeClearWait, _scope);
        if (_byMessage.TryGetValue(message, out IncomingSession? known) && known == session)
        {
            Remove(message, session);
        }
    }

    private void Remove(Hash message, IncomingSession? session)
    {
        _byMessage.Remove(message);
        if (session is not null)
        {
            _byId.Remove(session.Id);
            Count(session.ClientAddress.Host, -1);
            session.Dispose();
        }
    }

    private void Count(uint host, int change)
    {
        int count = _sessionsByHost.GetValueOrDefault(host) + change;
        if (count == 0)
        {
            _sessionsByHost.Remove(host);
        }
        else
        {
            _sessionsByHost[host] = count;
        }
    }

    private void EndSessions()
    {
        foreach ((Hash message, IncomingSession? session) in _byMessage.ToArray())
        {
            session?.End();
            Remove(message, session);
        }
    }

    private static bool TryDecode(ReadOnlySpan<byte> value, out HandshakeEnvelope envelope)
    {
        var reader = new CompactReader(value);
        return HandshakeEnvelope.TryDecode(ref reader, out envelope);
    }
}
