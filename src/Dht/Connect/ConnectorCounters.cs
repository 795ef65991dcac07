namespace HyperActors.Dht;

/// <summary>What a <see cref="Connector"/> has done so far.</summary>
public sealed class ConnectorCounters
{
    /// <summary>Attempts to connect.</summary>
    public long Attempts { get; internal set; }

    /// <summary>Connections, in either direction.</summary>
    public long Connections { get; internal set; }

    /// <summary>Of these, ways that one side opened to everybody.</summary>
    public long Direct { get; internal set; }

    /// <summary>Of these, ways inside one network.</summary>
    public long Local { get; internal set; }

    /// <summary>Of these, ways through punched NATs.</summary>
    public long Punched { get; internal set; }

    /// <summary>Of these, ways through a blind relay.</summary>
    public long Relayed { get; internal set; }

    /// <summary>Relayed connections that found another way.</summary>
    public long Moved { get; internal set; }

    /// <summary>Punches between NATs that keep their ports.</summary>
    public long ConsistentPunches { get; internal set; }

    /// <summary>Punches with random ports on one side.</summary>
    public long RandomPunches { get; internal set; }

    /// <summary>Random punches put off, because of another one.</summary>
    public long TryLater { get; internal set; }

    /// <summary>Probes of one byte that were sent.</summary>
    public long ProbesSent { get; internal set; }

    /// <summary>Answers to our handshakes that nobody who holds the key has made.</summary>
    public long ForgedReplies { get; internal set; }

    /// <summary>Handshakes that came in.</summary>
    public long Handshakes { get; internal set; }

    /// <summary>Handshakes that were answered from memory, copies or replays.</summary>
    public long RepeatedHandshakes { get; internal set; }

    /// <summary>Handshakes that were nonsense.</summary>
    public long InvalidHandshakes { get; internal set; }

    /// <summary>Handshakes that the firewall hook turned away.</summary>
    public long RejectedHandshakes { get; internal set; }

    /// <summary>Handshakes and messages dropped because a bound was reached.</summary>
    public long Dropped { get; internal set; }
}
