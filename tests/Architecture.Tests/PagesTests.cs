using System.Text.RegularExpressions;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>What the pages say can be followed: links end somewhere, examples compile.</summary>
public partial class PagesTests
{
    private static readonly string[] Pages = [.. House.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal))];

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CHANGELOG.md")]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("bench/README.md")]
    [InlineData("docs/getting-started.md")]
    [InlineData("docs/command-line.md")]
    [InlineData("docs/performance.md")]
    [InlineData("docs/operating.md")]
    [InlineData("docs/security.md")]
    [InlineData("docs/embedding.md")]
    [InlineData("docs/api.md")]
    [InlineData("docs/troubleshooting.md")]
    public void A_reader_finds_the_page(string page) => Assert.True(File.Exists(Repository.PathOf(page)));

    [Fact]
    public void Every_link_of_a_page_ends_at_a_file_and_at_a_heading_of_it()
    {
        foreach (string page in Pages)
        {
            foreach (string link in Link().Matches(WithoutCode(page)).Select(m => m.Groups[1].Value))
            {
                if (!link.Contains("://", StringComparison.Ordinal))
                {
                    AssertResolves(page, Path.GetDirectoryName(page)!, link);
                }
            }
        }
    }

    [Fact]
    public void Every_page_that_a_source_names_is_there_and_has_the_heading()
    {
        foreach (string source in House.Files.Where(f => f.EndsWith(".cs", StringComparison.Ordinal) && !House.IsBelow(f, "tests/Architecture.Tests")))
        {
            foreach (string link in DocsReference().Matches(File.ReadAllText(source)).Select(m => m.Value))
            {
                AssertResolves(source, Repository.Root, link);
            }
        }
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/performance.md")]
    public void Every_figure_that_a_page_quotes_is_one_of_the_benchmarks(string page)
    {
        string[] Rows(string of) => [.. File.ReadAllLines(Repository.PathOf(of)).Where(l => l.StartsWith('|')).Select(l => Spaces().Replace(l, string.Empty))];
        string[] measured = Rows("bench/README.md");
        string[] quoted = [.. Rows(page).Where(row => Figure().IsMatch(row))];
        Assert.NotEmpty(quoted);
        Assert.All(quoted, row => Assert.Contains(row, measured));
    }

    [Fact]
    public void Every_example_in_the_README_is_compiled_with_the_tests()
    {
        string[] examples = [.. CSharpBlock().Matches(File.ReadAllText(Repository.PathOf("README.md"))).Select(m => Normal(m.Groups[1].Value))];
        string[] sources = [.. House.Files
            .Where(f => House.IsBelow(f, "tests") && f.EndsWith(".cs", StringComparison.Ordinal) && !House.IsBelow(f, "tests/Architecture.Tests"))
            .Select(f => Normal(File.ReadAllText(f)))];
        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.True(
            sources.Any(s => s.Contains(example, StringComparison.Ordinal)), $"no test source holds this example:\n{example}"));
    }

    private static void AssertResolves(string from, string folder, string link)
    {
        string[] parts = link.Split('#', 2);
        string target = parts[0].Length == 0 ? from : Path.GetFullPath(Path.Combine(folder, parts[0]));
        Assert.True(File.Exists(target) || Directory.Exists(target), $"{House.Relative(from)} links to {link}: no such file");
        if (parts.Length == 2)
        {
            Assert.True(Anchors(target).Contains(parts[1], StringComparer.Ordinal), $"{House.Relative(from)} links to {link}: no such heading");
        }
    }

    // As the forges make them: lower case, spaces to hyphens, everything else dropped.
    private static IEnumerable<string> Anchors(string page) => Heading().Matches(WithoutCode(page))
        .Select(m => NotInAnchor().Replace(m.Groups[1].Value.Trim().ToLowerInvariant(), string.Empty).Replace(' ', '-'));

    private static string WithoutCode(string page) => CodeBlock().Replace(File.ReadAllText(page), string.Empty);

    // Indentation is the place's, not the example's.
    private static string Normal(string text) =>
        string.Join('\n', text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    // A number alone in its cell, or two shares.
    [GeneratedRegex(@"\|[\d,.]+\||\d+%,\d+%\|")]
    private static partial Regex Figure();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\bdocs/[\w.-]+\.md(#[\w-]+)?")]
    private static partial Regex DocsReference();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
