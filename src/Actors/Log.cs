using System.Net;
using HyperActors.Crypto;
using HyperActors.Replication;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace HyperActors.Actors;

/// <summary>What a node writes to its log.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Connection {Id} with {Peer} at {Address} is open")]
    public static partial void Opened(ILogger log, long id, PublicKey peer, EndPoint? address);

    [LoggerMessage(2, LogLevel.Information, "Connection {Id} with {Address} has ended: {Reason}")]
    public static partial void Closed(ILogger log, long id, EndPoint? address, string? reason);

    [LoggerMessage(21, LogLevel.Information, "Connection {Id} with {Peer} goes no longer through a relay, but straight to {Address}")]
    public static partial void Moved(ILogger log, long id, PublicKey peer, EndPoint? address);

    [LoggerMessage(3, LogLevel.Warning, "A connection from {Address} was turned away: too many are open")]
    public static partial void TurnedAway(ILogger log, EndPoint? address);

    [LoggerMessage(4, LogLevel.Error, "Feed {Key} has failed")]
    public static partial void FeedFailed(ILogger log, DiscoveryKey key, Exception failure);

    [LoggerMessage(5, LogLevel.Warning, "Feed {Key}: peer {Peer} was dropped: {Error}")]
    public static partial void PeerDropped(ILogger log, FeedKey key, PeerId peer, ReplicationError error);

    [LoggerMessage(7, LogLevel.Warning, "Feed {Key}: the storage's directory of feeds cannot be used")]
    public static partial void CatalogFailed(ILogger log, DiscoveryKey key, Exception failure);

    [LoggerMessage(6, LogLevel.Error, "Feed {Key} is frozen: its writer signed two histories of fork {Fork}")]
    public static partial void FeedFrozen(ILogger log, FeedKey key, ulong fork);

    [LoggerMessage(20, LogLevel.Warning, "Local discovery cannot use the interface with {Address}: no multicast socket is to be had there")]
    public static partial void NoMulticast(ILogger log, IPAddress address);
}
