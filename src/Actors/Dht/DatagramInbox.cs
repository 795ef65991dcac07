using System.Buffers;
using HyperActors.Dht;

namespace HyperActors.Actors;

/// <summary>Datagrams on their way from the door's thread to a <see cref="DhtActor"/>: one message for all that came since the last look.</summary>
/// <remarks>Bounded: what comes while it is full is dropped and counted, as a socket would. An empty one holds no memory.</remarks>
internal sealed class DatagramInbox(int maxDatagrams)
{
    /// <summary>There is something to <see cref="Take"/>.</summary>
    public sealed record Arrived
    {
        public static Arrived Instance { get; } = new();
    }

    private readonly Lock _gate = new();
    private DatagramBatch? _batch;
    private IActorRef? _owner;
    private long _dropped;

    /// <summary>Datagrams that nobody had time for.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Who is told.</summary>
    public void Open(IActorRef owner) => _owner = owner;

    /// <summary>Takes a copy of a datagram.</summary>
    public void Add(int socket, DhtAddress from, ReadOnlySpan<byte> datagram)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _batch is null;
            _batch ??= new DatagramBatch();
            if (_batch.Count >= maxDatagrams)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            _batch.Add(socket, from, datagram);
        }

        if (isFirst)
        {
            _owner?.Tell(Arrived.Instance, ActorRefs.NoSender);
        }
    }

    /// <summary>All that has come; the caller disposes it. Null when there is nothing.</summary>
    public DatagramBatch? Take()
    {
        lock (_gate)
        {
            DatagramBatch? batch = _batch;
            _batch = null;
            return batch;
        }
    }
}

/// <summary>Datagrams one behind the other, in rented memory.</summary>
internal sealed class DatagramBatch : IDisposable
{
    private const int FirstBytes = 4096;
    private const int FirstCount = 16;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private Entry[] _entries = ArrayPool<Entry>.Shared.Rent(FirstCount);
    private int _length;

    public int Count { get; private set; }

    public void Add(int socket, DhtAddress from, ReadOnlySpan<byte> datagram)
    {
        Grow(ref _bytes, _length, _length + datagram.Length);
        Grow(ref _entries, Count, Count + 1);
        datagram.CopyTo(_bytes.AsSpan(_length));
        _entries[Count++] = new Entry(socket, from, _length, datagram.Length);
        _length += datagram.Length;
    }

    public ReadOnlySpan<byte> Get(int index, out int socket, out DhtAddress from)
    {
        Entry entry = _entries[index];
        (socket, from) = (entry.Socket, entry.From);
        return _bytes.AsSpan(entry.Offset, entry.Length);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        ArrayPool<Entry>.Shared.Return(_entries);
        _bytes = [];
        _entries = [];
    }

    private static void Grow<T>(ref T[] array, int used, int needed)
    {
        if (needed <= array.Length)
        {
            return;
        }

        T[] larger = ArrayPool<T>.Shared.Rent(Math.Max(needed, 2 * array.Length));
        array.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }

    private readonly record struct Entry(int Socket, DhtAddress From, int Offset, int Length);
}
