namespace HyperActors.Kernel;

/// <summary>What cells tell each other. Handled before user messages, even while those are suspended.</summary>
/// <remarks>A node of the receiver's queue: one object, one receiver.</remarks>
internal abstract class SystemMessage
{
    /// <summary>Stands in the queue of a cell that takes no more.</summary>
    public static readonly SystemMessage Closed = new ClosedMark();

    public SystemMessage? Next;

    private sealed class ClosedMark : SystemMessage;
}

/// <summary>System messages that a cell puts off while it waits for its children to stop.</summary>
internal abstract class DeferrableSystemMessage : SystemMessage;

internal sealed class Watch(InternalRef watchee, InternalRef watcher) : SystemMessage
{
    public InternalRef Watchee => watchee;

    public InternalRef Watcher => watcher;
}

internal sealed class Unwatch(InternalRef watcher) : SystemMessage
{
    public InternalRef Watcher => watcher;
}

internal sealed class DeathWatchNotification(InternalRef actor, bool existenceConfirmed) : SystemMessage
{
    public InternalRef Actor => actor;

    public bool ExistenceConfirmed => existenceConfirmed;
}

internal sealed class Terminate : SystemMessage;

internal sealed class Suspend : DeferrableSystemMessage;

internal sealed class Resume(Exception? causedByFailure) : DeferrableSystemMessage
{
    public Exception? CausedByFailure => causedByFailure;
}

internal sealed class Recreate(Exception cause) : DeferrableSystemMessage
{
    public Exception Cause => cause;
}

/// <summary>A child failed and waits for its supervisor's word.</summary>
internal sealed class Failed(ActorCell child, Exception cause) : DeferrableSystemMessage
{
    public ActorCell Child => child;

    public Exception Cause => cause;
}

/// <summary>The rest of an asynchronous handler, to run inside a turn of its actor.</summary>
internal sealed class Continuation(ActorTurnContext context, SendOrPostCallback callback, object? state) : SystemMessage
{
    public ActorTurnContext Context => context;

    public void Run() => callback(state);
}
