using System.Security.Cryptography;

namespace HyperActors.Daemon;

/// <summary>The token of callers over TCP: 32 random bytes in a file that only the owner reads.</summary>
public static class TokenFile
{
    public const string Name = "api-token";

    /// <summary>Reads the token of a storage, and makes one when there is none.</summary>
    public static string Take(string storagePath)
    {
        string path = Path.Combine(storagePath, Name);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: >= 32 } token)
        {
            return token;
        }

        string made = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        string aside = path + ".new";
        File.Delete(aside);
        using (var writer = new StreamWriter(aside, options))
        {
            writer.WriteLine(made);
        }

        File.Move(aside, path, overwrite: true);
        return made;
    }
}
