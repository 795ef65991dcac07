using System.Net.Sockets;
using HyperActors.Abstractions;

namespace HyperActors.Cli;

/// <summary>Exceptions as exit codes and words.</summary>
internal static class Failure
{
    public static (int ExitCode, string Message) Explain(Exception failure) => failure switch
    {
        CliException refused => (refused.ExitCode, refused.Message),
        StoreLockedException => (ExitCode.Locked, failure.Message),
        FeedNotWritableException => (ExitCode.NotWritable, failure.Message),
        FeedNotFoundException => (ExitCode.NotFound, failure.Message),
        ConnectionFailedException => (ExitCode.Peer, failure.Message),
        Daemon.ConfigurationException => (ExitCode.Usage, failure.Message),
        BlockTooLargeException => (ExitCode.Usage, failure.Message),
        HyperActorsException => (ExitCode.Failed, failure.Message),
        TypeInitializationException { InnerException: { } inner } => Explain(inner),
        AggregateException { InnerExceptions: [var only] } => Explain(only),
        DllNotFoundException when failure.Message.Contains("sodium", StringComparison.OrdinalIgnoreCase) => (
            ExitCode.Failed,
            "libsodium is missing: apt-get install libsodium23 (Debian, Ubuntu), brew install libsodium (macOS), or put libsodium.dll on the PATH"),
        FileNotFoundException or DirectoryNotFoundException => (ExitCode.NotFound, failure.Message),
        IOException or UnauthorizedAccessException or SocketException => (ExitCode.Failed, failure.Message),
        _ => (ExitCode.Failed, $"this is a fault of hyperactors itself ({failure.GetType().Name}: {failure.Message}); -v shows where it happened"),
    };
}
