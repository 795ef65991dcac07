using System.ComponentModel.DataAnnotations;

namespace HyperActors.Storage;

/// <summary>When an append counts as done.</summary>
public enum Durability
{
    /// <summary>When the operating system has it: survives a crash of the process, not of the machine. What JavaScript does.</summary>
    None,

    /// <summary>When the disk has it: survives a loss of power, and costs a few flushes a commit.</summary>
    Flush,
}

/// <summary>How a feed's files are written and read.</summary>
public sealed record FeedOptions
{
    /// <summary>When an append counts as done; <see cref="Durability.Flush"/> is safer and slower.</summary>
    public Durability Durability { get; set; } = Durability.None;

    /// <summary>Bytes of a block, at most. JavaScript takes no more than 15 MiB.</summary>
    [Range(1, 15 * 1024 * 1024)]
    public int MaxBlockSize { get; set; } = 15 * 1024 * 1024;

    /// <summary>
    /// Bytes of oplog entries after which bitfield, tree and header are written. More of them makes appends cheaper,
    /// and opening after a crash slower.
    /// </summary>
    [Range(4096, 1 << 28)]
    public int MaxOplogBytes { get; set; } = 65_536;

    /// <summary>How long a feed is idle before its oplog entries are written out anyway. Longer saves writes.</summary>
    public TimeSpan CheckpointDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of blocks that are committed together, at most: more is faster under load, and longer waited for.</summary>
    [Range(1, 1 << 30)]
    public int MaxCommitBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Bytes that one read returns, at most, unless a single block is larger. A longer range is answered in part.</summary>
    [Range(1, 1 << 30)]
    public int MaxReadBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// Whether each block that is read here is held against the tree. Without, reads of large blocks are faster, and a
    /// damaged data file shows false bytes; peers always check what they are sent.
    /// </summary>
    public bool VerifyReads { get; set; } = true;

    /// <summary>Pages of 256 tree nodes (10 KiB) in memory, at most. More make random reads of long feeds faster.</summary>
    [Range(512, 1 << 20)]
    public int MaxTreePages { get; set; } = 1024;

    /// <summary>Bytes of an oplog that is still opened: beyond it the file can't be a feed's.</summary>
    public long MaxOplogFileSize { get; set; } = 1L << 30;
}
