using System.Net;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Dht;
using HyperActors.Swarm;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <content>What the machine wants of the DHT and of the connections, and what they answer.</content>
public sealed partial class SwarmActor
{
    private readonly Dictionary<long, Stream> _streams = [];

    private enum Stage
    {
        /// <summary>The DHT looks for a way to the peer.</summary>
        Dialling,

        /// <summary>A peer has come, and the machine has not decided.</summary>
        Knocking,

        /// <summary>It is the connections' now; keys are not at work yet.</summary>
        Adopting,

        Open,
    }

    private void ReceiveNetwork()
    {
        Receive<DhtActor.Listening>(m => Step(m.Id, () => _machine.HandleListening(m.Error is null, Now)));
        Receive<DhtActor.PeerFound>(
            m => Step(m.Id, () => _machine.HandlePeerFound(m.Id, m.PublicKey, EndPoints(m.Relays), Now)));
        Receive<DhtActor.OperationDone>(
            m => Step(m.Id, () => _machine.HandleQueryDone(m.Id, EndPoints(m.ClosestNodes), m.Error, Now)));
        Receive<DhtActor.Connected>(Handle);
        Receive<DhtActor.ConnectFailed>(Handle);
        Receive<DhtActor.Incoming>(Handle);
        Receive<DhtActor.NetworkChanged>(_ => Step(_life, () => _machine.HandleNetworkChanged(Now)));
        Receive<DhtActor.Suspended>(m => Step(m.Id, () => _machine.HandleServiceSuspended(Now)));
        Receive<DhtActor.Resumed>(m => Step(m.Id, () => _machine.HandleServiceResumed(Now)));
        Receive<DhtActor.Restarted>(_ => Step(_life, () => _machine.HandleServiceRestarted(Now)));
        Receive<ConnectionsActor.Adopted>(Handle);
        Receive<ConnectionsActor.AdoptFailed>(m => End(m.RequestId, m.Reason));
        Receive<ConnectionsActor.AdoptedEnded>(m => End(m.RequestId, m.Reason));
        Receive<LocalDiscoveryActor.PeerSeen>(
            m => Step(_life, () => _machine.HandleLocalPeer(m.Topic, m.PublicKey, m.Addresses, Now)));
    }

    private static IReadOnlyList<IPEndPoint> EndPoints(IReadOnlyList<DhtAddress> addresses) => [.. addresses.Select(a => a.ToIPEndPoint())];

    private static IReadOnlyList<DhtAddress> Addresses(IReadOnlyList<IPEndPoint> endpoints)
    {
        var addresses = new List<DhtAddress>(endpoints.Count);
        foreach (IPEndPoint endpoint in endpoints)
        {
            if (DhtAddress.TryFrom(endpoint, out DhtAddress address))
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    // What was meant for a former life is nothing to this one: its numbers are lower.
    private void Step(long id, Action change)
    {
        if (id >= _life)
        {
            change();
            Drain();
        }
    }

    private void CarryOut(SwarmCommand command)
    {
        switch (command)
        {
            case SwarmCommand.Listen:
                _setup.Dht.Tell(new DhtActor.Listen(_life, Rejects), Self);
                break;
            case SwarmCommand.Lookup c:
                Ask(c.QueryId, new DhtActor.Lookup(c.QueryId, c.Topic, Addresses(c.ClosestNodes)));
                break;
            case SwarmCommand.Announce c:
                Ask(c.QueryId, new DhtActor.Announce(c.QueryId, c.Topic, c.ShouldClear, Addresses(c.ClosestNodes)));
                break;
            case SwarmCommand.LookupAndUnannounce c:
                Ask(c.QueryId, new DhtActor.LookupAndUnannounce(c.QueryId, c.Topic, Addresses(c.ClosestNodes)));
                break;
            case SwarmCommand.Unannounce c:
                Ask(c.QueryId, new DhtActor.Unannounce(c.QueryId, c.Topic, Addresses(c.ClosestNodes)));
                break;
            case SwarmCommand.CancelQuery c:
                _setup.Dht.Tell(new DhtActor.Cancel(c.QueryId), Self);
                break;
            case SwarmCommand.Dial c:
                _streams.Add(c.ConnectionId, new Stream(Stage.Dialling));
                _setup.Dht.Tell(new DhtActor.Connect(c.ConnectionId, c.Peer, Addresses(c.Relays), c.ShouldForceRelay), Self);
                break;
            case SwarmCommand.Admit c:
                Stream admitted = _streams[c.ConnectionId];
                Adopt(c.ConnectionId, admitted, admitted.Incoming!.Transport, admitted.Incoming.Keys, admitted.Incoming.Remote, false);
                break;
            case SwarmCommand.Refuse c:
                _streams.Remove(c.ConnectionId, out Stream? refused);
                Dispose(refused!.Incoming!.Transport, refused.Incoming.Keys);
                break;
            case SwarmCommand.Close c:
                Close(c.ConnectionId);
                break;
            case SwarmCommand.KeepAlive c when _streams.TryGetValue(c.ConnectionId, out Stream? stream) && stream.Peer is { } peer:
                _setup.Connections.Tell(new ConnectionsActor.KeepAliveOne(peer.ConnectionId), Self);
                break;
            case SwarmCommand.SuspendService:
                _setup.Dht.Tell(new DhtActor.Suspend(_life), Self);
                break;
            case SwarmCommand.ResumeService:
                _setup.Dht.Tell(new DhtActor.Resume(_life), Self);
                break;
        }
    }

    private void Ask(long queryId, object query)
    {
        if (_setup.UsesDht)
        {
            _setup.Dht.Tell(query, Self);
        }
        else
        {
            _machine.HandleQueryDone(queryId, [], null, Now);
        }
    }

    // Called by the listener, before a peer costs it anything.
    private bool Rejects(PublicKey peer) =>
        peer == _setup.Self || Volatile.Read(ref _banned).Contains(peer) || (_setup.Firewall?.Invoke(peer) ?? false);

    private void Handle(DhtActor.Connected connected)
    {
        if (!_streams.TryGetValue(connected.Id, out Stream? stream) || stream.IsClosing)
        {
            Dispose(connected.Transport, connected.Keys);
            End(connected.Id, "it was given up");
            return;
        }

        Adopt(connected.Id, stream, connected.Transport, connected.Keys, connected.Remote, true);
    }

    private void Handle(DhtActor.ConnectFailed failed)
    {
        if (_streams.Remove(failed.Id))
        {
            _machine.HandleDialFailed(failed.Id, failed.CanRelayHelp, failed.Reason, Now);
            Drain();
        }
    }

    private void Handle(DhtActor.Incoming incoming)
    {
        long id = _machine.HandleIncoming(incoming.Remote, Now);
        _streams.Add(id, new Stream(Stage.Knocking) { Incoming = incoming });
        Drain();
    }

    private void Adopt(long id, Stream stream, ITransport transport, SessionKeys keys, PublicKey remote, bool isInitiator)
    {
        stream.Stage = Stage.Adopting;
        stream.Incoming = null;
        _setup.Connections.Tell(new ConnectionsActor.Adopt(id, transport, isInitiator, keys, remote), Self);
    }

    private void Handle(ConnectionsActor.Adopted adopted)
    {
        if (!_streams.TryGetValue(adopted.RequestId, out Stream? stream) || stream.IsClosing)
        {
            _setup.Connections.Tell(new ConnectionsActor.EndOne(adopted.Peer.ConnectionId), Self);
        }

        if (stream is not null)
        {
            stream.Stage = Stage.Open;
            stream.Peer = adopted.Peer;
            _machine.HandleOpened(adopted.RequestId, Now);
            Drain();
        }
    }

    private void End(long id, string? reason)
    {
        if (_streams.Remove(id))
        {
            _machine.HandleClosed(id, reason, Now);
            Drain();
        }
    }

    // Each stream ends with an answer of whoever has it; the machine does not wait for that longer than it has to.
    private void Close(long id)
    {
        if (!_streams.TryGetValue(id, out Stream? stream) || stream.IsClosing)
        {
            return;
        }

        stream.IsClosing = true;
        switch (stream)
        {
            case { Stage: Stage.Dialling }:
                _setup.Dht.Tell(new DhtActor.Cancel(id), Self);
                break;
            case { Stage: Stage.Open, Peer: { } peer }:
                _setup.Connections.Tell(new ConnectionsActor.EndOne(peer.ConnectionId), Self);
                break;
        }
    }

    private static void Dispose(ITransport transport, SessionKeys keys)
    {
        transport.Dispose();
        keys.Dispose();
    }

    // The end of a life: nobody is left who knows these.
    private void LetGo()
    {
        foreach ((long id, Stream stream) in _streams)
        {
            Close(id);
            if (stream.Incoming is { } incoming)
            {
                Dispose(incoming.Transport, incoming.Keys);
            }
        }
    }

    private sealed class Stream(Stage stage)
    {
        public Stage Stage { get; set; } = stage;

        public bool IsClosing { get; set; }

        public DhtActor.Incoming? Incoming { get; set; }

        public PeerInfo? Peer { get; set; }
    }
}
