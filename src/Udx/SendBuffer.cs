using System.Buffers;

namespace HyperActors.Udx;

/// <summary>The bytes of a stream from the first unacknowledged to the last written, in pooled chunks.</summary>
internal sealed class SendBuffer
{
    private const int MinChunk = 4 * 1024;
    private const int MaxChunk = 64 * 1024;
    private Chunk[] _chunks = [];
    private int _head;
    private int _count;

    /// <summary>The position of the first byte held.</summary>
    public long Start { get; private set; }

    /// <summary>The position after the last byte written.</summary>
    public long End { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> room = GetMemory(Math.Min(bytes.Length, MaxChunk), isMinimum: false).Span;
            int length = Math.Min(room.Length, bytes.Length);
            bytes[..length].CopyTo(room);
            Advance(length);
            bytes = bytes[length..];
        }
    }

    /// <summary>Room for the next bytes: what is left of the last chunk, or a new one of at least <paramref name="size"/>.</summary>
    public Memory<byte> GetMemory(int size, bool isMinimum)
    {
        if (_count > 0)
        {
            ref Chunk last = ref At(_count - 1);
            int free = last.Bytes.Length - last.Length;
            if (free > 0 && (!isMinimum || free >= size))
            {
                return last.Bytes.AsMemory(last.Length);
            }
        }

        // Chunks grow with what is written, so that an idle or trickling stream stays small.
        long waiting = End - Start;
        int wanted = (int)Math.Clamp(waiting, Math.Max(MinChunk, size), Math.Max(MaxChunk, size));
        Append(new Chunk(ArrayPool<byte>.Shared.Rent(wanted), End, 0));
        return At(_count - 1).Bytes;
    }

    public void Advance(int count)
    {
        ref Chunk last = ref At(_count - 1);
        Invariant.Hold(count >= 0 && count <= last.Bytes.Length - last.Length);
        last.Length += count;
        End += count;
    }

    /// <summary>Copies the bytes from <paramref name="position"/> on.</summary>
    public void CopyTo(long position, Span<byte> output)
    {
        int index = Find(position);
        while (!output.IsEmpty)
        {
            ref Chunk chunk = ref At(index++);
            int offset = (int)(position - chunk.Start);
            int length = Math.Min(chunk.Length - offset, output.Length);
            chunk.Bytes.AsSpan(offset, length).CopyTo(output);
            output = output[length..];
            position += length;
        }
    }

    /// <summary>Lets go of everything before <paramref name="position"/>.</summary>
    public void Release(long position)
    {
        Start = position;
        while (_count > 0)
        {
            ref Chunk first = ref At(0);
            bool isFullyReleased = first.Start + first.Length <= position &&
                (_count > 1 || position == End);
            if (!isFullyReleased)
            {
                return;
            }

            ArrayPool<byte>.Shared.Return(first.Bytes);
            first = default;
            _head = (_head + 1) & (_chunks.Length - 1);
            _count--;
        }

        _chunks = [];
        _head = 0;
    }

    /// <summary>Lets go of everything.</summary>
    public void Clear()
    {
        while (_count > 0)
        {
            ArrayPool<byte>.Shared.Return(At(--_count).Bytes);
        }

        _chunks = [];
        _head = 0;
        Start = End;
    }

    private ref Chunk At(int index) => ref _chunks[(_head + index) & (_chunks.Length - 1)];

    private void Append(Chunk chunk)
    {
        if (_count == _chunks.Length)
        {
            var grown = new Chunk[Math.Max(2, _count * 2)];
            for (int i = 0; i < _count; i++)
            {
                grown[i] = At(i);
            }

            _chunks = grown;
            _head = 0;
        }

        _count++;
        At(_count - 1) = chunk;
    }

    private int Find(long position)
    {
        int low = 0;
        int high = _count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (At(middle).Start <= position)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private struct Chunk(byte[] bytes, long start, int length)
    {
        public readonly byte[] Bytes = bytes;
        public readonly long Start = start;
        public int Length = length;
    }
}
