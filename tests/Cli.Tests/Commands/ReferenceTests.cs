using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Tests.Fakes;
using HyperActors.TestKit;

namespace HyperActors.Cli.Tests.Commands;

/// <summary>docs/command-line.md tells of everything that the command line has, and of nothing else.</summary>
public sealed partial class ReferenceTests
{
    private static readonly string Page = File.ReadAllText(Repository.PathOf("docs", "command-line.md"));

    private static readonly RootCommand Root = CommandLine.Build(
        new CliHost
        {
            Input = Stream.Null,
            Output = Stream.Null,
            Error = TextWriter.Null,
            Nodes = new MemoryWorld(),
            Variable = _ => null,
            HomeDirectory = "/",
        },
        new GlobalOptions());

    public static TheoryData<string> Paths => [.. CommandLineReference.Verbs(Root).Select(verb => verb.Path())];

    [Fact]
    public async Task The_generated_parts_of_the_page_are_what_the_code_says()
    {
        string expected = new CommandLineReference(Root).Renew(Page);
        if (expected != Page)
        {
            string aside = Path.Combine(Path.GetTempPath(), "command-line.md.expected");
            await File.WriteAllTextAsync(aside, expected);
            Assert.Fail($"docs/command-line.md is not what the code says; what it should be is in {aside}");
        }
    }

    [Fact]
    public void Every_verb_has_its_chapter_with_the_shape_of_its_json()
    {
        foreach (Verb verb in CommandLineReference.Verbs(Root))
        {
            string heading = $"### {verb.Path()["hyperactors ".Length..]}\n";
            Assert.Contains(heading, Page, StringComparison.Ordinal);
            string chapter = Page[(Page.IndexOf(heading, StringComparison.Ordinal) + heading.Length)..];
            int end = chapter.IndexOf("\n##", StringComparison.Ordinal);
            Assert.Contains("`--json`:", chapter[..end], StringComparison.Ordinal);
            Assert.Contains($"<!-- generated: {verb.Path()} -->", chapter[..end], StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_example_is_a_command_line_that_is_understood(string path)
    {
        Verb verb = CommandLineReference.Verbs(Root).Single(v => v.Path() == path);
        Assert.NotEmpty(verb.Examples);
        foreach (string example in verb.Examples)
        {
            ParseResult parsed = Root.Parse([.. Words(example)]);
            Assert.True(parsed.Errors.Count == 0, $"{example}: {string.Join(' ', parsed.Errors.Select(e => e.Message))}");
            Assert.Same(verb, parsed.CommandResult.Command);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task A_verb_without_what_it_needs_is_a_wrong_command_line_that_names_its_help(string path)
    {
        Verb verb = CommandLineReference.Verbs(Root).Single(v => v.Path() == path);
        if (verb.Arguments.Any(a => a.Arity.MinimumNumberOfValues > 0))
        {
            Outcome refused = await new Shell().RunAsync(path.Split(' ')[1..]);
            Assert.Equal((ExitCode.Usage, string.Empty), (refused.ExitCode, refused.Output));
            Assert.Contains($"See {path} --help", refused.Error, StringComparison.Ordinal);
        }

        // Whatever has a parser of its own but no default is needed: a value that is not there would be nobody's.
        Assert.DoesNotContain(verb.Arguments, a => a.Arity.MinimumNumberOfValues == 0 && Nullable.GetUnderlyingType(a.ValueType) is not null);
    }

    [Fact]
    public async Task Help_shows_examples_for_every_verb_and_every_group()
    {
        IEnumerable<Command> groups = [Root, .. Root.Subcommands.Where(c => c is not Verb)];
        foreach (Command command in groups.Concat(CommandLineReference.Verbs(Root)))
        {
            Outcome help = await new Shell().RunAsync([.. command.Path().Split(' ')[1..], "--help"]);
            Assert.Equal((ExitCode.Ok, string.Empty), (help.ExitCode, help.Error));
            Assert.Contains("Usage:", help.Output, StringComparison.Ordinal);
            Assert.All(
                command.Arguments, a => Assert.Contains(a.Arity.MinimumNumberOfValues > 0 ? $"<{a.Name}>" : $"[<{a.Name}>", help.Output, StringComparison.Ordinal));
            Assert.All(command.Examples(), e => Assert.Contains($"\n  hyperactors {e}\n", help.Output, StringComparison.Ordinal));
            Assert.All(
                command.Options.Where(o => o is not HelpOption and not VersionOption),
                o => Assert.Contains(o.Name, help.Output, StringComparison.Ordinal));
        }
    }

    /// <summary>Fails unless the reference says that the verb may end so.</summary>
    internal static void AssertTold(string[] args, int exitCode)
    {
        if (Root.Parse(args).CommandResult.Command is Verb verb && !verb.Hidden && exitCode < 128)
        {
            Assert.True(
                ExitCode.OfEveryVerb.Contains(exitCode) || verb.ExitCodes.Contains(exitCode),
                $"{verb.Path()} ended with {exitCode}, which its reference does not tell of");
        }
    }

    // As a shell has it: quotes keep words together, redirections are not the verb's; a shortened key stands for any.
    private static IEnumerable<string> Words(string example)
    {
        string line = Redirection().Replace(example, string.Empty).Replace("ybndrfg8…", new string('y', 52), StringComparison.Ordinal);
        return Word().Matches(line).Select(m => m.Value.Trim('\''));
    }

    [GeneratedRegex(" [<>] .*$")]
    private static partial Regex Redirection();

    [GeneratedRegex("'[^']*'|[^ ]+")]
    private static partial Regex Word();
}
