namespace HyperActors.Dht;

/// <summary>Lets so many flows in at a time; the others wait in order.</summary>
public sealed class FlowSemaphore(FlowRunner runner, int count)
{
    private readonly Queue<FlowSource> _waiting = new();
    private int _free = count;

    /// <summary>Goes in, or waits; each entry is given back with <see cref="Release"/>.</summary>
    public Flow Enter(FlowScope scope)
    {
        if (_free > 0)
        {
            _free--;
            return Flow.Done;
        }

        var source = new FlowSource(runner, scope);
        _waiting.Enqueue(source);
        return source.Flow;
    }

    public void Release()
    {
        while (_waiting.TryDequeue(out FlowSource? next))
        {
            if (next.TryComplete())
            {
                return;
            }
        }

        _free++;
    }
}
