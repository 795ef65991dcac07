using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HyperActors.Cli.Rendering;

namespace HyperActors.Cli.Demo;

/// <summary>A folder or a file as one stream of bytes, the same for the same content.</summary>
/// <remarks>
/// <code>
/// a file:    its bytes
/// a folder:  "hyperactors-folder 1\n"
///            "SIZE PATH\n" for each file, by path in ordinal order; "%" and control characters as %XX
///            "\n"
///            the bytes of each file, in that order
/// </code>
/// Links, what cannot be a source (.git) and what is made from it (bin, obj, node_modules) are left out.
/// </remarks>
internal sealed class FolderArchive
{
    private const int CopyBuffer = 256 << 10;

    private static readonly HashSet<string> SkippedFolders = new(StringComparer.Ordinal) { ".git", "bin", "obj", "node_modules" };

    private readonly bool _isFolder;
    private readonly List<(string Path, string Name, long Size)> _files = [];

    private FolderArchive(string source, bool isFolder)
    {
        Source = source;
        _isFolder = isFolder;
    }

    public string Source { get; }

    public int Files => _files.Count;

    /// <summary>Bytes in the files, without the list in front.</summary>
    public long FileBytes => _files.Sum(file => file.Size);

    /// <summary>Lists what the archive of that folder or file will hold.</summary>
    public static FolderArchive Of(string path)
    {
        string source = Path.GetFullPath(path);
        if (File.Exists(source))
        {
            var file = new FolderArchive(source, isFolder: false);
            file._files.Add((source, Path.GetFileName(source), new FileInfo(source).Length));
            return file;
        }

        if (!Directory.Exists(source))
        {
            throw CliException.NotFound($"there is no folder or file '{path}'");
        }

        var archive = new FolderArchive(source, isFolder: true);
        archive.Collect(new DirectoryInfo(source), string.Empty);
        archive._files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return archive;
    }

    /// <summary>Writes the stream.</summary>
    /// <returns>Its SHA-256.</returns>
    public async Task<byte[]> WriteAsync(Stream output, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (_isFolder)
        {
            byte[] list = Encoding.UTF8.GetBytes(List());
            digest.AppendData(list);
            await output.WriteAsync(list, cancellationToken);
        }

        byte[] buffer = new byte[CopyBuffer];

        // An empty file is not opened: a named pipe looks like one, and would wait for its writer.
        foreach ((string path, string name, long size) in _files.Where(file => file.Size > 0))
        {
            await using var input = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
            for (long left = size; left > 0;)
            {
                int read = await input.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken);
                if (read == 0)
                {
                    throw new CliException(ExitCode.Failed, $"'{name}' became shorter while it was read; run the demo on a folder at rest");
                }

                digest.AppendData(buffer, 0, read);
                await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                left -= read;
            }
        }

        return digest.GetHashAndReset();
    }

    private void Collect(DirectoryInfo folder, string prefix)
    {
        foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null)
            {
                continue;
            }

            string name = prefix + entry.Name;
            if (entry is FileInfo file)
            {
                _files.Add((file.FullName, name, file.Length));
            }
            else if (entry is DirectoryInfo inner && !SkippedFolders.Contains(inner.Name))
            {
                Collect(inner, name + '/');
            }
        }
    }

    private string List()
    {
        var list = new StringBuilder("hyperactors-folder 1\n");
        foreach ((_, string name, long size) in _files)
        {
            list.Append(CultureInfo.InvariantCulture, $"{size} ");
            foreach (char c in name)
            {
                _ = c == '%' || char.IsControl(c) ? list.Append(CultureInfo.InvariantCulture, $"%{(int)c:X2}") : list.Append(c);
            }

            list.Append('\n');
        }

        return list.Append('\n').ToString();
    }

    public override string ToString() => $"{Words.Count((ulong)Files, "file")}, {Words.Bytes((ulong)FileBytes)}";
}
