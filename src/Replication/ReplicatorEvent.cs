using HyperActors.Merkle;

namespace HyperActors.Replication;

/// <summary>A request of a peer that the feed should answer.</summary>
/// <param name="Ticket">Comes back in <see cref="ServeAnswer"/>.</param>
/// <param name="Request">What to prove.</param>
public readonly record struct ServeRequest(ulong Ticket, ProofRequest Request);

/// <summary>How the feed answers a request.</summary>
public enum ServeResult
{
    /// <summary>The proof is there, with the block in it if one was asked for.</summary>
    Proven,

    /// <summary>What was asked for is not stored.</summary>
    NotAvailable,

    /// <summary>The request makes no sense for this tree.</summary>
    Invalid,

    /// <summary>The feed is at another fork than the request.</summary>
    OtherFork,
}

/// <summary>The feed's answer to a <see cref="ServeRequest"/>.</summary>
public readonly record struct ServeAnswer(ulong Ticket, ServeResult Result, Proof? Proof);

/// <summary>A proof for the feed to check and to store.</summary>
/// <param name="Peer">Who sent it.</param>
/// <param name="Proof">The proof, its own hashes computed.</param>
public readonly record struct ReceivedProof(PeerId Peer, ClimbedProof Proof);

/// <summary>What became of a <see cref="ReceivedProof"/>.</summary>
public enum ApplyVerdict
{
    /// <summary>True, and committed.</summary>
    Applied,

    /// <summary>The feed has moved on: another fork, or an upgrade that no longer fits. Nobody's fault.</summary>
    Stale,

    /// <summary>It ends at a node that is not stored here. Nobody's fault: it is asked for again, with more nodes.</summary>
    Unverifiable,

    /// <summary>Nodes are missing or out of order: the peer's fault.</summary>
    Malformed,

    /// <summary>Its hashes or its signature contradict the feed: the peer's fault, or a conflict.</summary>
    False,

    /// <summary>It could not be stored.</summary>
    NotStored,
}

/// <summary>What a <see cref="Replicator"/> tells its owner, or asks of it.</summary>
public abstract record ReplicatorEvent
{
    private ReplicatorEvent()
    {
    }

    /// <summary>Open our half of the channel, if it is not open: answered by <see cref="Replicator.HandleOpened"/>.</summary>
    public sealed record OpenChannel(PeerId Peer) : ReplicatorEvent;

    /// <summary>The peer broke the rules: end its connection, then <see cref="Replicator.Detach"/>.</summary>
    public sealed record PeerFailed(PeerId Peer, ReplicationError Error) : ReplicatorEvent;

    /// <summary>Requests to answer from the committed head, by <see cref="Replicator.HandleServed"/>.</summary>
    public sealed record Serve(PeerId Peer, IReadOnlyList<ServeRequest> Requests) : ReplicatorEvent;

    /// <summary>Proofs to check in this order and to store as one; answered by <see cref="Replicator.HandleApplied"/>.</summary>
    /// <param name="Id">Comes back with the verdicts.</param>
    /// <param name="Proofs">A later one may rest on nodes of an earlier one.</param>
    /// <param name="Leases">The memory in which the blocks lie: whoever takes the event disposes them when it is done with the blocks.</param>
    public sealed record Apply(ulong Id, IReadOnlyList<ReceivedProof> Proofs, IReadOnlyList<IDisposable> Leases)
        : ReplicatorEvent;

    /// <summary>Tree nodes to read from the committed head, by <see cref="Replicator.HandleNodes"/>.</summary>
    public sealed record ReadNodes(ulong Id, IReadOnlyList<ulong> Indices) : ReplicatorEvent;

    /// <summary>The writer has cut the feed: keep what is below <paramref name="Ancestors"/> and take over the new version.
    /// Answered by <see cref="Replicator.HandleTruncated"/>, or by <see cref="Replicator.HandleReorganizeFailed"/>.</summary>
    /// <param name="Head">The new version, its signature verified.</param>
    /// <param name="Ancestors">How many blocks both versions have in common.</param>
    /// <param name="Nodes">Nodes of the new tree to store.</param>
    /// <param name="Signature">The signature over <paramref name="Head"/>.</param>
    /// <param name="Manifest">The manifest, if it was not known before.</param>
    public sealed record Reorganize(
        TreeHead Head,
        ulong Ancestors,
        IReadOnlyList<TreeNode> Nodes,
        ReadOnlyMemory<byte> Signature,
        Manifest? Manifest) : ReplicatorEvent;

    /// <summary>Two histories of one fork are signed: freeze the feed. Everything is closed once the evidence is on its way.</summary>
    public sealed record ConflictFound(PeerId Peer, Proof Evidence) : ReplicatorEvent;

    /// <summary>A get, a download or an update has come to its end.</summary>
    /// <param name="Ticket">The owner's number for it.</param>
    /// <param name="Succeeded">For an update, whether something is new; else true.</param>
    public sealed record Finished(ulong Ticket, bool Succeeded) : ReplicatorEvent;

    /// <summary>An application's message. Its bytes are a copy.</summary>
    public sealed record ExtensionReceived(PeerId Peer, string Name, ReadOnlyMemory<byte> Payload) : ReplicatorEvent;
}

/// <summary>Messages for one peer, in order.</summary>
/// <param name="Peer">Whom they are for.</param>
/// <param name="Messages">The messages; best sent as one batch of the mux.</param>
/// <param name="Leases">The memory in which blocks lie: disposed by whoever has written the messages.</param>
/// <param name="Size">What <see cref="Replicator.HandleSent"/> takes back when the transport has them.</param>
/// <param name="ThenClose">Whether the channel is to be closed behind them: neither side wants anything of the other now.</param>
public readonly record struct Transmission(
    PeerId Peer, IReadOnlyList<ReplicationMessage> Messages, IReadOnlyList<IDisposable> Leases, long Size, bool ThenClose);

/// <summary>How far a download is.</summary>
public readonly record struct DownloadProgress(ulong Total, ulong Remaining);

/// <summary>What is known of a peer.</summary>
public readonly record struct PeerInfo(
    PeerId Id, bool IsOpen, bool IsPaused, ulong Fork, ulong Length, ulong ContiguousLength, bool IsDownloading, int InFlight, long UnsentBytes);
