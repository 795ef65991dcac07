using System.Runtime.InteropServices;

namespace HyperActors.Udx;

/// <summary>Runs of consecutive numbers beyond a gap, ascending, each half open.</summary>
internal sealed class SequenceRuns(int maxRuns)
{
    private readonly List<(uint Start, uint End)> _runs = [];
    private int _nextReported;

    public int Count => _runs.Count;

    public (uint Start, uint End) this[int index] => _runs[index];

    /// <summary>Adds a number that is not in any run; false when that would make a run too many.</summary>
    public bool TryAdd(uint sequence)
    {
        int index = FindFirstEndingAtOrAfter(sequence);
        if (index == _runs.Count)
        {
            return TryInsert(index, sequence);
        }

        (uint start, uint end) = _runs[index];
        if (end == sequence)
        {
            bool closesGap = index + 1 < _runs.Count && _runs[index + 1].Start == sequence + 1;
            _runs[index] = (start, closesGap ? _runs[index + 1].End : end + 1);
            if (closesGap)
            {
                _runs.RemoveAt(index + 1);
            }

            return true;
        }

        if (start == sequence + 1)
        {
            _runs[index] = (sequence, end);
            return true;
        }

        return TryInsert(index, sequence);
    }

    /// <summary>The end of the run that starts at <paramref name="sequence"/>, which is then forgotten; or the number itself.</summary>
    public uint TakeRunAt(uint sequence)
    {
        if (_runs.Count == 0 || _runs[0].Start != sequence)
        {
            return sequence;
        }

        uint end = _runs[0].End;
        _runs.RemoveAt(0);
        return end;
    }

    /// <summary>Chooses the runs to report now, ascending.</summary>
    /// <remarks>When there are too many, the highest are always among them, since that is where most packets arrive; the others
    /// take turns. The peer remembers, so that soon it knows them all.</remarks>
    /// <returns>How many were chosen.</returns>
    public int Report(Span<(uint Start, uint End)> output)
    {
        if (_runs.Count <= output.Length)
        {
            CollectionsMarshal.AsSpan(_runs).CopyTo(output);
            return _runs.Count;
        }

        int highest = (output.Length + 4) / 5;
        int others = output.Length - highest;
        int limit = _runs.Count - highest;
        if (_nextReported >= limit)
        {
            _nextReported = 0;
        }

        int taken = Math.Min(others, limit - _nextReported);
        ReadOnlySpan<(uint, uint)> runs = CollectionsMarshal.AsSpan(_runs);
        runs.Slice(_nextReported, taken).CopyTo(output);
        _nextReported += taken;
        runs[limit..].CopyTo(output[taken..]);
        return taken + highest;
    }

    public void Clear() => _runs.Clear();

    private bool TryInsert(int index, uint sequence)
    {
        if (_runs.Count == maxRuns)
        {
            return false;
        }

        _runs.Insert(index, (sequence, sequence + 1));
        return true;
    }

    private int FindFirstEndingAtOrAfter(uint sequence)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Sequence.Difference(_runs[middle].End, sequence) >= 0)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }
}
