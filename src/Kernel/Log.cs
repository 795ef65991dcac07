using Microsoft.Extensions.Logging;

namespace HyperActors.Kernel;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Source}: {Reason}")]
    public static partial void ActorFailed(ILogger logger, Exception? cause, string source, object reason);

    [LoggerMessage(2, LogLevel.Warning, "{Source}: {Reason}")]
    public static partial void ActorWarned(ILogger logger, Exception? cause, string source, object reason);
}
