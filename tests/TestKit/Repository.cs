namespace HyperActors.TestKit;

/// <summary>The checkout that the tests run from.</summary>
public static class Repository
{
    /// <summary>The folder that holds the solution, found upwards from the test's output.</summary>
    public static string Root { get; } = Find();

    /// <summary>A path below <see cref="Root"/>.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>The command line as it is shipped, where <c>TEST_HYPERACTORS</c> names it, as <c>./build.sh test</c> does; else null.</summary>
    public static string? Shipped { get; } = Environment.GetEnvironmentVariable("TEST_HYPERACTORS") is { Length: > 0 } path ? path : null;

    /// <summary>The command line to test: as it is shipped, else as it was built.</summary>
    /// <param name="built">The path of the one that was built beside the tests, without <c>.exe</c>.</param>
    public static string Executable(string built) => Shipped ?? (OperatingSystem.IsWindows() ? built + ".exe" : built);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "HyperActors.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No HyperActors.sln at or above {AppContext.BaseDirectory}.");
    }
}
