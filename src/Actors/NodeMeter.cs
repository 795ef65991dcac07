using System.Diagnostics.Metrics;
using HyperActors.Abstractions;

namespace HyperActors.Actors;

/// <summary>The figures of a node for whoever listens to the meter <c>HyperActors</c>.</summary>
/// <remarks>
/// Who listens is told what the node said when it was last asked, and has it asked again: the figures are one reading old.
/// <see cref="RefreshAsync"/> brings them up to date at once.
/// </remarks>
public sealed class NodeMeter : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "HyperActors";

    private readonly Meter _meter;
    private readonly IHyperNode _node;
    private int _asking;
    private readonly KeyValuePair<string, object?> _tag;
    private IReadOnlyList<FeedInfo> _feeds = [];
    private IReadOnlyList<PeerConnection> _connections = [];

    /// <summary>Begins to measure a node.</summary>
    /// <param name="node">The node; it outlives the meter.</param>
    /// <param name="name">The value of the tag <c>node</c>, which tells the nodes of a process apart.</param>
    /// <param name="factory">Where the meter comes from; null for one of its own.</param>
    public NodeMeter(IHyperNode node, string name, IMeterFactory? factory = null)
    {
        _node = node;
        _tag = new KeyValuePair<string, object?>("node", name);
        _meter = factory?.Create(Name) ?? new Meter(Name);
        _meter.CreateObservableUpDownCounter("hyperactors.feeds", CountFeeds, "{feed}", "Feeds in the store");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.feed.blocks", () => One(_feeds.Sum(f => (double)f.Length)), "{block}", "Signed blocks of all feeds");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.feed.blocks.here",
            () => One(_feeds.Sum(f => (double)f.ContiguousLength)),
            "{block}",
            "Blocks on this disk without a gap, all feeds together");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.feed.size", () => One(_feeds.Sum(f => (double)f.ByteLength)), "By", "Signed bytes of all feeds");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.connections",
            () => _connections.GroupBy(c => c.Transport, StringComparer.Ordinal).Select(g => With(g.Count(), g.Key)),
            "{connection}",
            "Connections by transport");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.connections.received",
            () => _connections.GroupBy(c => c.Transport, StringComparer.Ordinal).Select(g => With(g.Sum(c => (double)c.BytesReceived), g.Key)),
            "By",
            "Bytes that came over the connections that are open");
        _meter.CreateObservableUpDownCounter(
            "hyperactors.connections.sent",
            () => _connections.GroupBy(c => c.Transport, StringComparer.Ordinal).Select(g => With(g.Sum(c => (double)c.BytesSent), g.Key)),
            "By",
            "Bytes that left over the connections that are open");
    }

    /// <summary>Asks the node; what is observed from now on is that.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        _feeds = await _node.ListFeedsAsync(cancellationToken);
        _connections = await _node.ListConnectionsAsync(cancellationToken);
    }

    public void Dispose() => _meter.Dispose();

    private Measurement<double> CountFeeds()
    {
        _ = AskAgainAsync();
        return One(_feeds.Count);
    }

    private async Task AskAgainAsync()
    {
        if (Interlocked.Exchange(ref _asking, 1) != 0)
        {
            return;
        }

        try
        {
            await RefreshAsync(CancellationToken.None);
        }
        catch (HyperActorsException)
        {
            // A node that has stopped keeps its last figures.
        }
        catch (ObjectDisposedException)
        {
            // So does one that was disposed.
        }
        finally
        {
            Volatile.Write(ref _asking, 0);
        }
    }

    private Measurement<double> One(double value) => new(value, _tag);

    private Measurement<double> With(double value, string transport) => new(value, _tag, new("transport", transport));
}
