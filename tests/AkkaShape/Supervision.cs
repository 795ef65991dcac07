namespace Akka.Actor;

public enum Directive
{
    Resume,
    Restart,
    Escalate,
    Stop,
}

public interface IDecider
{
    Directive Decide(Exception cause);
}

public class LocalOnlyDecider : IDecider
{
    public LocalOnlyDecider(Func<Exception, Directive> decider) => Shape.Nothing();

    public Directive Decide(Exception cause) => Shape.Of<Directive>();
}

public abstract class SupervisorStrategy
{
    public static readonly SupervisorStrategy DefaultStrategy;
    public static readonly OneForOneStrategy StoppingStrategy;
    public static IDecider DefaultDecider = Shape.Of<IDecider>();

    private protected SupervisorStrategy()
    {
    }

    public abstract IDecider Decider { get; }

    protected bool LoggingEnabled { get; set; }
}

public class OneForOneStrategy : SupervisorStrategy
{
    public OneForOneStrategy(
        int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider) =>
        Shape.Nothing();

    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider) => Shape.Nothing();

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider,
        bool loggingEnabled = true) => Shape.Nothing();

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true) =>
        Shape.Nothing();

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider) => Shape.Nothing();

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true) =>
        Shape.Nothing();

    public OneForOneStrategy(IDecider decider) => Shape.Nothing();

    public override IDecider Decider => Shape.Of<IDecider>();

    public int MaxNumberOfRetries => Shape.Of<int>();

    public int WithinTimeRangeMilliseconds => Shape.Of<int>();

    public OneForOneStrategy WithMaxNrOfRetries(int maxNrOfRetries) => Shape.Of<OneForOneStrategy>();
}

public class AllForOneStrategy : SupervisorStrategy
{
    public AllForOneStrategy(
        int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider) =>
        Shape.Nothing();

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider) => Shape.Nothing();

    public AllForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider,
        bool loggingEnabled = true) => Shape.Nothing();

    public AllForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider, bool loggingEnabled = true) =>
        Shape.Nothing();

    public AllForOneStrategy(Func<Exception, Directive> localOnlyDecider) => Shape.Nothing();

    public AllForOneStrategy(IDecider decider) => Shape.Nothing();

    public override IDecider Decider => Shape.Of<IDecider>();

    public int MaxNumberOfRetries => Shape.Of<int>();

    public int WithinTimeRangeMilliseconds => Shape.Of<int>();
}
