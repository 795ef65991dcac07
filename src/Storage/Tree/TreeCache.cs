using System.Buffers.Binary;
using HyperActors.Crypto;
using HyperActors.Merkle;

namespace HyperActors.Storage;

/// <summary>Tree nodes in memory, by pages of the file; pages that changed stay until they are written.</summary>
/// <remarks>
/// <code>at 40 * index: | size: uint64 LE | hash: 32 |, zeros for no node</code>
/// See docs/storage.md#tree.
/// </remarks>
internal sealed class TreeCache(int maxPages) : INodeSource
{
    public const int NodeSize = 40;
    public const int NodesPerPage = 256;
    public const int PageSize = NodeSize * NodesPerPage;

    // The one node of a page that is this deep or deeper is needed on the way to many other pages.
    private const int UpperDepth = 8;

    private readonly Dictionary<ulong, Page> _pages = [];
    private readonly Queue<Page> _clock = new();
    private readonly SortedSet<ulong> _dirty = [];
    private readonly HashSet<ulong> _wanted = [];
    private readonly Dictionary<ulong, TreeNode> _upper = [];

    // What of the file counts: less than there is of it while a truncation is not yet carried out.
    private long _length;
    private long? _cut;
    private int _generation;

    /// <summary>The file is this long.</summary>
    public void SetFileLength(long length) => _length = length - (length % NodeSize);

    public NodeLookup TryGet(ulong index, out TreeNode node)
    {
        bool isUpper = FlatTree.Depth(index) >= UpperDepth;
        if (isUpper && _upper.TryGetValue(index, out node))
        {
            return NodeLookup.Found;
        }

        node = default;
        if (!_pages.TryGetValue(index / NodesPerPage, out Page? page))
        {
            if ((long)(index / NodesPerPage) >= (_length + PageSize - 1) / PageSize)
            {
                return NodeLookup.Absent;
            }

            _wanted.Add(index / NodesPerPage);
            return NodeLookup.Pending;
        }

        int slot = (int)(index % NodesPerPage);
        page.IsUsed = true;
        if (!page.IsLoaded && !page.Dirty[slot])
        {
            _wanted.Add(page.Number);
            return NodeLookup.Pending;
        }

        ReadOnlySpan<byte> bytes = page.Bytes.AsSpan(slot * NodeSize, NodeSize);
        var hash = new Hash(bytes[8..]);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if ((size == 0 && hash.IsZero) || size > TreeNode.MaxSize)
        {
            return NodeLookup.Absent;
        }

        node = new TreeNode(index, size, hash);
        if (isUpper)
        {
            Remember(node);
        }

        return NodeLookup.Found;
    }

    public void Put(in TreeNode node)
    {
        Span<byte> bytes = Touch(node.Index);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, node.Size);
        node.Hash.CopyTo(bytes[8..]);
        if (FlatTree.Depth(node.Index) >= UpperDepth)
        {
            Remember(node);
        }
    }

    /// <summary>Forgets every node that does not belong to the first <paramref name="length"/> blocks.</summary>
    public void Truncate(ulong length)
    {
        _generation++;
        _upper.Clear();

        // The file ends behind the last leaf that stays.
        long end = length == 0 ? 0 : ((long)(2 * length) - 1) * NodeSize;
        _cut = Math.Min(_cut ?? long.MaxValue, end);
        _length = Math.Min(_length, end);
        foreach (Page page in _pages.Values)
        {
            long start = (long)page.Number * PageSize;
            int kept = (int)Math.Clamp((end - start) / NodeSize, 0, NodesPerPage);
            page.Bytes.AsSpan(kept * NodeSize).Clear();
            page.Dirty.Clear(kept);
            if (kept == 0)
            {
                page.IsLoaded = true;
            }

            if (page.Dirty.IsEmpty)
            {
                _dirty.Remove(page.Number);
            }
        }

        // Ancestors of the last leaf that span the cut are whole no more. (The last of them may lie right behind the
        // cut: JavaScript writes its zeros there too.)
        if (length > 0)
        {
            ulong head = 2 * length;
            for (ulong at = head - 2; FlatTree.LeftSpan(at) > 0 || FlatTree.RightSpan(at) < head; at = FlatTree.Parent(at))
            {
                BlankIfCut(FlatTree.Parent(at), head);
            }
        }
    }

    /// <summary>Pages that a lookup found missing, now to be read. Each is told once.</summary>
    public List<PageRead> TakeWanted()
    {
        var reads = new List<PageRead>();
        foreach (ulong number in _wanted)
        {
            Page page = GetOrAdd(number);
            if (page.IsLoaded || page.Read is not null)
            {
                continue;
            }

            long start = (long)number * PageSize;
            page.Read = new PageRead(number, start, new byte[(int)Math.Min(PageSize, _length - start)], _generation);
            reads.Add(page.Read);
        }

        _wanted.Clear();
        return reads;
    }

    /// <summary>Takes in what was read, without touching what changed meanwhile.</summary>
    public void Fill(PageRead read)
    {
        if (!_pages.TryGetValue(read.Number, out Page? page) || page.Read != read)
        {
            return;
        }

        page.Read = null;

        // A cut in the meantime: these bytes may be of nodes that are gone.
        if (read.Generation != _generation || page.IsLoaded)
        {
            return;
        }

        for (int slot = 0; slot < read.Bytes.Length / NodeSize; slot++)
        {
            if (!page.Dirty[slot])
            {
                read.Bytes.AsSpan(slot * NodeSize, NodeSize).CopyTo(page.Bytes.AsSpan(slot * NodeSize));
            }
        }

        page.IsLoaded = true;
    }

    /// <summary>Where the file must be cut before the dirty nodes are written.</summary>
    public long? Cut => _cut;

    /// <summary>The runs of bytes to write, in order; they stay as they are until <see cref="MarkClean"/> or a change.</summary>
    public List<(long Offset, List<ReadOnlyMemory<byte>> Segments, long Bytes)> DirtyRuns()
    {
        var runs = new List<(long Offset, List<ReadOnlyMemory<byte>> Segments, long Bytes)>();
        foreach (ulong number in _dirty)
        {
            Page page = _pages[number];
            for (int slot = page.Dirty.Next(0); slot < NodesPerPage;)
            {
                // In a page that is whole, what lies between two changes may be written over with itself.
                int end = page.IsLoaded ? page.Dirty.Last() + 1 : page.Dirty.NextClear(slot);
                long offset = ((long)number * PageSize) + (slot * NodeSize);
                ReadOnlyMemory<byte> segment = page.Bytes.AsMemory(slot * NodeSize, (end - slot) * NodeSize);
                if (runs.Count > 0 && runs[^1].Offset + runs[^1].Bytes == offset)
                {
                    runs[^1].Segments.Add(segment);
                    runs[^1] = runs[^1] with { Bytes = runs[^1].Bytes + segment.Length };
                }
                else
                {
                    runs.Add((offset, [segment], segment.Length));
                }

                slot = page.Dirty.Next(end);
            }
        }

        return runs;
    }

    /// <summary>The file holds everything.</summary>
    public void MarkClean()
    {
        foreach (ulong number in _dirty)
        {
            Page page = _pages[number];
            _length = Math.Max(_length, ((long)number * PageSize) + ((page.Dirty.Last() + 1) * NodeSize));
            if (!page.IsLoaded)
            {
                // Its changes are in the file; the rest of it was never read.
                page.IsForgotten = true;
                _pages.Remove(number);
            }

            page.Dirty.Clear(0);
        }

        _dirty.Clear();
        _cut = null;
        Evict();
    }

    private void BlankIfCut(ulong index, ulong head)
    {
        if (index < head && FlatTree.Spans(index, head))
        {
            Touch(index).Clear();
        }
    }

    private Span<byte> Touch(ulong index)
    {
        Page page = GetOrAdd(index / NodesPerPage);
        int slot = (int)(index % NodesPerPage);
        if (page.Dirty.IsEmpty)
        {
            _dirty.Add(page.Number);
        }

        page.Dirty.Set(slot);
        return page.Bytes.AsSpan(slot * NodeSize, NodeSize);
    }

    private Page GetOrAdd(ulong number)
    {
        if (!_pages.TryGetValue(number, out Page? page))
        {
            Evict();
            page = new Page(number) { IsLoaded = (long)number * PageSize >= _length };
            _pages.Add(number, page);
            _clock.Enqueue(page);
        }

        page.IsUsed = true;
        return page;
    }

    private void Remember(in TreeNode node)
    {
        // A page of 10 KiB for each of these, or 48 bytes: keep many, and start over when there are too many.
        if (_upper.Count >= 64 * maxPages)
        {
            _upper.Clear();
        }

        _upper[node.Index] = node;
    }

    // Second chance: a page that was used since the hand last passed stays for another round.
    private void Evict()
    {
        for (int looks = 2 * _clock.Count; _pages.Count >= maxPages && looks > 0; looks--)
        {
            Page page = _clock.Dequeue();
            if (page.IsForgotten)
            {
                continue;
            }

            if (page.IsUsed || page.Read is not null || !page.Dirty.IsEmpty)
            {
                page.IsUsed = false;
                _clock.Enqueue(page);
                continue;
            }

            _pages.Remove(page.Number);
        }
    }

    /// <summary>A page on its way from the file.</summary>
    public sealed record PageRead(ulong Number, long Offset, byte[] Bytes, int Generation);

    private sealed class Page(ulong number)
    {
        public readonly ulong Number = number;
        public readonly byte[] Bytes = new byte[PageSize];
        public SlotSet Dirty;
        public bool IsLoaded;
        public bool IsUsed;
        public bool IsForgotten;
        public PageRead? Read;
    }

    /// <summary>A bit for each node of a page.</summary>
    private struct SlotSet
    {
        private UInt128 _low;
        private UInt128 _high;

        public readonly bool IsEmpty => _low == 0 && _high == 0;

        public readonly bool this[int slot] => ((slot < 128 ? _low >> slot : _high >> (slot - 128)) & 1) != 0;

        public void Set(int slot)
        {
            _low |= slot < 128 ? UInt128.One << slot : 0;
            _high |= slot < 128 ? 0 : UInt128.One << (slot - 128);
        }

        /// <summary>Clears this slot and all behind it.</summary>
        public void Clear(int from)
        {
            _low &= from >= 128 ? UInt128.MaxValue : (UInt128.One << from) - 1;
            _high &= from switch { >= 256 => UInt128.MaxValue, <= 128 => 0, _ => (UInt128.One << (from - 128)) - 1 };
        }

        /// <summary>The first set slot at or behind this one; 256 when there is none.</summary>
        public readonly int Next(int slot)
        {
            while (slot < NodesPerPage && !this[slot])
            {
                slot++;
            }

            return slot;
        }

        public readonly int NextClear(int slot)
        {
            while (slot < NodesPerPage && this[slot])
            {
                slot++;
            }

            return slot;
        }

        public readonly int Last()
        {
            return _high != 0
                ? 255 - (int)UInt128.LeadingZeroCount(_high)
                : 127 - (int)UInt128.LeadingZeroCount(_low);
        }
    }
}
