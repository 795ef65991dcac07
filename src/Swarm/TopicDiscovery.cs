using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>One topic: its sessions, the announcement or lookup that runs, and when the next is due.</summary>
/// <remarks>
/// <code>
/// resting --(time, session, network)--> waiting for the former self to leave --> waiting for the listener --> query --> resting
/// any --(last session gone, suspended)--> query given up --> unannounce, when there is anything to take back --> gone
/// </code>
/// </remarks>
internal sealed class TopicDiscovery(DiscoveryKey topic) : Alarmed
{
    public DiscoveryKey Topic => topic;

    public HashSet<long> Sessions { get; } = [];

    public int ClientSessions { get; set; }

    public int ServerSessions { get; set; }

    /// <summary>The modes that the refresh which runs, or ran last, has taken over from the sessions.</summary>
    public bool IsClient { get; set; }

    public bool IsServer { get; set; }

    public int? Limit { get; set; }

    /// <summary>Set when the last session is gone; never taken back: who joins again makes a new one.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>True while what runs is being given up and what was announced is taken back.</summary>
    public bool IsAborting { get; set; }

    /// <summary>True once an announcement has asked nodes to drop what a former life announced.</summary>
    public bool HasCleared { get; set; }

    /// <summary>True when nodes may hold an announcement of ours.</summary>
    public bool NeedsUnannounce { get; set; }

    public IReadOnlyList<IPEndPoint> ClosestNodes { get; set; } = [];

    /// <summary>Peers that this topic has shown since the refresh began, while there is a limit.</summary>
    public HashSet<PublicKey> Discovered { get; } = [];

    /// <summary>What runs: at most one, and a refresh has a query only when it has come that far.</summary>
    public Refresh? Current { get; set; }

    public Query? Active { get; set; }

    /// <summary>Of the same topic, still leaving: it must be gone before this one announces.</summary>
    public TopicDiscovery? Predecessor { get; set; }

    public TopicDiscovery? Successor { get; set; }

    /// <summary>Who waits until the topic has been left.</summary>
    public List<long> LeaveRequests { get; } = [];

    /// <summary>One announcement or lookup, from its wish to its end.</summary>
    internal sealed class Refresh
    {
        public Query? Query { get; set; }

        /// <summary>How many more peers are wanted; null for all.</summary>
        public int? Left { get; set; }

        public List<Action<bool>> Waiters { get; } = [];
    }

    /// <summary>A question to the network.</summary>
    internal sealed class Query(long id, TopicDiscovery topic, Refresh? refresh, bool isAnnouncing) : Alarmed
    {
        public long Id => id;

        public TopicDiscovery Topic => topic;

        /// <summary>Null for the unannouncement of a topic that is left.</summary>
        public Refresh? Refresh => refresh;

        public bool IsAnnouncing => isAnnouncing;
    }
}
