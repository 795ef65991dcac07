using HyperActors.Crypto;
using HyperActors.Replication;
using HyperActors.Storage;
using HyperActors.Udx;
using HyperActors.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace HyperActors.Actors;

/// <summary>How a node lives. Read once at the start.</summary>
public sealed record NodeOptions
{
    /// <summary>The directory with everything the node keeps: made when it is not there, held by one process at a time.</summary>
    public string StoragePath { get; set; } = "hyperactors-data";

    /// <summary>The node's name in its actor system: two nodes in one system have two names.</summary>
    public string Name { get; set; } = "node";

    /// <summary>How feeds are kept on disk.</summary>
    public FeedOptions Feeds { get; set; } = new();

    /// <summary>The limits and times of connections.</summary>
    public LinkOptions Links { get; set; } = new();

    /// <summary>How feeds are copied.</summary>
    public ReplicationOptions Replication { get; set; } = new();

    /// <summary>How sockets are treated.</summary>
    public TransportOptions Transport { get; set; } = new();

    /// <summary>How UDP sockets are treated.</summary>
    public UdpOptions Udp { get; set; } = new();

    /// <summary>Bounds and clocks of streams over UDP.</summary>
    public UdxOptions Udx { get; set; } = new();

    /// <summary>How many connections there may be, and how they are made.</summary>
    public ConnectionOptions Connections { get; set; } = new();

    /// <summary>The node's part in the network of peers; null for a node without one, which has no UDP socket and only dials and takes TCP.</summary>
    public NetworkOptions? Network { get; set; }

    /// <summary>True for a peer that is not wanted: the swarm neither dials it nor lets it in, and bans it when it knows it. It is
    /// asked on any thread, often, and must be quick. Null lets everybody in.</summary>
    public Func<PublicKey, bool>? Firewall { get; set; }

    /// <summary>How long stopping may take before what is left is cut off. More lets slow disks finish.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a node that has ended its connections waits for the last acknowledgements of its UDX streams.</summary>
    public TimeSpan UdxStopTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Where the node writes what happens; nowhere unless said otherwise.</summary>
    public ILoggerFactory LoggerFactory { get; set; } = NullLoggerFactory.Instance;
}
