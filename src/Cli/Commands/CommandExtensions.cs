using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace HyperActors.Cli.Commands;

/// <summary>What verbs and groups of verbs share.</summary>
internal static class CommandExtensions
{
    /// <summary>A group that is named without a verb shows its verbs, and is a wrong command line.</summary>
    public static void ShowHelpWithoutVerb(this Command group) => group.SetAction(parsed =>
    {
        new HelpAction().Invoke(parsed);
        return ExitCode.Usage;
    });

    /// <summary>The words that lead to a command: <c>hyperactors feed create</c>.</summary>
    public static string Path(this Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{parent.Path()} {command.Name}" : "hyperactors";
}

/// <summary>The usual help, and the verb's examples below it.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is Verb verb)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            if (verb.Options.Any(o => o.Aliases.Contains("-h")) && output is StringWriter text)
            {
                // There -h is a name, and no help.
                text.GetStringBuilder().Replace("-?, -h, --help", "-?, --help    ");
            }

            output.WriteLine("Examples:");
            foreach (string example in verb.Examples)
            {
                output.WriteLine($"  hyperactors {example}");
            }

            output.WriteLine();
        }

        return ExitCode.Ok;
    }
}
