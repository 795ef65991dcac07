namespace HyperActors.Udx;

/// <summary>What a stream has to tell.</summary>
public enum UdxEventKind
{
    /// <summary>The next bytes of the stream. Give them back with <see cref="UdxStream.Consumed"/> when they are used.</summary>
    Data,

    /// <summary>An unordered datagram.</summary>
    Message,

    /// <summary>There is room to write again after a write that was cut short.</summary>
    Writable,

    /// <summary>Everything sent before the last change of the remote has arrived.</summary>
    RemoteChanged,

    /// <summary>The peer has sent its last byte, and all were delivered.</summary>
    RemoteEnded,

    /// <summary>The stream is over; nothing follows but what is left to transmit.</summary>
    Closed,
}

/// <summary>Why a stream is over.</summary>
public enum UdxCloseReason
{
    /// <summary>It isn't.</summary>
    None,

    /// <summary>Both sides ended and know it.</summary>
    Ended,

    /// <summary>We destroyed it.</summary>
    Destroyed,

    /// <summary>The peer destroyed it.</summary>
    Reset,

    /// <summary>The peer has not acknowledged anything for too long.</summary>
    TimedOut,
}

/// <summary>One event of a stream; its bytes are lent until the next poll.</summary>
public readonly ref struct UdxEvent
{
    internal UdxEvent(UdxEventKind kind, ReadOnlyMemory<byte> data = default, UdxCloseReason reason = UdxCloseReason.None)
    {
        Kind = kind;
        Data = data;
        Reason = reason;
    }

    /// <summary>What happened.</summary>
    public UdxEventKind Kind { get; }

    /// <summary>The bytes of <see cref="UdxEventKind.Data"/> and <see cref="UdxEventKind.Message"/>.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The reason of <see cref="UdxEventKind.Closed"/>.</summary>
    public UdxCloseReason Reason { get; }
}
