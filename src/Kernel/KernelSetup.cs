using Microsoft.Extensions.Logging;

namespace HyperActors.Kernel;

/// <summary>How a system is set up. Nobody writes after start.</summary>
public sealed record KernelSetup
{
    /// <summary>Where the engine reports failures; null reports to the event stream alone.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Messages in one turn of the default dispatcher. More is faster, fewer is fairer.</summary>
    public int Throughput { get; set; } = 100;

    /// <summary>What becomes of top-level actors that fail.</summary>
    public SupervisorStrategy GuardianStrategy { get; set; } = SupervisorStrategy.DefaultStrategy;

    /// <summary>How long an Ask waits that names no time; infinite waits for good.</summary>
    public TimeSpan AskTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>Named mailboxes, for <see cref="Props.WithMailbox"/>.</summary>
    public IDictionary<string, MailboxSetup> Mailboxes { get; } =
        new Dictionary<string, MailboxSetup>(StringComparer.Ordinal);

    /// <summary>Named dispatchers, for <see cref="Props.WithDispatcher"/>.</summary>
    public IDictionary<string, DispatcherSetup> Dispatchers { get; } =
        new Dictionary<string, DispatcherSetup>(StringComparer.Ordinal);

    /// <summary>How long a phase of a <see cref="CoordinatedShutdown"/> may take before the next one starts anyway.</summary>
    public TimeSpan ShutdownPhaseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for phases that have a limit of their own: those that Akka.NET gives one, at first.</summary>
    public IDictionary<string, TimeSpan> ShutdownPhaseTimeouts { get; } = new Dictionary<string, TimeSpan>(StringComparer.Ordinal)
    {
        [CoordinatedShutdown.PhaseClusterShardingShutdownRegion] = TimeSpan.FromSeconds(10),
        [CoordinatedShutdown.PhaseClusterExiting] = TimeSpan.FromSeconds(10),
        [CoordinatedShutdown.PhaseActorSystemTerminate] = TimeSpan.FromSeconds(10),
    };
}

/// <summary>A mailbox of its own kind.</summary>
public sealed record MailboxSetup
{
    /// <summary>Messages that may wait; what comes beyond is dropped and counted. Zero for no bound.</summary>
    public int Capacity { get; set; }
}

/// <summary>Which threads give turns.</summary>
public enum DispatcherKind
{
    /// <summary>The threads of the .NET thread pool.</summary>
    ThreadPool,

    /// <summary>One thread per actor, its own.</summary>
    Pinned,

    /// <summary>The thread that tells, before the tell returns.</summary>
    CallingThread,
}

/// <summary>A dispatcher of its own kind.</summary>
public sealed record DispatcherSetup
{
    public DispatcherKind Kind { get; set; }

    /// <summary>Messages in one turn.</summary>
    public int Throughput { get; set; } = 100;
}
