using System.Buffers.Binary;
using System.Numerics;

namespace HyperActors.Replication;

/// <summary>A set of block indices: what a feed holds, what a peer says it holds, what is on its way.</summary>
/// <remarks>
/// Pages of 32768 bits in order of their index, found by binary search with the last one remembered, so that a walk
/// costs a step and a set of all blocks next to nothing: a full page is a marker. The number of pages is bounded at
/// construction; what lies beyond the bound is not remembered, which for a peer's claims means "not known to have".
/// </remarks>
public sealed class BlockSet
{
    /// <summary>No such block.</summary>
    public const ulong None = ulong.MaxValue;

    /// <summary>Bits of one page.</summary>
    public const int PageBits = 32_768;

    private const int PageShift = 15;
    private const int WordsPerPage = PageBits / 64;
    private const int KeptPages = 4;
    private const ulong OffsetMask = PageBits - 1;

    private readonly int _maxPages;
    private ulong[] _keys = [];
    private Page[] _pages = [];
    private int _pageCount;
    private int _last;

    /// <summary>An empty set of at most <paramref name="maxPages"/> pages.</summary>
    public BlockSet(int maxPages = int.MaxValue) => _maxPages = maxPages;

    /// <summary>How many blocks are in the set.</summary>
    public ulong Count { get; private set; }

    /// <summary>True when the block is in the set.</summary>
    public bool Contains(ulong index)
    {
        int at = Find(index >> PageShift);
        return at >= 0 && _pages[at].Get((int)(index & OffsetMask));
    }

    /// <summary>Adds one block; false when it was there, or when no page is left for it.</summary>
    public bool Add(ulong index)
    {
        if (!TryGetOrAdd(index >> PageShift, out Page? page) || !page.Set((int)(index & OffsetMask)))
        {
            return false;
        }

        Count++;
        return true;
    }

    /// <summary>Removes one block; false when it was not there.</summary>
    public bool Remove(ulong index)
    {
        int at = Find(index >> PageShift);
        if (at < 0 || !_pages[at].Clear((int)(index & OffsetMask)))
        {
            return false;
        }

        Count--;
        DropIfEmpty(at);
        return true;
    }

    /// <summary>Adds <paramref name="length"/> blocks; stops where the bound on pages is met.</summary>
    public void AddRange(ulong start, ulong length)
    {
        ulong end = End(start, length);
        while (start < end && TryGetOrAdd(start >> PageShift, out Page? page))
        {
            int first = (int)(start & OffsetMask);
            int count = (int)Math.Min(PageBits - (ulong)first, end - start);
            Count += (ulong)page.SetRange(first, count);
            start += (ulong)count;
        }
    }

    /// <summary>Removes <paramref name="length"/> blocks.</summary>
    public void RemoveRange(ulong start, ulong length)
    {
        ulong end = End(start, length);
        int at = LowerBound(start >> PageShift);
        while (at < _pageCount && _keys[at] << PageShift < end)
        {
            ulong pageStart = _keys[at] << PageShift;
            int first = start > pageStart ? (int)(start - pageStart) : 0;
            int last = (int)Math.Min(PageBits, end - pageStart);
            Count -= (ulong)_pages[at].ClearRange(first, last - first);
            if (!DropIfEmpty(at))
            {
                at++;
            }
        }
    }

    /// <summary>Makes the blocks from <paramref name="start"/>, a multiple of 32, what the words say, LSB first.</summary>
    /// <param name="start">The block of the first bit.</param>
    /// <param name="words">Little endian 32-bit words, as the wire and the bitfield file have them.</param>
    public void ReplaceWords(ulong start, ReadOnlySpan<byte> words)
    {
        Invariant.Hold((start & 31) == 0);
        for (; words.Length >= 4; words = words[4..], start += 32)
        {
            uint bits = BinaryPrimitives.ReadUInt32LittleEndian(words);
            int at = Find(start >> PageShift);
            if (at < 0 && bits == 0)
            {
                continue;
            }

            if (!TryGetOrAdd(start >> PageShift, out Page? page))
            {
                return;
            }

            Count = (ulong)((long)Count + page.Replace32((int)(start & OffsetMask), bits));
        }
    }

    /// <summary>The bits from <paramref name="start"/>, a multiple of 32, into <paramref name="words"/>, whole 32-bit words.</summary>
    public void CopyWords(ulong start, Span<byte> words)
    {
        Invariant.Hold((start & 31) == 0 && words.Length % 4 == 0);
        for (; !words.IsEmpty; words = words[4..], start += 32)
        {
            int at = Find(start >> PageShift);
            uint bits = at < 0 ? 0 : (uint)(_pages[at].Word((int)(start & OffsetMask) >> 6) >> (int)(start & 32));
            BinaryPrimitives.WriteUInt32LittleEndian(words, bits);
        }
    }

    /// <summary>The first block of the set at or after <paramref name="from"/>, or <see cref="None"/>.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="last">Where to end: a block beyond it is none.</param>
    public ulong NextSet(ulong from, ulong last = None)
    {
        for (int at = LowerBound(from >> PageShift); at < _pageCount && _keys[at] << PageShift <= last; at++)
        {
            ulong pageStart = _keys[at] << PageShift;
            int first = from > pageStart ? (int)(from - pageStart) : 0;
            int bit = _pages[at].NextSet(first, (int)Math.Min(last - pageStart, OffsetMask));
            if (bit >= 0)
            {
                return pageStart + (ulong)bit;
            }
        }

        return None;
    }

    /// <summary>The first block at or after <paramref name="from"/> that is not in the set.</summary>
    public ulong NextClear(ulong from)
    {
        for (int at = Find(from >> PageShift); at >= 0; at = Find(from >> PageShift))
        {
            int bit = _pages[at].NextClear((int)(from & OffsetMask));
            ulong pageStart = _keys[at] << PageShift;
            if (bit >= 0)
            {
                return pageStart + (ulong)bit;
            }

            from = pageStart + PageBits;
        }

        return from;
    }

    /// <summary>The last block of the set at or before <paramref name="from"/>, or <see cref="None"/>.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="first">Where to end: a block before it is none.</param>
    public ulong PreviousSet(ulong from, ulong first = 0)
    {
        int at = LowerBound(from >> PageShift);
        if (at == _pageCount || _keys[at] > from >> PageShift)
        {
            at--;
        }

        for (; at >= 0 && _keys[at] >= first >> PageShift; at--)
        {
            ulong pageStart = _keys[at] << PageShift;
            int last = first > pageStart ? (int)(first - pageStart) : 0;
            int bit = _pages[at].PreviousSet((int)Math.Min(from - pageStart, OffsetMask), last);
            if (bit >= 0)
            {
                return pageStart + (ulong)bit;
            }
        }

        return None;
    }

    /// <summary>How many blocks of <c>[start, end)</c> are in the set.</summary>
    public ulong CountRange(ulong start, ulong end)
    {
        ulong count = 0;
        for (int at = LowerBound(start >> PageShift); at < _pageCount && _keys[at] << PageShift < end; at++)
        {
            ulong pageStart = _keys[at] << PageShift;
            int first = start > pageStart ? (int)(start - pageStart) : 0;
            int last = (int)Math.Min(PageBits, end - pageStart);
            count += (ulong)_pages[at].CountRange(first, last - first);
        }

        return count;
    }

    /// <summary>Empties the set.</summary>
    public void Clear()
    {
        _keys = [];
        _pages = [];
        _pageCount = 0;
        _last = 0;
        Count = 0;
    }

    /// <summary>A few empty pages may stay, so that a set with one block at a time does not allocate for each.</summary>
    private bool DropIfEmpty(int at)
    {
        if (!_pages[at].IsEmpty || _pageCount <= KeptPages)
        {
            return false;
        }

        _pageCount--;
        Array.Copy(_keys, at + 1, _keys, at, _pageCount - at);
        Array.Copy(_pages, at + 1, _pages, at, _pageCount - at);
        _pages[_pageCount] = null!;
        return true;
    }

    private static ulong End(ulong start, ulong length) =>
        length > None - start ? None : start + length;

    private int Find(ulong key)
    {
        if ((uint)_last < (uint)_pageCount && _keys[_last] == key)
        {
            return _last;
        }

        int at = Array.BinarySearch(_keys, 0, _pageCount, key);
        if (at >= 0)
        {
            _last = at;
        }

        return at;
    }

    private int LowerBound(ulong key)
    {
        int at = Find(key);
        return at >= 0 ? at : ~at;
    }

    private bool TryGetOrAdd(ulong key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Page? page)
    {
        int at = Find(key);
        if (at >= 0)
        {
            page = _pages[at];
            return true;
        }

        page = null;
        if (_pageCount >= _maxPages)
        {
            return false;
        }

        at = ~at;
        if (_pageCount == _keys.Length)
        {
            int capacity = Math.Max(4, _pageCount * 2);
            Array.Resize(ref _keys, capacity);
            Array.Resize(ref _pages, capacity);
        }

        Array.Copy(_keys, at, _keys, at + 1, _pageCount - at);
        Array.Copy(_pages, at, _pages, at + 1, _pageCount - at);
        page = new Page();
        _keys[at] = key;
        _pages[at] = page;
        _pageCount++;
        _last = at;
        return true;
    }

    /// <summary>32768 bits; without words it is full or empty, as its count says.</summary>
    private sealed class Page
    {
        private ulong[]? _words;
        private int _count;

        public bool IsEmpty => _count == 0;

        public bool Get(int bit) => _words is { } words ? (words[bit >> 6] >> (bit & 63) & 1) != 0 : _count != 0;

        public ulong Word(int word) => _words is { } words ? words[word] : _count != 0 ? ulong.MaxValue : 0;

        public bool Set(int bit)
        {
            if (Get(bit))
            {
                return false;
            }

            Words()[bit >> 6] |= 1UL << (bit & 63);
            Counted(1);
            return true;
        }

        public bool Clear(int bit)
        {
            if (!Get(bit))
            {
                return false;
            }

            Words()[bit >> 6] &= ~(1UL << (bit & 63));
            Counted(-1);
            return true;
        }

        public int SetRange(int first, int count)
        {
            int before = _count;
            if (count == PageBits)
            {
                Counted(PageBits - before);
                return PageBits - before;
            }

            ulong[] words = Words();
            int added = 0;
            for (int word = first >> 6; word <= (first + count - 1) >> 6; word++)
            {
                ulong mask = Mask(word, first, first + count);
                added += BitOperations.PopCount(mask & ~words[word]);
                words[word] |= mask;
            }

            Counted(added);
            return added;
        }

        public int ClearRange(int first, int count)
        {
            int before = _count;
            if (before == 0)
            {
                return 0;
            }

            if (count == PageBits)
            {
                _words = null;
                _count = 0;
                return before;
            }

            ulong[] words = Words();
            int removed = 0;
            for (int word = first >> 6; word <= (first + count - 1) >> 6; word++)
            {
                ulong mask = Mask(word, first, first + count);
                removed += BitOperations.PopCount(mask & words[word]);
                words[word] &= ~mask;
            }

            Counted(-removed);
            return removed;
        }

        public int Replace32(int bit, uint bits)
        {
            int shift = bit & 32;
            ulong mask = (ulong)uint.MaxValue << shift;
            ulong old = Word(bit >> 6);
            ulong value = (old & ~mask) | ((ulong)bits << shift);
            if (value == old)
            {
                return 0;
            }

            int change = BitOperations.PopCount(value) - BitOperations.PopCount(old);
            Words()[bit >> 6] = value;
            Counted(change);
            return change;
        }

        public int NextSet(int from, int last)
        {
            if (_words is not { } words || _count == 0)
            {
                return _count == 0 ? -1 : from;
            }

            ulong bits = words[from >> 6] & (ulong.MaxValue << (from & 63));
            for (int word = from >> 6; ; bits = words[word])
            {
                if (bits != 0)
                {
                    int bit = (word << 6) + BitOperations.TrailingZeroCount(bits);
                    return bit <= last ? bit : -1;
                }

                if (++word > last >> 6)
                {
                    return -1;
                }
            }
        }

        public int NextClear(int from)
        {
            if (_words is not { } words)
            {
                return _count == 0 ? from : -1;
            }

            ulong bits = ~words[from >> 6] & (ulong.MaxValue << (from & 63));
            for (int word = from >> 6; ; bits = ~words[word])
            {
                if (bits != 0)
                {
                    return (word << 6) + BitOperations.TrailingZeroCount(bits);
                }

                if (++word == WordsPerPage)
                {
                    return -1;
                }
            }
        }

        public int PreviousSet(int from, int first)
        {
            if (_words is not { } words || _count == 0)
            {
                return _count == 0 ? -1 : from;
            }

            ulong bits = words[from >> 6] & (ulong.MaxValue >> (63 - (from & 63)));
            for (int word = from >> 6; ; bits = words[word])
            {
                if (bits != 0)
                {
                    int bit = (word << 6) + BitOperations.Log2(bits);
                    return bit >= first ? bit : -1;
                }

                if (--word < first >> 6)
                {
                    return -1;
                }
            }
        }

        public int CountRange(int first, int count)
        {
            if (_words is not { } words)
            {
                return _count == 0 ? 0 : count;
            }

            if (count == PageBits)
            {
                return _count;
            }

            int total = 0;
            for (int word = first >> 6; word <= (first + count - 1) >> 6; word++)
            {
                total += BitOperations.PopCount(words[word] & Mask(word, first, first + count));
            }

            return total;
        }

        private static ulong Mask(int word, int first, int end)
        {
            ulong mask = ulong.MaxValue;
            if (word == first >> 6)
            {
                mask <<= first & 63;
            }

            if (word == (end - 1) >> 6)
            {
                mask &= ulong.MaxValue >> (63 - ((end - 1) & 63));
            }

            return mask;
        }

        private ulong[] Words()
        {
            if (_words is null)
            {
                _words = new ulong[WordsPerPage];
                if (_count != 0)
                {
                    _words.AsSpan().Fill(ulong.MaxValue);
                }
            }

            return _words;
        }

        private void Counted(int change)
        {
            _count += change;
            if (_count == PageBits)
            {
                _words = null;
            }
        }
    }
}
