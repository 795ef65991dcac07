using System.Globalization;
using HyperActors.Abstractions;
using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Actors;

/// <summary>A storage directory: held for this process alone, laid out as Corestore 6 lays out its own.</summary>
/// <remarks>
/// <code>
/// version                       of this layout: 1; locked while a process holds the directory
/// lock                          who that is
/// catalog.db                    names of feeds; rebuilt when lost
/// notes/NAME                    what parts of the node remember; found anew when lost
/// store/primary-key             32 bytes; all named keys grow from it
/// store/cores/aa/bb/aabb.../    one feed: oplog, tree, bitfield, data
/// </code>
/// </remarks>
internal sealed class FileStoreDisk : IStoreDisk, INotes, IDisposable
{
    private const int LayoutVersion = 1;
    private const string NotesFolder = "notes";

    private readonly string _root;
    private readonly string _cores;
    private readonly StoreLock _lock;

    private FileStoreDisk(string root, StoreLock storeLock)
    {
        _root = root;
        _cores = Path.Combine(root, "store", "cores");
        _lock = storeLock;
    }

    /// <summary>Where the catalog is kept.</summary>
    public string CatalogPath => Path.Combine(_root, "catalog.db");

    /// <summary>Makes the directory when it is not there, and takes its lock.</summary>
    /// <exception cref="StoreLockedException">Another process holds it.</exception>
    /// <exception cref="HyperActorsException">It cannot be used; the message says why.</exception>
    public static FileStoreDisk Open(string path)
    {
        string root = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.Combine(root, "store", "cores"));
            var storeLock = StoreLock.Take(root);
            try
            {
                CheckVersion(root, storeLock);
                return new FileStoreDisk(root, storeLock);
            }
            catch
            {
                storeLock.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperActorsException($"the storage {root} cannot be used: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public byte[] ReadPrimaryKey(RandomSource random)
    {
        string path = Path.Combine(_root, "store", "primary-key");
        try
        {
            return ReadPrimaryKey(path, random);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HyperActorsException($"the file {path} cannot be used: {e.Message}", e);
        }
    }

    private byte[] ReadPrimaryKey(string path, RandomSource random)
    {
        if (!File.Exists(path))
        {
            if (ListFeeds().Count > 0)
            {
                throw new HyperActorsException(
                    $"the file {path} is missing, but there are feeds: without it they cannot be written to. Restore it from a copy.");
            }

            WritePrimaryKey(path, random);
        }

        byte[] key = File.ReadAllBytes(path);
        return key.Length == CorestoreKeys.PrimaryKeySize
            ? key
            : throw new HyperActorsException(
                $"the file {path} has {key.Length} bytes instead of {CorestoreKeys.PrimaryKeySize}: it is damaged. Restore it from a copy.");
    }

    /// <inheritdoc/>
    public bool HasFeed(DiscoveryKey discoveryKey) => File.Exists(Path.Combine(PathOf(discoveryKey), "oplog"));

    /// <inheritdoc/>
    public IReadOnlyList<DiscoveryKey> ListFeeds()
    {
        var found = new List<string>();
        foreach (string outer in Directory.EnumerateDirectories(_cores))
        {
            foreach (string inner in Directory.EnumerateDirectories(outer))
            {
                found.AddRange(Directory.EnumerateDirectories(inner).Select(d => Path.GetFileName(d)));
            }
        }

        found.Sort(StringComparer.Ordinal);
        var feeds = new List<DiscoveryKey>(found.Count);
        foreach (string name in found)
        {
            if (name.Length == 2 * DiscoveryKey.Size && DiscoveryKey.TryParse(name, out DiscoveryKey discoveryKey) && HasFeed(discoveryKey))
            {
                feeds.Add(discoveryKey);
            }
        }

        return feeds;
    }

    /// <inheritdoc/>
    public IDevice OpenFeed(DiscoveryKey discoveryKey) => new FileDevice(PathOf(discoveryKey));

    /// <inheritdoc/>
    public byte[] ReadNote(string name)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(_root, NotesFolder, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public void WriteNote(string name, ReadOnlySpan<byte> content)
    {
        string path = Path.Combine(_root, NotesFolder, name);
        try
        {
            Directory.CreateDirectory(Path.Combine(_root, NotesFolder));
            File.WriteAllBytes(path + ".new", content);
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is worth a moment at the next start, no more.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static void CheckVersion(string root, StoreLock storeLock)
    {
        string text = storeLock.ReadVersion();
        if (text.Length == 0)
        {
            storeLock.WriteVersion(LayoutVersion.ToString(CultureInfo.InvariantCulture));
        }
        else if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int version) || version != LayoutVersion)
        {
            throw new HyperActorsException(
                $"the storage {root} has version '{text}', this program knows version {LayoutVersion}. Use the program that made it.");
        }
    }

    // Whole or not at all: a key cut short by a crash would lose every feed that grows from it.
    private static void WritePrimaryKey(string path, RandomSource random)
    {
        byte[] key = new byte[CorestoreKeys.PrimaryKeySize];
        random.Fill(key);
        string temporary = path + ".new";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        {
            file.Write(key);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private string PathOf(DiscoveryKey discoveryKey)
    {
        string hex = discoveryKey.ToHex();
        return Path.Combine(_cores, hex[..2], hex[2..4], hex);
    }
}
