namespace HyperActors.Catalog;

/// <summary>How the catalog behaves on its file.</summary>
public sealed record CatalogOptions
{
    /// <summary>How long a statement waits for another process that holds the file. Longer rides out a slow backup, and lets the node stand still for it.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
