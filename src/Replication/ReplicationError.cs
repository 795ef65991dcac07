namespace HyperActors.Replication;

/// <summary>What a peer did wrong; it costs the peer its connection.</summary>
public enum ReplicationError
{
    /// <summary>A message could not be decoded.</summary>
    MalformedMessage,

    /// <summary>The handshake does not prove that the peer knows the feed's key.</summary>
    InvalidCapability,

    /// <summary>More requests wait than <see cref="ReplicationOptions.MaxQueuedRequests"/>.</summary>
    TooManyRequests,

    /// <summary>More requests made no sense than <see cref="ReplicationOptions.MaxInvalidRequests"/>.</summary>
    TooManyInvalidRequests,

    /// <summary>More wants are unanswered than <see cref="ReplicationOptions.MaxWants"/>.</summary>
    TooManyWants,

    /// <summary>Data came that nobody asked for, more often than <see cref="ReplicationOptions.MaxUnsolicited"/>.</summary>
    UnsolicitedData,

    /// <summary>A proof was false, and no second history of the feed explains it.</summary>
    InvalidProof,

    /// <summary>The peer reads so slowly that <see cref="ReplicationOptions.MaxBacklogBytes"/> wait for it.</summary>
    TooSlow,
}
