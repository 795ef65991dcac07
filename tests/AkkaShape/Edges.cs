namespace Akka.Actor;

public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) =>
        Shape.Of<Task<object>>();

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken) =>
        Shape.Of<Task<object>>();

    public static Task<object> Ask(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        Shape.Of<Task<object>>();

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) =>
        Shape.Of<Task<T>>();

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) =>
        Shape.Of<Task<T>>();

    public static Task<T> Ask<T>(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        Shape.Of<Task<T>>();

    public static Task<T> Ask<T>(
        this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout,
        CancellationToken cancellationToken) => Shape.Of<Task<T>>();
}

public static class GracefulStopSupport
{
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) => Shape.Of<Task<bool>>();

    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage) =>
        Shape.Of<Task<bool>>();
}

public static class PipeToSupport
{
    public static Task PipeTo<T>(
        this Task<T> taskToPipe, ICanTell recipient, IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) => Shape.Of<Task>();

    public static Task PipeTo<T>(
        this ValueTask<T> taskToPipe, ICanTell recipient, IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) => Shape.Of<Task>();

    public static Task PipeTo(
        this Task taskToPipe, ICanTell recipient, IActorRef sender = null, Func<object> success = null,
        Func<Exception, object> failure = null) => Shape.Of<Task>();

    public static Task PipeTo(
        this ValueTask taskToPipe, ICanTell recipient, IActorRef sender = null, Func<object> success = null,
        Func<Exception, object> failure = null) => Shape.Of<Task>();
}

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

    private CoordinatedShutdown()
    {
    }

    public TimeSpan TotalTimeout => Shape.Of<TimeSpan>();

    public Reason ShutdownReason => Shape.Of<Reason>();

    public static CoordinatedShutdown Get(ActorSystem sys) => Shape.Of<CoordinatedShutdown>();

    public void AddTask(string phase, string taskName, Func<Task<Done>> task) => Shape.Nothing();

    public Task<Done> Run(Reason reason, string fromPhase = null) => Shape.Of<Task<Done>>();

    public TimeSpan Timeout(string phase) => Shape.Of<TimeSpan>();

    public abstract class Reason
    {
        protected Reason()
        {
        }
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance;

        private protected UnknownReason()
        {
        }
    }

    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance;

        private protected ActorSystemTerminateReason()
        {
        }
    }

    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance;

        private protected ClrExitReason()
        {
        }
    }
}
