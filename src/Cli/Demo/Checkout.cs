namespace HyperActors.Cli.Demo;

/// <summary>The checkout that this executable was built in, when it still lies there.</summary>
internal static class Checkout
{
    private const string Mark = "HyperActors.sln";

    /// <summary>The checkout's root; null for an executable that was installed elsewhere.</summary>
    public static string? Root() => Above(AppContext.BaseDirectory).FirstOrDefault(folder => File.Exists(Path.Combine(folder, Mark)));

    /// <summary>A folder and all that it lies in, from below.</summary>
    public static IEnumerable<string> Above(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            yield return at.FullName;
        }
    }
}
