using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>A checkout is all that is needed: nothing in it points outside, floats, or is forgotten.</summary>
public partial class TreeTests
{
    private static readonly string[] TextExtensions =
        [".cs", ".csproj", ".props", ".targets", ".md", ".json", ".js", ".mjs", ".sh", ".sln", ".txt", ".editorconfig", ""];

    private static IEnumerable<string> TextFiles =>
        House.Files.Where(f => TextExtensions.Contains(Path.GetExtension(f), StringComparer.Ordinal));

    [Fact]
    public void Every_package_has_one_exact_version()
    {
        XDocument central = XDocument.Load(Repository.PathOf("Directory.Packages.props"));
        string[] names = [.. central.Values("PackageVersion", "Include")];
        Assert.NotEmpty(names);
        Assert.Equal(names.Distinct(StringComparer.OrdinalIgnoreCase), names);
        Assert.All(central.Values("PackageVersion", "Version"), version => Assert.Matches(ExactVersion(), version));

        foreach (string project in House.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            Assert.Empty(XDocument.Load(project).Values("PackageReference", "Version"));
            Assert.Empty(XDocument.Load(project).Values("PackageReference", "VersionOverride"));
        }
    }

    [Fact]
    public void Every_npm_package_has_one_exact_version_and_its_lock_no_address()
    {
        string[] manifests = [.. House.Files.Where(f => Path.GetFileName(f) == "package.json")];
        Assert.NotEmpty(manifests);
        foreach (string manifest in manifests)
        {
            JsonElement dependencies = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(manifest)).GetProperty("dependencies");
            foreach (JsonProperty dependency in dependencies.EnumerateObject())
            {
                Assert.Matches(ExactNpmVersion(), dependency.Value.GetString());
            }

            string locked = File.ReadAllText(Path.Combine(Path.GetDirectoryName(manifest)!, "package-lock.json"));
            Assert.DoesNotContain("\"resolved\"", locked, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_solution_holds_every_project()
    {
        string solution = File.ReadAllText(Repository.PathOf("HyperActors.sln")).Replace('\\', '/');
        foreach (string project in House.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal)))
        {
            Assert.Contains(House.Relative(project), solution, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_project_file_reaches_outside_the_tree()
    {
        foreach (string file in House.Files.Where(f => Path.GetExtension(f) is ".csproj" or ".props" or ".targets"))
        {
            foreach (string path in RelativePath().Matches(File.ReadAllText(file)).Select(m => m.Value))
            {
                string target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, path));
                Assert.True(target.StartsWith(Repository.Root, StringComparison.Ordinal), $"{House.Relative(file)} names {path}");
            }
        }
    }

    [Fact]
    public void No_file_names_a_folder_of_the_machine_it_was_written_on()
    {
        foreach (string file in TextFiles.Where(f => Path.GetFileName(f) != $"{nameof(TreeTests)}.cs"))
        {
            Match match = MachinePath().Match(File.ReadAllText(file));
            Assert.False(match.Success, $"{House.Relative(file)} names {match.Value}");
        }
    }

    [Fact]
    public void Nothing_is_left_for_later_in_a_comment()
    {
        foreach (string file in TextFiles.Where(f => Path.GetExtension(f) is ".cs" or ".js" or ".mjs" && Path.GetFileName(f) != $"{nameof(TreeTests)}.cs"))
        {
            Assert.DoesNotMatch(Unfinished(), File.ReadAllText(file));
        }
    }

    [Fact]
    public void Every_file_of_vectors_has_the_script_that_made_it()
    {
        string[] vectors = [.. House.Files.Where(f =>
            House.IsBelow(f, "tests/vectors") && Path.GetExtension(f) == ".json" && !Path.GetFileName(f).StartsWith("package", StringComparison.Ordinal))];
        Assert.NotEmpty(vectors);
        Assert.All(vectors, file => Assert.True(
            File.Exists(Path.ChangeExtension(file, ".mjs")) || File.Exists(Path.ChangeExtension(file, ".js")),
            $"{House.Relative(file)} has no script beside it"));
    }

    [Fact]
    public void What_a_user_runs_can_be_run()
    {
        if (!OperatingSystem.IsWindows())
        {
            foreach (string script in (string[])["build.sh", "hyperactors", ".ci/run"])
            {
                Assert.True(File.GetUnixFileMode(Repository.PathOf(script)).HasFlag(UnixFileMode.UserExecute), script);
            }
        }
    }

    [GeneratedRegex(@"^\d+\.\d+\.\d+(\.\d+)?$")]
    private static partial Regex ExactVersion();

    [GeneratedRegex(@"^(npm:[@a-z0-9/-]+@)?\d+\.\d+\.\d+$")]
    private static partial Regex ExactNpmVersion();

    [GeneratedRegex(@"(\.\./)+[\w./-]+")]
    private static partial Regex RelativePath();

    [GeneratedRegex(@"(?<![\w.])/(work|root|home)/\w+")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Unfinished();
}
