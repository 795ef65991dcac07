using System.Net;
using HyperActors.Crypto;

namespace HyperActors.Swarm;

/// <summary>What a swarm knows of one peer.</summary>
public sealed class SwarmPeer
{
    private const int LastAttempt = 3;

    private readonly List<DiscoveryKey> _topics = [];

    internal SwarmPeer(PublicKey publicKey) => PublicKey = publicKey;

    public PublicKey PublicKey { get; }

    /// <summary>Addresses that carry a handshake to it; the latest that were heard.</summary>
    public IReadOnlyList<IPEndPoint> Relays { get; internal set; } = [];

    /// <summary>Topics under which it was found.</summary>
    public IReadOnlyList<DiscoveryKey> Topics => _topics;

    /// <summary>Dials that ended, well or badly, since the slate was clean.</summary>
    public int Attempts { get; internal set; }

    /// <summary>True when a dial has opened since the slate was clean.</summary>
    public bool IsProven { get; internal set; }

    public bool IsBanned { get; internal set; }

    /// <summary>True when it was asked for by key.</summary>
    public bool IsExplicit { get; internal set; }

    /// <summary>True while it waits to be dialled.</summary>
    public bool IsQueued { get; internal set; }

    /// <summary>True while it rests before it is dialled again.</summary>
    public bool IsWaiting { get; internal set; }

    /// <summary>True when we dialled the connection that it had last.</summary>
    public bool IsClient { get; internal set; }

    /// <summary>True when no hole could be punched to it: the next dial goes through a relay.</summary>
    public bool MustRelay { get; internal set; }

    /// <summary>The class in which it waits, or waited last.</summary>
    public PeerPriority Priority { get; private set; } = PeerPriority.Normal;

    internal int QueueIndex { get; set; }

    internal TimeSpan? ConnectedAt { get; private set; }

    internal TimeSpan? DisconnectedAt { get; private set; }

    /// <summary>True when nothing needs it to be remembered.</summary>
    internal bool IsForgettable => !(IsBanned || IsQueued || IsExplicit || IsWaiting);

    /// <summary>Adds a topic under which it was found.</summary>
    /// <returns>True when it was not known under it.</returns>
    internal bool AddTopic(DiscoveryKey topic, int maxTopics)
    {
        if (_topics.Contains(topic) || _topics.Count >= maxTopics)
        {
            return false;
        }

        _topics.Add(topic);
        return true;
    }

    internal void HandleConnected(TimeSpan now)
    {
        IsProven = true;
        ConnectedAt = now;
    }

    internal void HandleDisconnected(TimeSpan now, TimeSpan minConnectionTime)
    {
        DisconnectedAt = now;
        if (ConnectedAt is { } since && now - since >= minConnectionTime)
        {
            Attempts = 0;
        }

        ConnectedAt = null;
        Attempts++;
    }

    /// <summary>It was found again: what it failed at before does not count.</summary>
    internal void Reset()
    {
        IsClient = false;
        IsProven = false;
        Attempts = 0;
    }

    /// <summary>Finds the class in which it waits to be dialled.</summary>
    /// <returns>False when it should not be dialled.</returns>
    internal bool TryPrioritize()
    {
        if (IsExplicit && Attempts > LastAttempt)
        {
            Attempts = LastAttempt;
        }

        if (IsBanned || IsQueued || Attempts > LastAttempt)
        {
            return false;
        }

        Priority = PriorityOf(Attempts);
        return true;
    }

    internal static PeerPriority PriorityOf(int attempts) => attempts switch
    {
        0 => PeerPriority.Normal,
        1 => PeerPriority.VeryHigh,
        2 => PeerPriority.High,
        LastAttempt => PeerPriority.Low,
        _ => PeerPriority.VeryLow,
    };
}
