using Akka.Actor;

namespace Akka.Pattern;

public static class Backoff
{
    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        Shape.Of<BackoffOptions>();

    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => Shape.Of<BackoffOptions>();

    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        Shape.Of<BackoffOptions>();

    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => Shape.Of<BackoffOptions>();
}

public abstract class BackoffOptions
{
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);

    public abstract BackoffOptions WithManualReset();

    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);

    public abstract BackoffOptions WithDefaultStoppingStrategy();

    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);

    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);

    public abstract BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage);
}

public sealed class BackoffSupervisor : ActorBase
{
    private BackoffSupervisor()
    {
    }

    public static Props Props(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor) =>
        Shape.Of<Props>();

    public static Props Props(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => Shape.Of<Props>();

    public static Props PropsWithSupervisorStrategy(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        SupervisorStrategy strategy) => Shape.Of<Props>();

    public static Props Props(BackoffOptions options) => Shape.Of<Props>();

    protected override bool Receive(object message) => Shape.Of<bool>();

    public sealed class GetCurrentChild
    {
        public static readonly GetCurrentChild Instance;

        private GetCurrentChild()
        {
        }
    }

    public sealed class CurrentChild
    {
        public CurrentChild(IActorRef @ref) => Shape.Nothing();

        public IActorRef Ref => Shape.Of<IActorRef>();
    }

    public sealed class Reset
    {
        public static readonly Reset Instance;

        private Reset()
        {
        }
    }

    public sealed class GetRestartCount
    {
        public static readonly GetRestartCount Instance;

        private GetRestartCount()
        {
        }
    }

    public sealed class RestartCount
    {
        public RestartCount(int count) => Shape.Nothing();

        public int Count => Shape.Of<int>();
    }
}
