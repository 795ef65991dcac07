namespace HyperActors.Replication;

/// <summary>Where a peer's channel is.</summary>
internal enum PeerPhase
{
    /// <summary>We have asked for it and wait for the other half.</summary>
    Opening,

    /// <summary>Both halves are open.</summary>
    Open,

    /// <summary>Closed, the connection still there: it may be opened again.</summary>
    Closed,
}

/// <summary>A proof that waits for one that was asked for earlier.</summary>
internal readonly record struct ParkedProof(
    ulong Sequence, ulong Index, int Nodes, DataMessage Message, SharedLease? Lease);

/// <summary>One peer: what it said, what it was told, what is on its way.</summary>
internal sealed class PeerState(PeerId id, ReplicationOptions options)
{
    public PeerId Id { get; } = id;

    public PeerPhase Phase { get; set; } = PeerPhase.Opening;

    public bool SupportsSeeks { get; set; }

    /// <summary>Nothing is asked of it any more; it is still served.</summary>
    public bool IsPaused { get; set; }

    /// <summary>When its refusals are forgotten.</summary>
    public TimeSpan? ForgivenAt { get; set; }

    /// <summary>When a peer under suspicion is given up.</summary>
    public TimeSpan? ConflictDeadline { get; set; }

    /// <summary>Whether evidence of a conflict from it is being compared.</summary>
    public bool IsEvidenceChecked { get; set; }

    // What it said about itself in its last sync.
    public bool IsSynced { get; set; }

    public ulong Fork { get; set; }

    public ulong Length { get; set; }

    public bool CanUpgradeUs { get; set; }

    public bool IsUploading { get; set; } = true;

    public bool IsDownloading { get; set; } = true;

    public bool HasManifest { get; set; }

    public bool AllowsPush { get; set; }

    /// <summary>Our length as it last heard it.</summary>
    public ulong LengthAcked { get; set; }

    // Which blocks it has.
    public ulong ContiguousLength { get; set; }

    public BlockSet Blocks { get; private set; } = new(options.MaxRemotePages);

    /// <summary>Blocks that it said to have and then refused.</summary>
    public HashSet<ulong> Refused { get; } = [];

    // What it is told.
    /// <summary>Our length in the last sync to it.</summary>
    public ulong? LengthTold { get; set; }

    /// <summary>Whether we can prove our version to it, as it was told.</summary>
    public bool CanBeUpgraded { get; set; } = true;

    /// <summary>The last length and fork of its for which all roots are stored here.</summary>
    public ulong UpgradableLength { get; set; }

    public ulong UpgradableFork { get; set; }

    /// <summary>The read that will say whether it can be upgraded; 0 when none is under way.</summary>
    public ulong UpgradeCheck { get; set; }

    public bool NeedsSync { get; set; }

    public ulong FullLengthAnnounced { get; set; }

    public RemoteWants Wants { get; set; } = new(options.MaxWants);

    public Queue<WantMessage> UnansweredWants { get; } = new();

    /// <summary>Segments that it was asked about, oldest first.</summary>
    public List<ulong> WantedSegments { get; } = [];

    // What we ask of it.
    public RequestTable Requests { get; private set; } = new();

    /// <summary>Blocks that are in flight or parked: their proofs will bring nodes.</summary>
    public BlockSet InFlight { get; private set; } = new();

    public List<ParkedProof> Parked { get; } = [];

    public int Refusals { get; set; }

    public int Unsolicited { get; set; }

    // What it asks of us.
    public ServeQueue Serving { get; } = new();

    public long ServingEstimate { get; set; }

    public int InvalidRequests { get; set; }

    public Queue<(TimeSpan Due, ulong RequestId)> DelayedRefusals { get; } = new();

    public string LastExtension { get; set; } = string.Empty;

    public string LastExtensionSent { get; set; } = string.Empty;

    // What is on its way to it.
    /// <summary>Whether its channel is to be closed behind what is in the outbox.</summary>
    public bool IsClosing { get; set; }

    public List<ReplicationMessage> Outbox { get; set; } = [];

    public List<IDisposable> OutboxLeases { get; set; } = [];

    public long OutboxSize { get; set; }

    /// <summary>Bytes in transmissions that the transport has not taken yet.</summary>
    public long Unsent { get; set; }

    public bool IsOpen => Phase == PeerPhase.Open;

    /// <summary>Whether anything may be asked of it.</summary>
    public bool IsAskable => IsOpen && !IsPaused && IsUploading && IsSynced;

    /// <summary>The first block that it is not known to have.</summary>
    public ulong FirstGap => Blocks.NextClear(ContiguousLength);

    public bool HasBlock(ulong index) =>
        (index < ContiguousLength || Blocks.Contains(index)) && (Refused.Count == 0 || !Refused.Contains(index));

    public void Send(ReplicationMessage message)
    {
        Outbox.Add(message);
        OutboxSize += message.ApproximateSize;
    }

    /// <summary>A conflict was found while it was open: it is shown ours, and then its channel is closed.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>It may be asked again for what it refused.</summary>
    public void ForgiveRefusals()
    {
        Refused.Clear();
        Refusals = 0;
        ForgivenAt = null;
        IsPaused = ConflictDeadline is not null;
    }

    /// <summary>Forgets all that was said on a channel: the next one starts anew.</summary>
    public void Reset(ReplicationOptions options)
    {
        IsSynced = false;
        IsPaused = false;
        ForgivenAt = null;
        ConflictDeadline = null;
        IsEvidenceChecked = false;
        IsLeaving = false;
        Fork = 0;
        Length = 0;
        CanUpgradeUs = false;
        IsUploading = true;
        IsDownloading = true;
        HasManifest = false;
        AllowsPush = false;
        LengthAcked = 0;
        ContiguousLength = 0;
        Blocks = new BlockSet(options.MaxRemotePages);
        Refused.Clear();
        LengthTold = null;
        CanBeUpgraded = true;
        UpgradableLength = 0;
        UpgradableFork = 0;
        UpgradeCheck = 0;
        NeedsSync = false;
        FullLengthAnnounced = 0;
        Wants = new RemoteWants(options.MaxWants);
        UnansweredWants.Clear();
        WantedSegments.Clear();
        Requests = new RequestTable();
        InFlight = new BlockSet();
        Refusals = 0;
        Serving.Clear();
        ServingEstimate = 0;
        DelayedRefusals.Clear();
        LastExtension = string.Empty;
        LastExtensionSent = string.Empty;
        foreach (ParkedProof parked in Parked)
        {
            parked.Lease?.Dispose();
        }

        Parked.Clear();
        foreach (IDisposable lease in OutboxLeases)
        {
            lease.Dispose();
        }

        Outbox = [];
        OutboxLeases = [];
        OutboxSize = 0;
    }
}
