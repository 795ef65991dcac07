using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <content>Lookups, announcements and values: each is a flow of the machine that ends in an answer, whatever happens.</content>
public sealed partial class DhtActor
{
    private const string GivenUp = "it was given up";
    private const string NobodyAnswered = "no node of the DHT answered";

    private readonly Dictionary<(IActorRef Asker, long Id), FlowScope> _operations = [];
    private readonly Dictionary<ChannelWriter<DhtPeer>, FlowScope> _lookups = [];
    private readonly Queue<(object Message, IActorRef Sender)> _early = new();

    private void ReceiveOperations()
    {
        ReceiveStarted<Lookup>(m => Operate(m.Id, (found, scope) => _dht.LookupAsync(TargetOf(m.Topic), found, From(m.ClosestNodes), scope)));
        ReceiveStarted<Announce>(m => Operate(m.Id, (found, scope) => _dht.AnnounceAsync(
            TargetOf(m.Topic), _setup.Keys, AsAnnounced(m.ShouldClear), found, From(m.ClosestNodes), scope)));
        ReceiveStarted<LookupAndUnannounce>(m => Operate(m.Id, (found, scope) => _dht.LookupAndUnannounceAsync(
            TargetOf(m.Topic), _setup.Keys, found, From(m.ClosestNodes), scope)));
        ReceiveStarted<Unannounce>(m => Operate(m.Id, (_, scope) => _dht.UnannounceAsync(
            TargetOf(m.Topic), _setup.Keys, From(m.ClosestNodes) with { OnlyGivenNodes = m.ClosestNodes.Count > 0 }, scope)));
        Receive<Cancel>(m =>
        {
            if (_operations.TryGetValue((Sender, m.Id), out FlowScope? scope))
            {
                scope.Cancel();
                Drain();
            }
        });
        ReceiveStarted<LookupInto>(m =>
        {
            var scope = new FlowScope(Node.Scope);
            _lookups.Add(m.Peers, scope);
            Run(LookUpAsync(m, scope));
        });
        Receive<StopLookup>(m =>
        {
            if (_lookups.TryGetValue(m.Peers, out FlowScope? scope))
            {
                scope.Cancel();
                Drain();
            }
        });
        ReceiveStarted<AnnounceOnce>(m => Answer(async scope => new Stored((await _dht.AnnounceAsync(
            TargetOf(m.Topic), _setup.Keys, AsAnnounced(false), static _ => { }, OperationOptions.Default, scope)).Stored)));
        ReceiveStarted<TakeBack>(m => Answer(async scope => new Stored((await _dht.UnannounceAsync(
            TargetOf(m.Topic), _setup.Keys, OperationOptions.Default, scope)).Stored)));
        ReceiveStarted<FindPeer>(m => Answer(scope => FindAsync(m.Peer, scope)));
        ReceiveStarted<PutImmutable>(m => Answer(async scope =>
        {
            PutResult put = await _dht.PutImmutableAsync(m.Value, OperationOptions.Default, scope);
            return new DhtPut(put.Target, put.Result.Stored);
        }));
        ReceiveStarted<GetImmutable>(m => Answer(async scope =>
            new FoundValue((await _dht.GetImmutableAsync(m.Key, OperationOptions.Default, scope))?.Value)));
        ReceiveStarted<PutMutable>(m => Answer(scope => PutAsync(m, scope)));
        ReceiveStarted<GetMutable>(m => Answer(async scope => new FoundMutable(
            await _dht.GetMutableAsync(m.Key, new MutableGetOptions { MinSequence = m.MinSequence }, OperationOptions.Default, scope)
                is { } found
                ? new DhtMutable(found.Record.Sequence, found.Record.Value, found.From.ToIPEndPoint())
                : null)));
        ReceiveStarted<Ping>(m => Answer(async scope => new Pinged((await Node.PingAsync(m.To, scope))?.RoundTrip)));
    }

    private static Hash TargetOf(DiscoveryKey topic) => new(topic.AsSpan());

    private static OperationOptions From(IReadOnlyList<DhtAddress> nodes) =>
        nodes.Count > 0 ? OperationOptions.Default with { Nodes = nodes } : OperationOptions.Default;

    private AnnounceOptions AsAnnounced(bool shouldClear) => new()
    {
        ShouldClear = shouldClear,
        RelayAddresses = _listener?.Announcer.RelayAddresses ?? [],
    };

    /// <summary>Handles a message once the node knows where it starts from.</summary>
    private void ReceiveStarted<T>(Action<T> handle)
        where T : notnull => Receive<T>(message =>
    {
        if (!_isNamed)
        {
            _early.Enqueue((message, Sender));
            return;
        }

        handle(message);
        Drain();
    });

    // For the swarm: found peers as they come, and a last word.
    private void Operate(long id, Func<Action<TopicFound>, FlowScope, Flow<OperationResult>> begin)
    {
        IActorRef asker = Sender;
        var scope = new FlowScope(Node.Scope);
        _operations[(asker, id)] = scope;
        Run(OperateAsync(asker, id, begin, scope));
    }

    private async Flow OperateAsync(
        IActorRef asker, long id, Func<Action<TopicFound>, FlowScope, Flow<OperationResult>> begin, FlowScope scope)
    {
        OperationDone done;
        try
        {
            OperationResult result = await begin(found => TellFound(asker, id, found), scope);
            done = new OperationDone(id, result.ClosestNodes, result.Successes > 0 ? null : NobodyAnswered);
        }
        catch (FlowCancelledException)
        {
            done = new OperationDone(id, [], GivenUp);
        }

        _operations.Remove((asker, id));
        scope.Cancel();
        asker.Tell(done, Self);
    }

    private void TellFound(IActorRef asker, long id, TopicFound found)
    {
        foreach (Peer peer in found.Peers)
        {
            if (peer.PublicKey != _setup.Keys.PublicKey)
            {
                asker.Tell(new PeerFound(id, peer.PublicKey, peer.RelayAddresses, found.From), Self);
            }
        }
    }

    private async Flow LookUpAsync(LookupInto lookup, FlowScope scope)
    {
        HyperActorsException? failure = null;
        try
        {
            OperationResult result = await _dht.LookupAsync(
                TargetOf(lookup.Topic),
                found =>
                {
                    foreach (Peer peer in found.Peers)
                    {
                        lookup.Peers.TryWrite(ToPeer(peer, found.From));
                    }
                },
                OperationOptions.Default,
                scope);
            failure = result.Successes > 0 ? null : new HyperActorsException(NobodyAnswered);
        }
        catch (FlowCancelledException)
        {
            failure = new HyperActorsException(GivenUp);
        }

        _lookups.Remove(lookup.Peers);
        scope.Cancel();
        lookup.Peers.TryComplete(failure);
    }

    // For users: one answer, or the reason why there is none.
    private void Answer<T>(Func<FlowScope, Flow<T>> begin) => Run(AnswerAsync(Sender, begin));

    private async Flow AnswerAsync<T>(IActorRef asker, Func<FlowScope, Flow<T>> begin)
    {
        var scope = new FlowScope(Node.Scope);
        object answer;
        try
        {
            answer = (await begin(scope))!;
        }
        catch (FlowCancelledException)
        {
            answer = new Status.Failure(new HyperActorsException("the DHT of this node has stopped"));
        }
        catch (HyperActorsException refused)
        {
            answer = new Status.Failure(refused);
        }

        scope.Cancel();
        asker.Tell(answer, Self);
    }

    private async Flow<FoundPeer> FindAsync(PublicKey key, FlowScope scope)
    {
        DhtPeer? first = null;
        await _dht.FindPeerAsync(
            Blake2b.Hash256(key.AsSpan()),
            found =>
            {
                // The node that knows it carries a handshake to it as well.
                if (found.Peer.PublicKey == key)
                {
                    first = first is null
                        ? ToPeer(found.Peer, found.From) with { RelayAddresses = [found.From.ToIPEndPoint(), .. found.Peer.RelayAddresses.Select(a => a.ToIPEndPoint())] }
                        : first with { RelayAddresses = [.. first.RelayAddresses, found.From.ToIPEndPoint()] };
                }
            },
            OperationOptions.Default,
            scope);
        return new FoundPeer(first);
    }

    private async Flow<DhtPut> PutAsync(PutMutable put, FlowScope scope)
    {
        PutResult result = await _dht.PutMutableAsync(put.Keys, put.Sequence, put.Value, OperationOptions.Default, scope);
        return result.Result.Stored == 0 && result.NewestSequence >= put.Sequence
            ? throw new HyperActorsException(
                $"a value with the sequence number {result.NewestSequence} is there: the next one needs a greater number than that")
            : new DhtPut(result.Target, result.Result.Stored);
    }

    private static DhtPeer ToPeer(Peer peer, DhtAddress from) =>
        new(peer.PublicKey, [.. peer.RelayAddresses.Select(address => address.ToIPEndPoint())], from.ToIPEndPoint());
}
