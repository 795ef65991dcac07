namespace HyperActors.Dht;

/// <summary>What a node did for others as a keeper of records and a passer-on, and what it refused.</summary>
public sealed class HyperCounters
{
    /// <summary>Commands that were answered, those that found nothing included.</summary>
    public long Answered { get; internal set; }

    /// <summary>Requests that were met with silence: malformed, unsigned, without the token or target that they need.</summary>
    public long Invalid { get; internal set; }

    /// <summary>Values that were too large to keep.</summary>
    public long TooLarge { get; internal set; }

    /// <summary>Announcements and values that were kept.</summary>
    public long Stored { get; internal set; }

    /// <summary>Entries that made room for others of the same host, key or topic.</summary>
    public long Evicted { get; internal set; }

    /// <summary>Handshakes and hole punching messages that were passed on.</summary>
    public long Relayed { get; internal set; }

    /// <summary>Messages that were not passed on, because somebody outside named an address of our own network.</summary>
    public long RefusedRelays { get; internal set; }
}
