namespace HyperActors.Replication;

/// <summary>Blocks that the owner wants: from, to, and how many of them are missing.</summary>
internal sealed class RangeDownload(ulong ticket, ulong start, ulong end)
{
    public ulong Ticket { get; } = ticket;

    public ulong Start { get; } = start;

    /// <summary>The block behind the last one; <see cref="BlockSet.None"/> for a download without an end.</summary>
    public ulong End { get; } = end;

    /// <summary>No block before this one has to be asked for.</summary>
    public ulong Cursor { get; set; } = start;

    /// <summary>Blocks of it that are missing, those beyond the feed's length too.</summary>
    public ulong Missing { get; set; }

    public bool IsLive => End == BlockSet.None;

    public bool Contains(ulong index) => index >= Start && index < End;
}
