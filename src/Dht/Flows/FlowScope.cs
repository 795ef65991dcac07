namespace HyperActors.Dht;

/// <summary>What ends together: everything that flows wait for under one scope fails when it is cancelled.</summary>
/// <remarks>A cancelled scope fails every later wait at once. Cancelling a scope cancels those below it.</remarks>
public sealed class FlowScope
{
    private readonly FlowScope? _parent;
    private readonly HashSet<IFlowWait> _waits = [];
    private readonly HashSet<FlowScope> _children = [];
    private readonly FlowRunner _runner;

    /// <summary>A scope of its own.</summary>
    public FlowScope(FlowRunner runner) => _runner = runner;

    /// <summary>A scope that ends with <paramref name="parent"/> at the latest.</summary>
    public FlowScope(FlowScope parent)
        : this(parent._runner)
    {
        _parent = parent;
        IsCancelled = parent.IsCancelled;
        if (!IsCancelled)
        {
            parent._children.Add(this);
        }
    }

    public bool IsCancelled { get; private set; }

    /// <summary>Fails every wait of this scope and of those below it with <see cref="FlowCancelledException"/>.</summary>
    public void Cancel()
    {
        if (IsCancelled)
        {
            return;
        }

        IsCancelled = true;
        _parent?._children.Remove(this);
        foreach (FlowScope child in _children.ToArray())
        {
            child.Cancel();
        }

        // In the order of their making: sets keep it as long as nothing is removed, and removal leaves gaps that are refilled,
        // which is the same in every run of the same calls.
        foreach (IFlowWait wait in _waits.ToArray())
        {
            wait.TryFail(new FlowCancelledException());
        }
    }

    internal void Add(IFlowWait wait)
    {
        if (!IsCancelled)
        {
            _waits.Add(wait);
            return;
        }

        // The constructor of the wait has not returned: it must not be touched before the next step.
        _runner.Enqueue(() => wait.TryFail(new FlowCancelledException()));
    }

    internal void Remove(IFlowWait wait) => _waits.Remove(wait);
}
