using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.TestKit;

/// <summary>The power is gone: nothing is done any more.</summary>
public sealed class PowerCutException() : IOException("The power is gone.");

/// <summary>A disk in memory that fails when it is told to, and remembers what was flushed.</summary>
public sealed class FaultyDevice : IDevice
{
    private readonly MemoryDevice _cache;
    private readonly MemoryDevice _disk;
    private readonly List<Action<MemoryDevice>>[] _unflushed = [[], [], [], [], []];

    public FaultyDevice(MemoryDevice? image = null)
    {
        _cache = image?.Clone() ?? new MemoryDevice();
        _disk = _cache.Clone();
    }

    /// <summary>Changes (writes, truncations, flushes) that were carried out.</summary>
    public int Changes { get; private set; }

    /// <summary>The change with this number is torn, and all behind it fail.</summary>
    public int? CutAt { get; set; }

    /// <summary>What part of the write that is cut still happens, of 256.</summary>
    public int TornPart { get; set; } = 128;

    /// <summary>Decides which requests fail, and how.</summary>
    public Func<IoRequest, Exception?>? Fault { get; set; }

    /// <summary>Files end early for reads, by so many bytes.</summary>
    public int ShortBy { get; set; }

    /// <summary>What the operating system holds: what a crash of the process leaves.</summary>
    public MemoryDevice Cache => _cache;

    public bool IsCut { get; private set; }

    public bool Execute(IoRequest request, Action<IoRequest, IoResult> completed, out IoResult result)
    {
        result = IsCut ? new IoResult(0, new PowerCutException()) : Execute(request);
        return true;
    }

    /// <summary>What a loss of power leaves: the flushed bytes, and of the writes behind them any, in part or not at all.</summary>
    public MemoryDevice AfterPowerLoss(RandomSource random)
    {
        MemoryDevice left = _disk.Clone();
        foreach (List<Action<MemoryDevice>> changes in _unflushed)
        {
            foreach (Action<MemoryDevice> change in changes)
            {
                if (random.NextInt32(2) == 0)
                {
                    change(left);
                }
            }
        }

        return left;
    }

    public void Dispose()
    {
    }

    private IoResult Execute(IoRequest request)
    {
        if (Fault?.Invoke(request) is { } error)
        {
            // A disk that runs full takes the beginning.
            if (request.Kind == IoKind.Write)
            {
                Write(request, request.SegmentBytes / 2);
            }

            return new IoResult(0, error);
        }

        if (request.Kind is IoKind.Length or IoKind.Read)
        {
            _cache.Execute(request, (_, _) => { }, out IoResult read);
            return request.Kind == IoKind.Read ? read with { Count = Math.Max(0, read.Count - ShortBy) } : read;
        }

        Changes++;
        if (Changes == CutAt)
        {
            IsCut = true;
            if (request.Kind == IoKind.Write)
            {
                Write(request, request.SegmentBytes * TornPart / 256);
            }

            return new IoResult(0, new PowerCutException());
        }

        switch (request.Kind)
        {
            case IoKind.Write:
                Write(request, request.SegmentBytes);
                break;
            case IoKind.Truncate:
                Do(request.File, device => device.Truncate(request.File, request.Offset));
                break;
            case IoKind.Flush:
                _unflushed[(int)request.File].Clear();
                _disk.Truncate(request.File, 0);
                _disk.Write(request.File, 0, _cache[request.File]);
                break;
        }

        return new IoResult(request.SegmentBytes);
    }

    private void Write(IoRequest request, long length)
    {
        byte[] bytes = [.. request.Segments.SelectMany(s => s.ToArray()).Take((int)length)];
        Do(request.File, device => device.Write(request.File, request.Offset, bytes));
    }

    private void Do(FeedFile file, Action<MemoryDevice> change)
    {
        change(_cache);
        _unflushed[(int)file].Add(change);
    }
}
