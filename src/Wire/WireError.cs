namespace HyperActors.Wire;

/// <summary>What a peer did wrong. Each costs it the connection and is counted under its name.</summary>
public enum WireError
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>A frame announced more bytes than are allowed at this point.</summary>
    FrameTooLarge,

    /// <summary>A Noise message was malformed, forged, or carried a key that is no point of the curve.</summary>
    HandshakeFailed,

    /// <summary>The peer took too long until its stream header was here.</summary>
    HandshakeTimeout,

    /// <summary>The stream header had the wrong length or the wrong stream id.</summary>
    InvalidStreamHeader,

    /// <summary>A frame was too short for a ciphertext, forged or out of order.</summary>
    DecryptionFailed,

    /// <summary>Nothing arrived for longer than <see cref="LinkOptions.IdleTimeout"/>.</summary>
    IdleTimeout,

    /// <summary>A mux frame ended in the middle of a field.</summary>
    MalformedMessage,

    /// <summary>An item of a batch was longer than the batch, or itself a batch.</summary>
    MalformedBatch,

    /// <summary>An open carried an id that is taken, zero or skips ahead, or a name or id that is too long.</summary>
    InvalidOpen,

    /// <summary>A reject named an id that was not waiting for an answer.</summary>
    InvalidReject,

    /// <summary>The peer does not read: more bytes wait for it than <see cref="LinkOptions.MaxQueuedBytes"/>.</summary>
    SendQueueOverflow,

    /// <summary>A channel's own protocol was broken, says the channel's owner.</summary>
    ChannelProtocol,
}
