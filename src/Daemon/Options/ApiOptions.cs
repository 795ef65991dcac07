using System.ComponentModel.DataAnnotations;

namespace HyperActors.Daemon;

/// <summary>How the local API is reached, and what one caller may ask of it.</summary>
public sealed record ApiOptions
{
    /// <summary>The Unix socket of the API; empty: <c>api.sock</c> in the storage.</summary>
    public string Socket { get; set; } = string.Empty;

    /// <summary>The port on the loopback address, for callers with the token; null opens none, 0 takes a free one.</summary>
    [Range(0, 65_535)]
    public int? Port { get; set; }

    /// <summary>Connections to the API at a time. More serves more callers, and lets them hold more sockets.</summary>
    [Range(1, 65_535)]
    public int MaxConnections { get; set; } = 1024;

    /// <summary>Live streams at a time: events, blocks as they come, downloads. More serves more watchers.</summary>
    [Range(1, 65_535)]
    public int MaxStreams { get; set; } = 512;

    /// <summary>Bytes of a body of JSON that is no append. More lets callers send more in one call, and makes them hold more memory.</summary>
    [Range(1024, 1 << 30)]
    public int MaxJsonBytes { get; set; } = 1 << 20;

    /// <summary>Bytes of one append. More makes larger steps, each of which is held in memory.</summary>
    [Range(1024, 1 << 30)]
    public int MaxAppendBytes { get; set; } = 64 << 20;

    /// <summary>Bytes of all appends that are being received. More lets more callers append at a time.</summary>
    [Range(1 << 20, 1L << 40)]
    public long MaxBufferedBytes { get; set; } = 256 << 20;

    /// <summary>How long a caller may take to say what it wants. Less gets rid of slow callers sooner.</summary>
    public TimeSpan HeaderTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes a second that a body must come with, and an answer must be taken with; slower callers are cut off.</summary>
    [Range(1, 1 << 20)]
    public int MinBytesPerSecond { get; set; } = 240;

    /// <summary>How long a caller may stay below that rate. More forgives longer pauses.</summary>
    public TimeSpan SlowGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the status stream tells what is new. Less often costs less.</summary>
    public TimeSpan StatusInterval { get; set; } = TimeSpan.FromMilliseconds(200);
}
