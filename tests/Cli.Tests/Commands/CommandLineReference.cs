using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using System.Text.RegularExpressions;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Network;

namespace HyperActors.Cli.Tests.Commands;

/// <summary>The parts of docs/command-line.md that the code decides: between <c>generated</c> and <c>end</c>, by name.</summary>
internal sealed partial class CommandLineReference(RootCommand root)
{
    private const string Network = "options of verbs that meet others";

    private static readonly IReadOnlyList<Option> NetworkOptions = OptionsOfNetworks();

    /// <summary>Every verb that is told of, in the order of the tree.</summary>
    public static IEnumerable<Verb> Verbs(Command group) => group.Subcommands
        .Where(command => !command.Hidden)
        .SelectMany(command => command is Verb verb ? [verb, .. Verbs(verb)] : Verbs(command));

    /// <summary>The page with each generated part written anew; a part that nothing makes is an error.</summary>
    public string Renew(string page)
    {
        Dictionary<string, string> parts = Verbs(root).ToDictionary(verb => verb.Path(), OfVerb, StringComparer.Ordinal);
        parts["verbs"] = Overview();
        parts["options of every verb"] = Table("Option", root.Options.Where(o => o is not HelpOption and not VersionOption).Select(Row));
        parts[Network] = Table("Option", NetworkOptions.Select(Row));
        parts["exit codes"] = Codes();
        return Part().Replace(page, match => parts.TryGetValue(match.Groups[1].Value, out string? text)
            ? $"<!-- generated: {match.Groups[1].Value} -->\n{text}<!-- end -->"
            : $"<!-- there is no '{match.Groups[1].Value}' -->");
    }

    private string Overview()
    {
        var text = new StringBuilder("| Verb | Does |\n|---|---|\n");
        foreach (Verb verb in Verbs(root))
        {
            string name = verb.Path()["hyperactors ".Length..];
            text.Append($"| [`{name}`](#{name.Replace(' ', '-')}) | {Cell(verb.Description!)} |\n");
        }

        return text.ToString();
    }

    private static string OfVerb(Verb verb)
    {
        var text = new StringBuilder($"```\n{Usage(verb)}\n```\n\n");
        Option[] own = [.. verb.Options.Where(o => o is not HelpOption && !IsOfNetworks(o))];
        if (verb.Arguments.Count + own.Length > 0)
        {
            text.Append(Table(
                verb.Arguments.Count == 0 ? "Option" : own.Length == 0 ? "Argument" : "Argument, option", verb.Arguments.Select(Row).Concat(own.Select(Row))));
            text.Append('\n');
        }

        if (verb.Options.Any(IsOfNetworks))
        {
            text.Append($"And the [{Network}](#{Network.Replace(' ', '-')}).\n\n");
        }

        text.Append("```sh\n");
        foreach (string example in verb.Examples)
        {
            text.Append("hyperactors ").Append(example).Append('\n');
        }

        text.Append("```\n\n");
        IEnumerable<int> codes = ExitCode.OfEveryVerb.Concat(verb.ExitCodes).Order();
        return text.Append($"[Exit codes](#exit-codes): {string.Join(", ", codes)}.\n").ToString();
    }

    private static string Usage(Verb verb)
    {
        var words = new List<string> { verb.Path() };
        words.AddRange(verb.Arguments.Select(a =>
        {
            string name = a.Arity.MaximumNumberOfValues > 1 ? $"{a.Name} ..." : a.Name;
            return a.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
        }));
        foreach (Option option in verb.Options.Where(o => o is not HelpOption && !IsOfNetworks(o)))
        {
            words.Add($"[{Shortest(option)}{(option.HelpName is null ? string.Empty : $" {option.HelpName}")}{(option.ValueType.IsArray ? " ..." : string.Empty)}]");
        }

        if (verb.Options.Any(IsOfNetworks))
        {
            words.Add("[NETWORK]");
        }

        const int width = 110;
        var text = new StringBuilder();
        int column = 0;
        foreach (string word in words)
        {
            if (column > 0 && column + word.Length + 1 > width)
            {
                text.Append("\n    ");
                column = 4;
            }
            else if (column > 0)
            {
                text.Append(' ');
                column++;
            }

            text.Append(word);
            column += word.Length;
        }

        return text.ToString();
    }

    private static string Codes()
    {
        var text = new StringBuilder("| Code | `--json` says | Means |\n|---|---|---|\n");
        foreach (int code in ExitCode.All)
        {
            text.Append($"| {code} | {(code == ExitCode.Ok ? string.Empty : $"`{ExitCode.NameOf(code)}`")} | {ExitCode.MeaningOf(code)} |\n");
        }

        return text.ToString();
    }

    private static string Table(string head, IEnumerable<string> rows) =>
        $"| {head} | Says | Without it |\n|---|---|---|\n{string.Concat(rows)}";

    private static string Row(Argument argument) => Row(argument.Name, argument.Description, argument.Arity.MinimumNumberOfValues > 0 ? "needed" : null);

    private static string Row(Option option)
    {
        IEnumerable<string> names = option.Aliases.Append(option.Name).OrderBy(n => n.Length);
        string value = option.HelpName is null ? string.Empty : $" {option.HelpName}";
        bool hasDefault = option.HasDefaultValue && option.ValueType != typeof(bool) && !option.ValueType.IsArray;
        return Row(string.Join(", ", names) + value, option.Description, hasDefault ? option.GetDefaultValue()?.ToString() : null);
    }

    private static string Row(string name, string? description, string? without)
    {
        Match said = Default().Match(description!);
        string says = Default().Replace(description!, string.Empty);
        return $"| `{Cell(name)}` | {Cell(says)} | {Cell(said.Success ? said.Groups[1].Value : without ?? string.Empty)} |\n";
    }

    private static string Shortest(Option option) => option.Aliases.Append(option.Name).MinBy(n => n.Length)!;

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static bool IsOfNetworks(Option option) =>
        NetworkOptions.Any(o => o.Name == option.Name && o.Description == option.Description);

    private static IReadOnlyList<Option> OptionsOfNetworks()
    {
        var command = new Command("x");
        _ = new NetworkFlags(command, 0, connects: true);
        return [.. command.Options];
    }

    [GeneratedRegex("<!-- generated: ([a-z ]+) -->\n.*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Part();

    [GeneratedRegex(@" ?\[default: ([^\]]*)\]")]
    private static partial Regex Default();
}
