namespace HyperActors.Kernel;

/// <summary>How a deterministic run is set up.</summary>
public sealed record DeterministicSetup
{
    public string Name { get; set; } = "deterministic";

    public KernelSetup Kernel { get; set; } = new();

    /// <summary>A stable digest of a message's content, for the journal; null journals types alone.</summary>
    public Func<object, ulong>? Digest { get; set; }

    /// <summary>Hears every line of the journal, to find where two runs part.</summary>
    public Action<string>? Trace { get; set; }
}

/// <summary>
/// An actor system on one thread, in virtual time: the seed decides whose turn is next, and nothing else decides
/// anything. Nothing runs but inside the methods of this class.
/// </summary>
/// <remarks>
/// Doors to the world complete through <see cref="ActorSystem.Scheduler"/>, at a virtual time. A task that is awaited
/// comes back as a turn of its own. Whatever comes from another thread ends the run with an exception.
/// </remarks>
public sealed class DeterministicSystem : IDisposable
{
    [ThreadStatic]
    private static DeterministicDispatcher? t_running;

    private readonly VirtualClock _clock;
    private readonly DeterministicDispatcher _dispatcher;
    private readonly Chance _chance;

    private DeterministicSystem(ulong seed, DeterministicSetup setup)
    {
        Seed = seed;
        _chance = new Chance(seed);
        _clock = new VirtualClock();
        _dispatcher = new DeterministicDispatcher(_chance, _clock, new Journal(setup.Digest, setup.Trace));
        System = new ActorSystem(setup.Name, setup.Kernel, _clock, _dispatcher, _chance);
    }

    public ulong Seed { get; }

    public ActorSystem System { get; }

    /// <summary>Virtual time since the start of the run.</summary>
    public TimeSpan Now => _clock.Elapsed;

    /// <summary>Timers that wait for their time.</summary>
    public int ArmedTimers => _clock.Armed;

    public Journal Journal => _dispatcher.Journal;

    internal static SynchronizationContext? ContextOfThread => t_running?.Context;

    public static DeterministicSystem Create(ulong seed) => Create(seed, new DeterministicSetup());

    public static DeterministicSystem Create(ulong seed, DeterministicSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        return new DeterministicSystem(seed, setup);
    }

    /// <summary>A number below <paramref name="bound"/>, from the seed.</summary>
    public int Choose(int bound) => _chance.Next(bound);

    /// <summary>Adds to the journal what happened at a door: a datagram, a disk write.</summary>
    public void Note(string kind, ReadOnlySpan<byte> bytes) => Journal.Note(_clock.Elapsed, kind, bytes);

    /// <summary>Runs until nobody has anything to do at this moment. Time stands still.</summary>
    public void RunUntilIdle()
    {
        using Scope scope = new(this);
        Settle();
    }

    /// <summary>Lets time pass, and everything happen that happens meanwhile.</summary>
    public void Advance(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        using Scope scope = new(this);
        TimeSpan end = _clock.Elapsed + duration;
        Settle();
        while (_clock.NextDue is { } due && due <= end)
        {
            _clock.MoveTo(due);
            Settle();
        }

        _clock.MoveTo(end);
    }

    /// <summary>Runs, and lets time pass as needed, until something holds; looked at after every turn.</summary>
    /// <returns>False when <paramref name="within"/> of virtual time has passed, or nothing is left to happen.</returns>
    public bool RunUntil(Func<bool> holds, TimeSpan within)
    {
        ArgumentNullException.ThrowIfNull(holds);
        using Scope scope = new(this);
        TimeSpan end = _clock.Elapsed + within;
        while (!holds())
        {
            if (_clock.FireNext() || _dispatcher.RunOne())
            {
                continue;
            }

            if (_clock.NextDue is not { } due || due > end)
            {
                _clock.MoveTo(end);
                return holds();
            }

            _clock.MoveTo(due);
        }

        return true;
    }

#pragma warning disable VSTHRD002 // The task has ended when it is asked for its result.
    /// <summary>Runs until a task has ended, and gives its result.</summary>
    public T Run<T>(Task<T> task, TimeSpan? within = null)
    {
        RunToEnd(task, within);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Starts work inside the run, so that all of its continuations stay there, and runs until it has ended.</summary>
    public T Run<T>(Func<Task<T>> work, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        Task<T> task;
        using (new Scope(this))
        {
            task = work();
        }

        return Run(task, within);
    }

    /// <inheritdoc cref="Run{T}(Func{Task{T}}, TimeSpan?)"/>
    public void Run(Func<Task> work, TimeSpan? within = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        Task task;
        using (new Scope(this))
        {
            task = work();
        }

        Run(task, within);
    }

    public void Run(Task task, TimeSpan? within = null)
    {
        RunToEnd(task, within);
        task.GetAwaiter().GetResult();
    }
#pragma warning restore VSTHRD002

    // The meters list living systems: one that is only let go of, its actors unstopped, would stay for good.
    public void Dispose()
    {
        TurnMeter.Unregister(System);
        Journal.Dispose();
    }

    public override string ToString() => $"seed {Seed}, step {Journal.Steps}, {Now}";

    private void RunToEnd(Task task, TimeSpan? within)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!RunUntil(() => task.IsCompleted, within ?? TimeSpan.FromMinutes(1)))
        {
            throw new TimeoutException($"The task did not end in virtual time ({this})");
        }
    }

    private void Settle()
    {
        while (_clock.FireNext() || _dispatcher.RunOne())
        {
        }
    }

    /// <summary>While the run lasts, what is awaited on this thread comes back to it.</summary>
    private readonly ref struct Scope
    {
        private readonly SynchronizationContext? _outerContext;
        private readonly DeterministicDispatcher? _outer;

        public Scope(DeterministicSystem system)
        {
            _outerContext = SynchronizationContext.Current;
            _outer = t_running;
            t_running = system._dispatcher;
            SynchronizationContext.SetSynchronizationContext(system._dispatcher.Context);
        }

        public void Dispose()
        {
            t_running = _outer;
            SynchronizationContext.SetSynchronizationContext(_outerContext);
        }
    }
}
