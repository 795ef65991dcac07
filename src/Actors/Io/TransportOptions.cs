namespace HyperActors.Actors;

/// <summary>How a node treats its TCP sockets.</summary>
public sealed record TransportOptions
{
    /// <summary>Bytes read from a socket and not yet consumed. More keeps a fast peer busy, less bounds what it can make us hold.</summary>
    public int MaxUnreadBytes { get; set; } = 1 << 20;

    /// <summary>Bytes that an idle connection is ready to read, and holds memory for.</summary>
    public int MinReadSize { get; set; } = 8 << 10;

    /// <summary>Bytes taken by one read, at most, on a connection that is busy. More means fewer system calls and larger batches.</summary>
    public int MaxReadSize { get; set; } = 256 << 10;

    /// <summary>Connections that wait to be accepted. More survives a burst of dials.</summary>
    public int Backlog { get; set; } = 128;
}
