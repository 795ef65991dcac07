
namespace HyperActors.Dht;

/// <summary>The time and the turn of every <see cref="Flow"/> of one machine: nothing in a flow runs but inside <see cref="Run"/>
/// or the call that started it.</summary>
/// <remarks>
/// A flow is a sequence of steps written as an <c>async</c> method. It has no thread and no context: whoever completes what it
/// awaits queues its next step here, and the machine runs the queue at the end of each of its entry points. Same calls, same
/// order of steps.
/// </remarks>
public sealed class FlowRunner
{
    private readonly Queue<Action> _ready = new();
    private readonly PriorityQueue<FlowSource, (TimeSpan Due, long Sequence)> _sleepers = new();
    private long _sequence;
    private bool _isRunning;

    /// <summary>The time, as the last entry point was told it. Never goes back.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>When <see cref="Run"/> is next due; null while nobody sleeps.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            DropAwake();
            return _sleepers.TryPeek(out _, out (TimeSpan Due, long Sequence) first) ? first.Due : null;
        }
    }

    /// <summary>Tells the time, without running anything: the first line of an entry point.</summary>
    public void Advance(TimeSpan now)
    {
        if (now > Now)
        {
            Now = now;
        }
    }

    /// <summary>Wakes who is due and takes every step that can be taken: the last line of an entry point.</summary>
    public void Run()
    {
        if (_isRunning)
        {
            return;
        }

        _isRunning = true;
        try
        {
            while (true)
            {
                while (_ready.TryDequeue(out Action? step))
                {
                    step();
                }

                if (!_sleepers.TryPeek(out FlowSource? sleeper, out (TimeSpan Due, long Sequence) first) || first.Due > Now)
                {
                    return;
                }

                _sleepers.Dequeue();
                sleeper.TryComplete();
            }
        }
        finally
        {
            _isRunning = false;
        }
    }

    /// <summary>Completes after <paramref name="duration"/>, or fails when <paramref name="scope"/> is cancelled.</summary>
    public Flow Sleep(TimeSpan duration, FlowScope scope)
    {
        var source = new FlowSource(this, scope);
        _sleepers.Enqueue(source, (Now + (duration < TimeSpan.Zero ? TimeSpan.Zero : duration), _sequence++));
        return source.Flow;
    }

    internal void Enqueue(Action step) => _ready.Enqueue(step);

    // Sleepers that were cancelled stay in the queue until they come to its front.
    private void DropAwake()
    {
        while (_sleepers.TryPeek(out FlowSource? sleeper, out _) && sleeper.Flow.IsCompleted)
        {
            _sleepers.Dequeue();
        }
    }
}
