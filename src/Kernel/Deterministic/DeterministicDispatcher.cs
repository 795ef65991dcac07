namespace HyperActors.Kernel;

/// <summary>One thread, one message at a time: the seed says whose turn is next.</summary>
internal sealed class DeterministicDispatcher : MessageDispatcher
{
    private readonly Chance _chance;
    private readonly VirtualClock _clock;
    private readonly List<object> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly RunContext _turnContext;
    private Exception? _breach;

    public DeterministicDispatcher(Chance chance, VirtualClock clock, Journal journal)
        : base("deterministic", 1)
    {
        _chance = chance;
        _clock = clock;
        Journal = journal;
        Context = new RunContext(this);
        _turnContext = new RunContext(this);
    }

    public Journal Journal { get; }

    /// <summary>Where continuations of tasks go that were awaited outside of asynchronous handlers.</summary>
    public SynchronizationContext Context { get; }

    internal override bool Journals => true;

    public bool IsIdle => _ready.Count == 0;

    internal override void Schedule(ActorCell cell) => Add(cell);

    internal override void Deliver(ActorCell cell, object message) => Journal.Deliver(_clock.Elapsed, cell, message);

    /// <summary>Gives one turn; false when nobody wants one.</summary>
    public bool RunOne()
    {
        ThrowIfBreached();
        if (_ready.Count == 0)
        {
            return false;
        }

        int choice = _chance.Next(_ready.Count);
        object next = _ready[choice];
        _ready[choice] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        if (next is ActorCell cell)
        {
            if (RunTurn(cell))
            {
                _ready.Add(cell);
            }
        }
        else
        {
            var (callback, state) = ((SendOrPostCallback, object?))next;
            callback(state);
        }

        ThrowIfBreached();
        return true;
    }

    // A turn has a context of its own: whoever awaits its answer outside goes on after it, not in the middle of it.
    private bool RunTurn(ActorCell cell)
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_turnContext);
        try
        {
            return cell.RunTurn(Throughput);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private void Add(object work)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            var breach = new InvalidOperationException(
                "A deterministic run heard from another thread: what happens there cannot be repeated. "
                + "Let disk, network and tasks complete through the run's own scheduler.");
            Volatile.Write(ref _breach, breach);
            throw breach;
        }

        _ready.Add(work);
    }

    private void ThrowIfBreached()
    {
        if (Volatile.Read(ref _breach) is { } breach)
        {
            throw new InvalidOperationException(breach.Message, breach);
        }
    }

    private sealed class RunContext(DeterministicDispatcher dispatcher) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => dispatcher.Add((d, state));

        public override void Send(SendOrPostCallback d, object? state) =>
            throw new NotSupportedException("A deterministic run waits for nobody.");

        public override SynchronizationContext CreateCopy() => this;
    }
}
