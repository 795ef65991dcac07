using System.Globalization;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <content>Blind relays: those that carry our connections, and the node as one for others.</content>
public sealed partial class DhtActor : IRelayDoor
{
    private sealed record EndIdle
    {
        public static EndIdle Instance { get; } = new();
    }

    /// <summary>The relays that our connections may take.</summary>
    private readonly IReadOnlyList<PublicKey> _ourRelays;

    private readonly Dictionary<long, RelayLink> _relayLinks = [];
    private readonly Dictionary<DhtConnection, long> _legs = [];
    private IActorRef? _relays;
    private KeyPair? _relayKeys;
    private Listener? _relayListener;
    private int _relayPeers;
    private long _relayPeersRefused;
    private long _relayIds;
    private int _relaysLives;

    /// <summary>True when no peer can be told a port of ours that it could send to: most holes can't be punched then.</summary>
    private bool HasRandomNat => Node.IsFirewalled && Node.Nat is { Host: not null, Port: 0 };

    void IRelayDoor.Open(DhtConnection relay, ReadOnlyMemory<byte> pair)
    {
        long id = OpenLink(relay, pair);
        _legs.Add(relay, id);
    }

    void IRelayDoor.Close(DhtConnection relay)
    {
        if (_legs.Remove(relay, out long id))
        {
            CloseLink(id);
        }
    }

    private void ReceiveRelaying()
    {
        Receive<RelayChannelActor.Joined>(m =>
        {
            if (_relayLinks.TryGetValue(m.Link, out RelayLink? link))
            {
                (link.Connection, link.Channel) = (m.Connection, Sender);
                if (link.Leg is null)
                {
                    _connector.Relay!.OpenSession(m.Link);
                }
            }
        });
        Receive<RelayChannelActor.MessagesArrived>(Handle);
        Receive<RelayChannelActor.Left>(m =>
        {
            _relays?.Tell(new RelaysActor.Close(m.Link), Self);
            LoseLink(m.Link);
        });
        Receive<RelaysActor.Closed>(m => LoseLink(m.Link));
        Receive<Terminated>(_ =>
        {
            _relays = null;
            foreach (long id in _relayLinks.Keys.ToArray())
            {
                LoseLink(id);
            }
        });
        Receive<EndIdle>(_ => EndIdleLinks());
    }

    private static IEnumerable<PublicKey> Keys(IEnumerable<string> texts) => texts.Select(
        text => PublicKey.TryParse(text, out PublicKey key) ? key : throw new HyperActorsException($"'{text}' is not a public key"));

    private void StartRelaying()
    {
        if (!_network.RelaysForOthers)
        {
            return;
        }

        HashSet<PublicKey>? allowed = _network.Relay.AllowedPeers is { } peers ? [.. Keys(peers)] : null;
        _relayKeys = RelayKeys.From(_setup.Keys);
        _relayListener = _connector.Listen(_relayKeys, new ListenOptions
        {
            Firewall = handshake => allowed?.Contains(handshake.PublicKey) == false,
            ShareLocalAddresses = _network.SharesLocalAddresses,
            FollowsRelays = false,
        });
        Timers.StartPeriodicTimer(nameof(EndIdle), EndIdle.Instance, _network.Relay.IdleTimeout);
    }

    private async Flow StopRelayingAsync()
    {
        if (_relayListener is { } listener)
        {
            _relayListener = null;
            await listener.CloseAsync().Ended();
        }
    }

    // Somebody wants to relay through us.
    private void Take(DhtConnection peer)
    {
        if (_relayPeers < _network.Relay.MaxPeers)
        {
            _relayPeers++;
            OpenLink(peer, null);
            return;
        }

        _relayPeersRefused++;
        TransportOf(peer).Dispose();
        peer.Keys.Dispose();
    }

    private long OpenLink(DhtConnection connection, ReadOnlyMemory<byte>? pair)
    {
        _relays ??= Context.Watch(Context.ActorOf(
            RelaysActor.PropsFor(_setup), string.Create(CultureInfo.InvariantCulture, $"relays-{++_relaysLives}")));
        _relayLinks.Add(++_relayIds, new RelayLink { Leg = pair is null ? null : connection });
        _relays.Tell(new RelaysActor.Open(_relayIds, connection, TransportOf(connection), pair), Self);
        return _relayIds;
    }

    private void CloseLink(long id)
    {
        _relayLinks.Remove(id);
        _relays?.Tell(new RelaysActor.Close(id), Self);
    }

    private void LoseLink(long id)
    {
        if (!_relayLinks.Remove(id, out RelayLink? link))
        {
            return;
        }

        if (link.Leg is { } leg)
        {
            _legs.Remove(leg);
            _connector.HandleRelayClosed(leg, Now);
        }
        else
        {
            _relayPeers--;
            _connector.Relay!.CloseSession(id);
        }

        Drain();
    }

    private void Handle(RelayChannelActor.MessagesArrived arrived)
    {
        using MessageBatch messages = arrived.Messages;
        if (!_relayLinks.TryGetValue(arrived.Link, out RelayLink? link) || link.Connection is not { } connection)
        {
            return;
        }

        long cost = ConnectionActor.CostOf(messages);
        foreach (Message message in messages)
        {
            bool isMessage = link.Leg is { } leg
                ? _connector.HandleRelayMessage(leg, message.Type, message.Payload.Span, Now)
                : _connector.Relay!.HandleMessage(arrived.Link, message.Type, message.Payload.Span, Now);
            if (!isMessage)
            {
                connection.Tell(new ConnectionActor.FailPeer("a malformed message"), Self);
                break;
            }
        }

        connection.Tell(new ConnectionActor.Consumed(cost), Self);
        Drain();
    }

    private void SendRelayMessages()
    {
        while (_connector.Relay is { } relay && relay.TryPollMessage(out RelayMessage? message))
        {
            if (_relayLinks.TryGetValue(message.Session, out RelayLink? link))
            {
                link.Channel?.Tell(new RelayChannelActor.Send(message.Type, message.Payload), Self);
            }
        }
    }

    // Whoever has nothing joined, and had nothing the last time.
    private void EndIdleLinks()
    {
        foreach ((long id, RelayLink link) in _relayLinks)
        {
            if (link.Leg is not null)
            {
                continue;
            }

            bool isIdle = link.Channel is null || _connector.Relay!.IsIdle(id);
            if (isIdle && link.WasIdle)
            {
                _relays!.Tell(new RelaysActor.Close(id), Self);
            }

            link.WasIdle = isIdle;
        }
    }

    private void CountRelaying(Dictionary<string, long> counters)
    {
        if (_connector.Relay is { } relay)
        {
            counters["relay_peers"] = _relayPeers;
            counters["relay_peers_refused"] = _relayPeersRefused;
            counters["relay_waiting"] = relay.Waiting;
            counters["relay_joined"] = relay.Joined;
            counters["relay_joined_total"] = relay.TotalJoined;
            counters["relay_refused"] = relay.Refused;
            counters["relay_bytes"] = relay.Bytes;
        }
    }

    /// <summary>One connection of blind relaying.</summary>
    private sealed class RelayLink
    {
        /// <summary>The connection to a relay of ours; null for one of a peer to us.</summary>
        public DhtConnection? Leg { get; init; }

        public IActorRef? Connection { get; set; }

        public IActorRef? Channel { get; set; }

        public bool WasIdle { get; set; }
    }
}
