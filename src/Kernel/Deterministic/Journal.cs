using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace HyperActors.Kernel;

/// <summary>A running SHA-256 over everything that happened in a run: two runs that agree in it agreed in every step.</summary>
/// <remarks><code>
/// | delivery 0x01 | step: u64 LE | virtual ticks: i64 LE | path: u16 LE + UTF-8 | type: u16 LE + UTF-8 | digest: u64 LE |
/// | note     0x02 | step: u64 LE | virtual ticks: i64 LE | kind: u16 LE + UTF-8 | bytes: u32 LE + bytes |
/// </code></remarks>
public sealed class Journal : IDisposable
{
    private const byte DeliveryMark = 1;
    private const byte NoteMark = 2;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Func<object, ulong>? _digest;
    private readonly Action<string>? _trace;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _filled;

    internal Journal(Func<object, ulong>? digest, Action<string>? trace)
    {
        _digest = digest;
        _trace = trace;
    }

    /// <summary>Deliveries and notes so far.</summary>
    public long Steps { get; private set; }

    /// <summary>The hash of all so far, without an end to it.</summary>
    public byte[] CurrentHash()
    {
        Flush();
        return _hash.GetCurrentHash();
    }

    /// <summary>Adds what happened at another door: a datagram, a disk write.</summary>
    internal void Note(TimeSpan now, string kind, ReadOnlySpan<byte> bytes)
    {
        Begin(NoteMark, now);
        Add(kind);
        Reserve(4);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(_filled), (uint)bytes.Length);
        _filled += 4;
        Flush();
        _hash.AppendData(bytes);
        _trace?.Invoke(FormattableString.Invariant(
            $"{Steps} {now.TotalSeconds:F6} note {kind} {bytes.Length} {Convert.ToHexString(SHA256.HashData(bytes), 0, 8)}"));
    }

    internal void Deliver(TimeSpan now, ActorCell receiver, object message)
    {
        Begin(DeliveryMark, now);
        string path = receiver.Path.ToString();
        string type = message.GetType().FullName ?? message.GetType().Name;
        ulong digest = _digest?.Invoke(message) ?? 0;
        Add(path);
        Add(type);
        Reserve(8);
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_filled), digest);
        _filled += 8;
        _trace?.Invoke(FormattableString.Invariant($"{Steps} {now.TotalSeconds:F6} {path} {type} {digest:x16}"));
    }

    public void Dispose() => _hash.Dispose();

    private void Begin(byte mark, TimeSpan now)
    {
        Steps++;
        Reserve(17);
        Span<byte> target = _buffer.AsSpan(_filled);
        target[0] = mark;
        BinaryPrimitives.WriteUInt64LittleEndian(target[1..], (ulong)Steps);
        BinaryPrimitives.WriteInt64LittleEndian(target[9..], now.Ticks);
        _filled += 17;
    }

    private void Add(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Invariant.Hold(length <= ushort.MaxValue);
        Reserve(2 + length);
        if (2 + length > _buffer.Length)
        {
            Span<byte> prefix = stackalloc byte[2];
            BinaryPrimitives.WriteUInt16LittleEndian(prefix, (ushort)length);
            _hash.AppendData(prefix);
            _hash.AppendData(Encoding.UTF8.GetBytes(text));
            return;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(_filled), (ushort)length);
        _filled += 2 + Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_filled + 2));
    }

    private void Reserve(int count)
    {
        if (_filled + count > _buffer.Length)
        {
            Flush();
        }
    }

    private void Flush()
    {
        _hash.AppendData(_buffer, 0, _filled);
        _filled = 0;
    }
}
