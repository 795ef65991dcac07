using HyperActors.Udx;

namespace HyperActors.Actors;

/// <summary>Datagrams on their way to the kernel, which takes them all in one call.</summary>
/// <remarks>One per thread: it is filled and sent within a turn.</remarks>
public sealed class UdpSendBatch
{
    internal const int MaxEntries = 64;
    private const int Size = 4 * UdxTransmit.MaxLength;

    [ThreadStatic]
    private static UdpSendBatch? _ofThread;

    private readonly Entry[] _entries = new Entry[MaxEntries];
    private int _count;
    private int _length;

    private UdpSendBatch()
    {
    }

    /// <summary>The batch of the calling thread, empty.</summary>
    public static UdpSendBatch OfThisThread => _ofThread ??= new UdpSendBatch();

    /// <summary>Whether the longest transmission still fits.</summary>
    public bool HasRoom => _count < MaxEntries && Size - _length >= UdxTransmit.MaxLength;

    /// <summary>Where the next transmission is to be written.</summary>
    public Span<byte> Free => Buffer.AsSpan(_length);

    /// <summary>How many entries are waiting.</summary>
    public int Count => _count;

    internal byte[] Buffer { get; } = GC.AllocateUninitializedArray<byte>(Size, pinned: true);

    internal ReadOnlySpan<Entry> Entries => _entries.AsSpan(0, _count);

    /// <summary>Adds what was written into <see cref="Free"/>.</summary>
    /// <param name="transmit">Where it goes.</param>
    /// <param name="timeToLive">How far it may travel; 0 for as far as usual.</param>
    public void Add(in UdxTransmit transmit, byte timeToLive = 0)
    {
        Invariant.Hold(_count < MaxEntries && transmit.Length <= Size - _length);
        _entries[_count++] = new Entry(_length, transmit, timeToLive);
        _length += transmit.Length;
    }

    /// <summary>An entry: where it goes, how far its datagrams may travel (0 for as far as usual), and these one after the other.</summary>
    public UdxTransmit Read(int index, out byte timeToLive, out ReadOnlySpan<byte> datagrams)
    {
        Invariant.Hold(index < _count);
        Entry entry = _entries[index];
        timeToLive = entry.TimeToLive;
        datagrams = Buffer.AsSpan(entry.Offset, entry.Transmit.Length);
        return entry.Transmit;
    }

    /// <summary>Empties the batch; a door does so when it has sent it.</summary>
    public void Clear() => _count = _length = 0;

    internal readonly record struct Entry(int Offset, UdxTransmit Transmit, byte TimeToLive);
}
