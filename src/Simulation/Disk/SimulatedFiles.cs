using HyperActors.Crypto;
using HyperActors.Storage;

namespace HyperActors.Simulation;

/// <summary>The files of one feed: what the operating system has, and what the disk would still have without power.</summary>
internal sealed class SimulatedFiles(DiscoveryKey key, bool tracksFlushes)
{
    private readonly List<Change> _unflushed = [];
    private MemoryDevice? _flushed = tracksFlushes ? new MemoryDevice() : null;

    public DiscoveryKey Key => key;

    public MemoryDevice Current { get; private set; } = new();

    public void Write(FeedFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        Current.Write(file, offset, bytes);
        if (_flushed is not null)
        {
            _unflushed.Add(new Change(file, offset, bytes.ToArray()));
        }
    }

    public void Truncate(FeedFile file, long length)
    {
        Current.Truncate(file, length);
        if (_flushed is not null)
        {
            _unflushed.Add(new Change(file, length, null));
        }
    }

    public void Flush(FeedFile file)
    {
        if (_flushed is not null)
        {
            foreach (Change change in _unflushed.Where(c => c.File == file))
            {
                change.Apply(_flushed);
            }

            _unflushed.RemoveAll(c => c.File == file);
        }
    }

    /// <summary>Of what was not flushed each change is kept, lost, or cut short, whatever became of those before it.</summary>
    public void LosePower(RandomSource random)
    {
        if (_flushed is null)
        {
            return;
        }

        foreach (Change change in _unflushed)
        {
            switch (random.NextInt32(3))
            {
                case 0:
                    change.Apply(_flushed);
                    break;
                case 1 when change.Bytes is { } bytes:
                    _flushed.Write(change.File, change.Offset, bytes.AsSpan(0, random.NextInt32(bytes.Length + 1)));
                    break;
            }
        }

        _unflushed.Clear();
        Current = _flushed;
        _flushed = Current.Clone();
    }

    /// <summary>Bytes at an offset; without bytes, a new length.</summary>
    private readonly record struct Change(FeedFile File, long Offset, byte[]? Bytes)
    {
        public void Apply(MemoryDevice files)
        {
            if (Bytes is null)
            {
                files.Truncate(File, Offset);
            }
            else
            {
                files.Write(File, Offset, Bytes);
            }
        }
    }
}
