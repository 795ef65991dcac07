namespace HyperActors.Kernel;

/// <summary>What becomes of a child that failed.</summary>
public enum Directive
{
    /// <summary>It goes on with the next message, its state as it is.</summary>
    Resume,

    /// <summary>A new instance goes on with the next message, under the same reference and with the same mailbox.</summary>
    Restart,

    /// <summary>The supervisor fails with the same cause.</summary>
    Escalate,

    /// <summary>It ends.</summary>
    Stop,
}

/// <summary>Chooses by the cause.</summary>
public interface IDecider
{
    Directive Decide(Exception cause);
}

/// <summary>A decider that is a function.</summary>
public sealed class LocalOnlyDecider : IDecider
{
    private readonly Func<Exception, Directive> _decider;

    public LocalOnlyDecider(Func<Exception, Directive> decider)
    {
        ArgumentNullException.ThrowIfNull(decider);
        _decider = decider;
    }

    public Directive Decide(Exception cause) => _decider(cause);
}

/// <summary>How an actor deals with its children's failures.</summary>
public abstract class SupervisorStrategy
{
    public static readonly IDecider DefaultDecider = new LocalOnlyDecider(static cause => cause switch
    {
        ActorInitializationException or ActorKilledException or DeathPactException => Directive.Stop,
        _ => Directive.Restart,
    });

    /// <summary>Restarts what failed, as often as it takes; stops what can't be constructed.</summary>
    public static readonly SupervisorStrategy DefaultStrategy = new OneForOneStrategy(DefaultDecider);

    public static readonly OneForOneStrategy StoppingStrategy = new(static _ => Directive.Stop);

    private protected SupervisorStrategy(IDecider decider, int maxNrOfRetries, int withinTimeMilliseconds, bool logs)
    {
        ArgumentNullException.ThrowIfNull(decider);
        Decider = decider;
        MaxNumberOfRetries = maxNrOfRetries;
        WithinTimeRangeMilliseconds = withinTimeMilliseconds;
        LoggingEnabled = logs;
    }

    public IDecider Decider { get; }

    /// <summary>Restarts a child may have within the time range; -1 for no end of them, 0 for none.</summary>
    public int MaxNumberOfRetries { get; }

    /// <summary>The time range; -1 for a child's whole life.</summary>
    public int WithinTimeRangeMilliseconds { get; }

    protected bool LoggingEnabled { get; set; }

    /// <returns>False when the supervisor is to fail itself.</returns>
    internal bool HandleFailure(ActorCell supervisor, ActorCell child, Exception cause)
    {
        Directive directive = Decider.Decide(cause);
        if (LoggingEnabled && directive != Directive.Escalate)
        {
            string source = child.Path.ToString();
            string reason = (cause as ActorInitializationException)?.InnerException?.Message ?? cause.Message;
            supervisor.System.Report(directive == Directive.Resume
                ? new Warning(cause, source, GetType(), reason)
                : new Error(cause, source, GetType(), reason));
        }

        switch (directive)
        {
            case Directive.Resume:
                child.SendSystem(new Resume(cause));
                return true;
            case Directive.Restart:
                Process(supervisor, child, cause, restart: true);
                return true;
            case Directive.Stop:
                Process(supervisor, child, cause, restart: false);
                return true;
            default:
                return false;
        }
    }

    private protected abstract void Process(ActorCell supervisor, ActorCell child, Exception cause, bool restart);

    private protected bool MayRestart(ActorCell supervisor, ActorCell child) =>
        (child.RestartStats ??= new ChildRestartStats())
            .RequestPermission(MaxNumberOfRetries, WithinTimeRangeMilliseconds, supervisor.System.Clock.Elapsed);

    private protected static int Milliseconds(TimeSpan? range) =>
        range is { } r && r != Timeout.InfiniteTimeSpan ? (int)r.TotalMilliseconds : -1;
}

/// <summary>Deals with the child that failed, and with no other.</summary>
public class OneForOneStrategy : SupervisorStrategy
{
    public OneForOneStrategy(
        int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
        : this(maxNrOfRetries, withinTimeRange, new LocalOnlyDecider(localOnlyDecider))
    {
    }

    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(maxNrOfRetries ?? -1, Milliseconds(withinTimeRange), decider)
    {
    }

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider,
        bool loggingEnabled = true)
        : this(maxNrOfRetries, withinTimeMilliseconds, new LocalOnlyDecider(localOnlyDecider), loggingEnabled)
    {
    }

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true)
        : base(decider, maxNrOfRetries, withinTimeMilliseconds, loggingEnabled)
    {
    }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(-1, -1, localOnlyDecider)
    {
    }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(-1, -1, localOnlyDecider, loggingEnabled)
    {
    }

    public OneForOneStrategy(IDecider decider)
        : this(-1, -1, decider)
    {
    }

    public OneForOneStrategy WithMaxNrOfRetries(int maxNrOfRetries) =>
        new(maxNrOfRetries, WithinTimeRangeMilliseconds, Decider, LoggingEnabled);

    private protected override void Process(ActorCell supervisor, ActorCell child, Exception cause, bool restart)
    {
        if (restart && MayRestart(supervisor, child))
        {
            child.SendSystem(new Recreate(cause));
        }
        else
        {
            supervisor.StopChild(child);
        }
    }
}

/// <summary>Deals with all children alike when one fails: they share a fate.</summary>
public class AllForOneStrategy : SupervisorStrategy
{
    public AllForOneStrategy(
        int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
        : this(maxNrOfRetries, withinTimeRange, new LocalOnlyDecider(localOnlyDecider))
    {
    }

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(maxNrOfRetries ?? -1, Milliseconds(withinTimeRange), decider)
    {
    }

    public AllForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider,
        bool loggingEnabled = true)
        : this(maxNrOfRetries, withinTimeMilliseconds, new LocalOnlyDecider(localOnlyDecider), loggingEnabled)
    {
    }

    public AllForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true)
        : base(decider, maxNrOfRetries, withinTimeMilliseconds, loggingEnabled)
    {
    }

    public AllForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(-1, -1, localOnlyDecider)
    {
    }

    public AllForOneStrategy(IDecider decider)
        : this(-1, -1, decider)
    {
    }

    private protected override void Process(ActorCell supervisor, ActorCell child, Exception cause, bool restart)
    {
        ActorCell[] children = supervisor.SnapshotOfChildren();
        if (restart && Array.TrueForAll(children, c => MayRestart(supervisor, c)))
        {
            foreach (ActorCell each in children)
            {
                if (!ReferenceEquals(each, child))
                {
                    each.SendSystem(new Suspend());
                }

                each.SendSystem(new Recreate(cause));
            }
        }
        else
        {
            foreach (ActorCell each in children)
            {
                supervisor.StopChild(each);
            }
        }
    }
}

/// <summary>How often a child was restarted of late.</summary>
/// <remarks>A window opens with the first restart; when it is over, the next restart opens another.</remarks>
internal sealed class ChildRestartStats
{
    private int _retries;
    private TimeSpan? _windowStart;

    public bool RequestPermission(int maxRetries, int withinMilliseconds, TimeSpan now)
    {
        if (maxRetries == 0)
        {
            return false;
        }

        if (withinMilliseconds <= 0)
        {
            return maxRetries < 0 || ++_retries <= maxRetries;
        }

        // A window without a count allows one restart in it, as in Akka.NET.
        int allowed = maxRetries < 0 ? 1 : maxRetries;
        _windowStart ??= now;
        if (now - _windowStart > TimeSpan.FromMilliseconds(withinMilliseconds))
        {
            _windowStart = now;
            _retries = 1;
            return true;
        }

        return ++_retries <= allowed;
    }
}
