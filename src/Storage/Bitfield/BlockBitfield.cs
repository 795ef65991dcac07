using System.Numerics;
using System.Runtime.InteropServices;

namespace HyperActors.Storage;

/// <summary>Which blocks are held: pages of 32 768 bits, least significant first, as the file has them.</summary>
/// <remarks>
/// A page that was never touched takes no memory, and nothing here takes longer for it: the pages lie in order of their
/// number, so a range of 2^52 blocks costs what is held of it. See docs/storage.md#bitfield.
/// </remarks>
public sealed class BlockBitfield
{
    public const int PageSize = 4096;

    private const int PageShift = 15;
    private const ulong PageMask = (1UL << PageShift) - 1;

    private readonly List<ulong> _numbers = [];
    private readonly List<byte[]> _pages = [];
    private readonly SortedSet<ulong> _dirty = [];

    /// <summary>Pages that the file does not hold yet, in order.</summary>
    internal IReadOnlyCollection<ulong> Dirty => _dirty;

    /// <summary>Whether a block is held.</summary>
    public bool this[ulong block]
    {
        get
        {
            ReadOnlySpan<byte> page = PageAt(block >> PageShift);
            return !page.IsEmpty && (page[(int)(block & PageMask) >> 3] & (1 << (int)(block & 7))) != 0;
        }
    }

    /// <summary>The first block from <paramref name="start"/> on that is not held.</summary>
    public ulong FirstUnset(ulong start)
    {
        for (int at = LowerBound(start >> PageShift); at < _pages.Count && _numbers[at] == start >> PageShift; at++)
        {
            int bit = FirstInPage(_pages[at], (int)(start & PageMask), wanted: false);
            if (bit >= 0)
            {
                return (_numbers[at] << PageShift) + (ulong)bit;
            }

            start = (_numbers[at] + 1) << PageShift;
        }

        return start;
    }

    /// <summary>The first block from <paramref name="start"/> on that is held, if there is one.</summary>
    public ulong? FirstSet(ulong start)
    {
        for (int at = LowerBound(start >> PageShift); at < _pages.Count; at++)
        {
            ulong pageStart = _numbers[at] << PageShift;
            int bit = FirstInPage(_pages[at], start > pageStart ? (int)(start - pageStart) : 0, wanted: true);
            if (bit >= 0)
            {
                return pageStart + (ulong)bit;
            }
        }

        return null;
    }

    /// <summary>How many blocks of <c>[start, end)</c> are held.</summary>
    public ulong Count(ulong start, ulong end)
    {
        ulong count = 0;
        for (int at = LowerBound(start >> PageShift); at < _pages.Count && _numbers[at] << PageShift < end; at++)
        {
            ulong pageStart = _numbers[at] << PageShift;
            int first = start > pageStart ? (int)(start - pageStart) : 0;
            count += CountInPage(_pages[at], first, (int)Math.Min(end - pageStart, PageMask + 1));
        }

        return count;
    }

    /// <summary>The bits of a page; empty when none was ever set there.</summary>
    public ReadOnlySpan<byte> PageAt(ulong page)
    {
        int at = _numbers.BinarySearch(page);
        return at >= 0 ? _pages[at] : [];
    }

    internal Memory<byte> PageBytes(ulong page) => _pages[_numbers.BinarySearch(page)];

    internal void MarkClean() => _dirty.Clear();

    /// <summary>Takes up a part of the file, which begins with a page and lies behind all that was taken up before.</summary>
    internal void Load(long offset, ReadOnlySpan<byte> file)
    {
        for (var number = (ulong)(offset / PageSize); file.Length > 0; number++)
        {
            ReadOnlySpan<byte> bytes = file[..Math.Min(PageSize, file.Length)];
            file = file[bytes.Length..];
            if (bytes.ContainsAnyExcept((byte)0))
            {
                var page = new byte[PageSize];
                bytes.CopyTo(page);
                _numbers.Add(number);
                _pages.Add(page);
            }
        }
    }

    internal void Set(ulong start, ulong count, bool value)
    {
        for (ulong end = start + count; start < end;)
        {
            ulong number = start >> PageShift;
            int at = LowerBound(number);
            bool isThere = at < _pages.Count && _numbers[at] == number;
            if (!isThere && !value)
            {
                // Nothing was ever held up to the next page that there is.
                if (at == _pages.Count)
                {
                    return;
                }

                start = _numbers[at] << PageShift;
                continue;
            }

            if (!isThere)
            {
                _numbers.Insert(at, number);
                _pages.Insert(at, new byte[PageSize]);
            }

            ulong pageEnd = Math.Min(end, (number + 1) << PageShift);
            SetInPage(_pages[at], (int)(start & PageMask), (int)(pageEnd - start), value);
            _dirty.Add(number);
            start = pageEnd;
        }
    }

    private int LowerBound(ulong number)
    {
        int at = _numbers.BinarySearch(number);
        return at >= 0 ? at : ~at;
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

    private static uint CountInPage(byte[] page, int first, int end)
    {
        uint count = 0;
        for (; first < end && (first & 63) != 0; first++)
        {
            count += (uint)(page[first >> 3] >> (first & 7)) & 1;
        }

        for (; first + 64 <= end; first += 64)
        {
            count += (uint)BitOperations.PopCount(BitConverter.ToUInt64(page, first >> 3));
        }

        for (; first < end; first++)
        {
            count += (uint)(page[first >> 3] >> (first & 7)) & 1;
        }

        return count;
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
