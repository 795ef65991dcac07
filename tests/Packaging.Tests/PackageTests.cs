using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>The packages, made once for all tests.</summary>
public sealed class PackedLibraries : IAsyncLifetime
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("hyperactors-packages-").FullName;

    public async Task InitializeAsync() => await Tool.DotnetAsync(
        "pack", Repository.PathOf("src", "Packages.proj"), "-c", "Release", "--nologo", "-v", "q", "-o", Folder);

    public Task DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>What <c>./build.sh pack</c> makes, opened.</summary>
public sealed partial class PackageTests(PackedLibraries packed) : IClassFixture<PackedLibraries>
{
    // Portable PDB: the source of a document, inside the symbols.
    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    public static TheoryData<string> All => [.. Libraries.Names];

    [Fact]
    public void There_is_a_package_and_its_symbols_for_every_library_and_for_nothing_else() => Assert.Equal(
        Libraries.Names.SelectMany(n => new[] { $"{n}.{Libraries.Version}.nupkg", $"{n}.{Libraries.Version}.snupkg" }).Order(StringComparer.Ordinal),
        Directory.GetFiles(packed.Folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(All))]
    public void A_package_says_what_it_is(string library)
    {
        using ZipArchive package = Open(library, "nupkg");
        Func<string, XElement?> of = Manifest(package, library);
        Assert.Equal((library, Libraries.Version), (of("id")!.Value, of("version")!.Value));
        Assert.Equal(("MIT", "expression"), (of("license")!.Value, of("license")!.Attribute("type")!.Value));
        Assert.Equal("README.md", of("readme")!.Value);
        Assert.Equal("git", of("repository")!.Attribute("type")!.Value);
        Assert.InRange(of("description")!.Value.Length, 40, 300);
        Assert.NotEqual("Package Description", of("description")!.Value);
        Assert.Contains("hypercore", of("tags")!.Value.Split(' '));
        Assert.NotEmpty(of("authors")!.Value);
        Assert.Equal(File.ReadAllText(Repository.PathOf("LICENSE")), Text(package, "LICENSE"));
        Assert.Equal(File.ReadAllText(Repository.PathOf("src", "Package.md")), Text(package, "README.md"));
        Assert.Contains("libsodium23", Text(package, "README.md"), StringComparison.Ordinal);
        Assert.Equal(
            new[] { $"lib/net10.0/{library}.dll", $"lib/net10.0/{library}.xml" },
            package.Entries.Select(e => e.FullName).Where(e => e.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Whoever_needs_libsodium_says_so()
    {
        foreach (string library in (string[])["HyperActors.Crypto", "HyperActors.Actors", "HyperActors.Hosting"])
        {
            using ZipArchive package = Open(library, "nupkg");
            Assert.Contains("libsodium", Manifest(package, library)("description")!.Value, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_package_depends_on_all_that_its_assembly_names_and_on_nothing_that_is_not_there(string library)
    {
        using ZipArchive package = Open(library, "nupkg");
        XElement group = Assert.Single(Manifest(package, library)("dependencies")!.Elements());
        Assert.Equal("net10.0", group.Attribute("targetFramework")!.Value);
        Dictionary<string, string> dependencies = group.Elements().ToDictionary(
            e => e.Attribute("id")!.Value, e => e.Attribute("version")!.Value, StringComparer.Ordinal);

        // Ours at this version; others at the version that Directory.Packages.props names.
        Dictionary<string, string> central = XDocument.Load(Repository.PathOf("Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(e => e.Attribute("Include")!.Value, e => e.Attribute("Version")!.Value, StringComparer.Ordinal);
        Assert.All(dependencies, d => Assert.Equal(Libraries.Names.Contains(d.Key, StringComparer.Ordinal) ? Libraries.Version : central[d.Key], d.Value));

        using var image = new PEReader(new MemoryStream(Bytes(package, $"lib/net10.0/{library}.dll")));
        MetadataReader metadata = image.GetMetadataReader();
        string[] named = [.. metadata.AssemblyReferences.Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name))
            .Where(n => n.StartsWith("HyperActors.", StringComparison.Ordinal))];
        Assert.Empty(named.Except(Closure(dependencies.Keys), StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Symbols_belong_to_the_assembly_hold_the_sources_and_tell_no_path_of_the_machine(string library)
    {
        using ZipArchive package = Open(library, "nupkg");
        using ZipArchive symbols = Open(library, "snupkg");
        byte[] assembly = Bytes(package, $"lib/net10.0/{library}.dll");
        byte[] pdb = Bytes(symbols, $"lib/net10.0/{library}.pdb");
        Assert.Equal("SymbolsPackage", Manifest(symbols, library)("packageTypes")!.Elements().Single().Attribute("name")!.Value);
        Assert.DoesNotContain(Repository.Root, Encoding.Latin1.GetString(assembly), StringComparison.Ordinal);

        using var image = new PEReader(new MemoryStream(assembly));
        DebugDirectoryEntry[] entries = [.. image.ReadDebugDirectory()];
        Assert.Contains(entries, e => e.Type == DebugDirectoryEntryType.Reproducible);
        CodeViewDebugDirectoryData link = image.ReadCodeViewDebugDirectoryData(entries.Single(e => e.Type == DebugDirectoryEntryType.CodeView));
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(pdb));
        MetadataReader reader = provider.GetMetadataReader();
        Assert.Equal(link.Guid, new Guid([.. reader.DebugMetadataHeader!.Id.Take(16)]));
        Assert.NotEmpty(reader.Documents);
        foreach (DocumentHandle handle in reader.Documents)
        {
            Assert.StartsWith("/_/", reader.GetString(reader.GetDocument(handle).Name), StringComparison.Ordinal);
            Assert.Contains(
                reader.GetCustomDebugInformation(handle), i => reader.GetGuid(reader.GetCustomDebugInformation(i).Kind) == EmbeddedSource);
        }
    }

    [Fact]
    public async Task Ten_lines_of_CSharp_that_reference_the_packages_start_a_node()
    {
        string example = Example(Repository.PathOf("src", "Package.md"));
        Assert.EndsWith(Example(Repository.PathOf("README.md")), example, StringComparison.Ordinal);

        DirectoryInfo folder = Directory.CreateTempSubdirectory("hyperactors-consumer-");
        try
        {
            string In(string name) => Path.Combine(folder.FullName, name);
            await File.WriteAllTextAsync(In("Program.cs"), example);

            // All three that users reference, by name alone; the rest has to come along.
            await File.WriteAllTextAsync(In("Consumer.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType>
                    <TargetFramework>net10.0</TargetFramework>
                    <Nullable>enable</Nullable>
                    <ImplicitUsings>enable</ImplicitUsings>
                    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                    <NoWarn>NETSDK1206</NoWarn>
                    <NuGetAudit>false</NuGetAudit>
                    <RestoreAdditionalProjectSources>{packed.Folder}</RestoreAdditionalProjectSources>
                    <RestorePackagesPath>packages</RestorePackagesPath>
                    <RestoreFallbackFolders>{GlobalPackages()}</RestoreFallbackFolders>
                  </PropertyGroup>
                  <ItemGroup>
                    <PackageReference Include="HyperActors.Actors" Version="{Libraries.Version}" />
                    <PackageReference Include="HyperActors.Hosting" Version="{Libraries.Version}" />
                    <PackageReference Include="HyperActors.Client" Version="{Libraries.Version}" />
                  </ItemGroup>
                </Project>
                """);
            await Tool.DotnetAsync("build", In("Consumer.csproj"), "-c", "Release", "--nologo", "-v", "q", "-o", In("out"));
            Assert.All(Libraries.Names, library => Assert.True(File.Exists(In($"out/{library}.dll")), library));

            (int status, string text) = await Tool.RunAsync("dotnet", [In("out/Consumer.dll")], folder: folder.FullName);
            Assert.Equal((0, "hello"), (status, text.Trim()));
            Assert.True(Directory.Exists(In("data/store")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Where the packages of others are on this machine already.
    private static string GlobalPackages() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string Example(string page) => CSharpBlock().Match(File.ReadAllText(page)).Groups[1].Value;

    private static Func<string, XElement?> Manifest(ZipArchive package, string library)
    {
        XElement metadata = XDocument.Parse(Text(package, $"{library}.nuspec").TrimStart('\uFEFF')).Root!.Elements().Single();
        return name => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name);
    }

    private static string Text(ZipArchive package, string entry) => Encoding.UTF8.GetString(Bytes(package, entry));

    private static byte[] Bytes(ZipArchive package, string entry)
    {
        using Stream stream = (package.GetEntry(entry) ?? throw new FileNotFoundException(entry)).Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private ZipArchive Open(string library, string kind) =>
        ZipFile.OpenRead(Path.Combine(packed.Folder, $"{library}.{Libraries.Version}.{kind}"));

    // What comes along with packages of ours, themselves included.
    private IEnumerable<string> Closure(IEnumerable<string> ids)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var waiting = new Queue<string>(ids.Intersect(Libraries.Names, StringComparer.Ordinal));
        while (waiting.TryDequeue(out string? id))
        {
            if (found.Add(id))
            {
                using ZipArchive package = Open(id, "nupkg");
                foreach (XElement dependency in Manifest(package, id)("dependencies")!.Descendants().Where(e => e.Name.LocalName == "dependency"))
                {
                    if (Libraries.Names.Contains(dependency.Attribute("id")!.Value, StringComparer.Ordinal))
                    {
                        waiting.Enqueue(dependency.Attribute("id")!.Value);
                    }
                }
            }
        }

        return found;
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
