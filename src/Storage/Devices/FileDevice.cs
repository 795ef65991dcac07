using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace HyperActors.Storage;

/// <summary>A feed's files in a directory.</summary>
/// <remarks>
/// What the page cache can answer is answered at once, the rest waits on an <see cref="IoPool"/>. Files are made by the
/// first write to them. Whoever writes a feed is alone: there are no locks here.
/// </remarks>
public sealed class FileDevice : IDevice
{
    /// <summary>Writes up to this size go to the page cache at once: a copy of that size costs less than two thread switches.</summary>
    private const int MaxInlineWrite = 128 * 1024;

    /// <summary>Many small segments are gathered into chunks of this size, instead of being pinned one by one.</summary>
    private const int GatherSize = 256 * 1024;

    private static readonly string[] FileNames = ["oplog", "header", "tree", "bitfield", "data"];

    private readonly string _directory;
    private readonly IoPool _pool;
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[FileNames.Length];
    private readonly Lock _opening = new();
    private int _running;
    private bool _disposed;

    /// <param name="directory">Where the files are; it is made by the first write.</param>
    /// <param name="pool">Who waits for the disk.</param>
    public FileDevice(string directory, IoPool? pool = null)
    {
        _directory = directory;
        _pool = pool ?? IoPool.Shared;
    }

    /// <summary>The name of a file on disk.</summary>
    public static string NameOf(FeedFile file) => FileNames[(int)file];

    public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
    {
        switch (request.Kind)
        {
            case IoKind.Read when TryReadCached(request, out result):
            case IoKind.Write when request.SegmentBytes <= MaxInlineWrite && TryAtOnce(request, out result):
            case IoKind.Truncate or IoKind.Length when TryAtOnce(request, out result):
                return true;
            default:
                result = default;
                Interlocked.Increment(ref _running);
                _pool.Run(() =>
                {
                    IoResult late = Execute(request);
                    Interlocked.Decrement(ref _running);
                    completed(request, late);
                });
                return false;
        }
    }

    /// <summary>Closes the files, once what was begun has ended: whoever opens them next must not meet a late write.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _disposed, true);
        var wait = default(SpinWait);
        while (Volatile.Read(ref _running) > 0)
        {
            wait.SpinOnce();
        }

        lock (_opening)
        {
            foreach (SafeFileHandle? handle in _handles)
            {
                handle?.Dispose();
            }
        }
    }

    private bool TryAtOnce(IoRequest request, out IoResult result)
    {
        result = Execute(request);
        return true;
    }

    private bool TryReadCached(IoRequest request, out IoResult result)
    {
        result = default;
        try
        {
            SafeFileHandle? handle = Open(request.File, isWrite: false);
            if (handle is null)
            {
                return true;
            }

            int count = PageCache.TryRead(handle, request.Buffer.Span, request.Offset);
            result = new IoResult(count);
            return count == request.Buffer.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            result = new IoResult(0, Explain(e, request));
            return true;
        }
    }

    private IoResult Execute(IoRequest request)
    {
        try
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
            SafeFileHandle? handle = Open(request.File, request.Kind is IoKind.Write or IoKind.Truncate);
            return handle is null ? default : Execute(handle, request);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            return new IoResult(0, Explain(e, request));
        }
    }

    private static IoResult Execute(SafeFileHandle handle, IoRequest request)
    {
        switch (request.Kind)
        {
            case IoKind.Length:
                return new IoResult(RandomAccess.GetLength(handle));
            case IoKind.Read:
                int count = 0;
                while (count < request.Buffer.Length)
                {
                    int read = RandomAccess.Read(handle, request.Buffer.Span[count..], request.Offset + count);
                    if (read == 0)
                    {
                        break;
                    }

                    count += read;
                }

                return new IoResult(count);
            case IoKind.Write:
                Write(handle, request);
                return new IoResult(request.SegmentBytes);
            case IoKind.Truncate:
                RandomAccess.SetLength(handle, request.Offset);
                return default;
            default:
                RandomAccess.FlushToDisk(handle);
                return default;
        }
    }

    private static void Write(SafeFileHandle handle, IoRequest request)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> segments = request.Segments;
        if (segments.Count == 1)
        {
            RandomAccess.Write(handle, segments[0].Span, request.Offset);
        }
        else if (request.SegmentBytes / segments.Count < 16 * 1024)
        {
            WriteGathered(handle, segments, request.Offset, request.SegmentBytes);
        }
        else
        {
            RandomAccess.Write(handle, segments, request.Offset);
        }
    }

    private static void WriteGathered(
        SafeFileHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> segments, long offset, long size)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent((int)Math.Min(size, GatherSize));
        try
        {
            int filled = 0;
            for (int i = 0; i < segments.Count; i++)
            {
                ReadOnlySpan<byte> rest = segments[i].Span;
                while (rest.Length > 0)
                {
                    int part = Math.Min(rest.Length, chunk.Length - filled);
                    rest[..part].CopyTo(chunk.AsSpan(filled));
                    rest = rest[part..];
                    filled += part;
                    if (filled == chunk.Length)
                    {
                        RandomAccess.Write(handle, chunk.AsSpan(0, filled), offset);
                        offset += filled;
                        filled = 0;
                    }
                }
            }

            RandomAccess.Write(handle, chunk.AsSpan(0, filled), offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private SafeFileHandle? Open(FeedFile file, bool isWrite)
    {
        SafeFileHandle? handle = Volatile.Read(ref _handles[(int)file]);
        if (handle is not null)
        {
            return handle;
        }

        lock (_opening)
        {
            string path = Path.Combine(_directory, FileNames[(int)file]);
            if (!isWrite && !File.Exists(path))
            {
                return null;
            }

            if (isWrite)
            {
                Directory.CreateDirectory(_directory);
            }

            handle = _handles[(int)file] ??= File.OpenHandle(
                path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return handle;
        }
    }

    private Exception Explain(Exception error, IoRequest request)
    {
        string path = Path.Combine(_directory, FileNames[(int)request.File]);
        const int NoSpace = 28;
        const int QuotaExceeded = 122;
        const int DiskFull = unchecked((int)0x80070070);
        const int HandleDiskFull = unchecked((int)0x80070027);
        return error.HResult is NoSpace or QuotaExceeded or DiskFull or HandleDiskFull
            ? new DiskFullException($"No room on the disk for {path}: free some, then try again.", error)
            : new IOException($"Can't {request.Kind} {path}: {error.Message}", error);
    }
}
