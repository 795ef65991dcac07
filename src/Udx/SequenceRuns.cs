namespace HyperActors.Udx;

/// <summary>Runs of consecutive numbers beyond a gap, ascending, each half open.</summary>
internal sealed class SequenceRuns(int maxRuns)
{
    private readonly List<(uint Start, uint End)> _runs = [];

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
