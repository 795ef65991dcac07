using System.Runtime.InteropServices;
using HyperActors.Compact;
using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Wire;

namespace HyperActors.Actors;

/// <summary>One feed with one peer, the receiving side: decodes messages and hashes proofs, in parallel for every peer.</summary>
/// <remarks>
/// Parent: <see cref="ConnectionActor"/>. Never restarted: it holds nothing but the way to its feed. What the feed sends
/// goes to the connection without passing here, so that it keeps its order with opens and closes.
/// </remarks>
public sealed class ChannelActor : ReceiveActor
{
    /// <summary>Both halves are open.</summary>
    public sealed record Opened(ReadOnlyMemory<byte> Handshake);

    /// <summary>Messages of the peer; the receiver disposes them.</summary>
    public sealed record Arrived(MessageBatch Messages);

    /// <summary>The channel is gone.</summary>
    public sealed record Closed
    {
        public static Closed Instance { get; } = new();
    }

    private readonly ulong _channelId;
    private readonly PeerId _peer;
    private readonly FeedKey _key;
    private readonly LinkEvent.Connected _session;
    private readonly IActorRef _replication;
    private readonly List<DataMessage> _data = [];
    private readonly List<ReadOnlyMemory<byte>> _blocks = [];
    private Hash[] _leaves = [];

    public ChannelActor(ulong channelId, PeerId peer, FeedKey key, LinkEvent.Connected session, IActorRef replication)
    {
        _channelId = channelId;
        _peer = peer;
        _key = key;
        _session = session;
        _replication = replication;

        Receive<Opened>(Handle);
        Receive<Arrived>(Handle);
        Receive<Closed>(_ =>
        {
            _replication.Tell(new ReplicationActor.ChannelClosed(_peer, _channelId), Self);
            Context.Stop(Self);
        });
    }

    public static Props PropsFor(ulong channelId, PeerId peer, FeedKey key, LinkEvent.Connected session, IActorRef replication) =>
        Props.Create(() => new ChannelActor(channelId, peer, key, session, replication));

    private void Handle(Opened opened)
    {
        var reader = new CompactReader(opened.Handshake.Span);
        if (!Handshake.TryDecode(ref reader, out Handshake handshake)
            || !handshake.Proves(!_session.IsInitiator, _session.HandshakeHash.Span, _key))
        {
            Context.Parent.Tell(new ConnectionActor.FailPeer(ReplicationError.InvalidCapability.ToString()), Self);
            return;
        }

        _replication.Tell(new ReplicationActor.ChannelOpened(_peer, _channelId, handshake), Self);
    }

    private void Handle(Arrived arrived)
    {
        var messages = new List<ReplicationMessage>(arrived.Messages.Count);
        bool holdsBlocks = false;
        foreach (Message message in arrived.Messages)
        {
            if (!ReplicationCodec.TryDecode(message.Type, message.Payload, out ReplicationMessage? decoded))
            {
                _data.Clear();
                arrived.Messages.Dispose();
                Context.Parent.Tell(new ConnectionActor.FailPeer(ReplicationError.MalformedMessage.ToString()), Self);
                return;
            }

            if (decoded is DataMessage data)
            {
                _data.Add(data);
                holdsBlocks |= data.Proof.Block is not null;
            }

            if (decoded is not null)
            {
                holdsBlocks |= decoded is BitfieldMessage or ExtensionMessage;
                messages.Add(decoded);
            }
        }

        Climb();
        long cost = ConnectionActor.CostOf(arrived.Messages);
        if (!holdsBlocks)
        {
            arrived.Messages.Dispose();
        }

        _replication.Tell(
            new ReplicationActor.MessagesArrived(_peer, _channelId, messages, holdsBlocks ? arrived.Messages : null, cost), Self);
    }

    // The costly part of checking, before it comes to the one actor that all peers of the feed share: blocks of one size
    // are hashed side by side. A proof that is false stays false; the replicator finds out what it means.
    private void Climb()
    {
        _blocks.Clear();
        foreach (DataMessage data in _data)
        {
            if (data.Proof.Block is { } block)
            {
                _blocks.Add(block.Value);
            }
        }

        if (_leaves.Length < _blocks.Count)
        {
            _leaves = new Hash[Math.Max(_blocks.Count, 2 * _leaves.Length)];
        }

        TreeHash.Leaves(CollectionsMarshal.AsSpan(_blocks), _leaves.AsSpan(0, _blocks.Count));
        int next = 0;
        foreach (DataMessage data in _data)
        {
            if (data.Proof.Block is null)
            {
                data.Climb();
            }
            else
            {
                data.Climb(_leaves[next++]);
            }
        }

        _data.Clear();
        _blocks.Clear();
    }
}
