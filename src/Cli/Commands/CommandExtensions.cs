using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace HyperActors.Cli.Commands;

/// <summary>What verbs and groups of verbs share.</summary>
internal static class CommandExtensions
{
    /// <summary>A group that is named without a verb shows its verbs, and is a wrong command line.</summary>
    public static void ShowHelpWithoutVerb(this Command group, GlobalOptions globals) => group.SetAction(parsed =>
    {
        if (parsed.GetValue(globals.Json))
        {
            throw CliException.Usage($"after '{group.Path()}' comes one of: {group.VerbNames()}");
        }

        new HelpWithExamples(new HelpAction()).Invoke(parsed);
        return ExitCode.Usage;
    });

    /// <summary>The words that may follow a group, for messages.</summary>
    public static string VerbNames(this Command group) => string.Join(", ", group.Subcommands.Where(c => !c.Hidden).Select(c => c.Name));

    /// <summary>Command lines that show a verb at work; of a group the first of each verb in it.</summary>
    public static IEnumerable<string> Examples(this Command command) => command is Verb verb
        ? verb.Examples
        : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Examples().First());

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
        Command command = parseResult.CommandResult.Command;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (command.Options.Any(o => o.Aliases.Contains("-h")) && output is StringWriter text)
        {
            // There -h is a name, and no help.
            text.GetStringBuilder().Replace("-?, -h, --help", "-?, --help    ");
        }

        output.WriteLine("Examples:");
        foreach (string example in command.Examples())
        {
            output.WriteLine($"  hyperactors {example}");
        }

        output.WriteLine();
        return ExitCode.Ok;
    }
}
