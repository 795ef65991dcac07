using HyperActors.Crypto;
using HyperActors.Merkle;
using HyperActors.Wire;

namespace HyperActors.Replication.Tests;

/// <summary>A replicator with its feed, driven by hand: messages in, messages out, as bytes of the wire.</summary>
internal sealed class Side
{
    private readonly Dictionary<PeerId, List<ReplicationMessage>> _sent = [];

    public Side(MemoryFeed feed, ReplicationOptions? options = null, ulong seed = 1, bool isFrozen = false)
    {
        Feed = feed;
        Replicator = new Replicator(
            feed.Key, feed.State, feed.Have(), options ?? new ReplicationOptions(), RandomSource.Seeded(seed), isFrozen);
    }

    public MemoryFeed Feed { get; }

    public Replicator Replicator { get; }

    public TimeSpan Now { get; set; }

    /// <summary>Events that are neither served nor applied by the feed at once.</summary>
    public List<ReplicatorEvent> Events { get; } = [];

    public List<ulong> Finished { get; } = [];

    public List<PeerId> Closed { get; } = [];

    public Dictionary<PeerId, ReplicationError> Failed { get; } = [];

    /// <summary>Whether the feed answers at once; else events wait in <see cref="Events"/>.</summary>
    public bool FeedAnswers { get; set; } = true;

    /// <summary>Whether reads of nodes are answered at once too.</summary>
    public bool AnswersReads { get; set; } = true;

    /// <summary>Whether the feed moves to another fork at once too.</summary>
    public bool Reorganizes { get; set; } = true;

    public static PeerId Peer(ulong id = 1) => new(id);

    public static Handshake Handshake { get; } = new(true, default);

    /// <summary>Attaches and opens a peer; what is sent at once is in <see cref="TakeSent"/>.</summary>
    public Side Open(ulong id = 1)
    {
        Replicator.Attach(Peer(id), Now);
        Drain();
        Replicator.HandleOpened(Peer(id), Handshake, Now);
        return Drain();
    }

    public Side Receive(params ReplicationMessage[] messages) => Receive(1, messages);

    public Side Receive(ulong id, params ReplicationMessage[] messages)
    {
        Replicator.HandleMessages(Peer(id), messages, null, Now);
        return Drain();
    }

    /// <summary>Receives messages as hex, each with its type in front.</summary>
    public Side Receive(params string[] frames) => Receive(1, [.. frames.Select(Decode)]);

    public Side Drain()
    {
        while (true)
        {
            if (Replicator.TryPollEvent(out ReplicatorEvent? e))
            {
                Handle(e);
            }
            else if (Replicator.TryPollTransmit(out Transmission transmission))
            {
                if (!_sent.TryGetValue(transmission.Peer, out List<ReplicationMessage>? list))
                {
                    _sent[transmission.Peer] = list = [];
                }

                list.AddRange(transmission.Messages);
                foreach (IDisposable lease in transmission.Leases)
                {
                    lease.Dispose();
                }

                Replicator.HandleSent(transmission.Peer, transmission.Size, Now);
                if (transmission.ThenClose)
                {
                    Closed.Add(transmission.Peer);
                }
            }
            else
            {
                return this;
            }
        }
    }

    public IReadOnlyList<ReplicationMessage> TakeSent(ulong id = 1) =>
        _sent.Remove(Peer(id), out List<ReplicationMessage>? list) ? list : [];

    public IReadOnlyList<T> TakeSent<T>(ulong id = 1) => [.. TakeSent(id).OfType<T>()];

    /// <summary>What was sent, as hex with the type in front.</summary>
    public string[] TakeFrames(ulong id = 1) => [.. TakeSent(id).Select(Encode)];

    public Side Advance(TimeSpan time)
    {
        Now += time;
        Replicator.HandleTimeout(Now);
        return Drain();
    }

    public static string Encode(ReplicationMessage message)
    {
        using var writer = new MessageBatchWriter();
        ReplicationCodec.Encode([message], writer);
        using MessageBatch batch = writer.Build()!;
        foreach (Message item in batch)
        {
            return $"{item.Type:x2} {Convert.ToHexStringLower(item.Payload.Span)}";
        }

        throw new InvalidOperationException("An encoded message is missing.");
    }

    public static ReplicationMessage Decode(string frame)
    {
        byte[] bytes = Convert.FromHexString(frame.Replace(" ", string.Empty, StringComparison.Ordinal));
        Assert.True(ReplicationCodec.TryDecode(bytes[0], bytes.AsMemory(1), out ReplicationMessage? message));
        return message!;
    }

    public void Reorganize(ReplicatorEvent.Reorganize reorganize)
    {
        Feed.Reorganize(reorganize);
        Replicator.HandleTruncated(Feed.State, reorganize.Ancestors, Now);
    }

    private void Handle(ReplicatorEvent e)
    {
        switch (e)
        {
            case ReplicatorEvent.Serve serve when FeedAnswers:
                Replicator.HandleServed(serve.Peer, [.. serve.Requests.Select(Feed.Serve)], null, Now);
                break;
            case ReplicatorEvent.Apply apply when FeedAnswers:
                ApplyVerdict[] verdicts = [.. apply.Proofs.Select(p => Feed.Apply(p.Proof))];
                foreach (IDisposable lease in apply.Leases)
                {
                    lease.Dispose();
                }

                Replicator.HandleApplied(apply.Id, verdicts, Feed.State, Now);
                break;
            case ReplicatorEvent.ReadNodes read when FeedAnswers && AnswersReads:
                Replicator.HandleNodes(read.Id, Feed.Read(read.Indices), Now);
                break;
            case ReplicatorEvent.Reorganize reorganize when FeedAnswers && Reorganizes:
                Reorganize(reorganize);
                break;
            case ReplicatorEvent.Finished finished:
                Finished.Add(finished.Ticket);
                Events.Add(e);
                break;
            case ReplicatorEvent.PeerFailed failed:
                Failed[failed.Peer] = failed.Error;
                Replicator.Detach(failed.Peer, Now);
                break;
            default:
                Events.Add(e);
                break;
        }
    }
}
