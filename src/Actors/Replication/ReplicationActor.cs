using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Wire;
using Microsoft.Extensions.Logging;

namespace HyperActors.Actors;

/// <summary>A feed with all of its peers: drives a <see cref="Replicator"/>.</summary>
/// <remarks>
/// Parent: <see cref="FeedActor"/>. No children. Never restarted by itself: it lives and dies with its feed, and a feed that
/// restarts attaches its connections anew.
/// </remarks>
public sealed class ReplicationActor : ReceiveActor, IWithTimers
{
    /// <summary>A connection to a peer is there. Asked: the peer has opened its half of the channel.</summary>
    public sealed record Attach(IActorRef Connection, bool IsAsked);

    /// <summary>The connection is gone.</summary>
    public sealed record Detach(IActorRef Connection);

    public sealed record ChannelOpened(PeerId Peer, ulong ChannelId, Handshake Handshake);

    public sealed record ChannelClosed(PeerId Peer, ulong ChannelId);

    /// <summary>Messages of a peer, the memory in which their blocks lie, and what the connection wants back for them.</summary>
    public sealed record MessagesArrived(
        PeerId Peer, ulong ChannelId, IReadOnlyList<ReplicationMessage> Messages, IDisposable? Lease, long Cost);

    /// <summary>Messages of that size have left.</summary>
    public sealed record Sent(PeerId Peer, long Size);

    /// <summary>From the feed: blocks were appended here, and are committed.</summary>
    public sealed record Appended(FeedState State);

    /// <summary>From the feed: it was cut, and that is committed.</summary>
    public sealed record Truncated(FeedState State, ulong Ancestors);

    /// <summary>From the feed: the answer to <see cref="FeedActor.Prove"/>.</summary>
    public sealed record Proven(PeerId Peer, IReadOnlyList<ServeAnswer> Answers, IDisposable? Lease);

    /// <summary>From the feed: the answer to <see cref="FeedActor.ApplyProofs"/>.</summary>
    public sealed record Applied(ulong Id, IReadOnlyList<ApplyVerdict> Verdicts, FeedState State);

    /// <summary>From the feed: the answer to <see cref="FeedActor.ReadNodes"/>.</summary>
    public sealed record NodesRead(ulong Id, IReadOnlyList<TreeNode?> Nodes);

    /// <summary>From the feed: it did not take over the new fork.</summary>
    public sealed record ReorganizeFailed
    {
        public static ReorganizeFailed Instance { get; } = new();
    }

    /// <summary>From the feed: somebody uses it, or nobody any more.</summary>
    public sealed record SetDownloading(bool IsDownloading);

    /// <summary>From the feed: a block is waited for.</summary>
    public sealed record Get(ulong Ticket, ulong Index);

    /// <summary>From the feed: a range is wanted; without an end, all that comes.</summary>
    public sealed record Download(ulong Ticket, ulong Start, ulong? End);

    /// <summary>From the feed: a newer version is wanted.</summary>
    public sealed record Update(ulong Ticket);

    /// <summary>From the feed: nobody waits under that ticket any more.</summary>
    public sealed record Cancel(ulong Ticket);

    /// <summary>To the feed: what it waited for under that ticket has come to its end.</summary>
    public sealed record Finished(ulong Ticket, bool Succeeded);

    /// <summary>To the feed: how many peers have the channel open.</summary>
    public sealed record PeersChanged(int Count);

    /// <summary>Answered with <see cref="FeedActor.PeersAnswer"/>.</summary>
    public sealed record GetPeers;

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    private readonly FeedKey _key;
    private readonly Replicator _replicator;
    private readonly ILogger _log;
    private readonly Dictionary<PeerId, Peer> _peers = [];
    private readonly Dictionary<IActorRef, Peer> _byConnection = [];
    private readonly MessageBatchWriter _writer = new();
    private TimeSpan _alarm = TimeSpan.MaxValue;
    private ulong _peerIds;
    private int _openPeers;

    public ReplicationActor(
        FeedKey key, FeedState state, BlockSet have, bool isFrozen, ReplicationOptions options, RandomSource random, ILogger log)
    {
        _key = key;
        _log = log;
        _replicator = new Replicator(key, state, have, options, random, isFrozen);

        On<MessagesArrived>(Handle);
        On<Sent>(m => _replicator.HandleSent(m.Peer, m.Size, Now));
        On<Proven>(m => _replicator.HandleServed(m.Peer, m.Answers, m.Lease, Now));
        On<Applied>(m => _replicator.HandleApplied(m.Id, m.Verdicts, m.State, Now));
        On<Appended>(m => _replicator.HandleAppended(m.State, Now));
        On<Truncated>(m => _replicator.HandleTruncated(m.State, m.Ancestors, Now));
        On<NodesRead>(m => _replicator.HandleNodes(m.Id, m.Nodes, Now));
        On<ReorganizeFailed>(_ => _replicator.HandleReorganizeFailed(Now));
        On<Attach>(Handle);
        On<Detach>(Handle);
        On<ChannelOpened>(Handle);
        On<ChannelClosed>(Handle);
        On<SetDownloading>(m => _replicator.SetDownloading(m.IsDownloading, Now));
        On<Get>(m => _replicator.Get(m.Ticket, m.Index, Now));
        On<Download>(m => _replicator.Download(m.Ticket, m.Start, m.End, Now));
        On<Update>(m => _replicator.Update(m.Ticket, Now));
        On<Cancel>(m => _replicator.Cancel(m.Ticket, Now));
        Receive<GetPeers>(_ => Sender.Tell(new FeedActor.PeersAnswer(Look()), Self));
        On<Wake>(_ =>
        {
            _alarm = TimeSpan.MaxValue;
            _replicator.HandleTimeout(Now);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    public static Props PropsFor(
        FeedKey key, FeedState state, BlockSet have, bool isFrozen, ReplicationOptions options, RandomSource random, ILogger log) =>
        Props.Create(() => new ReplicationActor(key, state, have, isFrozen, options, random, log));

    protected override void PostStop() => _writer.Dispose();

    // The rhythm of every driver: one change to the machine, drain it, set the alarm.
    private void On<T>(Action<T> handle) => Receive<T>(message =>
    {
        handle(message);
        Drain();
    });

    private void Handle(Attach attach)
    {
        if (!_byConnection.TryGetValue(attach.Connection, out Peer? peer))
        {
            peer = new Peer(new PeerId(++_peerIds), attach.Connection);
            _peers.Add(peer.Id, peer);
            _byConnection.Add(attach.Connection, peer);
            _replicator.Attach(peer.Id, Now);
        }
        else if (attach.IsAsked)
        {
            // A peer that we thought had enough has opened its half again.
            Open(peer);
        }
    }

    private void Handle(Detach detach)
    {
        if (_byConnection.Remove(detach.Connection, out Peer? peer))
        {
            _peers.Remove(peer.Id);
            Leave(peer);
            _replicator.Detach(peer.Id, Now);
        }
    }

    private void Handle(ChannelOpened opened)
    {
        if (!_peers.TryGetValue(opened.Peer, out Peer? peer))
        {
            return;
        }

        if (peer.ChannelId is not null)
        {
            // The close of the old channel is still on its way here.
            Leave(peer);
            _replicator.HandleClosed(peer.Id, Now);
        }

        peer.ChannelId = opened.ChannelId;
        _openPeers++;
        Context.Parent.Tell(new PeersChanged(_openPeers), Self);
        _replicator.HandleOpened(peer.Id, opened.Handshake, Now);
    }

    private void Handle(ChannelClosed closed)
    {
        if (_peers.TryGetValue(closed.Peer, out Peer? peer) && (peer.ChannelId is null || peer.ChannelId == closed.ChannelId))
        {
            Leave(peer);
            _replicator.HandleClosed(peer.Id, Now);
        }
    }

    private void Handle(MessagesArrived arrived)
    {
        if (_peers.TryGetValue(arrived.Peer, out Peer? peer) && peer.ChannelId == arrived.ChannelId)
        {
            _replicator.HandleMessages(arrived.Peer, arrived.Messages, arrived.Lease, Now);
            peer.Connection.Tell(new ConnectionActor.Consumed(arrived.Cost), Self);
            return;
        }

        arrived.Lease?.Dispose();
        peer?.Connection.Tell(new ConnectionActor.Consumed(arrived.Cost), Self);
    }

    private List<Abstractions.FeedPeer> Look()
    {
        var peers = new List<Abstractions.FeedPeer>();
        foreach (Peer peer in _peers.Values)
        {
            if (peer.ChannelId is not null && _replicator.TryLook(peer.Id, out ulong length, out ulong contiguousLength))
            {
                peers.Add(new Abstractions.FeedPeer(ConnectionsActor.IdOf(peer.Connection), length, contiguousLength));
            }
        }

        return peers;
    }

    private void Leave(Peer peer)
    {
        if (peer.ChannelId is not null)
        {
            peer.ChannelId = null;
            _openPeers--;
            Context.Parent.Tell(new PeersChanged(_openPeers), Self);
        }
    }

    private void Drain()
    {
        bool isActive = true;
        while (isActive)
        {
            isActive = false;
            while (_replicator.TryPollEvent(out ReplicatorEvent? e))
            {
                isActive = true;
                Carry(e);
            }

            while (_replicator.TryPollTransmit(out Transmission transmission))
            {
                isActive = true;
                Send(transmission);
            }
        }

        if (_replicator.Deadline is { } deadline && deadline < _alarm)
        {
            _alarm = deadline;
            TimeSpan delay = deadline - Now;
            Timers.StartSingleTimer(nameof(Wake), Wake.Instance, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
        }
    }

    private void Carry(ReplicatorEvent replicatorEvent)
    {
        switch (replicatorEvent)
        {
            case ReplicatorEvent.Serve serve:
                Context.Parent.Tell(new FeedActor.Prove(serve.Peer, serve.Requests), Self);
                break;
            case ReplicatorEvent.Apply apply:
                Context.Parent.Tell(new FeedActor.ApplyProofs(apply.Id, apply.Proofs, apply.Leases), Self);
                break;
            case ReplicatorEvent.Finished finished:
                Context.Parent.Tell(new Finished(finished.Ticket, finished.Succeeded), Self);
                break;
            case ReplicatorEvent.ReadNodes read:
                Context.Parent.Tell(new FeedActor.ReadNodes(read.Id, read.Indices), Self);
                break;
            case ReplicatorEvent.OpenChannel open:
                Open(_peers[open.Peer]);
                break;
            case ReplicatorEvent.PeerFailed failed:
                Log.PeerDropped(_log, _key, failed.Peer, failed.Error);
                _peers[failed.Peer].Connection.Tell(new ConnectionActor.FailPeer(failed.Error.ToString()), Self);
                break;
            case ReplicatorEvent.Reorganize reorganize:
                Context.Parent.Tell(
                    new FeedActor.Reorganize(
                        reorganize.Head, reorganize.Ancestors, reorganize.Nodes, reorganize.Signature, reorganize.Manifest),
                    Self);
                break;
            case ReplicatorEvent.ConflictFound conflict:
                Context.Parent.Tell(new FeedActor.Freeze(conflict.Evidence), Self);
                break;
        }
    }

    private void Open(Peer peer) =>
        peer.Connection.Tell(new ConnectionActor.OpenFeed(_key, peer.Id, Self), Self);

    private void Send(Transmission transmission)
    {
        if (!_peers.TryGetValue(transmission.Peer, out Peer? peer) || peer.ChannelId is not { } channelId)
        {
            Release(transmission.Leases);
            return;
        }

        foreach (ReplicationMessage message in transmission.Messages)
        {
            _writer.BeginMessage((uint)message.Type, message.ApproximateSize);
            var writer = new CompactWriter(_writer);
            message.Encode(ref writer);
            _writer.EndMessage();
        }

        // The blocks are copied where they will be encrypted and sent from: the memory that they were read into is free.
        Release(transmission.Leases);
        if (_writer.Build() is { } batch)
        {
            peer.Connection.Tell(new ConnectionActor.SendMessages(channelId, batch, peer.Id, transmission.Size), Self);
        }

        if (transmission.ThenClose)
        {
            Leave(peer);
            peer.Connection.Tell(new ConnectionActor.CloseChannel(channelId), Self);
        }
    }

    private static void Release(IReadOnlyList<IDisposable> leases)
    {
        foreach (IDisposable lease in leases)
        {
            lease.Dispose();
        }
    }

    private sealed class Peer(PeerId id, IActorRef connection)
    {
        public PeerId Id => id;

        public IActorRef Connection => connection;

        public ulong? ChannelId { get; set; }
    }
}
