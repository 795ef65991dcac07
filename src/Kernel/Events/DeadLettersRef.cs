namespace HyperActors.Kernel;

/// <summary>Where messages go that nobody receives: counted by type, and published.</summary>
internal sealed class DeadLettersRef(ActorSystem system) : InternalRef
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Type, long> _counts = [];

    public override ActorPath Path => field ??= system.RootPath / "deadLetters";

    public override ActorSystem Home => system;

    public IReadOnlyDictionary<Type, long> Counts
    {
        get
        {
            lock (_lock)
            {
                return new Dictionary<Type, long>(_counts);
            }
        }
    }

    public override void Tell(object message, IActorRef? sender)
    {
        DeadLetter letter = message as DeadLetter
            ?? new DeadLetter(message ?? throw new InvalidMessageException(), sender ?? this, this);
        lock (_lock)
        {
            Type type = letter.Message.GetType();
            _counts[type] = _counts.GetValueOrDefault(type) + 1;
        }

        if (letter.Message is Identify identify)
        {
            letter.Sender.Tell(new ActorIdentity(identify.MessageId, null), this);
        }
        else if (letter.Message is IDeadLetterSuppression suppressed)
        {
            system.EventStream.Publish(new SuppressedDeadLetter(suppressed, letter.Sender, letter.Recipient));
        }
        else
        {
            system.EventStream.Publish(letter);
        }
    }

    public override void SendSystem(SystemMessage message)
    {
        if (message is Watch watch)
        {
            watch.Watcher.SendSystem(new DeathWatchNotification(this, existenceConfirmed: false));
        }
    }
}
