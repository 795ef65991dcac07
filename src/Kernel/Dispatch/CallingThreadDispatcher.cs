namespace HyperActors.Kernel;

/// <summary>Turns on the thread that tells, before the tell returns: for tests, and for what must not wait.</summary>
/// <remarks>Whoever is told from within such a turn goes next on the same thread, so that no stack grows.</remarks>
internal sealed class CallingThreadDispatcher(string id, int throughput) : MessageDispatcher(id, throughput)
{
    [ThreadStatic]
    private static Queue<(ActorCell Cell, int Throughput)>? t_waiting;

    internal override void Schedule(ActorCell cell)
    {
        if (t_waiting is { } waiting)
        {
            waiting.Enqueue((cell, Throughput));
            return;
        }

        t_waiting = new Queue<(ActorCell Cell, int Throughput)>();
        try
        {
            t_waiting.Enqueue((cell, Throughput));
            while (t_waiting.TryDequeue(out (ActorCell Cell, int Throughput) next))
            {
                if (next.Cell.RunTurn(next.Throughput))
                {
                    t_waiting.Enqueue(next);
                }
            }
        }
        finally
        {
            t_waiting = null;
        }
    }
}
