using System.Security.Cryptography;
using HyperActors.Crypto;

namespace HyperActors.Cli.Network;

/// <summary>A file with the seed of a key pair, readable by its owner alone: secrets do not stand on command lines.</summary>
internal static class SeedFile
{
    /// <summary>The key pair of the file, which is made when there is none.</summary>
    /// <exception cref="CliException">The file holds something else.</exception>
    public static KeyPair Open(string path)
    {
        if (!File.Exists(path))
        {
            Make(path);
        }

        byte[] seed = File.ReadAllBytes(path);
        try
        {
            return seed.Length == KeyPair.SeedSize
                ? KeyPair.FromSeed(seed)
                : throw CliException.Usage($"{path} is no file of --keys: it has {seed.Length} bytes instead of {KeyPair.SeedSize}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    private static void Make(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, options);
        Span<byte> seed = stackalloc byte[KeyPair.SeedSize];
        RandomSource.System.Fill(seed);
        file.Write(seed);
        CryptographicOperations.ZeroMemory(seed);
    }
}
