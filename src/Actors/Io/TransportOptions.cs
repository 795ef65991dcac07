namespace HyperActors.Actors;

/// <summary>How a node treats its TCP sockets.</summary>
public sealed record TransportOptions
{
    /// <summary>Bytes read from a socket and not yet consumed. More keeps a fast peer busy, less bounds what it can make us hold.</summary>
    public int MaxUnreadBytes { get; set; } = 1 << 20;

    /// <summary>Bytes taken by one read. More means fewer system calls on a fast link, less means less memory on an idle one.</summary>
    public int ReadSize { get; set; } = 128 << 10;

    /// <summary>Connections that wait to be accepted. More survives a burst of dials.</summary>
    public int Backlog { get; set; } = 128;
}
