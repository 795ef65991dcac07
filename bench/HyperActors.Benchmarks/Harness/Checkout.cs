namespace HyperActors.Benchmarks.Harness;

/// <summary>The checkout that this program was built in.</summary>
internal static class Checkout
{
    private static readonly string Root = Find();

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
