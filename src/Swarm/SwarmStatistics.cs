namespace HyperActors.Swarm;

/// <summary>What a swarm has done since it began (docs/hyperswarm.md#statistics).</summary>
public sealed class SwarmStatistics
{
    public long Updates { get; internal set; }

    public long ClientAttempted { get; internal set; }

    public long ClientOpened { get; internal set; }

    public long ClientClosed { get; internal set; }

    public long ServerOpened { get; internal set; }

    public long ServerClosed { get; internal set; }

    public long BannedPeers { get; internal set; }

    public long FirewallRejected { get; internal set; }

    public long DuplicatesRefused { get; internal set; }

    public long DuplicatesReplaced { get; internal set; }

    public long ServerRefused { get; internal set; }

    public long PeersFound { get; internal set; }

    public long PeersNotTaken { get; internal set; }

    public long Refreshes { get; internal set; }

    public long RefreshesFailed { get; internal set; }

    public long Overdue { get; internal set; }

    /// <summary>All of them under the names of the documentation.</summary>
    public IReadOnlyDictionary<string, long> ToDictionary() => new Dictionary<string, long>(StringComparer.Ordinal)
    {
        ["updates"] = Updates,
        ["connects.client.attempted"] = ClientAttempted,
        ["connects.client.opened"] = ClientOpened,
        ["connects.client.closed"] = ClientClosed,
        ["connects.server.opened"] = ServerOpened,
        ["connects.server.closed"] = ServerClosed,
        ["connects.server.refused"] = ServerRefused,
        ["duplicates.refused"] = DuplicatesRefused,
        ["duplicates.replaced"] = DuplicatesReplaced,
        ["peers.banned"] = BannedPeers,
        ["peers.firewalled"] = FirewallRejected,
        ["peers.found"] = PeersFound,
        ["peers.not-taken"] = PeersNotTaken,
        ["topics.refreshes"] = Refreshes,
        ["topics.refreshes-failed"] = RefreshesFailed,
        ["topics.refreshes-overdue"] = Overdue,
    };
}
