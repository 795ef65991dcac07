namespace HyperActors.Storage;

/// <summary>A feed's files in memory. Answers at once.</summary>
public sealed class MemoryDevice : IDevice
{
    private readonly byte[][] _files = [[], [], [], [], []];
    private readonly long[] _lengths = new long[5];

    /// <summary>The bytes of a file.</summary>
    public ReadOnlySpan<byte> this[FeedFile file] => _files[(int)file].AsSpan(0, (int)_lengths[(int)file]);

    /// <summary>Memory that the files take.</summary>
    public long Capacity => _files.Sum(file => (long)file.Length);

    public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
    {
        result = Execute(request);
        return true;
    }

    /// <summary>Another device with the same bytes.</summary>
    public MemoryDevice Clone()
    {
        var clone = new MemoryDevice();
        foreach (FeedFile file in Enum.GetValues<FeedFile>())
        {
            clone.Write(file, 0, this[file]);
        }

        return clone;
    }

    /// <summary>Writes bytes; a gap before them becomes zeros.</summary>
    public void Write(FeedFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 0)
        {
            Resize(file, Math.Max(_lengths[(int)file], offset + bytes.Length));
            bytes.CopyTo(_files[(int)file].AsSpan((int)offset));
        }
    }

    /// <summary>Makes a file exactly so long.</summary>
    public void Truncate(FeedFile file, long length) => Resize(file, length);

    public void Dispose()
    {
    }

    private IoResult Execute(IoRequest request)
    {
        switch (request.Kind)
        {
            case IoKind.Length:
                return new IoResult(_lengths[(int)request.File]);
            case IoKind.Read:
                ReadOnlySpan<byte> bytes = this[request.File];
                bytes = request.Offset < bytes.Length ? bytes[(int)request.Offset..] : [];
                bytes = bytes[..Math.Min(bytes.Length, request.Buffer.Length)];
                bytes.CopyTo(request.Buffer.Span);
                return new IoResult(bytes.Length);
            case IoKind.Write:
                long offset = request.Offset;
                foreach (ReadOnlyMemory<byte> segment in request.Segments)
                {
                    Write(request.File, offset, segment.Span);
                    offset += segment.Length;
                }

                return new IoResult(request.SegmentBytes);
            case IoKind.Truncate:
                Resize(request.File, request.Offset);
                return default;
            default:
                return default;
        }
    }

    private void Resize(FeedFile file, long length)
    {
        ref byte[] bytes = ref _files[(int)file];
        long old = _lengths[(int)file];
        if (length > bytes.Length)
        {
            Array.Resize(ref bytes, (int)Math.Min(Math.Max(length, 2L * bytes.Length), Array.MaxLength));
        }
        else if (length < old)
        {
            bytes.AsSpan((int)length, (int)(old - length)).Clear();
        }

        _lengths[(int)file] = length;
    }
}
