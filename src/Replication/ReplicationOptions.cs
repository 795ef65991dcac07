using System.ComponentModel.DataAnnotations;

namespace HyperActors.Replication;

/// <summary>Bounds and habits of a <see cref="Replicator"/>.</summary>
public sealed record ReplicationOptions
{
    /// <summary>Whether a longer version is fetched as soon as a peer has one. Without, only when an update is asked for.</summary>
    public bool EagerUpgrade { get; set; } = true;

    /// <summary>Whether the feed follows its writer to a new fork. Without, truncations are not noticed.</summary>
    public bool AllowForks { get; set; } = true;

    /// <summary>Whether peers may send blocks that nobody asked for. With it, unexpected data is no fault.</summary>
    public bool AllowPush { get; set; }

    /// <summary>Requests in flight to one peer, at least. More hides longer round trips of large blocks, and holds more of them.</summary>
    [Range(1, 4096)]
    public int MinInFlight { get; set; } = 16;

    /// <summary>Requests in flight to one peer, at most. JavaScript has 48 over TCP; a few batches more keep a fast link busy.</summary>
    [Range(1, 4096)]
    public int MaxInFlight { get; set; } = 512;

    /// <summary>Bytes in flight from one peer, as the feed's mean block size tells. More costs the peer memory.</summary>
    [Range(1, 1L << 40)]
    public long MaxInFlightBytes { get; set; } = 8 << 20;

    /// <summary>Bytes handed on to be stored and not yet reported as stored, from all peers; beyond it no block is asked for.</summary>
    [Range(1, 1L << 40)]
    public long MaxApplyingBytes { get; set; } = 32 << 20;

    /// <summary>Requests of one peer that wait to be served. Twice what a JavaScript peer ever has in flight; more is abuse.</summary>
    [Range(1, 65_536)]
    public int MaxQueuedRequests { get; set; } = 1024;

    /// <summary>Requests that make no sense which one peer may send, as JavaScript has it.</summary>
    [Range(1, 65_536)]
    public int MaxInvalidRequests { get; set; } = 64;

    /// <summary>Messages with data that nobody asked for which one peer may send.</summary>
    [Range(1, 65_536)]
    public int MaxUnsolicited { get; set; } = 64;

    /// <summary>Refusals after which nothing more is asked of a peer for a while, as JavaScript has it.</summary>
    [Range(1, 65_536)]
    public int MaxRefusals { get; set; } = 32;

    /// <summary>How long refusals of a peer are held against it. Less finds out sooner that it has its disk back, and asks
    /// more often in vain.</summary>
    public TimeSpan ForgiveRefusalsAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests that are handed on to be served at a time. More makes larger batches, and cancels come later.</summary>
    [Range(1, 4096)]
    public int MaxServeBatch { get; set; } = 128;

    /// <summary>Bytes that are handed on to be served at a time. Less lets the next blocks be read while these are sent.</summary>
    [Range(1, 1L << 40)]
    public long MaxServeBatchBytes { get; set; } = 1 << 20;

    /// <summary>Bytes on their way to one peer beyond which nothing more is served to it. More keeps a fast link busy.</summary>
    [Range(1, 1L << 40)]
    public long MaxUnsentBytes { get; set; } = 4 << 20;

    /// <summary>Bytes on their way to one peer beyond which it is given up.</summary>
    [Range(1, 1L << 40)]
    public long MaxBacklogBytes { get; set; } = 64 << 20;

    /// <summary>Wants outstanding at one peer, and accepted from one, as JavaScript has it.</summary>
    [Range(1, 65_536)]
    public int MaxWants { get; set; } = 512;

    /// <summary>Pages of 32768 blocks that are remembered of what one peer has beyond its first gap.</summary>
    [Range(1, 1 << 20)]
    public int MaxRemotePages { get; set; } = 2048;

    /// <summary>Proofs of one peer that wait for one that was asked for earlier.</summary>
    [Range(0, 4096)]
    public int MaxParked { get; set; } = 512;

    /// <summary>After this long a block that is in flight may be asked for from another peer too. Less costs bandwidth.</summary>
    public TimeSpan HotswapAfter { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Peers that one block may be asked from at the same time.</summary>
    [Range(1, 16)]
    public int MaxParallelRequests { get; set; } = 3;

    /// <summary>How long a feed that nobody uses any more still says that it downloads, at least.</summary>
    public TimeSpan MinLinger { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>And at most; chance decides between the two, so that peers don't close in step.</summary>
    public TimeSpan MaxLinger { get; set; } = TimeSpan.FromSeconds(40);

    /// <summary>How long a peer whose proof was false has to show a second history of the feed.</summary>
    public TimeSpan ConflictTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an update waits for peers that say nothing, or that announce a version and do not deliver it. More
    /// suits slow paths, less finds out sooner; what arrives later is taken all the same.</summary>
    public TimeSpan UpdateTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long downloads rest after the feed could not store a block.</summary>
    public TimeSpan RetryAfterFailure { get; set; } = TimeSpan.FromSeconds(5);
}
