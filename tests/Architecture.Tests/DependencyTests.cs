using System.Text.RegularExpressions;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>Who may know whom, as ARCHITECTURE.md draws it.</summary>
public partial class DependencyTests
{
    private static readonly string[] Machines = ["Compact", "Crypto", "Merkle", "Wire", "Udx", "Dht", "Swarm", "Storage", "Replication"];

    private static readonly Dictionary<string, string[]> MayKnow = new(StringComparer.Ordinal)
    {
        ["Compact"] = [],
        ["Kernel"] = [],
        ["Crypto"] = ["Compact"],
        ["Abstractions"] = ["Crypto"],
        ["Merkle"] = ["Compact", "Crypto"],
        ["Wire"] = ["Compact", "Crypto"],
        ["Udx"] = ["Compact", "Crypto"],
        ["Dht"] = ["Wire", "Compact", "Crypto"],
        ["Swarm"] = ["Compact", "Crypto"],
        ["Storage"] = ["Merkle", "Compact", "Crypto"],
        ["Replication"] = ["Wire", "Merkle", "Compact", "Crypto"],
        ["Catalog"] = ["Crypto"],
        ["Actors"] = ["Abstractions", "Kernel", "Catalog", .. Machines],
        ["Api"] = [],
        ["Hosting"] = ["Actors", "Abstractions", "Crypto"],
        ["Client"] = ["Abstractions", "Api", "Crypto"],

        // Crypto comes with Abstractions: keys are in the signatures of what users call.
        ["Daemon"] = ["Actors", "Catalog", "Api", "Abstractions", "Crypto"],
        ["Simulation"] = ["Actors", "Abstractions", "Kernel", "Catalog", .. Machines],
        ["Cli"] = ["Daemon", "Client", "Actors", "Api", "Abstractions", "Crypto"],
    };

    public static TheoryData<string> Projects => [.. House.Projects.Keys];

    [Fact]
    public void Every_project_has_its_row_and_every_row_its_project() =>
        Assert.Equal(MayKnow.Keys.Order(StringComparer.Ordinal), House.Projects.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_file_refers_only_to_whom_it_may_know(string project) =>
        Assert.Empty(House.Projects[project].ProjectReferences().Except(MayKnow[project], StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void An_assembly_names_only_whom_it_may_know(string project) =>
        Assert.Empty(House.AssemblyReferences(project).Except(MayKnow[project], StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Only_actors_and_simulation_may_name_the_engine(string project)
    {
        bool mayNameIt = project is "Actors" or "Simulation" or "Kernel";
        Assert.True(mayNameIt || !House.Projects[project].NamesTheEngine(), project);
        foreach (string source in mayNameIt ? [] : House.Sources(project))
        {
            Assert.DoesNotMatch(EngineNamespace(), File.ReadAllText(source));
        }
    }

    // The using comes from Engine.props, so that another engine can stand behind the same sources.
    [Theory]
    [InlineData("Actors")]
    [InlineData("Simulation")]
    public void Sources_that_run_on_the_engine_do_not_say_which(string project)
    {
        foreach (string source in House.Sources(project))
        {
            Assert.DoesNotMatch(EngineNamespace(), File.ReadAllText(source));
        }
    }

    [Fact]
    public void Machines_use_the_base_library_alone_and_the_kernel_only_a_logger_beside_it()
    {
        Assert.All(Machines, project => Assert.Empty(House.Projects[project].Values("PackageReference", "Include")));
        Assert.Equal(
            ["Microsoft.Extensions.Logging.Abstractions"], House.Projects["Kernel"].Values("PackageReference", "Include"));
    }

    [Fact]
    public void The_program_that_is_linked_without_a_runtime_holds_every_machine_and_the_kernel()
    {
        XDocument program = XDocument.Load(Repository.PathOf("tests", "NativeAot.Tests", "App", "App.csproj"));
        string[] kept = program.Values("TrimmerRootAssembly", "Include").Single().Split(';');
        Assert.Equal(
            Machines.Append("Kernel").Select(m => $"HyperActors.{m}").Order(StringComparer.Ordinal), kept.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Only_the_catalog_knows_SQLite()
    {
        foreach ((string project, XDocument file) in House.Projects.Where(p => p.Key != "Catalog"))
        {
            Assert.DoesNotContain(
                file.Values("PackageReference", "Include"), p => p.Contains("Sqlite", StringComparison.OrdinalIgnoreCase));
            foreach (string source in House.Sources(project))
            {
                Assert.DoesNotContain("Microsoft.Data.Sqlite", File.ReadAllText(source), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Only_crypto_and_four_doors_call_native_code()
    {
        foreach (string project in House.Projects.Keys.Where(p => p is not "Crypto"))
        {
            foreach (string source in House.Sources(project).Where(s => !IsADoor(s)))
            {
                Assert.DoesNotMatch(NativeImport(), File.ReadAllText(source));
            }
        }
    }

    [GeneratedRegex(@"\b(HyperActors\.Kernel|Akka\.(Actor|Event))\b")]
    private static partial Regex EngineNamespace();

    [GeneratedRegex(@"\[(LibraryImport|DllImport)\(")]
    private static partial Regex NativeImport();

    // Reads that must not wait (preadv2), folders that must reach the disk (fsync), datagrams that the kernel cuts and joins
    // (sendmmsg, recvmmsg) and a library in memory (memfd_create) have no managed counterpart.
    private static bool IsADoor(string source) =>
        House.IsBelow(source, "src/Storage/Devices") || House.IsBelow(source, "src/Actors/Io/Udp")
        || Path.GetFileName(source) is "StandardOutput.cs" or "CarriedSqlite.cs";
}
