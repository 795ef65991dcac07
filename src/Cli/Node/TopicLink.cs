using System.Diagnostics;
using HyperActors.Abstractions;
using HyperActors.Cli.Network;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Node;

/// <summary>Stays in the topic of a feed: whoever has the feed is found there, or finds us.</summary>
internal sealed class TopicLink : IFeedSource
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    private readonly IHyperNode _node;
    private readonly IFeed _feed;
    private readonly TimeSpan? _maxAway;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _meeting;
    private readonly Task _reporting;

    /// <param name="node">Who looks for peers.</param>
    /// <param name="feed">What they should have.</param>
    /// <param name="maxAway">How long nobody may be there at a stretch; null: for ever.</param>
    /// <param name="printer">Hears who comes and goes.</param>
    public TopicLink(IHyperNode node, IFeed feed, TimeSpan? maxAway, Printer printer)
    {
        _node = node;
        _feed = feed;
        _maxAway = maxAway;
        _reporting = printer.IsVerbose ? ConnectionReport.RunAsync(printer, node, _stop.Token) : Task.CompletedTask;
        _meeting = MeetAsync(_stop.Token);
    }

    /// <inheritdoc/>
    public async Task WhileConnectedAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task working = work(stop.Token);
        if (await Task.WhenAny(working, _meeting) == working)
        {
            await working;
            return;
        }

        await stop.CancelAsync();
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _meeting;
    }

    /// <inheritdoc/>
    public async Task LearnLengthAsync(IFeed feed, CancellationToken cancellationToken)
    {
        do
        {
            while ((await feed.GetInfoAsync(cancellationToken)).PeerCount == 0)
            {
                await Task.Delay(PollInterval, cancellationToken);
            }

            await feed.UpdateAsync(cancellationToken);
        }
        while ((await feed.GetInfoAsync(cancellationToken)).PeerCount == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _meeting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    // Who joins a moment after us finds us; who was there before is found. Looking again is for what was lost on the way.
    private async Task MeetAsync(CancellationToken cancellationToken)
    {
        await using ISwarmSession session = await _node.Swarm.JoinAsync(_feed.DiscoveryKey, null, cancellationToken);
        var sinceSeen = Stopwatch.StartNew();
        var sinceLooked = Stopwatch.StartNew();
        TimeSpan pause = FirstPause;
        while (true)
        {
            if ((await _feed.GetInfoAsync(cancellationToken)).PeerCount > 0)
            {
                sinceSeen.Restart();
                pause = FirstPause;
            }
            else if (sinceSeen.Elapsed > _maxAway)
            {
                throw CliException.Peer(
                    $"nobody who has the feed {_feed.Key} was met within {_maxAway.Value.TotalSeconds:0.#} s; hyperactors doctor tells whether it is this machine");
            }
            else if (sinceLooked.Elapsed > pause)
            {
                await session.RefreshAsync(cancellationToken);
                sinceLooked.Restart();
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            await Task.Delay(PollInterval * 10, cancellationToken);
        }
    }
}
