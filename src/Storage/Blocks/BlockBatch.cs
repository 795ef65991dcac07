using System.Buffers;
using System.Collections;

namespace HyperActors.Storage;

/// <summary>Blocks that lie one behind the other in one pooled buffer. Whoever holds it disposes it, once.</summary>
public sealed class BlockBatch : IReadOnlyList<ReadOnlyMemory<byte>>, IDisposable
{
    private readonly int[] _ends;
    private byte[]? _buffer;

    private BlockBatch(int[] ends, byte[] buffer)
    {
        _ends = ends;
        _buffer = buffer;
    }

    /// <summary>Blocks.</summary>
    public int Count => _ends.Length;

    /// <summary>Bytes of all blocks.</summary>
    public int ByteLength => _ends.Length == 0 ? 0 : _ends[^1];

    /// <summary>All bytes, to be filled by whoever made the batch.</summary>
    public Memory<byte> Bytes => Buffer.AsMemory(0, ByteLength);

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(BlockBatch));

    /// <summary>One block, as long as the batch is not disposed.</summary>
    public ReadOnlyMemory<byte> this[int index]
    {
        get
        {
            int start = index == 0 ? 0 : _ends[index - 1];
            return Buffer.AsMemory(start, _ends[index] - start);
        }
    }

    /// <summary>Room for blocks of these sizes; the bytes are yet to be filled.</summary>
    public static BlockBatch Rent(ReadOnlySpan<int> sizes)
    {
        var ends = new int[sizes.Length];
        int end = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            end = checked(end + sizes[i]);
            ends[i] = end;
        }

        return new BlockBatch(ends, ArrayPool<byte>.Shared.Rent(end));
    }

    public IEnumerator<ReadOnlyMemory<byte>> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
