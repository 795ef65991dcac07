namespace HyperActors.Actors;

/// <summary>One actor as data, whatever engine runs it.</summary>
/// <param name="Path">Its place in the tree.</param>
/// <param name="Type">Its class.</param>
/// <param name="MailboxLength">Messages that wait.</param>
/// <param name="Processed">Messages handled.</param>
/// <param name="Restarts">How often it was restarted.</param>
/// <param name="Dropped">Messages that its full mailbox dropped.</param>
/// <param name="Children">The actors below.</param>
public sealed record ActorView(
    string Path, string Type, long MailboxLength, long Processed, long Restarts, long Dropped, IReadOnlyList<ActorView> Children)
{
    /// <summary>The tree of a system, from the root down; null where the engine keeps no such account.</summary>
    internal static ActorView? Of(ActorSystem system)
    {
#if ENGINE_KEEPS_ACCOUNT
        return Of(system.Counters.Tree());
#else
        _ = system;
        return null;
#endif
    }

#if ENGINE_KEEPS_ACCOUNT
    private static ActorView Of(ActorSnapshot actor) => new(
        actor.Path,
        actor.Type,
        actor.MailboxLength,
        actor.Processed,
        actor.Restarts,
        actor.Dropped,
        [.. actor.Children.Select(Of)]);
#endif
}
