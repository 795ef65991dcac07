using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Architecture.Tests;

/// <summary>The checkout as these tests see it: projects, assemblies, sources and pages.</summary>
internal static class House
{
    private static readonly string[] NotOurs = [".git", "bin", "obj", "node_modules", "artifacts", "TestResults"];

    /// <summary>Every file of the tree, build results and installed packages left out.</summary>
    public static ImmutableArray<string> Files { get; } = [.. Walk(Repository.Root)];

    /// <summary>The projects under <c>src/</c>, by name.</summary>
    public static ImmutableSortedDictionary<string, XDocument> Projects { get; } = Files
        .Where(f => IsBelow(f, "src") && f.EndsWith(".csproj", StringComparison.Ordinal))
        .ToImmutableSortedDictionary(f => Path.GetFileNameWithoutExtension(f), XDocument.Load, StringComparer.Ordinal);

    public static string Relative(string file) => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/');

    public static bool IsBelow(string file, string folder) =>
        Relative(file).StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>The files of one project under <c>src/</c> that the compiler sees.</summary>
    public static IEnumerable<string> Sources(string project) =>
        Files.Where(f => IsBelow(f, $"src/{project}") && f.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>The values of an attribute on all elements of a name.</summary>
    public static IEnumerable<string> Values(this XDocument document, string element, string attribute) =>
        document.Descendants(element).Select(e => e.Attribute(attribute)?.Value).OfType<string>();

    /// <summary>The projects that a project file refers to, by name; the engine's comes by import.</summary>
    public static IEnumerable<string> ProjectReferences(this XDocument document) =>
        document.Values("ProjectReference", "Include").Select(p => Path.GetFileNameWithoutExtension(p.Replace('\\', '/')));

    public static bool NamesTheEngine(this XDocument document) =>
        document.Values("Import", "Project").Any(p => p.EndsWith("Engine.props", StringComparison.Ordinal));

    /// <summary>The projects of ours whose types the compiled assembly of a project names.</summary>
    public static IReadOnlyList<string> AssemblyReferences(string project)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string folder = Repository.PathOf("src", project, "bin", configuration, "net10.0");
        string name = project == "Cli" ? "hyperactors" : $"HyperActors.{project}";
        using var reader = new PEReader(File.OpenRead(Path.Combine(folder, $"{name}.dll")));
        MetadataReader metadata = reader.GetMetadataReader();
        return [.. metadata.AssemblyReferences
            .Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name))
            .Where(n => n.StartsWith("HyperActors.", StringComparison.Ordinal))
            .Select(n => n["HyperActors.".Length..])];
    }

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFiles(folder)
            .Concat(Directory.EnumerateDirectories(folder)
                .Where(d => !NotOurs.Contains(Path.GetFileName(d), StringComparer.Ordinal))
                .SelectMany(Walk))
            .OrderBy(f => f, StringComparer.Ordinal);
}
