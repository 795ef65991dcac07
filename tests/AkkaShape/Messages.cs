using Akka.Event;

namespace Akka.Actor;

public interface IAutoReceivedMessage;

public interface IPossiblyHarmful;

public interface INotInfluenceReceiveTimeout;

public sealed class PoisonPill : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression
{
    private PoisonPill()
    {
    }

    public static PoisonPill Instance => Shape.Of<PoisonPill>();
}

public sealed class Kill : IAutoReceivedMessage
{
    private Kill()
    {
    }

    public static Kill Instance => Shape.Of<Kill>();
}

public sealed class Terminated : IAutoReceivedMessage, IPossiblyHarmful, IDeadLetterSuppression
{
    public Terminated(IActorRef actorRef, bool existenceConfirmed, bool addressTerminated) => Shape.Nothing();

    public IActorRef ActorRef => Shape.Of<IActorRef>();

    public bool AddressTerminated => Shape.Of<bool>();

    public bool ExistenceConfirmed => Shape.Of<bool>();
}

public sealed class Identify : IAutoReceivedMessage, INotInfluenceReceiveTimeout
{
    public Identify(object messageId) => Shape.Nothing();

    public object MessageId => Shape.Of<object>();
}

public sealed class ActorIdentity
{
    public ActorIdentity(object messageId, IActorRef subject) => Shape.Nothing();

    public object MessageId => Shape.Of<object>();

    public IActorRef Subject => Shape.Of<IActorRef>();
}

public class ReceiveTimeout : IPossiblyHarmful
{
    private ReceiveTimeout()
    {
    }

    public static ReceiveTimeout Instance => Shape.Of<ReceiveTimeout>();
}

public abstract class Status
{
    public sealed class Success : Status
    {
        public static readonly Success Instance;
        public readonly object Status;

        public Success(object status) => Shape.Nothing();
    }

    public sealed class Failure : Status
    {
        public readonly Exception Cause;
        public readonly object State;

        public Failure(Exception cause) => Shape.Nothing();

        public Failure(Exception cause, object state) => Shape.Nothing();
    }
}

public abstract class AkkaException : Exception
{
    protected AkkaException()
    {
    }

    protected AkkaException(string message, Exception cause = null)
        : base(message, cause)
    {
    }
}

public class InvalidActorNameException : AkkaException
{
    public InvalidActorNameException(string message)
        : base(message)
    {
    }
}

public class InvalidMessageException : AkkaException
{
    public InvalidMessageException()
    {
    }

    public InvalidMessageException(string message)
        : base(message)
    {
    }
}

public class ActorInitializationException : AkkaException
{
    public ActorInitializationException()
    {
    }

    public ActorInitializationException(string message)
        : base(message)
    {
    }

    public ActorInitializationException(string message, Exception cause)
        : base(message, cause)
    {
    }

    public ActorInitializationException(IActorRef actor, string message, Exception cause = null)
        : base(message, cause)
    {
    }

    public IActorRef Actor { get; set; }
}

public class PreRestartException : ActorInitializationException
{
    public PreRestartException(
        IActorRef actor, Exception restartException, Exception cause, object optionalMessage) => Shape.Nothing();

    public object OptionalMessage => Shape.Of<object>();
}

public class PostRestartException : ActorInitializationException
{
    public PostRestartException(IActorRef actor, Exception cause, Exception originalCause) => Shape.Nothing();

    public Exception OriginalCause => Shape.Of<Exception>();
}

public class ActorKilledException : AkkaException
{
    public ActorKilledException(string message)
        : base(message)
    {
    }
}

public class DeathPactException : AkkaException
{
    public DeathPactException(IActorRef deadActor) => Shape.Nothing();

    public IActorRef DeadActor => Shape.Of<IActorRef>();
}

public class IllegalActorStateException : AkkaException
{
    public IllegalActorStateException(string message)
        : base(message)
    {
    }
}

public class StashOverflowException : AkkaException
{
    public StashOverflowException(string message, Exception cause = null)
        : base(message, cause)
    {
    }
}

public class AskTimeoutException : AkkaException
{
    public AskTimeoutException(string message)
        : base(message)
    {
    }
}

public class ActorNotFoundException : AkkaException
{
    public ActorNotFoundException()
    {
    }

    public ActorNotFoundException(string message, Exception innerException = null)
        : base(message, innerException)
    {
    }
}
