namespace HyperActors.Kernel;

/// <summary>Gives actors their turns.</summary>
public abstract class MessageDispatcher
{
    /// <summary>The name of the thread pool's dispatcher.</summary>
    public const string DefaultId = "akka.actor.default-dispatcher";

    private protected MessageDispatcher(string id, int throughput)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(throughput, 1);
        Id = id;
        Throughput = throughput;
    }

    public string Id { get; }

    /// <summary>Messages in one turn. More is faster, fewer is fairer to the other actors of the same threads.</summary>
    public int Throughput { get; }

    /// <summary>True where every delivery is told to <see cref="Deliver"/>.</summary>
    internal virtual bool Journals => false;

    /// <summary>A cell has something to do for the first time.</summary>
    internal abstract void Schedule(ActorCell cell);

    /// <summary>A cell used up its turn and has more to do: the others go first.</summary>
    internal virtual void ScheduleAgain(ActorCell cell) => Schedule(cell);

    internal virtual void Deliver(ActorCell cell, object message)
    {
    }

    internal virtual void Stop()
    {
    }
}

/// <summary>Turns on the threads of the .NET thread pool.</summary>
internal sealed class ThreadPoolDispatcher(string id, int throughput) : MessageDispatcher(id, throughput)
{
    /// <summary>Of so many times that a cell is woken, one goes by way of the queue that all threads share.</summary>
    private const uint LocalRun = 32;

    // What an actor wakes runs next on the same core, while its message is in the cache: the first in the same run of
    // turns, others from the thread's own queue. A thread that only ever served itself would starve what waits in the
    // shared queue, so now and then a cell goes there instead.
    internal override void Schedule(ActorCell cell)
    {
        if (Worker.TryKeep(cell))
        {
            return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(cell, preferLocal: ++cell.Wakes % LocalRun != 0);
    }

    internal override void ScheduleAgain(ActorCell cell) => ThreadPool.UnsafeQueueUserWorkItem(cell, preferLocal: false);
}
