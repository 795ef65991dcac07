namespace HyperActors.Kernel;

/// <summary>Says that something is done, and nothing more.</summary>
public sealed class Done
{
    public static readonly Done Instance = new();

    private Done()
    {
    }
}

/// <summary>Ends a system in phases, one after another; the tasks of one phase run side by side.</summary>
/// <remarks>A task that fails or takes too long is reported, and the next phase starts anyway. The last phase ends the system.</remarks>
public sealed class CoordinatedShutdown
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    private static readonly string[] Phases =
    [
        PhaseBeforeServiceUnbind, PhaseServiceUnbind, PhaseServiceRequestsDone, PhaseServiceStop,
        PhaseBeforeClusterShutdown, PhaseClusterShardingShutdownRegion, PhaseClusterLeave, PhaseClusterExiting,
        PhaseClusterExitingDone, PhaseClusterShutdown, PhaseBeforeActorSystemTerminate, PhaseActorSystemTerminate,
    ];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<(string Name, Func<Task<Done>> Run)>> _tasks = new(StringComparer.Ordinal);
    private Task<Done>? _run;

    internal CoordinatedShutdown(ActorSystem system)
    {
        System = system;
        AddTask(PhaseActorSystemTerminate, "terminate-system", async () =>
        {
            await System.TerminateActors();
            return Done.Instance;
        });
    }

    public ActorSystem System { get; }

    /// <summary>Why the system ends; null while it does not.</summary>
    public Reason? ShutdownReason { get; private set; }

    public static CoordinatedShutdown Get(ActorSystem sys)
    {
        ArgumentNullException.ThrowIfNull(sys);
        return sys.Shutdown();
    }

    /// <summary>Adds a task. A phase that has begun takes no more.</summary>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!Phases.Contains(phase))
        {
            throw new ConfigurationException($"Unknown phase [{phase}]");
        }

        lock (_lock)
        {
            if (!_tasks.TryGetValue(phase, out List<(string Name, Func<Task<Done>> Run)>? tasks))
            {
                _tasks.Add(phase, tasks = []);
            }

            tasks.Add((taskName, task));
        }
    }

    /// <summary>Runs the phases, the first time it is called; later calls get the same task.</summary>
    public Task<Done> Run(Reason reason, string? fromPhase = null)
    {
        int first = fromPhase is null ? 0 : Array.IndexOf(Phases, fromPhase);
        if (first < 0)
        {
            throw new ArgumentException($"Unknown phase [{fromPhase}]", nameof(fromPhase));
        }

        lock (_lock)
        {
            if (_run is null)
            {
                ShutdownReason = reason;
                _run = RunPhases(first);
            }

            return _run;
        }
    }

    public TimeSpan Timeout(string phase) =>
        System.Setup.ShutdownPhaseTimeouts.TryGetValue(phase, out TimeSpan limit) ? limit : System.Setup.ShutdownPhaseTimeout;

    /// <summary>The limits of all phases that have something to do.</summary>
    public TimeSpan TotalTimeout
    {
        get
        {
            lock (_lock)
            {
                return _tasks.Keys.Aggregate(TimeSpan.Zero, (sum, phase) => sum + Timeout(phase));
            }
        }
    }

    private async Task<Done> RunPhases(int first)
    {
        foreach (string phase in Phases.Skip(first))
        {
            (string Name, Func<Task<Done>> Run)[] tasks;
            lock (_lock)
            {
                tasks = _tasks.TryGetValue(phase, out List<(string Name, Func<Task<Done>> Run)>? found) ? [.. found] : [];
            }

            if (tasks.Length > 0)
            {
                await RunPhase(phase, tasks);
            }
        }

        return Done.Instance;
    }

    private async Task RunPhase(string phase, (string Name, Func<Task<Done>> Run)[] tasks)
    {
        Task all = Task.WhenAll(tasks.Select(t => RunTask(phase, t.Name, t.Run)));
        TimeSpan limit = Timeout(phase);
        if (limit == global::System.Threading.Timeout.InfiniteTimeSpan)
        {
            await all;
            return;
        }

        var late = new TaskCompletionSource();
        using var alarm = new Cancelable(System.Scheduler);
        System.Scheduler.Advanced.ScheduleOnce(limit, () => late.TrySetResult(), alarm);
        if (await Task.WhenAny(all, late.Task) == late.Task)
        {
            Report(null, $"Phase [{phase}] took longer than {limit}");
        }

        alarm.Cancel();
    }

    private async Task RunTask(string phase, string name, Func<Task<Done>> run)
    {
        try
        {
            await run();
        }
        catch (Exception e)
        {
            Report(e, $"Task [{name}] failed in phase [{phase}]: {e.Message}");
        }
    }

    private void Report(Exception? cause, string what) =>
        System.Report(new Warning(cause, System.ToString(), typeof(CoordinatedShutdown), what));

    /// <summary>Why a system ends.</summary>
    public abstract class Reason
    {
        protected Reason()
        {
        }
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();

        private UnknownReason()
        {
        }

        public override string ToString() => nameof(UnknownReason);
    }

    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();

        private ActorSystemTerminateReason()
        {
        }

        public override string ToString() => nameof(ActorSystemTerminateReason);
    }

    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();

        private ClrExitReason()
        {
        }

        public override string ToString() => nameof(ClrExitReason);
    }
}
