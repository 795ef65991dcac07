namespace HyperActors.Kernel;

/// <summary>One actor as data.</summary>
/// <param name="Path">Its place in the tree.</param>
/// <param name="Type">The class of the actor; the engine's own for guardians.</param>
/// <param name="MailboxLength">Messages that wait, as far as can be told while others write.</param>
/// <param name="Processed">Messages taken from the mailbox, up to the last whole turn.</param>
/// <param name="Restarts">How often it was restarted.</param>
/// <param name="Dropped">Messages that its full mailbox dropped.</param>
/// <param name="TimeInHandlers">Time in its turns, as long as somebody listens to kernel.turn.duration.</param>
/// <param name="Children">The actors below.</param>
public sealed record ActorSnapshot(
    string Path, string Type, long MailboxLength, long Processed, int Restarts, long Dropped, TimeSpan TimeInHandlers,
    IReadOnlyList<ActorSnapshot> Children);

/// <summary>The sums over a system, stopped actors included where it is a count of what happened.</summary>
public readonly record struct KernelTotals(
    long Actors, long Waiting, long Processed, long Restarts, long Dropped, long DeadLetters);

/// <summary>What can be seen of a system from outside. Taking a look costs the looker, not the actors.</summary>
public sealed class KernelCounters
{
    private readonly ActorSystem _system;
    private long _processed;
    private long _restarts;
    private long _dropped;

    internal KernelCounters(ActorSystem system) => _system = system;

    /// <summary>Dead letters by the type of their message.</summary>
    public IReadOnlyDictionary<Type, long> DeadLetters => _system.DeadLetterOffice.Counts;

    /// <summary>The tree, from the root down.</summary>
    public ActorSnapshot Tree() => Snapshot(_system.RootGuardian);

    public KernelTotals Totals()
    {
        var totals = new KernelTotals(
            0, 0, Volatile.Read(ref _processed), Volatile.Read(ref _restarts), Volatile.Read(ref _dropped),
            DeadLetters.Values.Sum());
        var rest = new Stack<ActorCell>();
        rest.Push(_system.RootGuardian);
        while (rest.TryPop(out ActorCell? cell))
        {
            // What an actor did that has ended is in the sums already.
            if (cell.IsTerminated)
            {
                continue;
            }

            totals = totals with
            {
                Actors = totals.Actors + 1,
                Waiting = totals.Waiting + cell.MailboxLength,
                Processed = totals.Processed + cell.Processed,
                Restarts = totals.Restarts + cell.Restarts,
                Dropped = totals.Dropped + cell.Dropped,
            };
            foreach (ActorCell child in cell.SnapshotOfChildren())
            {
                rest.Push(child);
            }
        }

        return totals;
    }

    /// <summary>Keeps the counts of an actor that ended.</summary>
    internal void Retire(ActorCell cell)
    {
        Interlocked.Add(ref _processed, cell.Processed);
        Interlocked.Add(ref _restarts, cell.Restarts);
        Interlocked.Add(ref _dropped, cell.Dropped);
    }

    private static ActorSnapshot Snapshot(ActorCell cell) => new(
        cell.Path.ToStringWithoutAddress(), cell.ActorType.Name, cell.MailboxLength, cell.Processed, cell.Restarts,
        cell.Dropped, cell.TimeInHandlers, [.. cell.SnapshotOfChildren().Select(Snapshot)]);
}
