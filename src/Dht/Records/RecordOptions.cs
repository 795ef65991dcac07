namespace HyperActors.Dht;

/// <summary>What a node keeps for others, and for how long.</summary>
/// <remarks>Bounds per host never count loopback, private and link-local addresses; bounds per key count what comes from elsewhere alone.</remarks>
public sealed record RecordOptions
{
    /// <summary>How long announcements live on average: between two and four thirds of it, unless they are made again.</summary>
    public TimeSpan AnnouncementAge { get; set; } = TimeSpan.FromMinutes(20);

    /// <summary>How long values live on average, counted from when somebody last asked for them.</summary>
    public TimeSpan ValueAge { get; set; } = TimeSpan.FromHours(48);

    /// <summary>Announcements in one of two generations; one beyond drops the older generation. The same for what servers say of themselves.</summary>
    public int MaxAnnouncements { get; set; } = 65_536;

    /// <summary>Values of one kind in one of two generations. More serves a larger network, and costs up to a kilobyte each.</summary>
    public int MaxValues { get; set; } = 32_768;

    /// <summary>Announcements of one topic in one generation; one beyond takes the place of one that the lot decides.</summary>
    public int MaxAnnouncementsPerTopic { get; set; } = 2048;

    /// <summary>Announcements, values, and other entries of one kind that one host may place; one beyond takes the place of its oldest.</summary>
    public int MaxEntriesPerHost { get; set; } = 2048;

    /// <summary>Topics that one public key may be announced under; one beyond takes the place of its oldest.</summary>
    public int MaxTopicsPerKey { get; set; } = 2048;

    /// <summary>Bytes of a value; larger ones are passed over in silence.</summary>
    public int MaxValueBytes { get; set; } = 1000;

    /// <summary>How far ahead of our clock a peer's call for attention may be.</summary>
    public TimeSpan MaxBumpDrift { get; set; } = TimeSpan.FromMinutes(1);
}
