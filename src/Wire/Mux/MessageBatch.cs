using System.Diagnostics;
using HyperActors.Compact;

namespace HyperActors.Wire;

/// <summary>Messages of one channel in pooled memory, in order: what a link hands out, and what it takes to send.</summary>
/// <remarks>
/// It has one owner, who may pass it on whole and disposes it in the end; after that no payload of it may be touched.
/// Messages lie as they came in or will go out and are found by walking over them: nothing is kept per message.
/// </remarks>
[DebuggerDisplay("{Count} messages, {ByteLength} bytes")]
public sealed class MessageBatch : IDisposable
{
    // Most batches are one run in one block, so the first needs no array.
    private Run _first;
    private Run[] _more = [];
    private int _runs;
    private bool _disposed;

    internal MessageBatch()
    {
    }

    /// <summary>How many messages there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many bytes the messages have together, with their types and, where there are any, their lengths.</summary>
    public long ByteLength { get; private set; }

    internal int Runs => _runs;

    internal PooledBlock? LastBlock => _runs == 0 ? null : RunAt(_runs - 1).Block;

    /// <summary>Walks over the messages in order.</summary>
    public Enumerator GetEnumerator()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Enumerator(this);
    }

    /// <summary>Returns the memory. The second time does nothing.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        for (int i = 0; i < _runs; i++)
        {
            RunAt(i).Block.Release();
        }
    }

    internal ref Run RunAt(int index)
    {
        if (index == 0)
        {
            return ref _first;
        }

        return ref _more[index - 1];
    }

    /// <summary>Appends messages that lie in <paramref name="block"/>, of which the batch becomes a holder too.</summary>
    internal void Append(PooledBlock block, int start, int end, int count)
    {
        block.Hold();
        AppendOwned(block, start, end, count);
    }

    /// <summary>Appends messages and takes over the caller's hold of <paramref name="block"/>.</summary>
    /// <param name="block">Where the messages lie.</param>
    /// <param name="start">The first byte: of a type when there is one message, of a length when there are more.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <param name="count">How many; zero stands for one message without a length.</param>
    internal void AppendOwned(PooledBlock block, int start, int end, int count)
    {
        if (_runs > _more.Length)
        {
            Array.Resize(ref _more, Math.Max(4, _more.Length * 2));
        }

        _runs++;
        RunAt(_runs - 1) = new Run(block, start, end, count);
        Count += Math.Max(count, 1);
        ByteLength += end - start;
    }

    internal void MarkSent() => _disposed = true;

    /// <summary>Messages that lie side by side: one without a length (count 0), or some with theirs in front.</summary>
    internal readonly record struct Run(PooledBlock Block, int Start, int End, int Count);

    /// <summary>Finds one message after the other.</summary>
    public struct Enumerator
    {
        private readonly MessageBatch _batch;
        private int _nextRun;
        private Run _run;
        private int _position;

        internal Enumerator(MessageBatch batch)
        {
            _batch = batch;
            _nextRun = 0;
            _run = default;
            _position = 0;
            Current = default;
        }

        public Message Current { get; private set; }

        public bool MoveNext()
        {
            while (_run.Block is null || _position == _run.End)
            {
                if (_nextRun == _batch._runs)
                {
                    return false;
                }

                _run = _batch.RunAt(_nextRun++);
                _position = _run.Start;
            }

            // Both were checked when the run was made: a length fits, and a type is there.
            byte[] array = _run.Block.Array;
            int length = _run.End - _position;
            if (_run.Count > 0)
            {
                var lengthReader = new CompactReader(array.AsSpan(_position, length));
                length = (int)lengthReader.ReadUInt();
                _position += lengthReader.Consumed;
            }

            var reader = new CompactReader(array.AsSpan(_position, length));
            ulong type = reader.ReadUInt();
            Current = new Message(
                (uint)Math.Min(type, uint.MaxValue), array.AsMemory(_position + reader.Consumed, length - reader.Consumed));
            _position += length;
            return true;
        }
    }
}
