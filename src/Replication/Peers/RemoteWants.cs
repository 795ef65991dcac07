namespace HyperActors.Replication;

/// <summary>Which stretches a peer wants to hear about.</summary>
/// <remarks>Aligned stretches of a few sizes are remembered one by one; whatever is odd, or too much, counts as "all".</remarks>
internal sealed class RemoteWants
{
    private const ulong MinLength = 32;
    private const int MaxSizes = 4;
    private const int MaxAny = 16;

    private readonly int _max;
    private readonly Dictionary<ulong, HashSet<ulong>> _bySize = [];
    private readonly List<(ulong Start, ulong End)> _any = [];
    private int _count;
    private bool _all;

    public RemoteWants(int max) => _max = max;

    /// <summary>Remembers a want; false for one that is to be ignored.</summary>
    public bool Add(ulong start, ulong length, bool any)
    {
        if (any)
        {
            if (_any.Count < MaxAny)
            {
                _any.Add((start, start + length));
            }
            else
            {
                _all = true;
            }

            return true;
        }

        if (length > WantMessage.SegmentLength)
        {
            return false;
        }

        if (!IsAligned(start, length) || _count >= _max)
        {
            _all = true;
            return true;
        }

        if (!_bySize.TryGetValue(length, out HashSet<ulong>? stretches))
        {
            if (_bySize.Count >= MaxSizes)
            {
                _all = true;
                return true;
            }

            _bySize[length] = stretches = [];
        }

        if (stretches.Add(start / length))
        {
            _count++;
        }

        return true;
    }

    /// <summary>Forgets a want.</summary>
    public void Remove(ulong start, ulong length, bool any)
    {
        if (any)
        {
            _any.Remove((start, start + length));
        }
        else if (IsAligned(start, length) && _bySize.TryGetValue(length, out HashSet<ulong>? stretches)
            && stretches.Remove(start / length))
        {
            _count--;
            if (stretches.Count == 0)
            {
                _bySize.Remove(length);
            }
        }
    }

    /// <summary>Whether the peer wants to hear about any of these blocks. For long ranges it may say so without need.</summary>
    public bool Touches(ulong start, ulong length)
    {
        ulong end = start + length;
        foreach ((ulong anyStart, ulong anyEnd) in _any)
        {
            if (anyStart < end && start < anyEnd)
            {
                return true;
            }
        }

        foreach ((ulong size, HashSet<ulong> stretches) in _bySize)
        {
            ulong first = start / size;
            ulong last = (end - 1) / size;
            if (last - first >= 3)
            {
                return true;
            }

            for (ulong i = first; i <= last; i++)
            {
                if (stretches.Contains(i))
                {
                    return true;
                }
            }
        }

        return _all;
    }

    private static bool IsAligned(ulong start, ulong length) =>
        length is >= MinLength and <= WantMessage.SegmentLength && (length & (length - 1)) == 0 && (start & (length - 1)) == 0;
}
