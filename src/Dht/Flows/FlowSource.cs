namespace HyperActors.Dht;

/// <summary>What a flow can wait for: completed from outside, once. Its waiters go on in the runner's turn.</summary>
public sealed class FlowSource : IFlowWait
{
    private readonly FlowRunner _runner;
    private readonly FlowScope _scope;
    private bool _isEnded;

    /// <summary>A wait that ends when it is completed, failed, or <paramref name="scope"/> is cancelled.</summary>
    public FlowSource(FlowRunner runner, FlowScope scope)
    {
        (_runner, _scope) = (runner, scope);
        scope.Add(this);
    }

    public Flow Flow { get; } = Flow.CreatePending();

    /// <summary>Ends it well; false when it has ended before.</summary>
    public bool TryComplete()
    {
        if (!TryEnd())
        {
            return false;
        }

        _runner.Enqueue(Flow.Succeed);
        return true;
    }

    /// <summary>Ends it with a failure; false when it has ended before.</summary>
    public bool TryFail(Exception failure)
    {
        if (!TryEnd())
        {
            return false;
        }

        _runner.Enqueue(() => Flow.Fail(failure));
        return true;
    }

    private bool TryEnd()
    {
        if (_isEnded)
        {
            return false;
        }

        _isEnded = true;
        _scope.Remove(this);
        return true;
    }
}

/// <summary>A <see cref="FlowSource"/> that carries a value.</summary>
public sealed class FlowSource<T> : IFlowWait
{
    private readonly FlowRunner _runner;
    private readonly FlowScope _scope;
    private bool _isEnded;

    /// <inheritdoc cref="FlowSource(FlowRunner, FlowScope)"/>
    public FlowSource(FlowRunner runner, FlowScope scope)
    {
        (_runner, _scope) = (runner, scope);
        scope.Add(this);
    }

    public Flow<T> Flow { get; } = new();

    /// <summary>Ends it well; false when it has ended before.</summary>
    public bool TryComplete(T result)
    {
        if (!TryEnd())
        {
            return false;
        }

        _runner.Enqueue(() => Flow.Succeed(result));
        return true;
    }

    /// <inheritdoc cref="FlowSource.TryFail"/>
    public bool TryFail(Exception failure)
    {
        if (!TryEnd())
        {
            return false;
        }

        _runner.Enqueue(() => Flow.Fail(failure));
        return true;
    }

    private bool TryEnd()
    {
        if (_isEnded)
        {
            return false;
        }

        _isEnded = true;
        _scope.Remove(this);
        return true;
    }
}

internal interface IFlowWait
{
    bool TryFail(Exception failure);
}
