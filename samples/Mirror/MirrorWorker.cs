using HyperActors.Abstractions;
using HyperActors.Crypto;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace HyperActors.Samples.Mirror;

/// <summary>Keeps feeds downloaded while a connection to a peer is kept open.</summary>
internal sealed partial class MirrorWorker(IHyperNode node, IConfiguration configuration, ILogger<MirrorWorker> log, TimeProvider? clock = null)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string[] keys = (configuration["feeds"] ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries);
        await Task.WhenAll([.. keys.Select(key => MirrorAsync(FeedKey.Parse(key), stoppingToken)), StayConnectedAsync(stoppingToken)]);
    }

    private async Task MirrorAsync(FeedKey key, CancellationToken stop)
    {
        await using IFeed feed = await node.OpenFeedAsync(key, stop);
        await feed.DownloadAsync(progress: new Teller(log, key), cancellationToken: stop);
    }

    private async Task StayConnectedAsync(CancellationToken stop)
    {
        string[] peer = (configuration["peer"] ?? "127.0.0.1:4000").Split(':');
        while (true)
        {
            try
            {
                if ((await node.ListConnectionsAsync(stop)).Count == 0)
                {
                    await node.ConnectTcpAsync(peer[0], int.Parse(peer[1], System.Globalization.CultureInfo.InvariantCulture), stop);
                }
            }
            catch (ConnectionFailedException e)
            {
                Away(log, e.Message);
            }

            await Task.Delay(Pause, clock ?? TimeProvider.System, stop);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Key}: {Blocks} of {Total} blocks are here")]
    private static partial void Mirrored(ILogger log, FeedKey key, ulong blocks, ulong total);

    [LoggerMessage(2, LogLevel.Information, "The peer is away: {Reason}")]
    private static partial void Away(ILogger log, string reason);

    private sealed class Teller(ILogger log, FeedKey key) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => Mirrored(log, key, value.Blocks, value.Total);
    }
}
