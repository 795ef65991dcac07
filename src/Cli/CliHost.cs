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

    /// <summary>Every variable of the environment.</summary>
    public Func<IEnumerable<KeyValuePair<string, string>>> Variables { get; init; } = static () => [];

    /// <summary>Gives a SIGHUP another meaning than to stop.</summary>
    public Action<Action> OnHangup { get; init; } = static _ => { };

    /// <summary>The time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>True when progress may be drawn: the error output is a terminal.</summary>
    public bool IsErrorTerminal { get; init; }

    /// <summary>True when the output is a terminal: what is shown there may be drawn over.</summary>
    public bool IsOutputTerminal { get; init; }

    /// <summary>Columns and lines of the terminal that the output is; what is usual where it does not say.</summary>
    public Func<(int Width, int Height)> WindowSize { get; init; } = static () => (80, 24);

    /// <summary>Tells each key that is pressed from now on, while the input is a terminal.</summary>
    public Action<Action<char>> OnKey { get; init; } = static _ => { };

    public required string HomeDirectory { get; init; }

    /// <summary>The host that is this process.</summary>
    public static CliHost Process(StopSignals? signals = null) => new()
    {
        Input = Console.OpenStandardInput(),
        Output = StandardOutput.Open(),
        Error = StandardOutput.OpenError(),
        Nodes = new NodeFactory(),
        Variable = Environment.GetEnvironmentVariable,
        Variables = static () => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(v => KeyValuePair.Create((string)v.Key, (string?)v.Value ?? string.Empty)),
        OnHangup = signals is null ? static _ => { }
        : signals.OnHangup,
        IsErrorTerminal = !Console.IsErrorRedirected,
        IsOutputTerminal = !Console.IsOutputRedirected,
        WindowSize = StandardOutput.WindowSize,
        OnKey = ReadKeys,
        HomeDirectory = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
    };

    // A key has to be waited for, and the wait ends with the process: a thread of its own.
    private static void ReadKeys(Action<char> pressed)
    {
        if (Console.IsInputRedirected)
        {
            return;
        }

        new Thread(() =>
        {
            while (true)
            {
                pressed(Console.ReadKey(intercept: true).KeyChar);
            }
        })
        {
            IsBackground = true,
            Name = "hyperactors-keys",
        }.Start();
    }
}
