namespace HyperActors.Actors;

/// <summary>What the connections of a node may send and read together.</summary>
public sealed class Rates
{
    internal Allowance Upload { get; } = new();

    internal Allowance Download { get; } = new();

    internal void Set(ConnectionOptions options)
    {
        Upload.BytesPerSecond = options.MaxUploadRate;
        Download.BytesPerSecond = options.MaxDownloadRate;
    }
}
