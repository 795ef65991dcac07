using System.ComponentModel.DataAnnotations;

namespace HyperActors.Actors;

/// <summary>How many connections a node has, and how it makes them.</summary>
public sealed record ConnectionOptions
{
    /// <summary>Connections at a time; beyond it a caller is turned away at once. More serves more peers, and costs some 100 kB each.</summary>
    public int MaxConnections { get; set; } = 1024;

    /// <summary>Connections from one public address whose handshake is not done. Less leaves less room for those who only hold the line.</summary>
    public int MaxHalfOpenPerAddress { get; set; } = 64;

    /// <summary>How long a dial may take. More suits slow paths, less finds out sooner.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of messages handed to channels and not yet dealt with, and 64 for each message. More keeps feeds busy, less bounds what a fast peer makes us hold.</summary>
    public int MaxUnconsumedBytes { get; set; } = 4 << 20;

    /// <summary>Bytes handed to a socket and not yet sent. More keeps a fast link busy, less bounds what a slow peer makes us hold.</summary>
    public int MaxUnwrittenBytes { get; set; } = 1 << 20;

    /// <summary>Bytes of one write at most. More means fewer system calls.</summary>
    public int MaxWriteSize { get; set; } = 256 << 10;

    /// <summary>Bytes a second that all connections together send; 0 for no bound. The DHT's own messages are not counted.</summary>
    [Range(0, 1L << 40)]
    public long MaxUploadRate { get; set; }

    /// <summary>Bytes a second that all connections together read; 0 for no bound. The DHT's own messages are not counted.</summary>
    [Range(0, 1L << 40)]
    public long MaxDownloadRate { get; set; }

    /// <summary>How long both sides may take to finish an orderly end before the socket is closed.</summary>
    public TimeSpan EndTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
