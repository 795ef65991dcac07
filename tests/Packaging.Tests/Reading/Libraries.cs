using System.Reflection;
using System.Xml.Linq;
using HyperActors.TestKit;

namespace HyperActors.Packaging.Tests;

/// <summary>The libraries that are packed, as the projects say it.</summary>
internal static class Libraries
{
    /// <summary>The projects under <c>src/</c> that are programs, or a program's own.</summary>
    private static readonly string[] Programs = ["Cli", "Daemon", "Simulation"];

    /// <summary>The name of every packed library, in order.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Directory.GetFiles(Repository.PathOf("src"), "*.csproj", SearchOption.AllDirectories)
            .Select(f => Path.GetFileNameWithoutExtension(f)!)
            .Except(Programs, StringComparer.Ordinal)
            .Select(p => $"HyperActors.{p}")
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The version of all of them: it stands in one place.</summary>
    public static string Version { get; } = XDocument.Load(Repository.PathOf("Directory.Build.props")).Descendants("Version").Single().Value;

    public static Assembly Load(string name) => Assembly.Load(new AssemblyName(name));
}
