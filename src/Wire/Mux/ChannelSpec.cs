namespace HyperActors.Wire;

/// <summary>Which channel is meant.</summary>
/// <param name="Protocol">The name of what is spoken on it.</param>
/// <param name="Id">What it is spoken about; nothing when the name says it all.</param>
public sealed record ChannelSpec(string Protocol, ReadOnlyMemory<byte> Id)
{
    /// <summary>Other names under which a peer may open the same channel.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>True when there is at most one such channel on a connection.</summary>
    public bool IsUnique { get; init; } = true;
}
