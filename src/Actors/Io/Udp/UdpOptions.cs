namespace HyperActors.Actors;

/// <summary>How a node treats its UDP sockets.</summary>
public sealed record UdpOptions
{
    /// <summary>Bytes the kernel keeps of what we have not read yet. More survives longer pauses; the kernel may grant less.</summary>
    public int ReceiveBufferSize { get; set; } = 4 << 20;

    /// <summary>Bytes the kernel keeps of what has not left yet.</summary>
    public int SendBufferSize { get; set; } = 2 << 20;

    /// <summary>Bytes a socket keeps for the kernel while that takes no more. A datagram beyond is dropped and counted.</summary>
    public int MaxUnsentBytes { get; set; } = 4 << 20;

    /// <summary>Largest reads of one socket in a row, before the others get their turn.</summary>
    public int MaxReadsPerTurn { get; set; } = 8;

    /// <summary>How far a packet travels, in hops.</summary>
    public int TimeToLive { get; set; } = 64;

    /// <summary>Whether the kernel may cut datagrams out of one buffer (UDP_SEGMENT), where it can.</summary>
    public bool UseSegmentation { get; set; } = true;

    /// <summary>Whether the kernel may hand over several datagrams as one (UDP_GRO), where it can.</summary>
    public bool UseCoalescing { get; set; } = true;

    /// <summary>Whether to use Linux' own calls at all; without them the portable ones serve.</summary>
    public bool UseSystemCalls { get; set; } = true;
}
