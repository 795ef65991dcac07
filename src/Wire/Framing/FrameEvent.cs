namespace HyperActors.Wire;

/// <summary>What a <see cref="FrameStage"/> found.</summary>
public enum FrameEventKind
{
    /// <summary>A whole frame.</summary>
    Frame,

    /// <summary>A frame that is too long; the stage is deaf now.</summary>
    Failed,
}

/// <summary>One frame, borrowed until the stage is asked again.</summary>
public readonly ref struct FrameEvent
{
    internal FrameEvent(ReadOnlySpan<byte> body)
    {
        Kind = FrameEventKind.Frame;
        Body = body;
    }

    internal FrameEvent(WireError error)
    {
        Kind = FrameEventKind.Failed;
        Error = error;
    }

    public FrameEventKind Kind { get; }

    /// <summary>The frame without its length.</summary>
    public ReadOnlySpan<byte> Body { get; }

    public WireError Error { get; }
}
