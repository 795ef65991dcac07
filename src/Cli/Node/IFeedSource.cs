using HyperActors.Abstractions;

namespace HyperActors.Cli.Node;

/// <summary>Where a feed comes from: one peer, or whoever is met at its topic.</summary>
internal interface IFeedSource : IAsyncDisposable
{
    /// <summary>Does <paramref name="work"/>, and calls it off when nobody is there for too long.</summary>
    /// <exception cref="CliException">Nobody was there.</exception>
    Task WhileConnectedAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken);

    /// <summary>Waits until somebody has shown how long the feed is.</summary>
    /// <exception cref="CliException">Who is there does not know the feed.</exception>
    Task LearnLengthAsync(IFeed feed, CancellationToken cancellationToken);
}
