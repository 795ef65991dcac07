using HyperActors.Cli.Node;

namespace HyperActors.Cli;

/// <summary>What a verb sees of the process around it.</summary>
internal sealed class CliHost
{
    public required Stream Input { get; init; }

    public required Stream Output { get; init; }

    public required TextWriter Error { get; init; }

    public required INodeFactory Nodes { get; init; }

    /// <summary>Reads an environment variable.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>True when progress may be drawn: the error output is a terminal.</summary>
    public bool IsErrorTerminal { get; init; }

    public required string HomeDirectory { get; init; }

    /// <summary>The host that is this process.</summary>
    public static CliHost Process() => new()
    {
        Input = Console.OpenStandardInput(),
        Output = StandardOutput.Open(),
        Error = Console.Error,
        Nodes = new EmbeddedNodeFactory(),
        Variable = Environment.GetEnvironmentVariable,
        IsErrorTerminal = !Console.IsErrorRedirected,
        HomeDirectory = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
    };
}
