namespace HyperActors.Dht;

/// <summary>Which value of a key is looked for.</summary>
public sealed record MutableGetOptions
{
    /// <summary>Values with a smaller number don't count.</summary>
    public ulong MinSequence { get; init; }

    /// <summary>Ends with the first value that is found, instead of with the newest of all.</summary>
    public bool TakesFirst { get; init; }

    /// <summary>Has the closest nodes keep the newest value for another while. Nothing comes of it together with <see cref="TakesFirst"/>.</summary>
    public bool ShouldRepublish { get; init; }
}
