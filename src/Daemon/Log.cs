using System.Net;

namespace HyperActors.Daemon;

/// <summary>What the daemon writes to its log.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Error, "{Method} {Endpoint} failed")]
    public static partial void CallFailed(ILogger log, string method, string endpoint, Exception failure);

    [LoggerMessage(101, LogLevel.Information, "The API listens at {Socket} and on port {Port}")]
    public static partial void Listening(ILogger log, string socket, int? port);

    [LoggerMessage(102, LogLevel.Warning, "The topic {Topic} cannot be joined: {Reason}")]
    public static partial void TopicFailed(ILogger log, string topic, string reason);

    [LoggerMessage(103, LogLevel.Warning, "The feed {Key} cannot be kept: {Reason}")]
    public static partial void KeepFailed(ILogger log, string key, string reason);

    [LoggerMessage(104, LogLevel.Information, "The node {PublicKey} is ready: storage {Storage}, name {Name}")]
    public static partial void Ready(ILogger log, string publicKey, string storage, string name);

    [LoggerMessage(105, LogLevel.Information, "Stopping")]
    public static partial void Stopping(ILogger log);

    [LoggerMessage(106, LogLevel.Information, "The configuration was read again: {Changed}")]
    public static partial void Reloaded(ILogger log, string changed);

    [LoggerMessage(107, LogLevel.Error, "The configuration was not read again: {Reason}")]
    public static partial void ReloadFailed(ILogger log, string reason);

    [LoggerMessage(108, LogLevel.Information, "Topic {Topic} joined")]
    public static partial void Joined(ILogger log, string topic);

    [LoggerMessage(109, LogLevel.Information, "Topic {Topic} left")]
    public static partial void Left(ILogger log, string topic);

    [LoggerMessage(110, LogLevel.Information, "Peers are taken over TCP at {Address}")]
    public static partial void ListeningTcp(ILogger log, IPEndPoint address);
}
