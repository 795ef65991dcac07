namespace HyperActors.Udx.Congestion;

/// <summary>The best of a window of samples, in the space of three (Kathleen Nichols' algorithm).</summary>
/// <remarks>Kept are the best sample and the best ones taken after it, spread over the window, so that when the best
/// grows too old a good successor stands ready. Positions are times or rounds, whatever the caller counts in.</remarks>
internal struct WindowedFilter(double initial)
{
    private (double Value, long At) _first = (initial, 0);
    private (double Value, long At) _second = (initial, 0);
    private (double Value, long At) _third = (initial, 0);

    /// <summary>The best sample of the window.</summary>
    public readonly double Best => _first.Value;

    /// <summary>Takes in a sample where the greatest is best.</summary>
    public void AddMax(double value, long at, long window) => Add(value, at, window, 1);

    /// <summary>Takes in a sample where the least is best.</summary>
    public void AddMin(double value, long at, long window) => Add(value, at, window, -1);

    private void Add(double value, long at, long window, int sign)
    {
        (double Value, long At) sample = (value, at);
        if (IsAsGood(value, _first.Value, sign) || at - _third.At > window)
        {
            _first = _second = _third = sample;
            return;
        }

        if (IsAsGood(value, _second.Value, sign))
        {
            _second = _third = sample;
        }
        else if (IsAsGood(value, _third.Value, sign))
        {
            _third = sample;
        }

        Age(sample, window);
    }

    private void Age((double Value, long At) sample, long window)
    {
        long age = sample.At - _first.At;
        if (age > window)
        {
            _first = _second;
            _second = _third;
            _third = sample;
            if (sample.At - _first.At > window)
            {
                _first = _second;
                _second = _third;
            }
        }
        else if (_second.At == _first.At && age > window / 4)
        {
            // The successors must not be as old as the best, or all three would leave the window together.
            _second = _third = sample;
        }
        else if (_third.At == _second.At && age > window / 2)
        {
            _third = sample;
        }
    }

    private static bool IsAsGood(double value, double best, int sign) => sign > 0 ? value >= best : value <= best;
}
