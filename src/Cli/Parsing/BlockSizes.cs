namespace HyperActors.Cli.Parsing;

/// <summary>How large blocks are.</summary>
internal static class BlockSizes
{
    /// <summary>The largest block that a feed takes: a frame of the wire still holds it with its proof.</summary>
    public const int Max = 15 << 20;

    /// <summary>Into what a stream is cut when nothing else is said: what JavaScript's drives use.</summary>
    public const int Default = 64 << 10;
}
