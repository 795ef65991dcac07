using System.Threading.Channels;
using HyperActors.Abstractions;
using HyperActors.Merkle;
using HyperActors.Replication;
using HyperActors.Storage;
using DownloadProgress = HyperActors.Abstractions.DownloadProgress;

namespace HyperActors.Actors;

/// <content>What a feed is told and asked. Refusals are <see cref="Status.Failure"/> with the reason inside.</content>
public sealed partial class FeedActor
{
    /// <summary>A handle was opened: while there is one, the feed counts as wanted.</summary>
    public sealed record OpenSession
    {
        public static OpenSession Instance { get; } = new();
    }

    /// <summary>A handle was closed.</summary>
    public sealed record CloseSession
    {
        public static CloseSession Instance { get; } = new();
    }

    /// <summary>The disk has answered; which log it was that asked tells an answer to a former life.</summary>
    private sealed record IoDone(FeedLog Log, IoRequest Request, IoResult Result);

    private sealed record OpenFiles
    {
        public static OpenFiles Instance { get; } = new();
    }

    private sealed record Wake
    {
        public static Wake Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="FeedInfo"/>, once the feed is open.</summary>
    public sealed record GetInfo
    {
        public static GetInfo Instance { get; } = new();
    }

    /// <summary>Answered with <see cref="Appended"/> when the blocks are in the log: all of them, or none.</summary>
    public sealed record Append(IReadOnlyList<ReadOnlyMemory<byte>> Blocks);

    /// <summary>The length with the blocks.</summary>
    public sealed record Appended(ulong Length);

    /// <summary>Answered with <see cref="HasAnswer"/>.</summary>
    public sealed record Has(ulong Index);

    public sealed record HasAnswer(bool IsHere);

    /// <summary>Asks for blocks from <paramref name="From"/> on, without a gap, at most <paramref name="MaxCount"/> of them.</summary>
    /// <remarks>Answered with <see cref="BlocksRead"/>. With <paramref name="ShouldWait"/> the answer has at least one block.</remarks>
    public sealed record Read(long Id, ulong From, ulong To, int MaxCount, bool ShouldWait);

    /// <summary>Blocks in order, in memory of their own.</summary>
    public sealed record BlocksRead(IReadOnlyList<Block> Blocks);

    /// <summary>Answered with <see cref="Truncated"/>.</summary>
    public sealed record Truncate(ulong Length);

    public sealed record Truncated(ulong Fork);

    /// <summary>A connection to a peer is there. Asked: the peer has opened its half of the channel.</summary>
    public sealed record Attach(IActorRef Connection, bool IsAsked);

    public sealed record Detach(IActorRef Connection);

    /// <summary>From replication: prove what a peer asks for. Answered with <see cref="ReplicationActor.Proven"/>.</summary>
    public sealed record Prove(PeerId Peer, IReadOnlyList<ServeRequest> Requests);

    /// <summary>From replication: check and store, all as one. Answered with <see cref="ReplicationActor.Applied"/>.</summary>
    public sealed record ApplyProofs(ulong Id, IReadOnlyList<ReceivedProof> Proofs, IReadOnlyList<IDisposable> Leases);

    /// <summary>From replication: read tree nodes. Answered with <see cref="ReplicationActor.NodesRead"/>.</summary>
    public sealed record ReadNodes(ulong Id, IReadOnlyList<ulong> Indices);

    /// <summary>From replication: the writer cut the feed. Answered with <see cref="ReplicationActor.Truncated"/>, or
    /// <see cref="ReplicationActor.ReorganizeFailed"/>.</summary>
    public sealed record Reorganize(
        TreeHead Head, ulong Ancestors, IReadOnlyList<TreeNode> Nodes, ReadOnlyMemory<byte> Signature, Manifest? Manifest);

    /// <summary>From replication: two histories of one fork are signed.</summary>
    public sealed record Freeze(Proof Evidence);

    /// <summary>Asks peers for a longer version. Answered with <see cref="Updated"/>.</summary>
    public sealed record Update(long Id);

    public sealed record Updated(bool HasGrown);

    /// <summary>Wants a range from peers. Answered with the first <see cref="DownloadState"/>.</summary>
    public sealed record Download(long Id, ulong From, ulong To);

    /// <summary>Answered with a <see cref="DownloadState"/> as soon as more than <paramref name="SeenBlocks"/> are here.</summary>
    public sealed record LookAtDownload(long Id, ulong SeenBlocks);

    public sealed record DownloadState(DownloadProgress Progress, bool IsDone);

    /// <summary>Takes back a waiting <see cref="Read"/>, <see cref="Update"/> or <see cref="Download"/>.</summary>
    public sealed record Cancel(long Id);

    /// <summary>Events go to the writer until <see cref="Unwatch"/>, across restarts.</summary>
    public sealed record Watch(ChannelWriter<FeedEvent> Events);

    public sealed record Unwatch(ChannelWriter<FeedEvent> Events);
}
