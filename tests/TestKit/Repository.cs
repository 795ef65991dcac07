namespace HyperActors.TestKit;

/// <summary>The checkout that the tests run from.</summary>
public static class Repository
{
    /// <summary>The folder that holds the solution, found upwards from the test's output.</summary>
    public static string Root { get; } = Find();

    /// <summary>A path below <see cref="Root"/>.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

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
