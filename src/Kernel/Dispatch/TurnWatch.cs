namespace HyperActors.Kernel;

/// <summary>
/// Sees to it that a handler which never ends holds up no other cell: what waits behind it on its thread for a whole
/// look goes to the thread pool. One thread for the process, which sleeps while nothing waits.
/// </summary>
/// <remarks>
/// The other half of <see cref="Worker.Next"/>. A turn of quick messages ends, and one of slow messages lets go by itself
/// between two of them; only a single long handler is left to this thread.
/// </remarks>
internal static class TurnWatch
{
    /// <summary>Milliseconds from one look to the next. Fewer rescue sooner, and wake the machine more often.</summary>
    private const int Interval = 1;

    private static readonly Lock Gate = new();
    private static readonly AutoResetEvent Wanted = new(false);
    private static readonly List<(WeakReference<Worker> Worker, long Turns)> Workers = [];
    private static bool s_isLooking;
    private static bool s_hasThread;

    /// <summary>Called once for every thread that runs turns.</summary>
    public static void Add(Worker worker)
    {
        lock (Gate)
        {
            Workers.Add((new WeakReference<Worker>(worker), 0));
        }
    }

    /// <summary>Something was left to wait behind a turn.</summary>
    public static void LookAgain()
    {
        if (!Volatile.Read(ref s_isLooking))
        {
            Begin();
        }
    }

    private static void Begin()
    {
        lock (Gate)
        {
            if (s_isLooking)
            {
                return;
            }

            Volatile.Write(ref s_isLooking, true);
            if (!s_hasThread)
            {
                s_hasThread = true;
                new Thread(Run) { IsBackground = true, Name = "kernel-watch" }.Start();
            }
        }

        Wanted.Set();
    }

    private static void Run()
    {
        while (true)
        {
            Wanted.WaitOne();
            do
            {
                Wanted.WaitOne(Interval);
            }
            while (Look() || !TryRest());
        }
    }

    /// <returns>True when anything waits, or turns went on: then there is reason to look again.</returns>
    private static bool Look()
    {
        bool isBusy = false;
        lock (Gate)
        {
            for (int i = Workers.Count - 1; i >= 0; i--)
            {
                (WeakReference<Worker> reference, long seen) = Workers[i];
                if (!reference.TryGetTarget(out Worker? worker))
                {
                    Workers.RemoveAt(i);
                    continue;
                }

                long turns = Volatile.Read(ref worker.Turns);
                if (turns != seen)
                {
                    Workers[i] = (reference, turns);
                    isBusy = true;
                }
                else if (Volatile.Read(ref worker.Next) is not null)
                {
                    worker.LetGoOfNext();
                    isBusy = true;
                }
            }
        }

        return isBusy;
    }

    private static bool TryRest()
    {
        Volatile.Write(ref s_isLooking, false);

        // A thread that left something and saw this one look is seen now; one that comes later sees that it rests.
        Interlocked.MemoryBarrierProcessWide();
        if (!Look())
        {
            return true;
        }

        Volatile.Write(ref s_isLooking, true);
        return false;
    }
}
