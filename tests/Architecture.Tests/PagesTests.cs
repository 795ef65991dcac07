using System.Text.RegularExpressions;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>What the pages say can be followed: links end somewhere.</summary>
public partial class PagesTests
{
    private static readonly string[] Pages = [.. House.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal))];

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CHANGELOG.md")]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("bench/README.md")]
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

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\bdocs/[\w.-]+\.md(#[\w-]+)?")]
    private static partial Regex DocsReference();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
