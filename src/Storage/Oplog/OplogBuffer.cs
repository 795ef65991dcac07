using System.Buffers;

namespace HyperActors.Storage;

/// <summary>Where entries are encoded: used again and again, and sealed in place.</summary>
internal sealed class OplogBuffer : IBufferWriter<byte>
{
    /// <summary>A buffer that grew beyond this for a large batch is not kept.</summary>
    private const int MaxKept = 1 << 20;

    private byte[] _bytes = new byte[4096];

    public int WrittenCount { get; private set; }

    public Span<byte> WrittenSpan => _bytes.AsSpan(0, WrittenCount);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, WrittenCount);

    public void Advance(int count)
    {
        Reserve(count);
        WrittenCount += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(WrittenCount);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Clear()
    {
        WrittenCount = 0;
        if (_bytes.Length > MaxKept)
        {
            _bytes = new byte[4096];
        }
    }

    private void Reserve(int count)
    {
        if (count > _bytes.Length - WrittenCount)
        {
            Array.Resize(ref _bytes, (int)Math.Max(WrittenCount + (long)count, 2L * _bytes.Length));
        }
    }
}
