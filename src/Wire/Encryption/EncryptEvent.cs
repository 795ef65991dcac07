namespace HyperActors.Wire;

/// <summary>What an <see cref="EncryptStage"/> tells.</summary>
public enum EncryptEventKind
{
    /// <summary>Keys are agreed; messages can be encrypted.</summary>
    Opened,

    /// <summary>A message of the peer's.</summary>
    Message,

    /// <summary>The peer broke the protocol; the stage is deaf now.</summary>
    Failed,
}

/// <summary>One event of an <see cref="EncryptStage"/>, borrowed until the stage is used again.</summary>
public readonly ref struct EncryptEvent
{
    internal EncryptEvent(EncryptEventKind kind, WireError error = WireError.None)
    {
        Kind = kind;
        Error = error;
    }

    internal EncryptEvent(PooledBlock block, int start, int length)
    {
        Kind = EncryptEventKind.Message;
        Block = block;
        Start = start;
        Length = length;
    }

    public EncryptEventKind Kind { get; }

    public WireError Error { get; }

    /// <summary>The plaintext.</summary>
    public ReadOnlySpan<byte> Message => Block is null ? default : Block.Array.AsSpan(Start, Length);

    internal PooledBlock? Block { get; }

    internal int Start { get; }

    internal int Length { get; }
}
