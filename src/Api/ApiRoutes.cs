namespace HyperActors.Api;

/// <summary>The paths of the local API; docs/api.md lists what each of them takes and gives.</summary>
/// <remarks>What stands in braces is filled in by the caller: a feed is its key or its name, percent-encoded.</remarks>
public static class ApiRoutes
{
    public const string Feeds = "/v1/feeds";
    public const string Feed = Feeds + "/{feed}";
    public const string FeedBlocks = Feed + "/blocks";
    public const string FeedBlock = FeedBlocks + "/{index}";
    public const string FeedBytes = Feed + "/bytes";
    public const string FeedLive = Feed + "/live";
    public const string FeedSocket = Feed + "/socket";
    public const string FeedEvents = Feed + "/events";
    public const string FeedDownload = Feed + "/download";
    public const string FeedTruncate = Feed + "/truncate";
    public const string FeedUpdate = Feed + "/update";
    public const string FeedPeers = Feed + "/peers";
    public const string FeedMap = Feed + "/map";
    public const string FeedSeek = Feed + "/seek";
    public const string FeedKeep = Feed + "/keep";
    public const string Store = "/v1/store";
    public const string Connections = "/v1/connections";
    public const string ConnectionMessages = Connections + "/{id}/messages";
    public const string UdxConnections = Connections + "/udx";
    public const string ConnectionEvents = Connections + "/events";
    public const string Listeners = "/v1/listeners";
    public const string Swarm = "/v1/swarm";
    public const string SwarmTopics = Swarm + "/topics";
    public const string SwarmTopic = SwarmTopics + "/{topic}";
    public const string SwarmPeers = Swarm + "/peers";
    public const string SwarmFlush = Swarm + "/flush";
    public const string SwarmSuspend = Swarm + "/suspend";
    public const string SwarmEvents = Swarm + "/events";
    public const string SwarmSession = Swarm + "/sessions/{session}";
    public const string SwarmSessionRefresh = SwarmSession + "/refresh";
    public const string SwarmSessionFlush = SwarmSession + "/flush";
    public const string Dht = "/v1/dht";
    public const string DhtLookup = Dht + "/lookup/{target}";
    public const string DhtAnnounce = Dht + "/announce/{target}";
    public const string DhtImmutable = Dht + "/immutable";
    public const string DhtImmutableValue = DhtImmutable + "/{hash}";
    public const string DhtMutable = Dht + "/mutable";
    public const string DhtMutableValue = DhtMutable + "/{key}";
    public const string DhtPeer = Dht + "/peers/{key}";
    public const string DhtConnect = DhtPeer + "/connect";
    public const string DhtListen = Dht + "/listen";
    public const string DhtReady = Dht + "/ready";
    public const string DhtPing = Dht + "/ping";
    public const string Node = "/v1/node";
    public const string NodeConfig = Node + "/config";
    public const string NodeActors = Node + "/actors";
    public const string NodeStatus = Node + "/status";
    public const string NodeStop = Node + "/stop";
    public const string StatusEvents = "/events/status";
    public const string Metrics = "/metrics";
    public const string Live = "/health/live";
    public const string Ready = "/health/ready";
    public const string OpenApi = "/openapi/v1.json";

    /// <summary>Fills in one place: <c>Of(ApiRoutes.Feed, name)</c>.</summary>
    public static string Of(string route, string value)
    {
        int start = route.IndexOf('{', StringComparison.Ordinal);
        int end = route.IndexOf('}', StringComparison.Ordinal);
        return string.Concat(route.AsSpan(0, start), Uri.EscapeDataString(value), route.AsSpan(end + 1));
    }
}
