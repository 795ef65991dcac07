namespace HyperActors.Dht;

/// <summary>What a peer or a node says went wrong.</summary>
public enum HyperError : uint
{
    None = 0,

    /// <summary>The other side gave up.</summary>
    Aborted = 1,

    /// <summary>The other side speaks another version.</summary>
    VersionMismatch = 2,

    /// <summary>The other side is busy with somebody else.</summary>
    TryLater = 3,

    /// <summary>Another value has this number already.</summary>
    SequenceReused = 16,

    /// <summary>There is a newer value.</summary>
    SequenceTooLow = 17,
}
