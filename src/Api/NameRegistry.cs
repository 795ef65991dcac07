using System.Text.Json;

namespace HyperActors.Api;

/// <summary>Where a daemon is reached.</summary>
/// <param name="Name">The name under which clients on this machine find it.</param>
/// <param name="Storage">The storage that it holds.</param>
/// <param name="Socket">Its Unix socket.</param>
/// <param name="Port">Its port on the loopback address; null when there is none.</param>
/// <param name="ProcessId">Its process.</param>
public sealed record DaemonAddress(string Name, string Storage, string Socket, int? Port, int ProcessId);

/// <summary>Which daemons run on this machine for this user: a small file for each name, and one in each storage.</summary>
/// <remarks>A file may outlive its daemon: whoever reads it finds out when nobody answers at the socket.</remarks>
public sealed class NameRegistry
{
    /// <summary>The file in a storage that says how its daemon is reached.</summary>
    public const string FileInStorage = "daemon.json";

    /// <param name="folder">The folder with a file for each name; it belongs to this user alone.</param>
    public NameRegistry(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>The folder of this user: below <c>$XDG_RUNTIME_DIR</c>, else below the home directory.</summary>
    public static NameRegistry ForUser(Func<string, string?> variable, string homeDirectory)
    {
        string? runtime = variable("XDG_RUNTIME_DIR");
        return new NameRegistry(string.IsNullOrEmpty(runtime)
            ? Path.Combine(homeDirectory, ".hyperactors-run")
            : Path.Combine(runtime, "hyperactors"));
    }

    /// <summary>Letters, digits, dots, hyphens and underscores; at most 64, and no dot in front.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 64 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>The daemon that a storage's file names; null when there is none.</summary>
    public static DaemonAddress? ReadFromStorage(string storagePath) => Read(Path.Combine(storagePath, FileInStorage));

    public static void WriteToStorage(DaemonAddress address) => Write(Path.Combine(address.Storage, FileInStorage), address);

    public static void RemoveFromStorage(string storagePath) => File.Delete(Path.Combine(storagePath, FileInStorage));

    /// <summary>The daemon of that name; null when there is none.</summary>
    public DaemonAddress? Find(string name) => IsName(name) ? Read(PathOf(name)) : null;

    /// <summary>Every daemon that has a file, by name.</summary>
    public IReadOnlyList<DaemonAddress> List() => Directory.Exists(Folder)
        ? [.. Directory.EnumerateFiles(Folder, "*.json").Order(StringComparer.Ordinal).Select(Read).OfType<DaemonAddress>()]
        : [];

    public void Add(DaemonAddress address)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Folder);
        }
        else
        {
            Directory.CreateDirectory(Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Write(PathOf(address.Name), address);
    }

    /// <summary>Removes the file of a daemon, unless another one has taken the name.</summary>
    public void Remove(DaemonAddress address)
    {
        if (Find(address.Name) is { } found && found.ProcessId == address.ProcessId && found.Socket == address.Socket)
        {
            File.Delete(PathOf(address.Name));
        }
    }

    private static DaemonAddress? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ApiJson.Default.DaemonAddress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    // Written aside and moved: a reader finds all of it or nothing.
    private static void Write(string path, DaemonAddress address)
    {
        string aside = $"{path}.{Environment.ProcessId}";
        File.WriteAllBytes(aside, JsonSerializer.SerializeToUtf8Bytes(address, ApiJson.Default.DaemonAddress));
        File.Move(aside, path, overwrite: true);
    }

    private string PathOf(string name) => Path.Combine(Folder, $"{name}.json");
}
