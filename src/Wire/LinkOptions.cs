using System.ComponentModel.DataAnnotations;

namespace HyperActors.Wire;

/// <summary>The limits and times of one connection.</summary>
public sealed record LinkOptions
{
    /// <summary>The largest frame by format: its length has three bytes (docs/secret-stream.md#frames).</summary>
    public const int LargestFrame = 0xff_ffff;

    /// <summary>The longest frame accepted once the handshake is done. Less saves memory; below what peers send as one
    /// block, their feeds can't be copied.</summary>
    [Range(1024, LargestFrame)]
    public int MaxFrameSize { get; set; } = LargestFrame;

    /// <summary>The longest frame accepted from a peer that is not known yet. The longest one needed has 96 bytes; more
    /// leaves room for payloads and lets strangers make us hold as much.</summary>
    [Range(96, 65_535)]
    public int MaxHandshakeFrameSize { get; set; } = 1024;

    /// <summary>How long a peer may take from the first moment to its stream header. More is kinder to slow paths and to
    /// those who hold connections half open.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the line may be silent from our side before an empty message is sent. Less keeps tighter NATs
    /// open and costs packets; zero sends none.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the peer may be silent. Less finds dead peers sooner and loses those that send no keep-alive;
    /// zero waits for ever.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.Zero;

    /// <summary>Channels of one connection, those that wait for an answer included. An open beyond it is rejected and the
    /// connection stays.</summary>
    [Range(1, int.MaxValue)]
    public int MaxChannels { get; set; } = 16_384;

    /// <summary>Bytes held for channels that the peer has opened and we have not answered, above which reading pauses.
    /// Each message counts 512 bytes more than it has.</summary>
    [Range(0, int.MaxValue)]
    public int MaxUnpairedBytes { get; set; } = 32_768;

    /// <summary>The longest protocol name of a channel in bytes.</summary>
    [Range(1, 65_536)]
    public int MaxProtocolNameSize { get; set; } = 1024;

    /// <summary>The longest id of a channel in bytes. Feeds use 32.</summary>
    [Range(0, 65_536)]
    public int MaxChannelIdSize { get; set; } = 1024;

    /// <summary>Bytes of opens, rejects and closes that wait to be sent, above which reading pauses: a peer that asks and
    /// never listens stops there.</summary>
    [Range(1, int.MaxValue)]
    public int MaxQueuedControlBytes { get; set; } = 65_536;

    /// <summary>Bytes that wait to be sent, above which the peer counts as one that does not read and the link fails. The
    /// owner's credit keeps well below it (<see cref="Link.QueuedBytes"/>).</summary>
    [Range(65_536, long.MaxValue)]
    public long MaxQueuedBytes { get; set; } = 64 * 1024 * 1024;
}
