namespace HyperActors.Dht;

/// <summary>What went through a node, and what it refused.</summary>
public sealed class DhtCounters
{
    /// <summary>Requests that were made.</summary>
    public long Requests { get; internal set; }

    /// <summary>Datagrams sent again.</summary>
    public long Retries { get; internal set; }

    public long Responses { get; internal set; }

    public long Timeouts { get; internal set; }

    public long Queries { get; internal set; }

    /// <summary>Requests that came.</summary>
    public long RequestsHandled { get; internal set; }

    /// <summary>Datagrams out, of all kinds.</summary>
    public long DatagramsSent { get; internal set; }

    public long BytesSent { get; internal set; }

    public long BytesReceived { get; internal set; }

    /// <summary>Datagrams that were no message.</summary>
    public long Malformed { get; internal set; }

    /// <summary>Replies that nobody waited for.</summary>
    public long UnaskedReplies { get; internal set; }

    /// <summary>Replies that came from another address than the one that was asked.</summary>
    public long RepliesFromElsewhere { get; internal set; }

    /// <summary>Ids that do not belong to their senders' addresses.</summary>
    public long FalseIds { get; internal set; }

    /// <summary>Tokens that were not ours, or too old.</summary>
    public long FalseTokens { get; internal set; }

    /// <summary>Answers withheld because the receiver's /24 had used its budget of bytes.</summary>
    public long OverByteBudget { get; internal set; }

    /// <summary>Requests passed over because their host asks too often.</summary>
    public long OverRequestRate { get; internal set; }

    /// <summary>Contacts refused because their /24 has its share of the table.</summary>
    public long CrowdedContacts { get; internal set; }

    /// <summary>Closest replies refused because their /24 has its share of the result.</summary>
    public long CrowdedReplies { get; internal set; }

    /// <summary>Addresses in replies that can't be right: unreachable, or a local one named from outside.</summary>
    public long FalseAddresses { get; internal set; }

    /// <summary>Queries that asked as many nodes as they may.</summary>
    public long EndlessQueries { get; internal set; }

    /// <summary>Requests that failed at once because too many were under way.</summary>
    public long OverInflight { get; internal set; }

    /// <summary>Delayed answers and checks that were refused because too many were under way.</summary>
    public long OverChecks { get; internal set; }

    /// <summary>Events that the owner did not take in time.</summary>
    public long EventsDropped { get; internal set; }
}
