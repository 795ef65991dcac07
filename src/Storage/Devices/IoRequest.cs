using System.Diagnostics.CodeAnalysis;

namespace HyperActors.Storage;

/// <summary>The files of a feed, by the names that they have on disk.</summary>
public enum FeedFile
{
    Oplog,
    Header,
    Tree,
    Bitfield,
    Data,
}

/// <summary>What a device should do.</summary>
public enum IoKind
{
    /// <summary>Tell the length of a file; 0 when there is none.</summary>
    Length,

    /// <summary>Fill the buffer from the offset; short at the end of the file.</summary>
    Read,

    /// <summary>Write the segments one behind the other from the offset; a gap before it reads as zeros.</summary>
    Write,

    /// <summary>Make the file exactly as long as the offset says.</summary>
    Truncate,

    /// <summary>Bring to the disk what was written.</summary>
    Flush,
}

/// <summary>One wish of a <see cref="FeedLog"/> to the disk. Its buffers stay untouched by the feed until it is answered.</summary>
public sealed class IoRequest
{
    /// <summary>Unique within one <see cref="FeedLog"/>.</summary>
    public required long Id { get; init; }

    public required IoKind Kind { get; init; }

    public required FeedFile File { get; init; }

    public long Offset { get; init; }

    /// <summary>Where a read goes.</summary>
    public Memory<byte> Buffer { get; init; }

    /// <summary>What a write writes.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Segments { get; init; } = [];

    /// <summary>Bytes of all segments.</summary>
    public long SegmentBytes { get; init; }

    /// <summary>What the feed does with the answer.</summary>
    [SuppressMessage("Design", "CA1051", Justification = "The feed's own, never seen outside of this assembly.")]
    internal Action<IoResult, TimeSpan>? Completed;

    public override string ToString() => $"{Kind} {File} at {Offset}";
}

/// <summary>How a wish ended.</summary>
/// <param name="Count">Bytes read, or the length of the file.</param>
/// <param name="Error">What went wrong; a <see cref="DiskFullException"/> when there is no room.</param>
public readonly record struct IoResult(long Count, Exception? Error = null);
