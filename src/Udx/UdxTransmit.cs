namespace HyperActors.Udx;

/// <summary>Where the bytes of one poll go: one datagram, or several that the kernel may cut.</summary>
/// <param name="Socket">The socket to send from, by the number the owner gave it.</param>
/// <param name="Remote">The address to send to.</param>
/// <param name="Length">How many bytes of the buffer were written.</param>
/// <param name="SegmentSize">Every datagram but the last has exactly this size; the last may be shorter.</param>
/// <param name="MayFragment">Send without the don't-fragment bit: the only way left for a packet that the path has
/// outgrown, since what once went out under a sequence number can't be cut anew.</param>
public readonly record struct UdxTransmit(
    int Socket, UdxAddress Remote, int Length, int SegmentSize, bool MayFragment = false)
{
    /// <summary>Datagrams that one poll writes at most: what Linux cuts in one call.</summary>
    public const int MaxSegments = 64;

    /// <summary>A buffer of this size takes the longest poll.</summary>
    public const int MaxLength = 65_507;
}
