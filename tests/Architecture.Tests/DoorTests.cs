using System.Text.RegularExpressions;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>Clock, network, disk and chance are arguments: the compiler refuses them where they are not.</summary>
public partial class DoorTests
{
    /// <summary>The projects that own a door, and which.</summary>
    private static readonly Dictionary<string, string> Doors = new(StringComparer.Ordinal)
    {
        ["Catalog"] = "the disk, by SQLite",
        ["Cli"] = "a process of its own: console, signals, clock",
        ["Daemon"] = "a process of its own: the API's sockets, signals, clock",
        ["Kernel"] = "real time and threads, behind the scheduler and the dispatchers",
        ["Simulation"] = "the clock, to say how long a run took",
    };

    public static TheoryData<string> Projects => [.. House.Projects.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_without_a_door_of_its_own_is_compiled_with_the_banned_symbols(string project)
    {
        bool hasDoors = House.Projects[project].Descendants("HasDoors").Any(e => e.Value == "true");
        Assert.True(!hasDoors || Doors.ContainsKey(project), $"{project} opens doors that are not in the table");
    }

    [Fact]
    public void The_banned_symbols_reach_every_project_under_src()
    {
        XDocument targets = XDocument.Load(Repository.PathOf("src", "Directory.Build.targets"));
        XElement file = Assert.Single(targets.Descendants("AdditionalFiles"));
        Assert.EndsWith("Shared/BannedSymbols.txt", file.Attribute("Include")?.Value, StringComparison.Ordinal);
        Assert.Equal("'$(HasDoors)' != 'true'", file.Parent?.Attribute("Condition")?.Value);

        XDocument props = XDocument.Load(Repository.PathOf("Directory.Build.props"));
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", props.Values("PackageReference", "Include"));
    }

    [Theory]
    [InlineData("T:System.Random;")]
    [InlineData("T:System.Diagnostics.Stopwatch;")]
    [InlineData("P:System.DateTime.UtcNow;")]
    [InlineData("P:System.DateTimeOffset.UtcNow;")]
    [InlineData("P:System.Environment.TickCount64;")]
    [InlineData("M:System.Threading.Tasks.Task.Delay(System.TimeSpan);")]
    [InlineData("T:System.Threading.Timer;")]
    [InlineData("M:System.Threading.Thread.Sleep(System.Int32);")]
    public void The_banned_symbols_name_the_clock_and_chance(string symbol) =>
        Assert.Contains(
            File.ReadAllLines(Repository.PathOf("src", "Shared", "BannedSymbols.txt")),
            line => line.StartsWith(symbol, StringComparison.Ordinal));

    [Fact]
    public void A_warning_that_is_silenced_says_why()
    {
        foreach (string source in House.Files.Where(f => House.IsBelow(f, "src") && f.EndsWith(".cs", StringComparison.Ordinal)))
        {
            foreach (string line in File.ReadLines(source).Where(l => l.Contains("#pragma warning disable", StringComparison.Ordinal)))
            {
                Assert.True(PragmaWithReason().IsMatch(line), $"{House.Relative(source)}: {line.Trim()}");
            }
        }
    }

    [GeneratedRegex(@"#pragma warning disable [\w, ]+ // \S.{9,}")]
    private static partial Regex PragmaWithReason();
}
