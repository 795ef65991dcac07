using System.Globalization;
using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <content>What users of a node ask.</content>
public sealed partial class DhtActor
{
    /// <summary>Done; nothing more is to be said.</summary>
    public sealed record Done
    {
        public static Done Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="Done"/> once the node has met its network.</summary>
    public sealed record WaitUntilReady
    {
        public static WaitUntilReady Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="DhtInfo"/>.</summary>
    public sealed record GetInfo
    {
        public static GetInfo Instance { get; } = new();
    }

    /// <summary>Asks one node whether it is there. Answered with <see cref="Pinged"/>.</summary>
    public sealed record Ping(DhtAddress To);

    /// <summary>No time: there was no answer.</summary>
    public sealed record Pinged(TimeSpan? RoundTrip);

    /// <summary>Peers of a topic go to the writer, which is completed at the end.</summary>
    public sealed record LookupInto(DiscoveryKey Topic, ChannelWriter<DhtPeer> Peers);

    /// <summary>Nobody reads the lookup any more.</summary>
    public sealed record StopLookup(ChannelWriter<DhtPeer> Peers);

    /// <summary>Announces the node once. Answered with <see cref="Stored"/>.</summary>
    public sealed record AnnounceOnce(DiscoveryKey Topic);

    /// <summary>Takes the node's announcement back. Answered with <see cref="Stored"/>.</summary>
    public sealed record TakeBack(DiscoveryKey Topic);

    /// <summary>So many nodes have done it.</summary>
    public sealed record Stored(int Nodes);

    /// <summary>Answered with <see cref="FoundPeer"/>.</summary>
    public sealed record FindPeer(PublicKey Peer);

    public sealed record FoundPeer(DhtPeer? Peer);

    /// <summary>Answered with <see cref="DhtPut"/>.</summary>
    public sealed record PutImmutable(byte[] Value);

    /// <summary>Answered with <see cref="FoundValue"/>.</summary>
    public sealed record GetImmutable(Hash Key);

    public sealed record FoundValue(ReadOnlyMemory<byte>? Value);

    /// <summary>Answered with <see cref="DhtPut"/>, or refused when a newer value is there.</summary>
    public sealed record PutMutable(KeyPair Keys, byte[] Value, ulong Sequence);

    /// <summary>Answered with <see cref="FoundMutable"/>.</summary>
    public sealed record GetMutable(PublicKey Key, ulong MinSequence);

    public sealed record FoundMutable(DhtMutable? Value);

    /// <summary>Connects to a peer by its key. Answered with <see cref="PeerInfo"/> once feeds are copied over the connection, or refused.</summary>
    public sealed record Dial(PublicKey Peer);

    /// <summary>Lets peers connect by the node's key, whether there is a swarm or not. Answered with <see cref="Done"/>.</summary>
    public sealed record ListenForAll
    {
        public static ListenForAll Instance { get; } = new();
    }

    private const int NearestTold = 8;

    private readonly List<IActorRef> _waitingForReady = [];

    private void ReceiveRequests()
    {
        Receive<WaitUntilReady>(_ =>
        {
            if (Node.IsBootstrapped)
            {
                Sender.Tell(Done.Instance, Self);
            }
            else
            {
                _waitingForReady.Add(Sender);
            }
        });
        Receive<GetInfo>(_ => Sender.Tell(Describe(), Self));
    }

    private void Handle(DhtEvent happened)
    {
        switch (happened)
        {
            case DhtEvent.Ready:
                foreach (IActorRef waiting in _waitingForReady)
                {
                    waiting.Tell(Done.Instance, Self);
                }

                _waitingForReady.Clear();
                break;
            case DhtEvent.NetworkUpdate { IsOnline: true }:
                _connector.HandleOnline(Now);
                _incomingTo?.Tell(NetworkChanged.Instance, Self);
                break;
            default:
                break;
        }
    }

    private DhtInfo Describe()
    {
        var nearest = new Contact[NearestTold];
        int count = Node.Routing.Closest(Node.TableId, nearest);
        return new DhtInfo
        {
            IsReady = Node.IsBootstrapped,
            PublicAddress = Node.Nat.Host is { } host ? new DhtAddress(host, Node.Nat.Port).ToIPEndPoint() : null,
            LocalAddress = Node.ServerLocal.ToIPEndPoint(),
            Nat = !Node.IsFirewalled ? NatKind.Open
                : Node.Nat.Host is null ? NatKind.Unknown
                : Node.Nat.Port == 0 ? NatKind.Random
                : NatKind.Consistent,
            IsEphemeral = Node.IsEphemeral,
            IsFirewalled = Node.IsFirewalled,
            RelayKey = _relayListener?.PublicKey,
            IsOnline = Node.IsOnline,
            IsDegraded = Node.IsDegraded,
            Id = Node.IsEphemeral ? null : Node.TableId,
            Nearest =
            [
                .. nearest.Take(count)
                    .OrderDescending(Comparer<Contact>.Create((a, b) => Distance.Compare(Node.TableId, b.Id, a.Id)))
                    .Select(c => new DhtContact(c.Address.ToIPEndPoint(), Node.Routing.BucketOf(c.Id))),
            ],
            Buckets =
            [
                .. Enumerable.Range(0, Node.Routing.BucketCount)
                    .Where(i => Node.Routing[i].Length > 0)
                    .Select(i => new DhtBucketInfo(i, Node.Routing[i].Length)),
            ],
            Records = CountRecords(),
            Statistics = Count(),
        };
    }

    private Dictionary<string, int> CountRecords()
    {
        HyperRecords? r = _dht.Commands.Records;
        return new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["announcements"] = r?.Announcements ?? 0,
            ["servers"] = r?.Forwards ?? 0,
            ["mutables"] = r?.Mutables ?? 0,
            ["immutables"] = r?.Immutables ?? 0,
        };
    }

    private Dictionary<string, long> Count()
    {
        DhtCounters c = Node.Counters;
        HyperCounters h = _dht.Commands.Counters;
        ConnectorCounters t = _connector.Counters;
        var counters = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            ["requests"] = c.Requests,
            ["retries"] = c.Retries,
            ["responses"] = c.Responses,
            ["timeouts"] = c.Timeouts,
            ["queries"] = c.Queries,
            ["requests_handled"] = c.RequestsHandled,
            ["datagrams_sent"] = c.DatagramsSent,
            ["bytes_sent"] = c.BytesSent,
            ["bytes_received"] = c.BytesReceived,
            ["malformed"] = c.Malformed,
            ["unasked_replies"] = c.UnaskedReplies,
            ["replies_from_elsewhere"] = c.RepliesFromElsewhere,
            ["false_ids"] = c.FalseIds,
            ["false_tokens"] = c.FalseTokens,
            ["over_byte_budget"] = c.OverByteBudget,
            ["over_request_rate"] = c.OverRequestRate,
            ["crowded_contacts"] = c.CrowdedContacts,
            ["crowded_replies"] = c.CrowdedReplies,
            ["false_addresses"] = c.FalseAddresses,
            ["endless_queries"] = c.EndlessQueries,
            ["over_inflight"] = c.OverInflight,
            ["over_checks"] = c.OverChecks,
            ["events_dropped"] = c.EventsDropped,
            ["commands_answered"] = h.Answered,
            ["commands_invalid"] = h.Invalid,
            ["records_stored"] = h.Stored,
            ["records_evicted"] = h.Evicted,
            ["relayed"] = h.Relayed,
            ["connect_attempts"] = t.Attempts,
            ["connections"] = t.Connections,
            ["connections_direct"] = t.Direct,
            ["connections_local"] = t.Local,
            ["connections_punched"] = t.Punched,
            ["connections_relayed"] = t.Relayed,
            ["connections_moved"] = t.Moved,
            ["handshakes"] = t.Handshakes,
            ["handshakes_rejected"] = t.RejectedHandshakes,
            ["handshakes_invalid"] = t.InvalidHandshakes,
            ["datagrams_dropped"] = _inbox.Dropped,
        };
        CountRelaying(counters);
        return counters;
    }

    // Nobody waits on the dead.
    private void RefuseAll()
    {
        var refused = new Status.Failure(new HyperActorsException("the DHT of this node has stopped"));
        foreach (IActorRef waiting in _waitingForReady)
        {
            waiting.Tell(refused, Self);
        }

        _waitingForReady.Clear();
        foreach (IActorRef waiting in _adopting.Values)
        {
            waiting.Tell(refused, Self);
        }

        foreach ((_, IActorRef sender) in _early)
        {
            sender.Tell(refused, Self);
        }
    }
}
