namespace HyperActors.Kernel;

/// <summary>What goes wrong in the engine rather than in an actor of yours.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException()
    {
    }

    protected AkkaException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>A name that is malformed, or that a sibling bears.</summary>
public class InvalidActorNameException : AkkaException
{
    public InvalidActorNameException(string message)
        : base(message)
    {
    }

    public InvalidActorNameException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Null was told to nobody: to the dead letters. Actors refuse it with an <see cref="ArgumentNullException"/>.</summary>
public class InvalidMessageException : AkkaException
{
    public InvalidMessageException()
        : this("Message is null")
    {
    }

    public InvalidMessageException(string message)
        : base(message)
    {
    }
}

/// <summary>The constructor or PreStart threw; the cause is inside. Supervisors stop such an actor by default.</summary>
public class ActorInitializationException : AkkaException
{
    public ActorInitializationException(string message)
        : base(message)
    {
    }

    public ActorInitializationException(string message, Exception? cause)
        : base(message, cause)
    {
    }

    public ActorInitializationException(IActorRef? actor, string message, Exception? cause = null)
        : base($"{actor}: {message}", cause) => Actor = actor;

    public IActorRef? Actor { get; set; }
}

/// <summary>PreRestart threw. It is logged, and the restart goes on.</summary>
public class PreRestartException : ActorInitializationException
{
    public PreRestartException(IActorRef actor, Exception restartException, Exception? cause, object? optionalMessage)
        : base(actor, $"PreRestart failed while restarting after {cause?.GetType().Name}", restartException)
    {
        OptionalMessage = optionalMessage;
    }

    public object? OptionalMessage { get; }
}

/// <summary>The constructor, PostRestart or PreStart threw while restarting.</summary>
public class PostRestartException : ActorInitializationException
{
    public PostRestartException(IActorRef actor, Exception cause, Exception? originalCause)
        : base(actor, $"Exception post restart ({originalCause?.GetType().Name ?? "null"})", cause) =>
        OriginalCause = originalCause;

    public Exception? OriginalCause { get; }
}

/// <summary>The actor got a <see cref="Kill"/>.</summary>
public class ActorKilledException : AkkaException
{
    public ActorKilledException(string message)
        : base(message)
    {
    }
}

/// <summary>An actor watched another one, and does not handle its <see cref="Terminated"/>.</summary>
public class DeathPactException : AkkaException
{
    public DeathPactException(IActorRef deadActor)
        : base($"Monitored actor {deadActor} terminated") => DeadActor = deadActor;

    public IActorRef DeadActor { get; }
}

/// <summary>Something was done to an actor that its state does not allow.</summary>
public class IllegalActorStateException : AkkaException
{
    public IllegalActorStateException(string message)
        : base(message)
    {
    }
}

/// <summary>A stash with a capacity is full.</summary>
public class StashOverflowException : AkkaException
{
    public StashOverflowException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>Nobody answered an Ask in time.</summary>
public class AskTimeoutException : AkkaException
{
    public AskTimeoutException(string message)
        : base(message)
    {
    }
}

/// <summary>A selection found nobody.</summary>
public class ActorNotFoundException : AkkaException
{
    public ActorNotFoundException()
    {
    }

    public ActorNotFoundException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>Settings name something that does not exist.</summary>
public class ConfigurationException : AkkaException
{
    public ConfigurationException(string message)
        : base(message)
    {
    }
}
