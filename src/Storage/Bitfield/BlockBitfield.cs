using System.Numerics;
using System.Runtime.InteropServices;

namespace HyperActors.Storage;

/// <summary>Which blocks are held: pages of 32 768 bits, least significant first, as the file has them.</summary>
/// <remarks>A page that was never touched takes no memory. See docs/storage.md#bitfield.</remarks>
public sealed class BlockBitfield
{
    public const int PageSize = 4096;

    private const int PageShift = 15;
    private const ulong PageMask = (1UL << PageShift) - 1;

    private readonly Dictionary<ulong, byte[]> _pages = [];
    private readonly SortedSet<ulong> _dirty = [];
    private ulong _end;

    /// <summary>Pages that the file does not hold yet, in order.</summary>
    internal IReadOnlyCollection<ulong> Dirty => _dirty;

    /// <summary>Whether a block is held.</summary>
    public bool this[ulong block] =>
        _pages.TryGetValue(block >> PageShift, out byte[]? page)
        && (page[(block & PageMask) >> 3] & (1 << (int)(block & 7))) != 0;

    /// <summary>The first block from <paramref name="start"/> on that is not held.</summary>
    public ulong FirstUnset(ulong start) => First(start, wanted: false) ?? Math.Max(start, _end << PageShift);

    /// <summary>The first block from <paramref name="start"/> on that is held, if there is one.</summary>
    public ulong? FirstSet(ulong start) => First(start, wanted: true);

    /// <summary>How many blocks of <c>[start, end)</c> are held.</summary>
    public ulong Count(ulong start, ulong end)
    {
        ulong count = 0;
        while (start < end)
        {
            ulong pageEnd = Math.Min(end, ((start >> PageShift) + 1) << PageShift);
            if (_pages.TryGetValue(start >> PageShift, out byte[]? page))
            {
                int first = (int)(start & PageMask);
                int last = first + (int)(pageEnd - start);
                for (; first < last && (first & 63) != 0; first++)
                {
                    count += (uint)(page[first >> 3] >> (first & 7)) & 1;
                }

                for (; first + 64 <= last; first += 64)
                {
                    count += (uint)BitOperations.PopCount(BitConverter.ToUInt64(page, first >> 3));
                }

                for (; first < last; first++)
                {
                    count += (uint)(page[first >> 3] >> (first & 7)) & 1;
                }
            }

            start = pageEnd;
        }

        return count;
    }

    /// <summary>The bits of a page; empty when none was ever set there.</summary>
    public ReadOnlySpan<byte> PageAt(ulong page) => _pages.TryGetValue(page, out byte[]? bytes) ? bytes : [];

    internal Memory<byte> PageBytes(ulong page) => _pages[page];

    internal void MarkClean() => _dirty.Clear();

    internal void Load(ReadOnlySpan<byte> file)
    {
        for (ulong number = 0; file.Length > 0; number++)
        {
            ReadOnlySpan<byte> bytes = file[..Math.Min(PageSize, file.Length)];
            file = file[bytes.Length..];
            if (bytes.ContainsAnyExcept((byte)0))
            {
                var page = new byte[PageSize];
                bytes.CopyTo(page);
                _pages[number] = page;
                _end = number + 1;
            }
        }
    }

    internal void Set(ulong start, ulong count, bool value)
    {
        for (ulong end = start + count; start < end;)
        {
            ulong number = start >> PageShift;
            ulong pageEnd = Math.Min(end, (number + 1) << PageShift);
            if (value || _pages.ContainsKey(number))
            {
                SetInPage(Page(number), (int)(start & PageMask), (int)(pageEnd - start), value);
                _dirty.Add(number);
            }
            else if (number >= _end)
            {
                return;
            }

            start = pageEnd;
        }
    }

    private byte[] Page(ulong number)
    {
        ref byte[]? page = ref CollectionsMarshal.GetValueRefOrAddDefault(_pages, number, out _);
        page ??= new byte[PageSize];
        _end = Math.Max(_end, number + 1);
        return page;
    }

    private static void SetInPage(byte[] page, int start, int count, bool value)
    {
        for (int end = start + count; start < end;)
        {
            int at = start >> 3;
            int first = start & 7;
            if (first == 0 && end - start >= 8)
            {
                int bytes = (end - start) >> 3;
                page.AsSpan(at, bytes).Fill(value ? (byte)0xff : (byte)0);
                start += bytes << 3;
                continue;
            }

            int bits = Math.Min(8 - first, end - start);
            int mask = ((1 << bits) - 1) << first;
            page[at] = (byte)(value ? page[at] | mask : page[at] & ~mask);
            start += bits;
        }
    }

    private ulong? First(ulong start, bool wanted)
    {
        for (ulong number = start >> PageShift; number < _end; number++, start = number << PageShift)
        {
            if (!_pages.TryGetValue(number, out byte[]? page))
            {
                if (!wanted)
                {
                    return start;
                }

                continue;
            }

            int at = FirstInPage(page, (int)(start & PageMask), wanted);
            if (at >= 0)
            {
                return (number << PageShift) + (ulong)at;
            }
        }

        return null;
    }

    private static int FirstInPage(byte[] page, int start, bool wanted)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        ulong mask = ulong.MaxValue << (start & 63);
        for (int i = start >> 6; i < words.Length; i++, mask = ulong.MaxValue)
        {
            // Files are little endian, and so is every machine that this runs on.
            ulong word = (wanted ? words[i] : ~words[i]) & mask;
            if (word != 0)
            {
                return (i << 6) + BitOperations.TrailingZeroCount(word);
            }
        }

        return -1;
    }
}
