using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli;

/// <summary>The verbs as a tree, and what all of them have in common: options, errors, exit codes.</summary>
internal static class CommandLine
{
    /// <summary>The tree of verbs.</summary>
    public static RootCommand Build(CliHost host, GlobalOptions globals)
    {
        var root = new RootCommand("Append-only logs that anyone can verify and only their writer can extend, copied between peers.")
        {
            new FeedCommand(host, globals),
            new UdxCommand(host, globals),
            new DaemonCommand(host, globals),
            new ClientCommand(host, globals),
            new TopCommand(host, globals),
            new ConfigCommand(host, globals),
            new DhtCommand(host, globals),
            new SwarmCommand(host, globals),
            new DoctorCommand(host, globals),
            new DemoCommand(host, globals),
            new CompletionCommand(host, globals),
            new CompleteCommand(host, globals),
        };
        foreach (Option option in globals.All)
        {
            root.Options.Add(option);
        }

        foreach (HelpOption help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }

        root.ShowHelpWithoutVerb(globals);
        return root;
    }

    /// <summary>Runs one command line.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, CliHost host, CancellationToken cancellationToken)
    {
        var globals = new GlobalOptions();
        ParseResult parsed = Build(host, globals).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var printer = new Printer(host, parsed.GetValue(globals.Json), parsed.GetValue(globals.Verbose));
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExamples)
        {
            printer.Error(ExitCode.Usage, Refusal(parsed));
            return ExitCode.Usage;
        }

        try
        {
            using var output = new StringWriter();
            var configuration = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = output,
                Error = output,
            };
            int exitCode = await parsed.InvokeAsync(configuration, cancellationToken);
            await host.Output.WriteAsync(Encoding.UTF8.GetBytes(output.ToString()), CancellationToken.None);
            return exitCode;
        }
        catch (OutputClosedException)
        {
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
#pragma warning disable CA1031 // The last stop before the user: whatever it is becomes one line and an exit code.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            (int exitCode, string message) = Failure.Explain(failure);
            printer.Error(exitCode, message);
            if (printer.IsVerbose && failure is not CliException)
            {
                printer.Note(failure.ToString());
            }

            return exitCode;
        }
    }

    /// <summary>What is wrong with a command line, and what to write instead.</summary>
    private static string Refusal(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string path = command.Path();
        if (parsed.UnmatchedTokens.Count == 0)
        {
            string message = parsed.Errors[0].Message;
            return message.StartsWith("Required", StringComparison.Ordinal) || message.StartsWith("Option", StringComparison.Ordinal)
                ? $"{char.ToLowerInvariant(message[0])}{message[1..]} See {path} --help"
                : message;
        }

        string word = parsed.UnmatchedTokens[0];
        if (word.StartsWith('-'))
        {
            return $"there is no option '{word}' here; see {path} --help";
        }

        return command.Subcommands.Count > 0
            ? $"there is no verb '{word}'; after '{path}' comes one of: {command.VerbNames()}"
            : $"'{word}' is more than '{path}' takes; see {path} --help";
    }
}
