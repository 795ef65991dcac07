using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>So many blocks from one on.</summary>
public readonly record struct BlockRange(ulong Start, ulong Count);

/// <summary>Why something was not done.</summary>
public enum Refusal
{
    /// <summary>No key is here that may sign this feed alone.</summary>
    NotWritable,

    /// <summary>A block is larger than <see cref="FeedOptions.MaxBlockSize"/>.</summary>
    BlockTooLarge,

    /// <summary>The first block of the range is not held.</summary>
    BlockMissing,

    /// <summary>Beyond the end of the feed, below its prologue, or a fork that is not newer.</summary>
    OutOfBounds,

    /// <summary>The disk has no room; nothing was changed.</summary>
    DiskFull,

    /// <summary>The feed's files failed; the exception says how.</summary>
    Failed,
}

/// <summary>How a request for a proof was answered.</summary>
public enum ProofStatus
{
    /// <summary>The proof is there.</summary>
    Done,

    /// <summary>A block or a node that it takes is not held, or the fork is another.</summary>
    Unavailable,

    /// <summary>The request makes no sense for this feed.</summary>
    Invalid,

    /// <summary>The answers before it fill what one read may return: ask again.</summary>
    Later,
}

/// <summary>The answer to one request for a proof.</summary>
public readonly record struct ProofAnswer(ProofStatus Status, Proof? Proof);

/// <summary>What became of a proof.</summary>
public enum ApplyStatus
{
    /// <summary>It is true, and whatever was new of it is stored.</summary>
    Applied,

    /// <summary>It is of a higher fork, and the feed has moved to that fork.</summary>
    Reorganized,

    /// <summary>It is of another fork, and no full upgrade of a higher one.</summary>
    WrongFork,

    /// <summary>It ends at a node that is not stored here: nobody's fault, it takes more nodes.</summary>
    Unverifiable,

    /// <summary>Its upgrade begins at a length that the feed has left behind: nobody's fault, and its block was not taken.</summary>
    Stale,

    /// <summary>It is false; the error says in what way.</summary>
    Invalid,

    /// <summary>It is signed, and yet contradicts what we hold: the writer signed two feeds under one key.</summary>
    Conflict,
}

/// <summary>What became of a proof, and in what way it is false.</summary>
public readonly record struct ApplyOutcome(ApplyStatus Status, ProofError Error = ProofError.None);

/// <summary>What a <see cref="FeedLog"/> reports: answers by the id of the request, and changes.</summary>
public abstract record FeedLogEvent
{
    private FeedLogEvent()
    {
    }

    /// <summary>The feed is there; its state may be read and requests made.</summary>
    public sealed record Opened(bool IsNew) : FeedLogEvent;

    /// <summary>The blocks are in the feed, from <paramref name="Start"/> on.</summary>
    public sealed record Appended(long Id, ulong Start, ulong Count) : FeedLogEvent;

    public sealed record Truncated(long Id) : FeedLogEvent;

    public sealed record UserDataSet(long Id) : FeedLogEvent;

    /// <summary>Blocks from <paramref name="Start"/> on, perhaps fewer than asked for. The receiver owns the batch.</summary>
    public sealed record BlocksRead(long Id, ulong Start, BlockBatch Blocks) : FeedLogEvent;

    /// <summary>Answers in the order of the requests; the values of their blocks lie in the batch, which the receiver owns.</summary>
    public sealed record Proved(long Id, IReadOnlyList<ProofAnswer> Answers, BlockBatch Blocks) : FeedLogEvent;

    /// <summary>Outcomes in the order of the proofs.</summary>
    public sealed record Applied(long Id, IReadOnlyList<ApplyOutcome> Outcomes) : FeedLogEvent;

    /// <summary>How many levels up each node's way no node is stored, in the order in which they were asked for.</summary>
    public sealed record MissingCounted(long Id, IReadOnlyList<int> Levels) : FeedLogEvent;

    /// <summary>Tree nodes in the order in which they were asked for; null where none is stored.</summary>
    public sealed record NodesRead(long Id, IReadOnlyList<TreeNode?> Nodes) : FeedLogEvent;

    /// <summary>The feed has moved to the higher fork.</summary>
    /// <summary>The block that holds a byte, and the byte's place in it.</summary>
    public sealed record Sought(long Id, ulong Block, ulong Offset) : FeedLogEvent;

    public sealed record Reorganized(long Id) : FeedLogEvent;

    /// <summary>All that was committed is in the feed's files proper; the oplog holds no entries.</summary>
    public sealed record Checkpointed(long Id) : FeedLogEvent;

    public sealed record Refused(long Id, Refusal Reason, Exception? Error = null) : FeedLogEvent;

    /// <summary>A new version is committed. Follows the answers that it belongs to.</summary>
    /// <param name="Head">The version.</param>
    /// <param name="Signature">The signature over it.</param>
    /// <param name="Added">Blocks that are held from now on.</param>
    /// <param name="TruncatedTo">How many blocks stayed, when others were cut off first.</param>
    /// <param name="HasNewManifest">Whether the manifest was learned with it.</param>
    public sealed record Committed(
        TreeHead Head,
        ReadOnlyMemory<byte> Signature,
        IReadOnlyList<BlockRange> Added,
        ulong? TruncatedTo,
        bool HasNewManifest) : FeedLogEvent;

    /// <summary>The files failed. All requests have been refused, and nothing more will happen: open anew.</summary>
    public sealed record Failed(Exception Error) : FeedLogEvent;
}
