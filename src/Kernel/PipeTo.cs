namespace HyperActors.Kernel;

/// <summary>Tells an actor how a task ended.</summary>
/// <remarks>
/// The result itself, or what <c>success</c> makes of it; a <see cref="Status.Failure"/>, or what <c>failure</c> makes
/// of it. A task without a result says nothing when it succeeds, unless <c>success</c> does.
/// </remarks>
public static class PipeToSupport
{
    public static Task PipeTo<T>(
        this Task<T> taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<T, object>? success = null,
        Func<Exception, object>? failure = null) =>
        Quietly(static a => Pipe(a.taskToPipe, a.recipient, a.sender, a.success, a.failure),
            (taskToPipe, recipient, sender, success, failure));

    public static Task PipeTo<T>(
        this ValueTask<T> taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<T, object>? success = null,
        Func<Exception, object>? failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    public static Task PipeTo(
        this Task taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<object>? success = null,
        Func<Exception, object>? failure = null) =>
        Quietly(static a => Pipe(a.taskToPipe, a.recipient, a.sender, a.success, a.failure),
            (taskToPipe, recipient, sender, success, failure));

    public static Task PipeTo(
        this ValueTask taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<object>? success = null,
        Func<Exception, object>? failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    private static async Task Pipe<T>(
        Task<T> task, ICanTell recipient, IActorRef? sender, Func<T, object>? success,
        Func<Exception, object>? failure)
    {
        try
        {
            T result = await task;
            recipient.Tell(success is null ? result! : success(result), sender);
        }
        catch (Exception e)
        {
            recipient.Tell(failure is null ? new Status.Failure(e) : failure(e), sender);
        }
    }

    private static async Task Pipe(
        Task task, ICanTell recipient, IActorRef? sender, Func<object>? success, Func<Exception, object>? failure)
    {
        try
        {
            await task;
            if (success is not null)
            {
                recipient.Tell(success(), sender);
            }
        }
        catch (Exception e)
        {
            recipient.Tell(failure is null ? new Status.Failure(e) : failure(e), sender);
        }
    }

    /// <summary>
    /// What is piped must arrive even if the actor that piped it stops, so its turn's context stays out of it; in a
    /// deterministic run the run's own context stands in, so that no thread pool has a say.
    /// </summary>
    private static Task Quietly<TArgument>(Func<TArgument, Task> pipe, TArgument argument)
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext? inner = DeterministicSystem.ContextOfThread;
        if (ReferenceEquals(outer, inner))
        {
            return pipe(argument);
        }

        SynchronizationContext.SetSynchronizationContext(inner);
        try
        {
            return pipe(argument);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }
}
