namespace HyperActors.Cli;

/// <summary>Ends a verb with an exit code and one line that says what is wrong and what to do.</summary>
internal sealed class CliException(int exitCode, string message) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public static CliException Usage(string message) => new(Cli.ExitCode.Usage, message);

    public static CliException NotFound(string message) => new(Cli.ExitCode.NotFound, message);

    public static CliException Peer(string message) => new(Cli.ExitCode.Peer, message);
}
