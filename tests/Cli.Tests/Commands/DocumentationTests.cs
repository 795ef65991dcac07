using System.CommandLine;
using System.Runtime.CompilerServices;
using HyperActors.Cli.Commands;
using HyperActors.Cli.Tests.Fakes;

namespace HyperActors.Cli.Tests.Commands;

/// <summary>docs/command-line.md tells of everything that the command line has.</summary>
public sealed class DocumentationTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Folder(), "..", "..", "..", "docs", "command-line.md"));

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

    [Fact]
    public void Every_verb_has_its_chapter_with_the_shape_of_its_json()
    {
        foreach (Verb verb in Verbs(Root))
        {
            string heading = $"### {verb.Path()["hyperactors ".Length..]}\n";
            Assert.Contains(heading, Page, StringComparison.Ordinal);
            string chapter = Page[(Page.IndexOf(heading, StringComparison.Ordinal) + heading.Length)..];
            int end = chapter.IndexOf("\n##", StringComparison.Ordinal);
            Assert.Contains("`--json`", chapter[..end], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_option_is_told()
    {
        foreach (Option option in Root.Options.Concat(Verbs(Root).SelectMany(verb => verb.Options)))
        {
            Assert.Contains(option.Name, Page, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(ExitCode.Failed)]
    [InlineData(ExitCode.Usage)]
    [InlineData(ExitCode.NotFound)]
    [InlineData(ExitCode.Locked)]
    [InlineData(ExitCode.NotWritable)]
    [InlineData(ExitCode.Peer)]
    [InlineData(ExitCode.Exists)]
    public void Every_exit_code_is_told(int code) => Assert.Contains($"| {code} | `{ExitCode.NameOf(code)}` |", Page, StringComparison.Ordinal);

    private static IEnumerable<Verb> Verbs(Command group) =>
        group.Subcommands.SelectMany(command => command is Verb verb ? [verb, .. Verbs(verb)] : Verbs(command));

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
